"""Ids of tickets that came without one: `row 17`, `file 2, row 17`, `version 3, row 17`, `feedback 0a1b2c3d4e5f`.

They are stored like any id and never change; whoever shows one to a person says it in their language (`said`).
"""

from __future__ import annotations

import re

from otai.words.catalogue import ENGLISH, say_fact
from otai.words.sentences import Fact

ROW, FILE, VERSION, FEEDBACK = "row", "file", "version", "feedback"

_OWN = re.compile(rf"(?:{VERSION} (\d+), )?(?:{FILE} (\d+), )?{ROW} (\d+)")
_TOLD_APART = re.compile(rf"(.*) \({ROW} (\d+)\)", re.DOTALL)
_OF_FEEDBACK = re.compile(rf"{FEEDBACK} ([0-9a-f]+)")


def prefix(*, file: int = 1, after_version: int | None = None) -> str:
    """What stands before the rows of another file than the first, and of those that are added to a version."""
    added = f"{VERSION} {after_version + 1}, " if after_version is not None else ""
    return f"{added}{FILE} {file}, " if file > 1 else added


def of_feedback(id: str) -> str:
    """The id of a ticket that was made from feedback."""
    return f"{FEEDBACK} {id[-12:]}"


def said(id: str, *, language: str = ENGLISH) -> str:
    """The id for a person: ours in their language, any other as it is."""
    if own := _OWN.fullmatch(id):
        named = zip((VERSION, FILE, ROW), own.groups(), strict=True)
        return ", ".join(_part(name, number, language) for name, number in named if number)
    if feedback := _OF_FEEDBACK.fullmatch(id):
        return _part(FEEDBACK, feedback[1], language)
    if apart := _TOLD_APART.fullmatch(id):
        return f"{apart[1]} ({_part(ROW, apart[2], language)})"
    return id


def _part(name: str, number: str, language: str) -> str:
    return say_fact(Fact(f"own_id.{name}", {"number": number}), language=language)
