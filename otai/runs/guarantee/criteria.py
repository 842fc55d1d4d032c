"""Whether criteria are agreed at once, and whether a miss was the labels' doing, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from otai.learning.evidence.acceptance import Criterion, Metric
from otai.learning.finding import Finding
from otai.pricing.price_book import StandardBar
from otai.words.sentences import Fact

_BAR_PRECISION = Fraction(95, 100)


def standard_threshold(bar: StandardBar, metric: Metric) -> Fraction:
    """Up to where a threshold of the metric is agreed without a person."""
    match metric:
        case Metric.ACCURACY:
            return bar.accuracy
        case Metric.MACRO_F1:
            return bar.macro_f1
        case Metric.COVERAGE:
            return bar.coverage_at_95_precision


def is_standard(criterion: Criterion, bar: StandardBar) -> bool:
    """At or below the standard bar. A coverage at a higher precision than the bar's asks for more, whatever its
    threshold."""
    if criterion.precision is not None and criterion.precision > _BAR_PRECISION:
        return False
    return criterion.threshold <= standard_threshold(bar, criterion.metric)


@dataclass(frozen=True, slots=True)
class Reachable:
    """What an attribute of the customer's tickets is expected to reach, as shares; None: not known. `is_noise`: nothing
    can be learnt from its labels."""

    accuracy: float | None = None
    macro_f1: float | None = None
    coverage_at_95_precision: float | None = None
    is_noise: bool = False

    def of(self, metric: Metric) -> float | None:
        """In that metric."""
        match metric:
            case Metric.ACCURACY:
                return self.accuracy
            case Metric.MACRO_F1:
                return self.macro_f1
            case Metric.COVERAGE:
                return self.coverage_at_95_precision


def why_an_operator(criterion: Criterion, bar: StandardBar, expected: Reachable | None) -> Fact | None:
    """Why the criterion is not agreed without a person; None where it is. `expected` None: it need not be known."""
    said = {"criterion": criterion.as_fact().as_dict()}
    if not is_standard(criterion, bar):
        return Fact("guarantee.above_bar", said)
    if expected is None:
        return None
    if expected.is_noise:
        return Fact("guarantee.no_signal", {"attribute": criterion.attribute})
    reachable = expected.of(criterion.metric)
    if reachable is None:
        return Fact("guarantee.not_known", said)
    if reachable < float(criterion.threshold):
        return Fact("guarantee.not_expected", {**said, "expected": reachable})
    return None


def noise_among(missed: Collection[str], findings: Iterable[Finding], *, noise_from: Fraction | None) -> list[Fact]:
    """What a report card says of attributes that missed whose labels count as noise."""
    found: list[Fact] = []
    if noise_from is None:
        return found
    for finding in findings:
        if finding.attribute not in missed:
            continue
        if finding.code == "no_signal":
            found.append(Fact("guarantee.no_signal", {"attribute": finding.attribute}))
        elif finding.code == "labels_suspected":
            wrong, examined = finding.values["wrong"], finding.values["examined"]
            if Fraction(wrong, examined) >= noise_from:
                said = {"attribute": finding.attribute, "wrong": wrong, "examined": examined}
                found.append(Fact("guarantee.noise", said))
    return found
