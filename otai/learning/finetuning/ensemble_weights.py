"""How far fine-tuned networks are listened to beside Business's model, decided for each attribute on tickets that none of them had seen.

Scores are added up, each with a weight that is never negative. The weights make the labels of those tickets likeliest (a handful of numbers fitted on hundreds of tickets or more). The log
likelihood decides and not the accuracy: it sees by how much each ticket moved, so it tells a gain of half a point from chance where the accuracy needs ten times the tickets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from otai.learning.linear.heads import ManyLabelsHead
from otai.learning.metrics import f1_per_label

Floats = NDArray[np.float64]

# One-sided 95 %: as sure as that, the log loss of tickets to come falls too.
SURE_ENOUGH = 1.645

# A better likelihood is not bought with more than this of what a helpdesk sees (the mean of accuracy and macro F1).
MOST_LOSS_OF_WORTH = 0.005

# A network that says less than this share of the whole is not worth running.
LEAST_SHARE = 0.05

RESAMPLES = 200

# Tickets times labels looked at; more would take memory and not choose better.
MOST_ENTRIES = 4_000_000
MOST_WEIGHT = 20.0


@dataclass(frozen=True)
class Combination:
    """Weights of Business's scores and of each network's (all 0: Business alone), and what that changed on the tickets it was chosen on.

    `gain` is of the mean of accuracy and macro F1, with its 95 % interval.
    """

    business: float
    networks: tuple[float, ...]
    gain: float
    low: float
    high: float

    @property
    def is_business_alone(self) -> bool:
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


def combined(business: Floats, networks: Sequence[Floats], hot: NDArray[np.float32], *, multi: bool) -> Combination:
    """From scores of tickets not trained on, shape (tickets, labels), and the 0/1 truth.

    Business alone where the networks make the labels not surely likelier, or cost more than they give.
    """
    alone = Combination(1.0, (0.0,) * len(networks), 0.0, 0.0, 0.0)
    if len(hot) < 2 or not networks:
        return alone
    step = -(-hot.size // MOST_ENTRIES)
    hot = hot[::step]
    scores = [one[::step].astype(np.float64) for one in (business, *networks)]
    weights = _likeliest(scores, hot, multi=multi)
    # How loud a voice is: its weight times how far its scores spread.
    loud = weights * np.array([one.std() for one in scores])
    kept = [0, *(at for at in range(1, len(scores)) if loud[at] >= LEAST_SHARE * loud.sum())]
    if len(kept) == 1:
        return alone
    if len(kept) < len(scores):
        weights = np.zeros(len(scores))
        weights[kept] = _likeliest([scores[at] for at in kept], hot, multi=multi)
    together = np.tensordot(weights, np.stack(scores), axes=1)
    better = _losses(scores[0], hot, multi=multi) - _losses(together, hot, multi=multi)
    surely = better.mean() / max(better.std() / np.sqrt(len(better)), 1e-12)
    before, after = (_decided(one, hot, multi=multi) for one in (scores[0], together))
    gain, low, high = _gain(before, after, hot > 0)
    if surely < SURE_ENOUGH or gain < -MOST_LOSS_OF_WORTH:
        return Combination(1.0, alone.networks, gain, low, high)
    return Combination(float(weights[0]), tuple(float(one) for one in weights[1:]), gain, low, high)


def _likeliest(scores: Sequence[Floats], hot: NDArray[np.float32], *, multi: bool) -> Floats:
    """The weights, none negative; for several labels a ticket each label also has an offset, which is thrown away."""
    stacked, truth = np.stack(scores), hot.astype(np.float64)
    voices, labels = len(scores), hot.shape[1]

    def loss(values: Floats) -> tuple[float, Floats]:
        whole = np.tensordot(values[:voices], stacked, axes=1)
        if multi:
            whole = whole + values[voices:]
            each, likely = np.logaddexp(0, whole) - truth * whole, _logistic(whole)
        else:
            whole = whole - whole.max(axis=1, keepdims=True)
            normaliser = np.log(np.exp(whole).sum(axis=1, keepdims=True))
            each, likely = truth * (normaliser - whole), np.exp(whole - normaliser)
        slope = (likely - truth) / len(truth)
        slopes = np.tensordot(stacked, slope, axes=([1, 2], [0, 1]))
        return float(each.sum() / len(truth)), np.concatenate([slopes, slope.sum(axis=0)]) if multi else slopes

    start = np.concatenate([np.full(voices, 1 / voices), np.zeros(labels if multi else 0)])
    bounds = [(0.0, MOST_WEIGHT)] * voices + [(None, None)] * (len(start) - voices)
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Floats = found.x[:voices]
    return weights


def _losses(scores: Floats, hot: NDArray[np.float32], *, multi: bool) -> Floats:
    """Each ticket's log loss once the scores are scaled as calibration would, shape (tickets,)."""
    if multi:
        _, likely = ManyLabelsHead.fit(scores, hot)
        likely = np.clip(likely, 1e-6, 1 - 1e-6)
        return -(hot * np.log(likely) + (1 - hot) * np.log(1 - likely)).sum(axis=1)
    whole = _likeliest([scores], hot, multi=False)[0] * scores
    whole = whole - whole.max(axis=1, keepdims=True)
    return np.log(np.exp(whole).sum(axis=1)) - (hot * whole).sum(axis=1)


def _decided(scores: Floats, hot: NDArray[np.float32], *, multi: bool) -> NDArray[np.bool_]:
    if multi:
        head, likely = ManyLabelsHead.fit(scores, hot)
        return likely >= head.thresholds
    decided = np.zeros(scores.shape, np.bool_)
    decided[np.arange(len(scores)), scores.argmax(axis=1)] = True
    return decided


def _gain(before: NDArray[np.bool_], after: NDArray[np.bool_], actual: NDArray[np.bool_]) -> tuple[float, float, float]:
    """By how much the mean of accuracy and macro F1 rose, with the 2.5 and 97.5 percentiles over resampled tickets."""

    def worth(decided: NDArray[np.bool_], weights: Floats) -> Floats:
        hits, guessed, there = (weights @ part.astype(np.float64) for part in (actual & decided, decided, actual))
        f1 = f1_per_label(hits, guessed, there)
        macro = (f1 * (there > 0)).sum(axis=1) / np.maximum((there > 0).sum(axis=1), 1)
        exact = weights @ (decided == actual).all(axis=1) / weights.sum(axis=1)
        return (exact + macro) / 2

    tickets = len(actual)
    chance = (
        np.random.default_rng(0).multinomial(tickets, np.full(tickets, 1 / tickets), size=RESAMPLES).astype(np.float64)
    )
    weights = np.concatenate([np.ones((1, tickets)), chance])
    gains = worth(after, weights) - worth(before, weights)
    low, high = np.quantile(gains[1:], [0.025, 0.975])
    return float(gains[0]), float(min(low, gains[0])), float(max(high, gains[0]))


def _logistic(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))
