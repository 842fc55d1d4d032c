"""Why something happened, as a line of history keeps it."""

from __future__ import annotations

from typing import Any

from otai.words.sentences import Fact


def kept(why: str | Fact, details: dict[str, Any]) -> dict[str, Any]:
    """The columns `why` and `details` of a line: a person's own words stay text, what we know is kept as a fact."""
    if isinstance(why, Fact):
        return {"why": "", "details": {**details, "why": why.as_dict()}}
    return {"why": why, "details": details}


class Explained:
    """A row with `why` and `details` as `kept` makes them. Rows of release 0.1 have English text only."""

    why: Any
    details: Any

    @property
    def fact(self) -> Fact | None:
        """What we know of the why; None where a person wrote it, and in rows of release 0.1."""
        return Fact.from_dict(self.details["why"]) if self.details.get("why") else None

    def explained(self) -> dict[str, Any]:
        """For the doors that answer programs: `why` in English, and `fact`, its code and values (None: a person's own
        words)."""
        return {"why": self.said(), "fact": self.fact.as_dict() if self.fact else None}

    def said(self, *, language: str = "en") -> str:
        """The why as a sentence in the language of whoever reads it; a person's own words as they were written."""
        # Loading the language's books takes longer than most commands, which tell no history.
        from otai.words.catalogue import say_fact

        return say_fact(self.fact, language=language) if self.fact else str(self.why)
