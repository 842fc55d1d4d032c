"""The sentences of one finding."""

from __future__ import annotations

from dataclasses import dataclass

from otai.words.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Words:
    """`message` says what was found, `advice` what to do about it where there is something."""

    message: tuple[Sentence, ...]
    advice: str | tuple[str, ...] = ()

    @property
    def advices(self) -> tuple[str, ...]:
        """What would help, as a tuple however many sentences there are."""
        return (self.advice,) if isinstance(self.advice, str) else self.advice
