"""What is predicted: attributes, and the kinds of values they have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AttributeKind(StrEnum):
    """What the values of an attribute are."""

    SINGLE = "single"
    """exactly one label a ticket"""
    MULTI = "multi"
    """any number of labels a ticket, such as tags"""
    ORDERED = "ordered"
    """exactly one label a ticket, and the labels have an order, such as priority"""


@dataclass(frozen=True)
class AttributeSpec:
    """One thing to predict. `order` lists an ordered attribute's labels from lowest to highest; others leave it empty.

    An ordered attribute without an order takes its labels in the order of their numbers if all are numbers, else by
    alphabet.
    """

    name: str
    kind: AttributeKind = AttributeKind.SINGLE
    order: tuple[str, ...] = ()

    @property
    def is_multi(self) -> bool:
        """Whether a ticket may have any number of its labels."""
        return self.kind is AttributeKind.MULTI
