"""What happened and why, as a line of history keeps it: what we know as codes with values, which each reader is told in
their language; a person's own words as they were written."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from otai.words.sentences import Fact

ARROW = "-> "


class Arrow(str):
    """A change of status, as it is stored: `queued -> training`; `-> queued` where something begins."""


def arrow(before: str, after: str) -> Arrow:
    """The change from one status to another, by their codes; `before` is empty where something begins."""
    return Arrow(f"{before} {ARROW}{after}".strip())


class Occurrence(StrEnum):
    """What happens without a change of status: each room lists its own, by the code that is stored."""

    @property
    def stored_as(self) -> tuple[str, str]:
        """For queries: the code, and the English words that release 0.1 stored."""
        return self.value, self.value.replace("_", " ")


def kept(why: str | Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    """The columns `why` and `details` of a line: a person's own words stay text, what we know is kept as a fact."""
    if isinstance(why, Fact):
        return {"why": "", "details": {**details, "why": why.as_dict()}}
    return {"why": why, "details": dict(details)}


def as_text(why: str | Fact) -> str:
    """What a column keeps that has no place for values: a person's own words, or the code of what we know."""
    return why.code if isinstance(why, Fact) else why


def said_beside(fact: Mapping[str, Any], text: str, *, language: str = "en") -> str:
    """What a row keeps as `fact` with its code (`as_text`) in a column of text beside: as a sentence. A person's own
    words, and what a release before kept in words alone, as they are."""
    # Loading the language's books takes longer than most commands, which tell no history.
    from otai.words.catalogue import say_fact

    return say_fact(fact, language=language) if fact else text


class Explained:
    """A row with `move`, `why` and `details` as `kept` makes them. Release 0.1 stored English words."""

    move: Any
    why: Any
    details: Any

    @property
    def changed(self) -> str:
        """The code of what a change of status says; of orders some statuses are called otherwise."""
        return "status_changed"

    @property
    def what(self) -> str:
        """What happened: an arrow, or the code of an occurrence."""
        stored = str(self.move)
        return stored if ARROW in stored else stored.replace(" ", "_").replace("-", "_")

    @property
    def fact(self) -> Fact | None:
        """What we know of the why; None where a person wrote it, and in rows of release 0.1."""
        return Fact.from_dict(self.details["why"]) if self.details.get("why") else None

    @property
    def why_as_text(self) -> str:
        """The why as `as_text` keeps it."""
        return as_text(self.fact or str(self.why))

    def explained(self) -> dict[str, Any]:
        """For the doors that answer programs: `why` in English, and `fact`, its code and values (None: a person's own
        words)."""
        return {"why": self.said(), "fact": self.fact.as_dict() if self.fact else None}

    def said(self, *, language: str = "en") -> str:
        """The why as a sentence in the language of whoever reads it; a person's own words as they were written."""
        # Loading the language's books takes longer than most commands, which tell no history.
        from otai.words.catalogue import say_fact

        return say_fact(self.fact, language=language) if self.fact else str(self.why)

    def happened(self, *, language: str = "en") -> str:
        """What happened, in the language of whoever reads it: `queued -> training`, `tickets deleted`."""
        from otai.words.catalogue import say_fact

        before, is_move, after = self.what.partition(ARROW)
        if is_move:
            changed = Fact(self.changed, {"before": before.strip() or None, "after": after})
            return say_fact(changed, language=language)
        known = Fact(f"happened.{self.what}", self.details).as_dict()
        return say_fact({**known, "written": str(self.move)}, language=language)
