"""Confidences that keep their word: of the tickets predicted with confidence 0.9, nine in ten are right.

Everything here is fitted on scores of tickets that the model was not trained on (left-out scores), never on its own training
scores, which are always too sure of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otai.learning.arrays import Floats, Mask

# Fewer tickets than this in a step of the confidence map say little about how often it is right.
TICKETS_PER_STEP = 30
MOST_STEPS = 40

# How many imaginary tickets, right as often as their confidence says, each step starts with.
PRIOR_TICKETS = 4.0

# Keeps the order of tickets inside a step of the map, so that no two different scores become one confidence.
KEPT_SLOPE = 0.01


@dataclass(frozen=True)
class ConfidenceMap:
    """A rising line from raw to calibrated confidence, by its corners; both arrays of shape (corners,), from 0 to 1."""

    raw: Floats
    calibrated: Floats

    def __call__(self, raw: Floats) -> Floats:
        return (1 - KEPT_SLOPE) * np.interp(raw, self.raw, self.calibrated) + KEPT_SLOPE * raw

    @classmethod
    def fit(cls, raw: Floats, right: Mask) -> ConfidenceMap:
        """Isotonic regression over steps of equally many tickets, joined by straight lines.

        `raw[ticket]` is the model's own confidence in its prediction, `right[ticket]` whether it was right, for tickets
        not trained on. With too few tickets for two steps the map changes little.
        """
        order = np.argsort(raw, kind="stable")
        steps = int(np.clip(len(raw) // TICKETS_PER_STEP, 1, MOST_STEPS))
        centres, shares, sizes = [], [], []
        for rows in np.array_split(order, steps):
            if not len(rows):
                continue
            centre = float(raw[rows].mean())
            centres.append(centre)
            shares.append((float(right[rows].sum()) + PRIOR_TICKETS * centre) / (len(rows) + PRIOR_TICKETS))
            sizes.append(float(len(rows)))
        rising = rising_fit(np.asarray(shares), np.asarray(sizes))
        ends_raw = np.concatenate([[0.0], centres, [1.0]])
        ends = np.concatenate(
            [[0.0 if not len(rising) else min(rising[0], centres[0])], rising, [rising[-1] if len(rising) else 1.0]]
        )
        ends[-1] = max(ends[-1], (ends[-1] + 1.0) / 2)
        return cls(ends_raw, np.clip(ends, 0.0, 1.0))


def rising_fit(values: Floats, weights: Floats) -> Floats:
    """The closest never-falling sequence (pool adjacent violators, least squares)."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (left, left_weight, left_size), (right, right_weight, right_size) = blocks[-2:]
            together = left_weight + right_weight
            mean = (left * left_weight + right * right_weight) / together
            blocks[-2:] = [(mean, together, left_size + right_size)]
    return np.concatenate([np.full(size, value) for value, _, size in blocks]) if blocks else values


def softmax(scores: Floats) -> Floats:
    """Rows to probabilities, shape kept."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def fitted_temperature(scores: Floats, codes: NDArray[np.int64]) -> float:
    """The divisor of `scores` that makes their softmax likeliest, between 0.05 and 20 (golden section on its logarithm)."""

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        top = scaled.max(axis=1)
        normaliser = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((normaliser - scaled[np.arange(len(codes)), codes]).mean())

    low, high = float(np.log(0.05)), float(np.log(20.0))
    golden = (np.sqrt(5) - 1) / 2
    inner, outer = high - golden * (high - low), low + golden * (high - low)
    at_inner, at_outer = loss(inner), loss(outer)
    for _ in range(24):
        if at_inner < at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - golden * (high - low)
            at_inner = loss(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + golden * (high - low)
            at_outer = loss(outer)
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True)
class ReliabilityBin:
    """Tickets whose confidence lies between `low` and `high`: how many, how sure, how often right."""

    low: float
    high: float
    tickets: int
    mean_confidence: float
    accuracy: float


def reliability(confidence: Floats, right: Mask, *, bins: int = 10) -> list[ReliabilityBin]:
    """Bins of equal width; empty ones are left out."""
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(
            low=at / bins,
            high=(at + 1) / bins,
            tickets=int((number == at).sum()),
            mean_confidence=float(confidence[number == at].mean()),
            accuracy=float(right[number == at].mean()),
        )
        for at in range(bins)
        if (number == at).any()
    ]


def expected_calibration_error(confidence: Floats, right: Mask, *, bins: int = 15) -> float:
    """The mean distance between confidence and accuracy over bins of equal width, weighted by their tickets (Guo et al. 2017).

    0 is perfect, 1 the worst. 15 bins, as in that paper, so that figures can be compared.
    """
    return float(
        sum(one.tickets * abs(one.mean_confidence - one.accuracy) for one in reliability(confidence, right, bins=bins))
        / max(len(confidence), 1)
    )
