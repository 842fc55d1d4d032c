"""From raw scores to labels with confidences: the part of a model that is an attribute's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from otai.learning.arrays import Arrays, Codes, Floats, Mask, Matrix, Rows, Scores
from otai.learning.decisions import argmax_codes, argmax_decision
from otai.learning.linear.calibration import ConfidenceMap, fitted_temperature, label_shifts, logistic, shifted

FOLDS = 5


class Head(Protocol):
    """What turns scores, shape (tickets, labels), into calibrated probabilities of the same shape."""

    def probabilities(self, scores: Floats) -> Floats:
        """Shape kept; each row, or for several labels a ticket each entry, is a probability."""
        ...

    def arrays(self) -> Arrays:
        """As a model stores it, by name; the class's `from_arrays` reads it."""
        ...


@dataclass(frozen=True)
class OneLabelHead:
    """Exactly one label a ticket: softmax of the scores over a temperature, and a calibrated top confidence.

    One map for all labels, and for each label a shift of the log-odds of what the map says, shape (labels,): a label
    with enough tickets has thresholds of its own, by which confidences of all labels mean the same. None: models from
    before, which had the map alone.
    """

    temperature: float
    confidence: ConfidenceMap
    label_shifts: Floats | None = None

    def probabilities(self, scores: Floats) -> Floats:
        """Rows add up to 1; the largest is the calibrated confidence, the others share the rest as the softmax had it.
        Shape (tickets, labels), as `scores`."""
        raw = special.softmax(scores / self.temperature, axis=1)
        top = self.confidence(raw.max(axis=1))
        if self.label_shifts is not None:
            top = shifted(top, self.label_shifts[argmax_codes(raw)])
        return with_top(raw, top)

    def arrays(self) -> Arrays:
        """The numbers of the head by name, as a model stores them; `from_arrays` takes them."""
        arrays = {
            "temperature": np.asarray([self.temperature]),
            "confidence_raw": self.confidence.raw,
            "confidence": self.confidence.calibrated,
        }
        return arrays if self.label_shifts is None else arrays | {"label_shifts": self.label_shifts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> OneLabelHead:
        """The head of `arrays`. Raises KeyError where one of its arrays is missing."""
        return cls(
            temperature=float(arrays["temperature"][0]),
            confidence=ConfidenceMap(arrays["confidence_raw"], arrays["confidence"]),
            label_shifts=arrays.get("label_shifts"),
        )

    @classmethod
    def fit(cls, out_of_fold: Floats, codes: Codes) -> tuple[OneLabelHead, Floats]:
        """From scores of tickets not trained on, shape (tickets, labels), and each ticket's label number.

        Returns the head and the calibrated probabilities of these tickets, each by a map and shifts fitted without its
        fifth of the tickets; thresholds are chosen on those.
        """
        temperature = fitted_temperature(out_of_fold, codes)
        raw = special.softmax(out_of_fold / temperature, axis=1)
        top, predicted = raw.max(axis=1), argmax_codes(raw)
        right = predicted == codes

        def calibrated_by(tickets: Mask) -> tuple[ConfidenceMap, Floats]:
            confidence = ConfidenceMap.fit(top[tickets], right[tickets])
            said = confidence(top[tickets])
            return confidence, label_shifts(said, right[tickets], predicted[tickets], labels=raw.shape[1])

        calibrated = np.empty_like(top)
        folds = balanced_folds(codes)
        for fold in range(FOLDS):
            inside = folds == fold
            confidence, shifts = calibrated_by(~inside)
            calibrated[inside] = shifted(confidence(top[inside]), shifts[predicted[inside]])
        return cls(temperature, *calibrated_by(np.ones(len(top), np.bool_))), with_top(raw, calibrated)


# What a label's best F1 has to gain over giving the label to every ticket before the model is believed to know anything
# of it.
LEAST_GAIN_OVER_ALWAYS = 0.05


@dataclass(frozen=True)
class ManyLabelsHead:
    """Any number of labels a ticket: a logistic curve and a threshold for each label; all arrays of shape (labels,)."""

    slopes: Floats
    offsets: Floats
    thresholds: Floats
    confidence: ConfidenceMap

    def probabilities(self, scores: Floats) -> Floats:
        """How likely each label applies, each on its own. Shape (tickets, labels), as `scores`."""
        return self.confidence(logistic(scores * self.slopes + self.offsets))

    def arrays(self) -> Arrays:
        """The numbers of the head by name, shape (labels,) each, as a model stores them; `from_arrays` takes them."""
        return {
            "slopes": self.slopes,
            "offsets": self.offsets,
            "thresholds": self.thresholds,
            "confidence_raw": self.confidence.raw,
            "confidence": self.confidence.calibrated,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> ManyLabelsHead:
        """The head of `arrays`. Raises KeyError where one of its arrays is missing."""
        return cls(
            slopes=arrays["slopes"],
            offsets=arrays["offsets"],
            thresholds=arrays["thresholds"],
            confidence=ConfidenceMap(arrays["confidence_raw"], arrays["confidence"]),
        )

    @classmethod
    def fit(cls, out_of_fold: Floats, y: Matrix) -> tuple[ManyLabelsHead, Floats]:
        """From scores of tickets not trained on and the 0/1 truth, both of shape (tickets, labels); thresholds are
        those of the best F1.

        Returns the head and the probabilities of these tickets (two numbers a label were fitted on them: close to
        honest).
        """
        slopes, offsets = _logistic_fit(out_of_fold, y)
        raw = logistic(out_of_fold * slopes + offsets)
        confidence = ConfidenceMap.fit(raw.ravel(), y.ravel() > 0)
        probabilities = confidence(raw)
        thresholds = np.array(
            [_best_f1_threshold(probabilities[:, label], y[:, label] > 0) for label in range(y.shape[1])]
        )
        return cls(slopes, offsets, thresholds, confidence), probabilities


def decided_among(scores: Scores, y: Matrix, *, multi: bool) -> Mask:
    """Which labels out-of-fold scores would give to their own tickets, shape (tickets, labels) each; of a multi-label
    attribute by the thresholds that are best for these tickets."""
    if not multi:
        return argmax_decision(scores)
    head, probabilities = ManyLabelsHead.fit(scores.astype(np.float64), y)
    above: Mask = probabilities >= head.thresholds
    return above


def decided_beside(scores: Scores, out_of_fold: Scores, y: Matrix, *, multi: bool) -> Mask:
    """Which labels `scores` give to new tickets, shape (tickets, labels); thresholds of a multi-label attribute are
    those of out-of-fold scores and their 0/1 truth `y`. Without any of those the likeliest label is given."""
    if not multi or not len(y):
        return argmax_decision(scores)
    head, _ = ManyLabelsHead.fit(out_of_fold.astype(np.float64), y)
    above: Mask = head.probabilities(scores.astype(np.float64)) >= head.thresholds
    return above


def balanced_folds(codes: Codes) -> Rows:
    """A fold number for each ticket, the tickets of each label dealt out in turn; no chance in it."""
    order = np.argsort(codes, kind="stable")
    folds = np.empty(len(codes), np.int64)
    folds[order] = np.arange(len(codes)) % FOLDS
    return folds


def with_top(raw: Floats, top: Floats) -> Floats:
    """`raw` with its largest entry of each row set to `top`, the others scaled so that the row adds up to 1.

    The order of labels stays: the largest entry is never set below what the runner-up is left with. Others that had
    nothing share evenly. `raw` has shape (tickets, labels), `top` (tickets,).
    """
    rows = np.arange(len(raw))
    best = argmax_codes(raw)
    others = raw.copy()
    others[rows, best] = 0
    rest = others.sum(axis=1, keepdims=True)
    even = 1 / max(raw.shape[1] - 1, 1)
    shares = np.where(rest > 1e-9, others / np.maximum(rest, 1e-9), even)
    shares[rows, best] = 0
    runner_up = shares.max(axis=1)
    top = np.maximum(top, runner_up / (1 + runner_up))
    shares *= (1 - top)[:, None]
    shares[rows, best] = top
    return shares


def _logistic_fit(scores: Floats, y: Matrix) -> tuple[Floats, Floats]:
    """Platt scaling of every column at once, with his smoothed targets (Platt 1999): 20 Newton steps on two numbers
    each."""
    positive = y.sum(axis=0).astype(np.float64)
    negative = len(y) - positive
    truth = np.where(y > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    centre, spread = scores.mean(axis=0), scores.std(axis=0) + 1e-9
    unit = (scores - centre) / spread
    slopes, offsets = np.ones(y.shape[1]), np.log((positive + 1) / (negative + 1))
    for _ in range(20):
        probabilities = logistic(unit * slopes + offsets)
        wrong, weight = probabilities - truth, probabilities * (1 - probabilities) + 1e-9
        a, b, c = (weight * unit**2).sum(axis=0) + 1e-3, (weight * unit).sum(axis=0), weight.sum(axis=0) + 1e-6
        g, h = (wrong * unit).sum(axis=0) + 1e-3 * slopes, wrong.sum(axis=0)
        determinant = a * c - b * b
        step_slope, step_offset = (c * g - b * h) / determinant, (a * h - b * g) / determinant
        shrink = np.minimum(1.0, 2.0 / np.maximum(np.hypot(step_slope, step_offset), 1e-9))
        slopes, offsets = slopes - shrink * step_slope, offsets - shrink * step_offset
    # A label that scores higher where it does not apply has nothing to say: it keeps its base rate.
    mute = slopes <= 0
    slopes = np.where(mute, 0.0, slopes / spread)
    return slopes, np.where(mute, np.log((positive + 1) / (negative + 1)), offsets - slopes * centre)


def _best_f1_threshold(probability: Floats, applies: Mask) -> float:
    """Half-way between the two tickets where F1 is best; one half where nothing applies, or where nothing was learnt.

    The F1 of a label that nothing tells is best when it is given to every ticket (Lipton, Elkan and Naryanaswamy 2014),
    which ruins all the other labels of those tickets: such a label is given only where it is likelier than not.
    """
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(applies[order])
    if not len(hits) or not hits[-1]:
        return 0.5
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    best = int(f1.argmax())
    if f1[best] < f1[-1] + LEAST_GAIN_OVER_ALWAYS:
        return 0.5
    below = probability[order[best + 1]] if best + 1 < len(order) else 0.0
    return float((probability[order[best]] + below) / 2)
