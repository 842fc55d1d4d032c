"""What is expected of a training before it is ordered, as values.

Apart from `expected_quality.py`, so that whoever only reads them loads no numerical library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otai.learning.estimate import Estimate
from otai.learning.finding import Finding


@dataclass(frozen=True)
class ModeExpectation:
    """What a report card will probably say of one attribute in one mode, with 95 % intervals; macro F1 is None where
    too little is known of rare labels."""

    accuracy: Estimate
    macro_f1: Estimate | None


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
    unknown: str = ""
    no_signal: bool = False
    """Answers of the trial were right no more often than if they had been dealt out at random."""

    def warnings(self, attribute: str) -> list[Finding]:
        """What is to be known before the order."""
        return [Finding("no_signal", "warning", attribute, {"tickets": self.tried_on})] if self.no_signal else []
