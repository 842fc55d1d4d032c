"""The ensemble weights of fine-tuned networks beside Business's model, chosen for each attribute on out-of-fold scores.

Scores are added up, each with a weight that is never negative. The weights make the labels of those tickets likeliest
(a handful of numbers fitted on hundreds of tickets or more). The log likelihood decides and not the accuracy: it sees
by how much each ticket moved, so it tells a gain of half a point from chance where the accuracy needs ten times the
tickets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from otai.learning.arrays import Floats, Mask, Matrix
from otai.learning.estimate import Estimate
from otai.learning.linear.heads import ManyLabelsHead, decided_among
from otai.learning.metrics import bootstrap, percentile_interval, quality_under, sparse_of

# One-sided 95 %: as sure as that, the log loss of tickets to come falls too.
SURE_ENOUGH = 1.645

# A better likelihood is not bought with more than this of what a helpdesk sees (the mean of accuracy and macro F1).
MOST_LOSS_OF_UTILITY = 0.005

# A network that says less than this share of the whole is not worth running.
LEAST_SHARE = 0.05

RESAMPLES = 200

# Tickets times labels looked at; more would take memory and not choose better.
MOST_ENTRIES = 4_000_000
MOST_WEIGHT = 20.0


@dataclass(frozen=True)
class EnsembleWeights:
    """Weights of Business's scores and of each network's (all 0: Business alone), and what that changed on the tickets
    it was chosen on.

    `gain` is of the mean of accuracy and macro F1, with its 95 % interval.
    """

    business: float
    networks: tuple[float, ...]
    gain: float
    low: float
    high: float

    @property
    def is_business_alone(self) -> bool:
        """Whether no network has a weight, so that the scores are Business's to the last digit."""
        return not any(self.networks)

    def scores(self, business: Floats, networks: Sequence[Floats]) -> Floats:
        """Shape as each of them. Business alone keeps its scores to the digit."""
        if self.is_business_alone:
            return business
        whole = self.business * business
        for weight, one in zip(self.networks, networks, strict=True):
            if weight:
                whole = whole + weight * one
        return whole


def best_weights(business: Floats, networks: Sequence[Floats], y: Matrix, *, multi: bool) -> EnsembleWeights:
    """From scores of tickets not trained on, shape (tickets, labels), and the 0/1 truth.

    Business alone where the networks make the labels not surely likelier, or cost more than they give.
    """
    alone = EnsembleWeights(1.0, (0.0,) * len(networks), 0.0, 0.0, 0.0)
    if len(y) < 2 or not networks:
        return alone
    step = -(-y.size // MOST_ENTRIES)
    y = y[::step]
    scores = [member[::step].astype(np.float64) for member in (business, *networks)]
    weights = _likeliest(scores, y, multi=multi)
    # What a member contributes: its weight times how far its scores spread.
    effective = weights * np.array([member.std() for member in scores])
    kept = [0, *(at for at in range(1, len(scores)) if effective[at] >= LEAST_SHARE * effective.sum())]
    if len(kept) == 1:
        return alone
    if len(kept) < len(scores):
        weights = np.zeros(len(scores))
        weights[kept] = _likeliest([scores[at] for at in kept], y, multi=multi)
    together = np.tensordot(weights, np.stack(scores), axes=1)
    better = _losses(scores[0], y, multi=multi) - _losses(together, y, multi=multi)
    surely = better.mean() / max(better.std() / np.sqrt(len(better)), 1e-12)
    before, after = (decided_among(summed, y, multi=multi) for summed in (scores[0], together))
    gain = _gain(before, after, y > 0)
    if surely < SURE_ENOUGH or gain.value < -MOST_LOSS_OF_UTILITY:
        return EnsembleWeights(1.0, alone.networks, gain.value, gain.low, gain.high)
    return EnsembleWeights(
        float(weights[0]), tuple(float(weight) for weight in weights[1:]), gain.value, gain.low, gain.high
    )


def _likeliest(scores: Sequence[Floats], y: Matrix, *, multi: bool) -> Floats:
    """The weights, none negative; for several labels a ticket each label also has an offset, which is thrown away."""
    stacked, truth = np.stack(scores), y.astype(np.float64)
    members, labels = len(scores), y.shape[1]

    def loss(values: Floats) -> tuple[float, Floats]:
        whole = np.tensordot(values[:members], stacked, axes=1)
        if multi:
            whole = whole + values[members:]
            each, likely = np.logaddexp(0, whole) - truth * whole, special.expit(whole)
        else:
            whole = whole - whole.max(axis=1, keepdims=True)
            normaliser = np.log(np.exp(whole).sum(axis=1, keepdims=True))
            each, likely = truth * (normaliser - whole), np.exp(whole - normaliser)
        slope = (likely - truth) / len(truth)
        slopes = np.tensordot(stacked, slope, axes=([1, 2], [0, 1]))
        return float(each.sum() / len(truth)), np.concatenate([slopes, slope.sum(axis=0)]) if multi else slopes

    start = np.concatenate([np.full(members, 1 / members), np.zeros(labels if multi else 0)])
    bounds = [(0.0, MOST_WEIGHT)] * members + [(None, None)] * (len(start) - members)
    minimum = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Floats = minimum.x[:members]
    return weights


def _losses(scores: Floats, y: Matrix, *, multi: bool) -> Floats:
    """Each ticket's log loss once the scores are scaled as calibration would, shape (tickets,)."""
    if multi:
        _, likely = ManyLabelsHead.fit(scores, y)
        likely = np.clip(likely, 1e-6, 1 - 1e-6)
        return -(y * np.log(likely) + (1 - y) * np.log(1 - likely)).sum(axis=1)
    whole = _likeliest([scores], y, multi=False)[0] * scores
    whole = whole - whole.max(axis=1, keepdims=True)
    return np.log(np.exp(whole).sum(axis=1)) - (y * whole).sum(axis=1)


def _gain(before: Mask, after: Mask, actual: Mask) -> Estimate:
    """By how much the utility rose, with its 95 % interval."""
    weights = bootstrap(len(actual), RESAMPLES, np.random.default_rng(0))
    first, second = (
        quality_under(decided, actual, sparse_of(actual), weights).mean(axis=0) for decided in (before, after)
    )
    return percentile_interval(second[0] - first[0], second[1:] - first[1:])
