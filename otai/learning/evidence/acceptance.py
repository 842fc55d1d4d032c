"""What a model must reach, and whether it did: criteria and the verdict. Pure, and light to import; what needs numbers
is in `measuring.py`.

Coverage is counted at the model's own threshold, which was chosen without the holdout. That threshold is an estimate,
so the precision above it falls a little below the stated one about half of the time; it counts unless the holdout shows
that it lies below beyond chance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from otai.errors import Invalid
from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import AttributeReport
from otai.words.sentences import Fact

PRECISIONS = (Fraction(90, 100), Fraction(95, 100), Fraction(99, 100))
"""Those that a report card measures coverage at."""

NOT_TRAINED = Fact("criterion.not_trained")


class Metric(StrEnum):
    """What a criterion may be about."""

    ACCURACY = "accuracy"
    MACRO_F1 = "macro_f1"
    COVERAGE = "coverage"

    @property
    def title(self) -> str:  # type: ignore[override]
        """The measure as people say it in English: `macro F1` for `macro_f1`."""
        return {"accuracy": "accuracy", "macro_f1": "macro F1", "coverage": "coverage"}[self.value]


class CriterionInvalid(Invalid, ValueError):
    """Says what is wrong with a criterion and what would be right."""

    code = "criteria_invalid"


@dataclass(frozen=True)
class Criterion:
    """The metric of an attribute must be at least `threshold`. `precision` is the stated one of a coverage, None for
    the other metrics."""

    attribute: str
    metric: Metric
    threshold: Fraction
    precision: Fraction | None = None

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise CriterionInvalid("threshold", threshold=percent(self.threshold))
        if self.metric is Metric.COVERAGE and self.precision not in PRECISIONS:
            known = ", ".join(percent(one) for one in PRECISIONS)
            raise CriterionInvalid("precision", known=known)
        if self.metric is not Metric.COVERAGE and self.precision is not None:
            raise CriterionInvalid("no_precision", metric=self.metric.title)

    def as_fact(self) -> Fact:
        """As a code with values: doors say it in the reader's language (`otai.words.tables.criteria`)."""
        values: dict[str, Any] = {"attribute": self.attribute, "threshold": float(self.threshold)}
        if self.precision is not None:
            values["precision"] = float(self.precision)
        return Fact(f"criterion.{self.metric.value}", values)

    @classmethod
    def parse(cls, text: str) -> Criterion:
        """Reads `queue accuracy 0.85`, `queue macro_f1 60%`, `queue coverage@95 0.3`; the attribute may have blanks.

        Raises CriterionInvalid.
        """
        match = re.fullmatch(
            r"\s*(?P<attribute>.+?)\s+(?P<metric>accuracy|macro_f1|coverage)(@(?P<precision>[0-9.]+%?))?"
            r"\s*(>=|:)?\s*(?P<threshold>[0-9.]+\s*%?)\s*",
            text,
        )
        if match is None:
            raise CriterionInvalid("no_criterion", text=text)
        precision = match["precision"]
        return cls(
            match["attribute"],
            Metric(match["metric"]),
            share_of(match["threshold"]),
            share_of(precision) if precision else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON; shares are fractions in words ("17/20"), which lose nothing. `from_dict` reads it."""
        return {
            "attribute": self.attribute,
            "metric": self.metric.value,
            "threshold": str(self.threshold),
            "precision": None if self.precision is None else str(self.precision),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Criterion:
        """Raises CriterionInvalid for what is no criterion."""
        try:
            precision = values.get("precision")
            return cls(
                str(values["attribute"]),
                Metric(values["metric"]),
                share_of(str(values["threshold"])),
                None if precision is None else share_of(str(precision)),
            )
        except (KeyError, ValueError, TypeError) as error:
            if isinstance(error, CriterionInvalid):
                raise
            raise CriterionInvalid("parts") from error


def share_of(text: str) -> Fraction:
    """A share as people write it: `0.85`, `17/20`, `85%`, `85 %`, and `85` for per cent. `1` is all of it.

    Between 1 and 10 a bare number could be a slip for either (`1.5` for 15 % or 1.5 %), and a promise of money hangs on
    it: it is refused. Raises CriterionInvalid.
    """
    bare = text.strip()
    try:
        value = Fraction(bare.removesuffix("%").strip())
    except (ValueError, ZeroDivisionError) as error:
        raise CriterionInvalid("no_share", text=text) from error
    if not bare.endswith("%") and 1 < value < 10:
        raise CriterionInvalid("share_or_percent", text=text, percent=float(value))
    if bare.endswith("%") or value >= 10:
        value /= 100
    if value.denominator > 10_000:
        raise CriterionInvalid("fine", text=text)
    return value


def percent(share: Fraction | float) -> str:
    """A share as people read it, four figures at most: 0.85 is "85 %"."""
    return f"{float(share) * 100:.4g} %"


@dataclass(frozen=True)
class Outcome:
    """A criterion as it was measured: the value with its 95 % interval, on how many tickets, and whether it is met.

    `note` says what the figure alone does not.
    """

    criterion: Criterion
    measured: Estimate
    tickets: int
    met: bool
    note: Fact | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for the database: codes with values. `told` adds the sentences."""
        return {
            "criterion": self.criterion.as_dict(),
            "value": self.measured.value,
            "low": self.measured.low,
            "high": self.measured.high,
            "tickets": self.tickets,
            "met": self.met,
            "note_fact": self.note.as_dict() if self.note else None,
        }


def told(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """A stored outcome for programs: `in_words`, its criterion, and `note` in English beside the codes. A release
    before kept the note as a sentence alone."""
    # Loading the language's books takes longer than most commands, which say no outcome.
    from otai.words.catalogue import say_fact

    note = outcome.get("note_fact")
    return {
        **outcome,
        "in_words": say_fact(Criterion.from_dict(outcome["criterion"]).as_fact()),
        "note": say_fact(note) if note else outcome.get("note", ""),
    }


def judge(criteria: Sequence[Criterion], attributes: Sequence[AttributeReport], *, by_bound: bool) -> list[Outcome]:
    """Each criterion against the report card's attributes; `by_bound` compares the lower end of the interval instead of
    the value.

    An attribute that is not in the report card misses.
    """
    by_name = {attribute.name: attribute for attribute in attributes}
    return [_judged(criterion, by_name.get(criterion.attribute), by_bound=by_bound) for criterion in criteria]


def _judged(criterion: Criterion, report: AttributeReport | None, *, by_bound: bool) -> Outcome:
    if report is None:
        return Outcome(criterion, Estimate(0.0, 0.0, 1.0), 0, False, NOT_TRAINED)
    note: Fact | None = None
    precise = True
    match criterion.metric:
        case Metric.ACCURACY:
            measured = report.accuracy
        case Metric.MACRO_F1:
            measured = report.macro_f1
        case Metric.COVERAGE:
            measured, precise, note = _coverage(criterion, report)
    compared = measured.low if by_bound else measured.value
    # A share of two counts and the threshold are both rounded correctly, so equal shares are equal floats.
    met = precise and compared >= float(criterion.threshold)
    return Outcome(criterion, measured, report.holdout_tickets, met, note)


def _coverage(criterion: Criterion, report: AttributeReport) -> tuple[Estimate, bool, Fact]:
    # The numerical libraries take half a second to load, and most commands judge nothing.
    from otai.learning.metrics import wilson

    assert criterion.precision is not None
    stated = float(criterion.precision)
    coverage = next((one for one in report.coverage if abs(one.target_precision - stated) < 1e-9), None)
    if coverage is None or coverage.threshold is None or coverage.precision is None:
        return Estimate(0.0, 0.0, 0.0), False, Fact("criterion.no_confidence", {"precision": stated})
    given = sum(label.holdout_tickets for label in report.per_label) if report.kind == "multi" else 0
    of = given or report.holdout_tickets
    precision = wilson(round(coverage.precision * coverage.tickets), coverage.tickets)
    note = Fact("criterion.above_threshold", {"precision": coverage.precision, "tickets": coverage.tickets})
    return wilson(round(coverage.coverage * of), of), precision.high >= stated, note
