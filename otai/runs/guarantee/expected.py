"""What a customer's own tickets are expected to reach, for criteria that are agreed without a person: as it was tried
on them (`tickets.expected_quality`), or else as their newest training measured it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from otai.learning.estimate import Estimate
from otai.learning.evidence.expectation import Expectation
from otai.pricing.price_book import Mode, VerdictRule
from otai.runs.guarantee.criteria import Reachable
from otai.runs.guarantee.queries import Likely, likely
from otai.tickets import expected_quality
from otai.tickets.models import DataSet


def reachable(data_set: DataSet, modes: Collection[Mode], rule: VerdictRule) -> dict[str, Reachable]:
    """By attribute, in the best of `modes`. Reads what is stored: tries nothing."""
    tried = expected_quality.stored(data_set) or {}
    measured = {one.attribute: one for one in likely(data_set)}
    return {
        name: _reachable(tried.get(name), measured.get(name), modes, rule) for name in {*tried, *measured}
    }  # fmt: skip


def _reachable(
    tried: Expectation | None, measured: Likely | None, modes: Collection[Mode], rule: VerdictRule
) -> Reachable:
    in_modes = [one for mode in modes if tried and (one := tried.modes.get(mode.value))]
    accuracy = [_compared(one.accuracy, rule) for one in in_modes]
    macro_f1 = [_compared(one.macro_f1, rule) for one in in_modes if one.macro_f1]
    if measured is not None:
        accuracy = accuracy or [_compared(_estimate(measured.accuracy), rule)]
        macro_f1 = macro_f1 or [_compared(_estimate(measured.macro_f1), rule)]
    return Reachable(
        accuracy=max(accuracy, default=None),
        macro_f1=max(macro_f1, default=None),
        coverage_at_95_precision=measured.coverage_at_95_precision if measured else None,
        is_noise=tried is not None and tried.no_signal,
    )


def _compared(estimate: Estimate, rule: VerdictRule) -> float:
    return estimate.low if rule is VerdictRule.LOWER_BOUND else estimate.value


def _estimate(stored: Mapping[str, Any]) -> Estimate:
    return Estimate(stored["value"], stored["low"], stored["high"])
