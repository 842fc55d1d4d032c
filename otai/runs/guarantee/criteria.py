"""Whether criteria are agreed at once, pure."""

from __future__ import annotations

from fractions import Fraction

from otai.learning.evidence.acceptance import Criterion, Metric
from otai.pricing.price_book import StandardBar

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
