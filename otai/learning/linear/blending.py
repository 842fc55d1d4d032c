"""What an attribute takes of the models that were tried for it: which balances, and how much frequent labels are favoured.

Linear models that were held down differently make different mistakes, and the mean of linear models is one linear model, so a mean of two or more costs
nothing when predicting. Which ones is chosen for each attribute on tickets that none of them had seen.

Metric not chosen: accuracy alone (rare labels would never be predicted) and macro F1 alone (a ticket of a frequent queue would be risked for a rare one
too often). The mean of the two is what a helpdesk that routes everything wants; both alone are in docs/experiments-business.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otai.learning.estimate import Estimate
from otai.learning.linear.heads import ManyLabelsHead
from otai.learning.metrics import f1_per_label, quality_under, sparse_of

Matrix = NDArray[np.float32]

# Another share of the prior that gains less than this on the tickets at hand, or with less certainty (of redrawn tickets), is chance.
LEAST_GAIN_OF_PRIOR = 0.005
SURE_OF_PRIOR = 0.8

# Other balances than the usual are a choice among more, so they have to gain more, and surely. Chosen with less, they lost half a point and
# more on tickets that had no part in the choice (docs/experiments-business.md).
LEAST_GAIN_OF_OTHERS = 0.015
SURE_OF_OTHERS = 0.975

REDRAWN = 200

# Tickets times labels looked at in a choice; more would take longer and not choose better.
MOST_ENTRIES = 2_000_000


@dataclass(frozen=True)
class Mix:
    """The mean of these balances' models; `prior_share` of what each label's score was ahead by in training is given back (negative: that much more is taken)."""

    balances: tuple[int, ...]
    prior_share: float

    def scores(self, tried: Sequence[Matrix], lead: Matrix) -> Matrix:
        mean = np.mean([tried[number] for number in self.balances], axis=0)
        return (mean + np.float32(self.prior_share) * lead).astype(np.float32)


def best_mix(
    tried: Sequence[Matrix],
    lead: Matrix,
    hot: Matrix,
    prior_shares: Sequence[float],
    *,
    multi: bool,
    usual: tuple[int, ...] = (),
) -> Mix:
    """From scores by each balance, what training was ahead by, and the 0/1 truth; all of shape (tickets not trained on, labels).

    `usual` are the balances that are taken unless others are clearly better (none given: all).
    """
    every = tuple(range(len(tried)))
    usual = usual or every
    shares = tuple(prior_shares) if not multi else prior_shares[:1]
    if len(every) == 1 and len(shares) == 1:
        return Mix(every, shares[0])
    step = -(-hot.size // MOST_ENTRIES)
    tried, lead, hot = [scores[::step] for scores in tried], lead[::step], hot[::step]
    wholes = [Mix(usual, share) for share in shares]
    chosen = _first_unless(wholes, tried, lead, hot, multi=multi, gain=LEAST_GAIN_OF_PRIOR, sure=SURE_OF_PRIOR)
    if len(every) == 1:
        return chosen
    others = [(number,) for number in every] + (list(itertools.combinations(every, 2)) if len(every) > 2 else [])
    mixes = [Mix(balances, chosen.prior_share) for balances in others if balances != usual]
    return _first_unless(
        [chosen, *mixes], tried, lead, hot, multi=multi, gain=LEAST_GAIN_OF_OTHERS, sure=SURE_OF_OTHERS
    )


def _first_unless(
    mixes: Sequence[Mix], tried: Sequence[Matrix], lead: Matrix, hot: Matrix, *, multi: bool, gain: float, sure: float
) -> Mix:
    """The first of the mixes, unless another is worth more by `gain` or more, and more at all in a share `sure` of redraws: then the best of those."""
    worth = [worth_of(mix.scores(tried, lead), hot, multi=multi) for mix in mixes]
    for number in np.argsort(worth)[::-1]:
        if worth[number] < worth[0] + gain:
            break
        gains = _gains(mixes[number], mixes[0], tried, lead, hot, multi=multi)
        if np.quantile(gains[1:], 1 - sure) > 0:
            return mixes[number]
    return mixes[0]


def gain_over(number: int, mix: Mix, tried: Sequence[Matrix], lead: Matrix, hot: Matrix, *, multi: bool) -> Estimate:
    """By how much the mix is worth more than balance `number` alone, the same share of the prior given back; with a 95 % interval from redrawn tickets."""
    step = -(-hot.size // MOST_ENTRIES)
    alone = Mix((number,), mix.prior_share)
    gains = _gains(mix, alone, [scores[::step] for scores in tried], lead[::step], hot[::step], multi=multi)
    low, high = np.quantile(gains[1:], [0.025, 0.975])
    return Estimate(float(gains[0]), float(min(low, gains[0])), float(max(high, gains[0])))


def _gains(
    mix: Mix, alone: Mix, tried: Sequence[Matrix], lead: Matrix, hot: Matrix, *, multi: bool
) -> NDArray[np.float64]:
    """By how much the first is worth more than the second, on the tickets and on `REDRAWN` redraws of them, shape (1 + redraws,)."""
    actual, tickets = hot > 0, len(hot)
    drawn = np.random.default_rng(0).multinomial(tickets, np.full(tickets, 1 / tickets), size=REDRAWN)
    weights = np.vstack([np.ones((1, tickets)), drawn]).astype(np.float64)
    mixed, single = (
        quality_under(_decided(one.scores(tried, lead), hot, multi=multi), actual, sparse_of(actual), weights).mean(
            axis=0
        )
        for one in (mix, alone)
    )
    gains: NDArray[np.float64] = mixed - single
    return gains


def worth_of(scores: Matrix, hot: Matrix, *, multi: bool) -> float:
    """The mean of accuracy and macro F1."""
    actual, decided = hot > 0, _decided(scores, hot, multi=multi)
    there = actual.sum(axis=0)
    f1 = f1_per_label((actual & decided).sum(axis=0), decided.sum(axis=0), there)
    exact = (actual == decided).all(axis=1).mean()
    return float((exact + f1[there > 0].mean()) / 2) if there.any() else 0.0


def _decided(scores: Matrix, hot: Matrix, *, multi: bool) -> NDArray[np.bool_]:
    """Which labels scores would give; of a multi-label attribute by the thresholds that are best for these tickets."""
    if multi:
        head, probabilities = ManyLabelsHead.fit(scores.astype(np.float64), hot)
        above: NDArray[np.bool_] = probabilities >= head.thresholds
        return above
    decided = np.zeros(hot.shape, np.bool_)
    decided[np.arange(len(hot)), scores.argmax(axis=1)] = True
    return decided
