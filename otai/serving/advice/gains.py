"""What following advice is expected to gain, and how sure that is: said with each advice that costs credits. Where it
is not above chance, nothing is advised.

A ticket of a label that the model does not know, or that goes to a label that is gone, is answered wrong today; a model
that knows its labels is right on it as often as the report card says. Where people find the model right less often, or
it is less sure than it was, a new training is expected to bring back the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otai.serving.models import AdviceKind, ModelVersion
from otai.tickets import expected_quality
from otai.tickets.models import DataSet

LEAST_GAIN = 0.001
"""Of an interval's lower end, a share: below it lies what rounding takes."""


def with_gain(
    version: ModelVersion, kind: AdviceKind, evidence: Sequence[Mapping[str, Any]], newest: DataSet
) -> list[Mapping[str, Any]] | None:
    """The evidence and what is expected of a training, by attribute; None where no gain is above chance, so that
    nothing should be paid."""
    if kind == AdviceKind.LABELS_CHANGED:
        gains = list(_of_labels(version, evidence))
    elif kind == AdviceKind.NEW_ATTRIBUTE:
        return _of_attributes(version, evidence, newest)
    else:
        gains = list(_of_drift(evidence))
    above_chance = [one for one in gains if one["low"] >= LEAST_GAIN]
    if gains and not above_chance:
        return None
    return [*evidence, *(above_chance or [{"kind": "gain_unknown"}])]


def _of_labels(version: ModelVersion, evidence: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    from otai.learning.metrics import wilson

    right = {one["name"]: one["accuracy"] for one in (version.run.report_card or {}).get("attributes", [])}
    for found in evidence:
        accuracy = right.get(found["attribute"])
        if accuracy is None or "of" not in found:
            continue
        parts = [(sum(found["tickets"].values()), found["of"]), (found["learnt_gone"], found["learnt"])]
        shares = [wilson(tickets, of) for tickets, of in parts if tickets and of]
        yield {
            "kind": "gain",
            "attribute": found["attribute"],
            "value": sum(one.value for one in shares) * accuracy["value"],
            "low": sum(one.low for one in shares) * accuracy["low"],
            "high": min(sum(one.high for one in shares) * accuracy["high"], 1.0),
        }


def _of_drift(evidence: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    measured = [one for one in evidence if one.get("kind") in ("accuracy", "confidence") and one.get("is_drift")]
    # What people found says more than how sure the model is.
    told = {one["attribute"] for one in measured if one["kind"] == "accuracy"}
    for one in measured:
        if one["kind"] == "accuracy" or one["attribute"] not in told:
            now, before = one["now"], one["before"]
            yield {
                "kind": "gain",
                "attribute": one["attribute"],
                "value": before - now["value"],
                "low": before - now["high"],
                "high": before - now["low"],
            }


def _of_attributes(
    version: ModelVersion, evidence: Sequence[Mapping[str, Any]], newest: DataSet
) -> list[Mapping[str, Any]] | None:
    known = expected_quality.stored(newest) or {}
    said: list[Mapping[str, Any]] = []
    for found in evidence:
        expected = known.get(found["attribute"])
        if expected is None:
            said += [found, {"kind": "gain_unknown"}]
            continue
        mode = expected.modes.get(version.run.mode) or expected.modes.get("basic")
        if mode is None:
            said += [found, {"kind": "gain_unknown"}]
        elif not expected.no_signal and mode.accuracy.low > expected.guessing:
            right = mode.accuracy
            of_it = {"attribute": found["attribute"], "guessing": expected.guessing}
            said += [found, {"kind": "expected", "value": right.value, "low": right.low, "high": right.high, **of_it}]
    return said or None
