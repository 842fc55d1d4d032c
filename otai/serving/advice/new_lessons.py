"""Whether a training would find anything that the version did not learn: where its tickets are the same, or hold none
in the language that came, no training helps before tickets are there, and none is sold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from otai.serving import feedback
from otai.serving.models import AdviceKind, ModelVersion
from otai.tickets.models import DataSet

ENOUGH_OF_A_LANGUAGE = 0.03
"""Of a data set's tickets. A language of less than 2 % is new to a model (`otai.learning.evidence.drift`); a part more,
since the split of tickets into parts is by chance."""

TICKETS_FIRST = "tickets_first"
"""The kind of evidence that says what has to come before a training."""


def tickets_first(
    version: ModelVersion, kind: str, evidence: Iterable[Mapping[str, Any]], newest: DataSet
) -> dict[str, Any] | None:
    """What has to be brought before a training is worth anything, as evidence; None where it can be had.

    Waiting feedback counts: a training can be ordered with it. Advice of labels and attributes is about tickets that
    are there.
    """
    if kind == AdviceKind.NEW_LANGUAGE:
        return _of_a_language(version, [one["language"] for one in evidence if one.get("kind") == "language"], newest)
    if kind == AdviceKind.DRIFT and newest.id == version.run.data_set_id and not _waiting(version):
        return {"kind": TICKETS_FIRST}
    return None


def has_tickets_first(evidence: Iterable[Mapping[str, Any]]) -> bool:
    """Whether what was found says that tickets have to come before a training."""
    return any(one.get("kind") == TICKETS_FIRST for one in evidence)


def _of_a_language(version: ModelVersion, languages: list[str], newest: DataSet) -> dict[str, Any] | None:
    """Of several new languages, one with enough tickets makes a training worth it; else the one that has most."""
    lacking: list[dict[str, Any]] = []
    shares = newest.profile.get("languages") or {}
    for code in languages:
        said = len({text for text, language in _waiting(version) if language == code})
        there = round(shares.get(code, 0.0) * newest.tickets) + said
        wanted = math.ceil(ENOUGH_OF_A_LANGUAGE * (newest.tickets + said))
        if there >= wanted:
            return None
        lacking.append({"kind": TICKETS_FIRST, "language": code, "there": there, "wanted": wanted})
    return max(lacking, key=lambda one: one["there"], default=None)


def _waiting(version: ModelVersion) -> list[tuple[str, str]]:
    """Text and language of each statement that a training could be ordered with."""
    return feedback.waiting_texts(version.model.organisation, version.model.name)
