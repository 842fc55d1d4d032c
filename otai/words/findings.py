"""What stands out in a data set or a training: each code's sentence, and what to do about it.

A code has several sentences where its values are not always there, the most exact first: evidence that was made from
deleted tickets keeps its figures and loses names, and says less then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from otai.words.card_findings import CARD
from otai.words.catalogue import ENGLISH, first_that_fits, say_fact, translated
from otai.words.data_findings import DATA
from otai.words.finding_words import Words
from otai.words.sentences import Sentence


class Found(Protocol):
    """A finding, of whichever room."""

    @property
    def code(self) -> str: ...
    @property
    def attribute(self) -> str | None: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def written(self) -> str: ...


def message(found: Found, *, of_card: bool = False, language: str = ENGLISH) -> str:
    """What was found. `of_card`: by a training, not by an import (one code stands in both). What this release does not
    know is as it was written."""
    words = (CARD if of_card else DATA).get(found.code)
    said = first_that_fits(words.message, _values(found), language=language) if words else None
    return said if said is not None else found.written or found.code


def advice(found: Found, *, door: str = "page", language: str = ENGLISH) -> str:
    """What to do about a finding of an import, and where that is done at this door (page, api, command); empty where
    the code is not known."""
    words = DATA.get(found.code)
    said = first_that_fits(words.advices, _values(found), language=language) if words else None
    if words is None or said is None:
        return ""
    step = words.step(door)
    is_to_do = step and said == first_that_fits(words.advices[-1:], _values(found), language=language)
    return f"{said} {translated(step, language=language)}" if is_to_do else said


@dataclass(frozen=True, slots=True)
class _Stored:
    code: str
    attribute: str | None
    values: Mapping[str, Any]
    written: str


def told(findings: Sequence[Mapping[str, Any]], *, of_card: bool, language: str = ENGLISH) -> list[dict[str, Any]]:
    """Findings as JSON keeps them, each with its `message`, and those of an import with their `advice` and, as in
    release 0.1, `numbers`."""
    return [_told(one, of_card=of_card, language=language) for one in findings]


def with_sentences(evidence: Mapping[str, Any], *, of_card: bool, language: str = ENGLISH) -> dict[str, Any]:
    """A report card or a profile as JSON keeps it, its findings `told`, and `languages_from` beside
    `languages_read`."""
    shown = dict(evidence)
    if shown.get("languages_read"):
        shown["languages_from"] = say_fact(shown["languages_read"], language=language)
    if "findings" in shown:
        shown["findings"] = told(shown["findings"], of_card=of_card, language=language)
    return shown


def _told(finding: Mapping[str, Any], *, of_card: bool, language: str) -> dict[str, Any]:
    if "values" not in finding:
        # As release 0.1 wrote it: with its sentences.
        return dict(finding)
    shown = {name: value for name, value in finding.items() if name != "written"}
    found = _Stored(finding["code"], finding.get("attribute"), finding["values"], finding.get("written", ""))
    shown["message"] = message(found, of_card=of_card, language=language)
    if not of_card:
        shown |= {"advice": advice(found, door="api", language=language), "numbers": finding["values"]}
    return shown


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    tables: Sequence[Mapping[str, Words]] = (DATA, CARD)
    for table in tables:
        for words in table.values():
            yield from words.message
            yield from words.advices
            yield from (step for step in (words.page, words.api) if step)


def _values(found: Found) -> dict[str, Any]:
    return {**found.values, "attribute": found.attribute}
