"""Figures of merit on 0/1 matrices of (tickets, labels), each with the interval that says how much of it may be chance.

Metric not chosen: AUROC and log loss, which no helpdesk can act upon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import sparse

from otai.learning.arrays import Floats, Mask, Rows, Scores
from otai.learning.decisions import argmax_codes
from otai.learning.estimate import Estimate

RESAMPLES = 400

PERMUTATIONS = 499

# Tickets times labels of one permutation test: more tickets than these are sampled.
MOST_PERMUTED = 400_000


def wilson(successes: float, trials: int) -> Estimate:
    """A share with its 95 % interval (Wilson 1927), which stays inside 0 and 1 and is honest for few trials."""
    if trials == 0:
        return Estimate(0.0, 0.0, 1.0)
    z = 1.959964
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return Estimate(float(share), float(max(0.0, centre - half)), float(min(1.0, centre + half)))


def f1_per_label(hits: Floats, predicted: Floats, actual: Floats) -> Floats:
    """2 hits / (predicted + actual), 0 where nothing was predicted or there; any common shape."""
    return 2 * hits / np.maximum(predicted + actual, 1e-9)


def macro_f1(actual: sparse.csr_matrix, predicted: sparse.csr_matrix, *, seed: int) -> Estimate:
    """Mean F1 over the labels present in `actual`, with the 2.5 and 97.5 percentiles of 400 bootstrap resamples of
    tickets.

    Both matrices hold 0/1, shape (tickets, labels).
    """
    tickets = actual.shape[0]
    both = actual.multiply(predicted).tocsr()

    value = float(_macro_f1_under(np.ones((1, tickets)), both, predicted, actual)[0])
    if tickets == 0:
        return Estimate(value, 0.0, 1.0)
    weights = bootstrap(tickets, RESAMPLES, np.random.default_rng(seed))[1:]
    return percentile_interval(value, _macro_f1_under(weights, both, predicted, actual))


def _macro_f1_under(
    weights: Floats, both: sparse.csr_matrix, predicted: sparse.csr_matrix, actual: sparse.csr_matrix
) -> Floats:
    """Macro F1 under each row of weights of the tickets, shape (drawn,); `both` is 1 where a label was predicted and
    is there. Labels that no ticket with a weight has do not count."""
    hits, guessed, there = (np.asarray(weights @ part) for part in (both, predicted, actual))
    present = there > 0
    f1 = f1_per_label(hits, guessed, there) * present
    return f1.sum(axis=1) / np.maximum(present.sum(axis=1), 1)


def bootstrap(tickets: int, resamples: int, chance: np.random.Generator) -> Floats:
    """How often each ticket counts, shape (1 + resamples, tickets): once each in the first row, then as often as it was
    drawn with replacement (Efron 1979). What is compared on the same tickets is compared under the same rows."""
    drawn = chance.multinomial(tickets, np.full(tickets, 1 / tickets), size=resamples)
    return np.vstack([np.ones((1, tickets)), drawn]).astype(np.float64)


MOST_DRAWN = 20_000_000


def bootstrap_parts(tickets: int, resamples: int, chance: np.random.Generator) -> Iterator[Floats]:
    """The rows of `bootstrap`, a part of them at a time, the first row in the first part: of a large holdout all of
    them together take gigabytes. Each part has shape (rows, tickets)."""
    at_once = max(1, MOST_DRAWN // max(tickets, 1))
    yield np.ones((1, tickets))
    for begun in range(0, resamples, at_once):
        rows = min(at_once, resamples - begun)
        yield chance.multinomial(tickets, np.full(tickets, 1 / tickets), size=rows).astype(np.float64)


def percentile_interval(value: float, resampled: Floats) -> Estimate:
    """`value` between the 2.5 and 97.5 percentiles of what resamples gave, shape (resamples,)."""
    low, high = np.quantile(resampled, [0.025, 0.975])
    # A resample loses labels that have one ticket, so the interval can miss the value itself; it must not.
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))


def quality_under(decided: Mask, actual: Mask, there: sparse.csr_matrix, weights: Floats) -> Floats:
    """Accuracy and macro F1 under each row of weights of the holdout's tickets, shape (2, drawn)."""
    right = (decided == actual).all(axis=1).astype(np.float64)
    guessed = sparse.csr_matrix(decided.astype(np.float64))
    macro = _macro_f1_under(weights, there.multiply(guessed).tocsr(), guessed, there)
    return np.stack([weights @ right / weights.sum(axis=1), macro])


def sparse_of(y: Mask) -> sparse.csr_matrix:
    """An indicator, shape (tickets, labels), as float64 numbers in sparse rows, for matrix products."""
    return sparse.csr_matrix(y.astype(np.float64))


def chance_of_no_signal(actual: Mask, decided: Mask, *, seed: int) -> float:
    """How likely it is that answers which have nothing to do with the truth hit as many labels as these.

    The p-value of a permutation test (Ojala and Garriga 2010) of `decided` against `actual`, both of shape (tickets,
    labels). Guessing the most frequent label is no yardstick for that: a model that answers at random with all labels
    has a better macro F1. 1 where the answers are all the same.
    """
    if not actual.size:
        return 1.0
    chance = np.random.default_rng(seed)
    if actual.size > MOST_PERMUTED:
        rows = chance.choice(len(actual), max(MOST_PERMUTED // actual.shape[1], 1), replace=False)
        actual, decided = actual[rows], decided[rows]
    hits = _hits_in_order(actual, decided)
    reached = hits(np.arange(len(actual)))
    # Hits of every ticket's answer with every other's truth need no memory of (tickets, tickets): one order at a time.
    as_many = sum(hits(chance.permutation(len(actual))) >= reached for _ in range(PERMUTATIONS))
    return (as_many + 1) / (PERMUTATIONS + 1)


def chance_of_no_signal_in_scores(actual: Mask, scores: Floats, *, seed: int) -> float:
    """How likely it is that scores which have nothing to do with the truth are as high at the right labels as these.

    The p-value of a permutation test (Ojala and Garriga 2010) of `scores` against `actual`, both of shape (tickets,
    labels), each label's scores of mean 0 and spread 1: a label that is frequent, or scored higher, weighs no more. It
    sees what answers do not show where one label is the likeliest of every ticket, and needs no thresholds.
    """
    if not actual.any() or not scores.any():
        return 1.0
    chance = np.random.default_rng(seed)
    if actual.size > MOST_PERMUTED:
        rows = chance.choice(len(actual), max(MOST_PERMUTED // actual.shape[1], 1), replace=False)
        actual, scores = actual[rows], scores[rows]
    ticket, label = np.nonzero(actual)

    def at_right_labels(order: Rows) -> float:
        return float(scores[order[ticket], label].sum())

    reached = at_right_labels(np.arange(len(actual))) - 1e-6
    as_high = sum(at_right_labels(chance.permutation(len(actual))) >= reached for _ in range(PERMUTATIONS))
    return (as_high + 1) / (PERMUTATIONS + 1)


def standardised(scores: Scores) -> Floats:
    """`scores`, shape (tickets, labels), with mean 0 and standard deviation 1 over the tickets of each label; 0 where
    all of a label's are alike."""
    centred = scores.astype(np.float64) - scores.mean(axis=0, dtype=np.float64)
    spread = centred.std(axis=0)
    return np.where(spread > 1e-12, centred / np.maximum(spread, 1e-12), 0.0)


def _hits_in_order(actual: Mask, decided: Mask) -> Callable[[Rows], float]:
    """How many labels are right where the tickets' truth stands in the order given beside their answers."""
    if (actual.sum(axis=1) == 1).all() and (decided.sum(axis=1) == 1).all():
        # One label each is a number each, a hundred times as quick to compare.
        truth, answers = argmax_codes(actual), argmax_codes(decided)
        return lambda order: float(np.count_nonzero(truth[order] == answers))
    there, given = sparse.csr_matrix(actual.astype(np.float32)), decided.astype(np.float32)
    return lambda order: float(there[order].multiply(given).sum())
