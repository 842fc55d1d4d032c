"""What a sentence is: a text with places for values, or two of them, of which a number picks one."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Counted:
    """A sentence that depends on a number: `one` where the value called `by` is 1 (or what the language counts as
    such)."""

    one: str
    other: str
    by: str


class Meant(str):
    """A sentence of which languages write more than one: `context` says which is meant. English writes them alike."""

    context: str

    def __new__(cls, text: str, *, context: str) -> Meant:
        made = super().__new__(cls, text)
        made.context = context
        return made


Sentence = str | Counted


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as a code with values, JSON-serialisable: what is stored, and what doors turn into a sentence."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON: the code and its values. `from_dict` reads it."""
        return {"code": self.code, "values": dict(self.values)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Fact:
        """The fact of `as_dict`; one stored without values has none."""
        return cls(str(stored["code"]), dict(stored.get("values") or {}))


def places(sentence: Sentence) -> set[str]:
    """The names of the values that a sentence needs."""
    texts = (sentence,) if isinstance(sentence, str) else (sentence.one, sentence.other)
    named = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
    return named | ({sentence.by} if isinstance(sentence, Counted) else set())
