"""What an attribute takes of the models that were tried for it: which candidates, and how much frequent labels are
favoured.

Linear models that were held down differently make different mistakes, and the mean of linear models is one linear
model, so a mean of two or more costs nothing when predicting. Which ones is chosen for each attribute on tickets that
none of them had seen.

Metric not chosen: accuracy alone (rare labels would never be predicted) and macro F1 alone (a ticket of a frequent
queue would be risked for a rare one too often). The mean of the two is what a helpdesk that routes everything wants;
both alone are in docs/experiments-business.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otai.learning.arrays import Floats, Matrix
from otai.learning.estimate import Estimate
from otai.learning.linear.heads import decided_among
from otai.learning.metrics import bootstrap, f1_per_label, percentile_interval, quality_under, sparse_of

# Another share of the prior that gains less than this on the tickets at hand, or with less certainty (of redrawn
# tickets), is chance.
LEAST_GAIN_OF_PRIOR = 0.005
SURE_OF_PRIOR = 0.8

# Other candidates than the usual are a choice among more, so they have to gain more, and surely. Chosen with less, they
# lost half a point and more on tickets that had no part in the choice (docs/experiments-business.md).
LEAST_GAIN_OF_OTHERS = 0.015
SURE_OF_OTHERS = 0.975

REDRAWN = 200

# Tickets times labels looked at in a choice; more would take longer and not choose better.
MOST_ENTRIES = 2_000_000


@dataclass(frozen=True)
class Blend:
    """The mean of these candidates' models; `prior_share` of the log-prior offset of training is given back (negative:
    that much more is taken)."""

    candidates: tuple[int, ...]
    prior_share: float

    def scores(self, tried: Sequence[Matrix], prior_offset: Matrix) -> Matrix:
        """The blend's scores, from those of every candidate (`tried`) and the log-prior offsets; all of shape (tickets,
        labels)."""
        mean = np.mean([tried[number] for number in self.candidates], axis=0)
        return (mean + np.float32(self.prior_share) * prior_offset).astype(np.float32)


def best_blend(
    tried: Sequence[Matrix],
    prior_offset: Matrix,
    y: Matrix,
    prior_shares: Sequence[float],
    *,
    multi: bool,
    usual: tuple[int, ...] = (),
) -> Blend:
    """From scores by each candidate, the log-prior offsets of training, and the 0/1 truth; all of shape (tickets not
    trained on, labels).

    `usual` are the candidates that are taken unless others are clearly better (none given: all).
    """
    every = tuple(range(len(tried)))
    usual = usual or every
    shares = tuple(prior_shares) if not multi else prior_shares[:1]
    if len(every) == 1 and len(shares) == 1:
        return Blend(every, shares[0])
    step = -(-y.size // MOST_ENTRIES)
    tried, prior_offset, y = [scores[::step] for scores in tried], prior_offset[::step], y[::step]
    wholes = [Blend(usual, share) for share in shares]
    chosen = _first_unless(wholes, tried, prior_offset, y, multi=multi, gain=LEAST_GAIN_OF_PRIOR, sure=SURE_OF_PRIOR)
    if len(every) == 1:
        return chosen
    others = [(number,) for number in every] + (list(itertools.combinations(every, 2)) if len(every) > 2 else [])
    blends = [Blend(candidates, chosen.prior_share) for candidates in others if candidates != usual]
    return _first_unless(
        [chosen, *blends], tried, prior_offset, y, multi=multi, gain=LEAST_GAIN_OF_OTHERS, sure=SURE_OF_OTHERS
    )


def _first_unless(
    blends: Sequence[Blend],
    tried: Sequence[Matrix],
    prior_offset: Matrix,
    y: Matrix,
    *,
    multi: bool,
    gain: float,
    sure: float,
) -> Blend:
    """The first of the blends, unless another is of more utility by `gain` or more, and more at all in a share `sure`
    of redraws: then the best of those."""
    utility = [utility_of(blend.scores(tried, prior_offset), y, multi=multi) for blend in blends]
    for number in np.argsort(utility)[::-1]:
        if utility[number] < utility[0] + gain:
            break
        gains = _gains(blends[number], blends[0], tried, prior_offset, y, multi=multi)
        if np.quantile(gains[1:], 1 - sure) > 0:
            return blends[number]
    return blends[0]


def gain_over(
    number: int, blend: Blend, tried: Sequence[Matrix], prior_offset: Matrix, y: Matrix, *, multi: bool
) -> Estimate:
    """By how much the blend is of more utility than candidate `number` alone, the same share of the prior given back;
    with a 95 % interval from redrawn tickets."""
    step = -(-y.size // MOST_ENTRIES)
    alone = Blend((number,), blend.prior_share)
    gains = _gains(blend, alone, [scores[::step] for scores in tried], prior_offset[::step], y[::step], multi=multi)
    return percentile_interval(gains[0], gains[1:])


def _gains(
    blend: Blend, alone: Blend, tried: Sequence[Matrix], prior_offset: Matrix, y: Matrix, *, multi: bool
) -> Floats:
    """By how much more utility the first has than the second, on the tickets and on `REDRAWN` redraws of them, shape (1
    + redraws,)."""
    actual = y > 0
    weights = bootstrap(len(y), REDRAWN, np.random.default_rng(0))
    mixed, single = (
        quality_under(
            decided_among(one.scores(tried, prior_offset), y, multi=multi), actual, sparse_of(actual), weights
        ).mean(axis=0)
        for one in (blend, alone)
    )
    gains: Floats = mixed - single
    return gains


def utility_of(scores: Matrix, y: Matrix, *, multi: bool) -> float:
    """The mean of accuracy and macro F1."""
    actual, decided = y > 0, decided_among(scores, y, multi=multi)
    there = actual.sum(axis=0)
    f1 = f1_per_label((actual & decided).sum(axis=0), decided.sum(axis=0), there)
    exact = (actual == decided).all(axis=1).mean()
    return float((exact + f1[there > 0].mean()) / 2) if there.any() else 0.0
