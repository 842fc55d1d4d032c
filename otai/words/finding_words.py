"""The sentences of one finding."""

from __future__ import annotations

from dataclasses import dataclass

from otai.words.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Words:
    """`message` says what was found, `advice` what to do about it where there is something; `page` and `api` where
    that is done there, after the last sentence of the advice: a field, a parameter. The command line names its options
    itself."""

    message: tuple[Sentence, ...]
    advice: str | tuple[str, ...] = ()
    page: str = ""
    api: str = ""

    @property
    def advices(self) -> tuple[str, ...]:
        """What would help, as a tuple however many sentences there are."""
        return (self.advice,) if isinstance(self.advice, str) else self.advice

    def step(self, door: str) -> str:
        """Where the advice is followed at a door: page, api or command; empty where nothing needs to be said."""
        return {"page": self.page, "api": self.api, "command": ""}[door]
