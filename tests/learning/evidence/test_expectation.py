"""What Maximum is expected to reach: what Business is, and what a trial on the tickets themselves gained."""

from __future__ import annotations

import pytest

from otai.learning.estimate import Estimate
from otai.learning.evidence.expectation import ModeExpectation, TriedGain

pytestmark = pytest.mark.pure

BUSINESS = ModeExpectation(Estimate(0.80, 0.76, 0.84), Estimate(0.60, 0.50, 0.70))


def tried(accuracy: float, macro_f1: float, *, half: float = 0.03) -> TriedGain:
    gain = (accuracy + macro_f1) / 2
    return TriedGain(gain, gain - half, gain + half, accuracy, macro_f1, tickets=480)


def test_a_gain_raises_what_is_expected_and_its_interval_widens_it() -> None:
    found = tried(0.02, 0.06).over(BUSINESS)
    assert found.accuracy.value == pytest.approx(0.82) and found.macro_f1 is not None
    assert found.accuracy.low == pytest.approx(0.76) and found.accuracy.high == pytest.approx(0.87)
    assert found.macro_f1.value == pytest.approx(0.66) and found.macro_f1.low == pytest.approx(0.53)
    assert tried(0.02, 0.06).gains_enough


def test_what_networks_lose_is_not_expected_since_they_are_left_out() -> None:
    found = tried(-0.05, -0.09).over(BUSINESS)
    assert (found.accuracy.value, found.accuracy.low) == (0.80, 0.76)
    assert not tried(-0.05, -0.09).gains_enough and not tried(0.005, 0.005).gains_enough


def test_nothing_is_expected_to_be_right_more_often_than_always() -> None:
    sure = ModeExpectation(Estimate(0.99, 0.98, 1.0), None)
    found = tried(0.02, 0.0).over(sure)
    assert (found.accuracy.value, found.accuracy.high, found.macro_f1) == (1.0, 1.0, None)
