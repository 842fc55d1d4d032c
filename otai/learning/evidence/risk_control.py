"""Thresholds whose promise holds: how confident a model has to be for a target precision, at a stated assurance.

The loosest threshold whose precision happened to reach the target is a winner's curse: about every second one misses it
on new tickets. So each threshold is a hypothesis ("above it, fewer than the target are right") that has to be rejected,
and thresholds are tried from strict to loose until one is not (fixed-sequence testing of "Learn then Test";
Angelopoulos, Bates, Candès, Jordan and Lei 2021, section 3.2; with several starts as there). A hypothesis is rejected
by the chance that, of as many further predictions as were looked at, more are wrong than the target allows: the
beta-binomial distribution of further errors, under the prior Beta(1, 0), whose quantile is Clopper and Pearson's upper
bound (1934). A promise so made is about tickets that a customer will see, not about a share that nobody ever measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from otai.learning.arrays import Floats, Mask, Rows

ASSURANCE = 0.90
"""How sure a promise is where nobody says otherwise: it holds in nine of ten trainings."""

STARTS = 2
"""Where trying begins: at the strictest threshold that could pass, and half way down. More starts cost each of them."""

GRID_RATIO = 1.05
"""Each threshold takes a twentieth more predictions than the one before: tried one by one, bad luck would end the row
sooner."""

MOST_TIMES_THE_TICKETS = 20
"""Beyond so many times the tickets there are, no forecast is made of how many a promise would need."""


@dataclass(frozen=True)
class PromisedThreshold:
    """`taken` is how many predictions lie at or above `confidence`; None and 0 where nothing can be promised."""

    confidence: float | None
    taken: int


def promise(confidence: Floats, right: Mask, *, target: float, assurance: float = ASSURANCE) -> PromisedThreshold:
    """The lowest confidence from which `target` of the predictions are right, so surely as `assurance` says.

    `confidence` and `right`, of shape (predictions,), are of tickets that the model was not trained on.
    """
    ranked = _Ranked.of(confidence, right)
    grid, alpha = ranked.grid(target, 1 - assurance)
    taken = 0
    # The strict ones first, then those that a strict one which failed by bad luck stands in front of.
    for start in _starts(grid, target, 1 - assurance):
        for at in grid[start:]:
            if _chance_of_missing(int(ranked.wrong[at - 1]), int(at), target) > alpha:
                break
            taken = max(taken, int(at))
    return PromisedThreshold(float(ranked.confidence[taken - 1]) if taken else None, taken)


def more_predictions(confidence: Floats, right: Mask, *, target: float, assurance: float = ASSURANCE) -> int | None:
    """How many more predictions of the same kind would let `target` be promised; None where none would, or too many.

    A forecast: it takes the share that was right above each threshold for the true one.
    """
    ranked = _Ranked.of(confidence, right)
    looked_at = len(ranked.confidence)
    alpha = (1 - assurance) / STARTS
    fewest = _fewest(target, alpha)
    best: int | None = None
    # Above a threshold that takes few, what was right is luck.
    for at in ranked.ends[ranked.ends >= min(20, max(looked_at // 5, 1))]:
        share_wrong = ranked.wrong[at - 1] / at
        if share_wrong >= 1 - target:
            continue
        # The strictest number that passes, found by halving: passing is monotone in the number up to rounding.
        low, high = 1.0, float(best / looked_at + 1 if best is not None else MOST_TIMES_THE_TICKETS)
        if not _passes(share_wrong, at * high, target, alpha, fewest):
            continue
        while high - low > 0.02:
            middle = (low + high) / 2
            low, high = (low, middle) if _passes(share_wrong, at * middle, target, alpha, fewest) else (middle, high)
        needed = int(np.ceil((high - 1) * looked_at))
        best = needed if best is None else min(best, needed)
    return best


def _passes(share_wrong: float, taken: float, target: float, alpha: float, fewest: int) -> bool:
    number = int(taken)
    return number >= fewest and _chance_of_missing(int(np.ceil(share_wrong * number)), number, target) <= alpha


def _chance_of_missing(wrong: int, taken: int, target: float) -> float:
    """That of `taken` further predictions more than `1 - target` are wrong, where `wrong` of `taken` were."""
    allowed = int(np.floor((1 - target) * taken + 1e-9))
    if wrong >= taken:
        return 1.0
    # The beta-binomial distribution's own formula: loading scipy.stats took a sixth of a small training.
    further = np.arange(allowed + 1)
    probabilities = np.exp(
        special.gammaln(taken + 1)
        - special.gammaln(further + 1)
        - special.gammaln(taken - further + 1)
        + special.betaln(further + wrong + 1, 2 * taken - further - wrong)
        - special.betaln(wrong + 1, taken - wrong)
    )
    return float(1 - probabilities.sum())


def _fewest(target: float, alpha: float) -> int:
    """How many predictions, all right, it takes at least: each that may be wrong halves the chance."""
    allowed = max(int(np.ceil(np.log2(1 / alpha))) - 1, 0)
    fewest = max(int(np.ceil(allowed / (1 - target) - 1e-9)), 1)
    while _chance_of_missing(0, fewest, target) > alpha:
        fewest += 1
    return fewest


def _starts(grid: Rows, target: float, chance: float) -> list[int]:
    if not len(grid):
        return []
    return [0] if grid[0] < _fewest(target, chance / STARTS) else sorted({0, len(grid) // STARTS})


@dataclass(frozen=True)
class _Ranked:
    """Predictions, the surest first: their confidence, how many were wrong so far, and where a threshold can lie (after
    all of equal confidence), shape (thresholds,)."""

    confidence: Floats
    wrong: Rows
    ends: Rows

    @classmethod
    def of(cls, confidence: Floats, right: Mask) -> _Ranked:
        order = np.argsort(-confidence, kind="stable")
        ranked = confidence[order]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1 if len(ranked) else np.zeros(0, np.int64)
        return cls(ranked, np.cumsum(~right[order]), ends.astype(np.int64))

    def grid(self, target: float, chance: float) -> tuple[Rows, float]:
        """Which thresholds are tried, by how many predictions each takes, and the level of each test. Chosen without a
        look at what was right."""
        for starts in (STARTS, 1):
            fewest = _fewest(target, chance / starts)
            if fewest > len(self.confidence):
                continue
            wanted = [float(fewest)]
            while wanted[-1] * GRID_RATIO < len(self.confidence):
                wanted.append(max(wanted[-1] + 1, wanted[-1] * GRID_RATIO))
            wanted.append(float(len(self.confidence)))
            places = np.minimum(np.searchsorted(self.ends, wanted), len(self.ends) - 1)
            return np.unique(self.ends[places]), chance / starts
        return np.zeros(0, np.int64), chance
