"""The ensemble weights of fine-tuned networks beside Business's model, chosen for each attribute on out-of-fold scores.

Business decides; networks join only where the answers of all together are surely better. Scores are added up, each with
a weight that is never negative. The weights make the labels of those tickets likeliest (a handful of numbers fitted on
hundreds of tickets or more): the log likelihood sees by how much each ticket moved, so it finds good weights with few
tickets. But frequent labels rule it, so it does not say whether to use them at all. That is decided by what a helpdesk
sees, the mean of accuracy and macro F1, of weights that were chosen on other tickets (cross-validation), by a one-sided
test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from otai.learning.arrays import Floats, Mask, Matrix
from otai.learning.decisions import argmax_codes
from otai.learning.linear.heads import FOLDS, balanced_folds, decided_among
from otai.learning.metrics import bootstrap, percentile_interval, quality_under, sparse_of

# One-sided: as sure as that, answers are of more utility with the networks than without.
SURE_ENOUGH = 0.95

# ... and neither accuracy nor macro F1 pays for the other with more than this.
MOST_LOSS_OF_EITHER = 0.003

# A network that says less than this share of the whole is not worth running.
LEAST_SHARE = 0.05

# With fewer, no fold of five says anything.
FEWEST_TICKETS = 10

RESAMPLES = 400

# Tickets times labels looked at; more would take memory and not choose better.
MOST_ENTRIES = 4_000_000
MOST_WEIGHT = 20.0


@dataclass(frozen=True)
class EnsembleWeights:
    """Weights of Business's scores and of each network's (all 0: Business alone), and what that changed on the tickets
    it was chosen on.

    `gain` is of the mean of accuracy and macro F1, with its 95 % interval, each ticket by weights that were chosen
    without it; `accuracy` and `macro_f1` are the gains of either.
    """

    business: float
    networks: tuple[float, ...]
    gain: float
    low: float
    high: float
    accuracy: float = 0.0
    macro_f1: float = 0.0

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

    Business alone where answers are not surely better with the networks.
    """
    alone = EnsembleWeights(1.0, (0.0,) * len(networks), 0.0, 0.0, 0.0)
    if len(y) < FEWEST_TICKETS or not networks:
        return alone
    step = -(-y.size // MOST_ENTRIES)
    y = y[::step]
    scores = [member[::step].astype(np.float64) for member in (business, *networks)]
    weights = _maximum_likelihood_weights(scores, y, multi=multi)
    # What a member contributes: its weight times how far its scores spread.
    effective = weights * np.array([member.std() for member in scores])
    kept = [0, *(at for at in range(1, len(scores)) if effective[at] >= LEAST_SHARE * effective.sum())]
    if len(kept) == 1:
        return alone
    if len(kept) < len(scores):
        weights = np.zeros(len(scores))
        weights[kept] = _maximum_likelihood_weights([scores[at] for at in kept], y, multi=multi)
    together = _cross_fitted([scores[at] for at in kept], y, multi=multi)
    before, after = (decided_among(summed, y, multi=multi) for summed in (scores[0], together))
    gains = _gains(before, after, y > 0)
    utility = gains.mean(axis=0)
    gain = percentile_interval(utility[0], utility[1:])
    business_weight, *others = map(float, weights) if surely_better(gains) else (1.0, *alone.networks)
    accuracy, macro_f1 = map(float, gains[:, 0])
    return EnsembleWeights(
        business_weight, tuple(others), gain.value, gain.low, gain.high, accuracy=accuracy, macro_f1=macro_f1
    )


def surely_better(gains: Floats) -> bool:
    """Whether answers with the networks are: from what was gained in accuracy and macro F1, on the tickets and on
    redraws of them, shape (2, 1 + redraws)."""
    utility = gains.mean(axis=0)
    return bool(np.quantile(utility[1:], 1 - SURE_ENOUGH) > 0 and gains[:, 0].min() >= -MOST_LOSS_OF_EITHER)


def _cross_fitted(scores: Sequence[Floats], y: Matrix, *, multi: bool) -> Floats:
    """The weighted sums, each ticket's by weights of the other folds' tickets, shape (tickets, labels)."""
    folds = np.arange(len(y)) % FOLDS if multi else balanced_folds(argmax_codes(y))
    together = np.empty(y.shape)
    for fold in range(FOLDS):
        inside = folds == fold
        weights = _maximum_likelihood_weights([member[~inside] for member in scores], y[~inside], multi=multi)
        together[inside] = np.tensordot(weights, np.stack([member[inside] for member in scores]), axes=1)
    return together


def _maximum_likelihood_weights(scores: Sequence[Floats], y: Matrix, *, multi: bool) -> Floats:
    """The weights, none negative; for several labels a ticket each label also has an offset, which is thrown away."""
    stacked, truth = np.stack(scores), y.astype(np.float64)
    members, labels = len(scores), y.shape[1]

    def loss(values: Floats) -> tuple[float, Floats]:
        whole = np.tensordot(values[:members], stacked, axes=1)
        if multi:
            whole = whole + values[members:]
            each, probabilities = np.logaddexp(0, whole) - truth * whole, special.expit(whole)
        else:
            log_probabilities = special.log_softmax(whole, axis=1)
            each, probabilities = -truth * log_probabilities, np.exp(log_probabilities)
        slope = (probabilities - truth) / len(truth)
        slopes = np.tensordot(stacked, slope, axes=([1, 2], [0, 1]))
        return float(each.sum() / len(truth)), np.concatenate([slopes, slope.sum(axis=0)]) if multi else slopes

    start = np.concatenate([np.full(members, 1 / members), np.zeros(labels if multi else 0)])
    bounds = [(0.0, MOST_WEIGHT)] * members + [(None, None)] * (len(start) - members)
    minimum = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Floats = minimum.x[:members]
    return weights


def _gains(before: Mask, after: Mask, actual: Mask) -> Floats:
    """By how much accuracy and macro F1 rose, on the tickets and on redraws of them, shape (2, 1 + redraws)."""
    weights = bootstrap(len(actual), RESAMPLES, np.random.default_rng(0))
    first, second = (quality_under(decided, actual, sparse_of(actual), weights) for decided in (before, after))
    return second - first
