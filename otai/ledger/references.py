"""What a movement of credits is about, in the one column that a row has for it: `run:019a...`, `purchase:OT-...`.

Made and read here alone. The column is in the hash chain, and what is asked for by its whole value (the movements of a
run) is asked for by what is made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ReferredTo(StrEnum):
    """What it may be; the ledger knows none of them but by name."""

    RUN = "run"
    PURCHASE = "purchase"
    TIER = "tier"
    GUARANTEE = "guarantee"


@dataclass(frozen=True, slots=True)
class EntryReference:
    """One thing by its id (runs, guarantees) or its name (purchases by their reference, tiers by their code)."""

    to: ReferredTo
    name: str

    def __str__(self) -> str:
        return f"{self.to.value}:{self.name}"

    @property
    def id(self) -> UUID | None:
        """The name as an id; None where it is none."""
        try:
            return UUID(self.name)
        except ValueError:
            return None


def reference_to(to: ReferredTo, name: object) -> str:
    """The column's text for one thing."""
    return str(EntryReference(to, str(name)))


def read_reference(stored: str) -> EntryReference | None:
    """What `reference_to` made the text of; None for what names no such thing, as `goodwill` does."""
    kind, _colon, name = stored.partition(":")
    return EntryReference(ReferredTo(kind), name) if name and kind in set(ReferredTo) else None
