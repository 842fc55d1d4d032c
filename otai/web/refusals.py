"""What the rooms refuse, in the language of the page: the catalogue says it (`otai/words/refusals.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import get_language

from otai.errors import OtaiError
from otai.pricing.settlement import Ending
from otai.runs.models import Run
from otai.words import refusals as words
from otai.words.catalogue import ENGLISH
from otai.words.sentences import Fact
from otai.words.tables.reasons import FAILED


def in_words(error: OtaiError) -> str:
    """What was refused, and which field or button would help."""
    return error.said(words.PAGE, get_language() or ENGLISH)


def problems_in_words(problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Bad rows with a `message` in the language of the page; as it was written where release 0.1 kept no code."""
    language = get_language() or ENGLISH
    return [
        {**one, "message": words.said_of(one, language=language) if "code" in one else one["message"]}
        for one in problems
    ]


def why_failed(run: Run) -> str:
    """What ended a training without a model, by the code of its failure; empty if nothing did."""
    language = get_language() or ENGLISH
    if run.failure:
        return words.said_of(run.failure, language=language)
    if not run.failure_code:
        return ""
    code = "input" if run.ending == Ending.FAILED_INPUT else run.failure_code
    known = Fact(f"failed.{code}") if f"failed.{code}" in FAILED else Fact("failed.crash")
    return words.said_of(known, language=language)


def what_the_machine_said(run: Run) -> str:
    """What people of ours need of a failure that no sentence of the catalogue tells whole: in English, for the run's
    details; empty where there is none."""
    return "" if run.failure else run.failure_message
