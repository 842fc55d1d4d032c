"""What is expected of a training before it is ordered, as values.

Apart from `expected_quality.py`, so that whoever only reads them loads no numerical library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from otai.learning.estimate import Estimate
from otai.learning.finding import Finding
from otai.learning.recipes import LEAST_GAIN_OF_A_DEARER_MODE
from otai.words.sentences import Fact


@dataclass(frozen=True)
class ModeExpectation:
    """What a report card will probably say of one attribute in one mode, with 95 % intervals; macro F1 is None where
    too little is known of rare labels."""

    accuracy: Estimate
    macro_f1: Estimate | None


@dataclass(frozen=True)
class TriedGain:
    """By how much Maximum was better than Business in a trial on some of the tickets: in the mean of accuracy and macro
    F1, with its 95 % interval, and in each of them. `tickets` took part."""

    gain: float
    low: float
    high: float
    accuracy: float
    macro_f1: float
    tickets: int

    @property
    def gains_enough(self) -> bool:
        """Whether the trial lets expect that Maximum is better than Business by more than chance."""
        return self.gain >= LEAST_GAIN_OF_A_DEARER_MODE

    def over(self, business: ModeExpectation) -> ModeExpectation:
        """What Maximum will probably reach. It never answers worse than Business, since networks that gain nothing are
        left out; what is not known of the gain widens the interval."""
        half = (self.high - self.low) / 2
        return ModeExpectation(
            _raised(business.accuracy, self.accuracy, half),
            _raised(business.macro_f1, self.macro_f1, half) if business.macro_f1 else None,
        )


def no_gain_expected(tried: Sequence[TriedGain]) -> Finding | None:
    """That Maximum is not expected to be better than Business at any of the attributes tried; None where it is at one,
    or where none was tried."""
    if not tried or any(gain.gains_enough for gain in tried):
        return None
    best = max(tried, key=lambda gain: gain.gain)
    values = {"tickets": best.tickets, "gain": best.gain, "low": best.low, "high": best.high}
    return Finding("no_gain_expected", "warning", values=values)


def _raised(estimate: Estimate, gain: float, half: float) -> Estimate:
    gain = max(gain, 0.0)
    value = min(estimate.value + gain, 1.0)
    low = estimate.low + max(gain - half, 0.0)
    # Two independent errors: their squares add up.
    above = ((estimate.high - estimate.value) ** 2 + half**2) ** 0.5
    return Estimate(value, min(low, value), min(value + above, 1.0))


@dataclass(frozen=True)
class Expectation:
    """One attribute. `modes` has an entry for each mode; None: unknown, and `unknown` says why if it is so for all of
    them.

    `guessing` is what always answering the most frequent label would reach; `tried_on` how many tickets Basic was tried
    on.
    """

    modes: Mapping[str, ModeExpectation | None]
    guessing: float
    tried_on: int
    unknown: Fact | None = None
    no_signal: bool = False
    """The trial's scores were no higher at the right labels than at labels dealt out at random, on enough tickets to
    see five points of a difference."""
    gain_of_maximum: TriedGain | None = None
    """None: Maximum was not tried, or could not be."""

    def warnings(self, attribute: str) -> list[Finding]:
        """What is to be known before the order."""
        return [Finding("no_signal", "warning", attribute, {"tickets": self.tried_on})] if self.no_signal else []
