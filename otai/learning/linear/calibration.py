"""Confidences that keep their word: of the tickets predicted with confidence 0.9, nine in ten are right.

Everything here is fitted on scores of tickets that the model was not trained on (left-out scores), never on its own
training scores, which are always too sure of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from otai.learning.arrays import Codes, Floats, Mask

Real = TypeVar("Real", bound=np.floating[Any])

# Fewer tickets than this in a step of the confidence map say little about how often it is right.
TICKETS_PER_STEP = 30
MOST_STEPS = 40

# How many imaginary tickets, right as often as their confidence says, each step starts with.
PRIOR_TICKETS = 4.0

# Keeps the order of tickets inside a step of the map, so that no two different scores become one confidence.
KEPT_SLOPE = 0.01


LOG_TEMPERATURES = (float(np.log(0.05)), float(np.log(20.0)))


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
        if not len(raw):
            return cls(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
        order = np.argsort(raw, kind="stable")
        steps = min(max(len(raw) // TICKETS_PER_STEP, 1), MOST_STEPS)
        centres, shares, sizes = [], [], []
        for rows in np.array_split(order, steps):
            centre = float(raw[rows].mean())
            centres.append(centre)
            shares.append((float(right[rows].sum()) + PRIOR_TICKETS * centre) / (len(rows) + PRIOR_TICKETS))
            sizes.append(float(len(rows)))
        rising = optimize.isotonic_regression(shares, weights=sizes).x
        calibrated = np.concatenate([[min(rising[0], centres[0])], rising, [(rising[-1] + 1.0) / 2]])
        # A softmax that is rounded may lie above 1 by a little, and so may shares worked out from it.
        return cls(np.concatenate([[0.0], centres, [1.0]]), np.clip(calibrated, 0.0, 1.0))


# Fewer predictions of a label than this say little about how often it is right.
TICKETS_PER_LABEL = 20

# How strongly a label's shift is held at none: as by a normal distribution around 0 of variance 1 / 2.
SHIFT_PENALTY = 2.0
NEWTON_STEPS = 8


def label_shifts(confidence: Floats, right: Mask, predicted: Codes, *, labels: int) -> Floats:
    """By how much the log-odds of the confidence in each label are moved, shape (labels,): up where its predictions are
    right more often than `confidence` says, down where less often.

    All three are of shape (tickets,), of tickets not trained on; `predicted` are numbers of labels. A label that was
    predicted for few tickets is not moved.
    """
    shifts = np.zeros(labels)
    log_odds = _log_odds(confidence)
    for _ in range(NEWTON_STEPS):
        expected = special.expit(log_odds + shifts[predicted])
        slope = np.bincount(predicted, weights=right - expected, minlength=labels) - SHIFT_PENALTY * shifts
        curvature = np.bincount(predicted, weights=expected * (1 - expected), minlength=labels) + SHIFT_PENALTY
        shifts += slope / curvature
    shifts[np.bincount(predicted, minlength=labels) < TICKETS_PER_LABEL] = 0
    return shifts


def shifted(confidence: Floats, shifts: Floats) -> Floats:
    """Each confidence with its log-odds moved; all of shape (tickets,)."""
    moved: Floats = special.expit(_log_odds(confidence) + shifts)
    return np.where(shifts == 0, confidence, moved)


def _log_odds(confidence: Floats) -> Floats:
    odds: Floats = special.logit(np.clip(confidence, 1e-6, 1 - 1e-6))
    return odds


def logistic(values: NDArray[Real]) -> NDArray[Real]:
    """1 / (1 + e^-x), in the shape and precision of `values`.

    Not scipy's `expit`, which rounds the last digit the other way for one value in fifty: models that are in use must
    predict the same to the digit. It is twice as fast, too, which the solver asks for at every step.
    """
    probabilities: NDArray[Real] = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return probabilities


def fitted_temperature(scores: Floats, codes: Codes) -> float:
    """The divisor of `scores`, shape (tickets, labels), that makes the labels `codes` likeliest under their softmax;
    between 0.05 and 20 (temperature scaling; Guo et al. 2017)."""

    def log_loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        return float((special.logsumexp(scaled, axis=1) - scaled[np.arange(len(codes)), codes]).mean())

    best = optimize.minimize_scalar(log_loss, bounds=LOG_TEMPERATURES, options={"xatol": 1e-4})
    return float(np.exp(best.x))


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
    """The mean distance between confidence and accuracy over bins of equal width, weighted by their tickets (Guo et al.
    2017).

    0 is perfect, 1 the worst. 15 bins, as in that paper, so that figures can be compared.
    """
    return float(
        sum(one.tickets * abs(one.mean_confidence - one.accuracy) for one in reliability(confidence, right, bins=bins))
        / max(len(confidence), 1)
    )
