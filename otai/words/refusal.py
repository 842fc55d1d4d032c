"""What a table of refusals holds: for each code and case its sentences, and what would help at which door."""

from __future__ import annotations

from dataclasses import dataclass

from otai.words.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Refusal:
    """`message` says what was refused, the most exact sentence first; `page`, `api` and `command` what would help
    there: a field or button, a parameter, an option or command."""

    message: tuple[Sentence, ...]
    page: str = ""
    api: str = ""
    command: str = ""

    def step(self, door: str) -> str:
        """What would help at a door; empty where nothing does."""
        return {"page": self.page, "api": self.api, "command": self.command}[door]


def said(*message: Sentence, page: str = "", api: str = "", command: str = "") -> Refusal:
    """The sentences of a refusal, and the next step at each door."""
    return Refusal(message, page, api, command)
