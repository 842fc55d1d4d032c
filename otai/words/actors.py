"""Who did something, in the one column that a row has for it. Made and read here alone, and said by the catalogue.

| column | who |
|---|---|
| `alice@acme.example`, `olga` | a person, by their mail address or the name that they gave at a command line |
| `desk:olga` | an operator at the desk, by their name there |
| `shell:otto` | an account of the machine that ran `otai` |
| `key:k3m9pq2x:nightly import` | a program of an organisation, by its API key |
| `vendor-key:k3m9pq2x:dashboard` | a program of the vendor |
| `person:12` | whoever was erased |
| `sweep` | a part of the Studio (`PARTS`) |
| `desk:olga, desk:otto` | two operators, where it takes two |

Rows of a release before have English behind a name, `olga (desk)`; those that are chained stay so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from otai.words.sentences import Fact

StoredActor = str
"""The text of a column."""


class ActorKind(StrEnum):
    """`named`: a person or a part of the Studio, by the text alone."""

    NAMED = "named"
    DESK = "desk"
    SHELL = "shell"
    KEY = "key"
    VENDOR_KEY = "vendor-key"
    ERASED = "person"
    PART = "part"


PARTS: Mapping[str, str] = {
    **{code: code for code in ("housekeeping", "sweep", "billing", "webhooks", "guarantee", "forecast", "comparison")},
    **{code: code for code in ("advice", "import", "approvals", "demo")},
    "automatic top-up": "top_up",
    "price book": "price_book",
    "VIES": "vies",
    "command line": "command_line",
}
"""Parts of the Studio that do something by themselves: the code of each by what rows keep of it."""

PROGRAMS = frozenset({ActorKind.KEY, ActorKind.VENDOR_KEY})

_CODED = re.compile(
    r"(?P<kind>key|vendor-key):(?P<id>[a-z0-9]{1,12}):(?P<name>.+)|(?P<plain>desk|shell):(?P<who>.+)|person:(?P<number>\d+)",
    re.DOTALL,
)
_OF_BEFORE = re.compile(
    r"(?P<name>.+) \((?:(?P<kind>API key|vendor key) (?P<id>[a-z0-9]{1,12})|(?P<plain>desk|command line))\)",
    re.DOTALL,
)
_KINDS_OF_BEFORE = {
    "API key": ActorKind.KEY,
    "vendor key": ActorKind.VENDOR_KEY,
    "desk": ActorKind.DESK,
    "command line": ActorKind.SHELL,
}
BETWEEN_TWO = ", "


@dataclass(frozen=True, slots=True)
class Actor:
    """`id`: the prefix of a key, the number of an erased person; of all others it is their name."""

    kind: ActorKind
    id: str
    name: str

    def __str__(self) -> str:
        """The column's text."""
        match self.kind:
            case ActorKind.KEY | ActorKind.VENDOR_KEY:
                return f"{self.kind.value}:{self.id}:{self.name}"
            case ActorKind.DESK | ActorKind.SHELL | ActorKind.ERASED:
                return f"{self.kind.value}:{self.id}"
        return self.name

    @property
    def fact(self) -> Fact | None:
        """What is said of them (`words/tables/actors.py`); None where it is the name alone."""
        match self.kind:
            case ActorKind.KEY | ActorKind.VENDOR_KEY:
                return Fact(f"actor.{self.kind.value}", {"name": self.name, "key": self.id})
            case ActorKind.DESK | ActorKind.SHELL:
                return Fact(f"actor.{self.kind.value}", {"name": self.name})
            case ActorKind.ERASED:
                return Fact("actor.person", {"number": self.id})
            case ActorKind.PART:
                return Fact(f"actor.part.{PARTS[self.id]}")
        return None

    def is_same_person(self, other: Actor) -> bool:
        """Whether one human being is behind both: at the desk and at a command line they have one name. A program is
        no person, and the same as itself alone."""
        if self.kind in PROGRAMS or other.kind in PROGRAMS:
            return (self.kind, self.id) == (other.kind, other.id)
        return self._person == other._person

    @property
    def _person(self) -> str:
        # Whoever writes something in brackets behind their name at a command line stays the same person.
        return self.name.partition(" (")[0].strip().casefold()


def by_key(name: str, prefix: str) -> StoredActor:
    """The column's text for a program, by its API key."""
    return str(Actor(ActorKind.KEY, prefix, name))


def spellings_of_a_key(name: str, prefix: str) -> tuple[str, str]:
    """All texts that stand for a program in columns and details: as now, and as a release before wrote it."""
    return by_key(name, prefix), f"{name} (API key {prefix})"


def by_vendor_key(name: str, prefix: str) -> StoredActor:
    """The column's text for a program of the vendor."""
    return str(Actor(ActorKind.VENDOR_KEY, prefix, name))


def at_the_desk(name: str) -> StoredActor:
    """The column's text for an operator at the desk."""
    return str(Actor(ActorKind.DESK, name, name))


def at_a_shell(account: str) -> StoredActor:
    """The column's text for an account of a machine."""
    return str(Actor(ActorKind.SHELL, account, account))


def together(first: StoredActor, second: StoredActor) -> StoredActor:
    """The column's text for two operators."""
    return f"{first}{BETWEEN_TWO}{second}"


def read_actor(stored: StoredActor) -> Actor:
    """Who stands in a column, also as a release before wrote it."""
    if found := _CODED.fullmatch(stored):
        if found["kind"]:
            return Actor(ActorKind(found["kind"]), found["id"], found["name"])
        if found["plain"]:
            return Actor(ActorKind(found["plain"]), found["who"], found["who"])
        return Actor(ActorKind.ERASED, found["number"], stored)
    if found := _OF_BEFORE.fullmatch(stored):
        return Actor(_KINDS_OF_BEFORE[found["kind"] or found["plain"]], found["id"] or found["name"], found["name"])
    return Actor(ActorKind.PART if stored in PARTS else ActorKind.NAMED, stored, stored)


def read_actors(stored: StoredActor) -> tuple[Actor, ...]:
    """The two that `together` put down, else the one."""
    both = tuple(map(read_actor, stored.split(BETWEEN_TWO)))
    is_pair = len(both) == 2 and not any(one.kind in PROGRAMS for one in both)
    return both if is_pair else (read_actor(stored),)


def is_same_person(one: StoredActor, other: StoredActor) -> bool:
    """The same of what two columns keep."""
    return read_actor(one).is_same_person(read_actor(other))
