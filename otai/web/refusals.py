"""What the rooms refuse, in the language of the page: the catalogue says it (`otai/words/refusals.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import get_language, gettext

from otai.errors import OtaiError
from otai.pricing.settlement import Ending
from otai.runs.models import Run
from otai.words import refusals as words
from otai.words.catalogue import ENGLISH


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
    """What ended a training without a model; empty if nothing did. A crash, and what release 0.1 wrote, is English and
    kept beside our words."""
    if run.failure:
        return words.said_of(run.failure, language=get_language() or ENGLISH)
    if reads_english() or not run.failure_message:
        return run.failure_message
    if run.ending == Ending.FAILED_INPUT:
        text = gettext("Nothing can be learnt from these tickets as they are. In English: %(said)s")
    else:
        text = gettext("Something broke down on our side. In English: %(said)s")
    return text % {"said": run.failure_message}


def reads_english() -> bool:
    """Whether the page is in English."""
    return (get_language() or ENGLISH).startswith(ENGLISH)
