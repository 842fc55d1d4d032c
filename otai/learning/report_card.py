"""The evidence for the customer, as data: what was measured, on which tickets, beside what guessing would reach.

Plain values only, so that a report card is the same in JSON, in the database and on a page. `evaluation.py` fills it in.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1


@dataclass(frozen=True)
class Estimate:
    """A measured share (0 to 1, or an error in steps) with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LabelReport:
    """One label on the holdout. None where there is nothing to divide by: never predicted, or in no holdout ticket."""

    label: str
    train_tickets: int
    holdout_tickets: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Coverage:
    """How much could be automated at a precision.

    `threshold` was chosen on training tickets, each scored by a model that had not seen it, as the lowest confidence above
    which that share was right; `expected_*` is what it gave there. `coverage` and `precision` are what this very threshold
    then gave on the holdout: those two are the evidence. For attributes with one label a ticket, coverage is the share of
    tickets at or above the threshold; for multi-label attributes the share of all given labels that are found so.
    `threshold` is None when no confidence reaches the precision.
    """

    target_precision: float
    threshold: float | None
    expected_coverage: float
    expected_precision: float | None
    coverage: float
    precision: float | None
    tickets: int


@dataclass(frozen=True)
class CurvePoint:
    """Of the holdout's predictions, those with at least this confidence."""

    threshold: float
    coverage: float
    precision: float


@dataclass(frozen=True)
class Reliability:
    """Holdout predictions whose confidence lies from `low` up to `high`."""

    low: float
    high: float
    tickets: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True)
class ConfusedPair:
    """Holdout tickets of one label that were taken for another; a few of them by id, the surest first."""

    actual: str
    predicted: str
    tickets: int
    share_of_actual: float
    ticket_ids: list[str]


@dataclass(frozen=True)
class Majority:
    """What always answering the most frequent label reaches on the same tickets (multi-label: always answering none)."""

    label: str | None
    accuracy: float
    macro_f1: float
    mean_absolute_error: float | None = None


@dataclass(frozen=True)
class Finding:
    """Something the customer should know, in one sentence. `severity` is "note" or "warning"; `code` is stable."""

    code: str
    severity: str
    message: str
    attribute: str | None = None


@dataclass(frozen=True)
class AttributeReport:
    """One attribute on the holdout.

    `accuracy` is the share of tickets predicted exactly right (multi-label: the whole set of labels). `macro_f1` is the mean
    F1 over the labels that have holdout tickets, so that a rare label counts as much as a frequent one. `confusion` lists
    [actual, predicted, tickets] by label number, zeros left out (empty for multi-label). `calibration_error` is the
    expected calibration error over 15 bins. `mean_absolute_error` is in steps of the order, for ordered attributes.
    """

    name: str
    kind: str
    labels: list[str]
    train_tickets: int
    holdout_tickets: int
    accuracy: Estimate
    macro_f1: Estimate
    majority: Majority
    calibration_error: float
    per_label: list[LabelReport]
    confusion: list[list[int]]
    coverage: list[Coverage]
    curve: list[CurvePoint]
    reliability: list[Reliability]
    confused_pairs: list[ConfusedPair]
    micro_f1: float | None = None
    mean_absolute_error: float | None = None


@dataclass(frozen=True)
class ReportCard:
    """The whole evidence of a run.

    `holdout` says where the measured tickets came from: "given" (the customer's own split), "chosen" (kept aside by us) or
    "left_out" (too few tickets to keep any aside: each ticket was scored by a model that had not seen it).
    `final_model_learnt_holdout` says whether the delivered model learnt from the holdout after it had been measured; its
    confidences and thresholds are those that were measured.
    """

    mode: str
    recipe: dict[str, Any]
    seed: int
    tickets: int
    train_tickets: int
    holdout_tickets: int
    holdout: str
    final_model_learnt_holdout: bool
    attributes: list[AttributeReport]
    findings: list[Finding]
    seconds: dict[str, float] = field(default_factory=dict)
    format: int = FORMAT

    def attribute(self, name: str) -> AttributeReport:
        """Raises KeyError for an attribute that was not trained."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise KeyError(name)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ReportCard:
        """Raises ValueError for a text that is no report card or one of a newer format."""
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError(f"This is no report card of format {FORMAT}.")
        try:
            card: ReportCard = _rebuilt(cls, values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"This report card is incomplete: {error}") from error
        return card


def _rebuilt(kind: Any, value: Any) -> Any:
    """The dataclasses that `dataclasses.asdict` took apart."""
    origin = typing.get_origin(kind)
    if value is None or kind is Any or origin is dict:
        return value
    if origin is list:
        return [_rebuilt(typing.get_args(kind)[0], item) for item in value]
    if origin is types.UnionType:
        return _rebuilt(next(part for part in typing.get_args(kind) if part is not type(None)), value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(type, kind)(**{name: _rebuilt(hints[name], item) for name, item in value.items()})
    return value
