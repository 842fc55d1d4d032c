"""Measuring a model on tickets it never learnt from.

Metric not chosen: AUROC and log loss, which no helpdesk can act upon. Accuracy is shown because everybody asks for it,
macro F1 because accuracy hides the small queues, and coverage at a precision because it is what automation is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from otai.learning.arrays import Codes, Counts, Floats, Mask
from otai.learning.data.attributes import AttributeKind
from otai.learning.data.targets import AttributeTarget
from otai.learning.decisions import argmax_codes
from otai.learning.evidence.report_card import (
    AttributeReport,
    ConfusedPair,
    Coverage,
    CurvePoint,
    LabelReport,
    Majority,
    Reliability,
)
from otai.learning.evidence.risk_control import ASSURANCE, more_predictions, promise
from otai.learning.linear.calibration import expected_calibration_error, reliability
from otai.learning.linear.heads import FOLDS
from otai.learning.metrics import chance_of_no_signal, macro_f1, sparse_of, wilson

TARGET_PRECISIONS = (0.90, 0.95, 0.99)

CURVE_POINTS = 41
MOST_PAIRS = 10
TICKETS_PER_PAIR = 5


@dataclass(frozen=True)
class Threshold:
    """The lowest confidence from which the target precision is promised at `assurance`, and what it gave where it was
    chosen. No confidence: it takes `times` as many tickets looked at to promise it (None: no number of them would)."""

    target_precision: float
    confidence: float | None
    coverage: float
    precision: float | None
    assurance: float = ASSURANCE
    times: float | None = None


def thresholds_for(
    confidence: Floats,
    right: Mask,
    *,
    of: int,
    multi: bool = False,
    assurance: float = ASSURANCE,
    targets: tuple[float, ...] = TARGET_PRECISIONS,
) -> list[Threshold]:
    """Chooses a threshold for each target precision on predictions for tickets not trained on (`risk_control`).

    `of` is what coverage is a share of: the number of tickets, or (multi-label) of labels given, of which only the
    right predictions find one.
    """
    chosen = []
    for target in targets:
        promised = promise(confidence, right, target=target, assurance=assurance)
        if promised.confidence is None:
            more = more_predictions(confidence, right, target=target, assurance=assurance)
            times = None if more is None else 1 + more / max(len(confidence), 1)
            chosen.append(Threshold(target, None, 0.0, None, assurance, times))
            continue
        above = confidence >= promised.confidence
        hits = int(right[above].sum())
        covered = hits if multi else promised.taken
        share = float(covered / max(of, 1))
        chosen.append(Threshold(target, promised.confidence, share, hits / promised.taken, assurance))
    return chosen


def more_tickets_for(times: float, *, looked_at: int, labelled: int, wanted: int) -> int:
    """How many more labelled tickets it takes for `times` as many to be looked at out of fold as now.

    `looked_at` of `labelled` tickets are: as many of the folds as it takes to look at `wanted` tickets, one at least.
    """
    needed = times * looked_at
    for folds in range(FOLDS, 0, -1):
        tickets = needed * FOLDS / folds
        if folds == 1 or labelled <= tickets < wanted * FOLDS / (folds - 1):
            break
    more = max(tickets - labelled, 1.0)
    # A forecast is no count: two digits of it, upwards.
    step = 10 ** max(int(np.log10(more)) - 1, 1)
    return int(np.ceil(more / step)) * step


def evaluate(
    target: AttributeTarget,
    *,
    train: Codes,
    holdout: Codes,
    probabilities: Floats,
    decided: Mask,
    thresholds: list[Threshold],
    more_tickets: Sequence[int | None] = (),
    ticket_ids: list[str],
    seed: int,
    excerpt: Callable[[int], str] | None = None,
) -> AttributeReport:
    """Fills in one attribute's part of the report card.

    `train` and `holdout` are row numbers of the data set in which the attribute is known. `probabilities` and `decided`
    (which labels the model gives) have shape (holdout, labels), `ticket_ids` one id for each holdout row,
    `more_tickets` says for each threshold how many more it would take to promise what cannot be promised. `excerpt`
    gives the beginning of a holdout ticket by its place among them; without it the card shows ids only.
    """
    actual = target.y[holdout] > 0
    confidence, right, found_of = decisions(probabilities, decided, actual, multi=target.spec.is_multi)
    exact = (decided == actual).all(axis=1)
    one_label = not target.spec.is_multi
    in_training = target.y[train].sum(axis=0).astype(int)
    ordered = target.spec.kind is AttributeKind.ORDERED
    actual_codes, predicted_codes = argmax_codes(actual), argmax_codes(probabilities)
    hits = (actual & decided).sum()
    return AttributeReport(
        name=target.spec.name,
        kind=target.spec.kind.value,
        labels=list(target.labels),
        train_tickets=len(train),
        holdout_tickets=len(holdout),
        accuracy=wilson(float(exact.sum()), len(exact)),
        macro_f1=macro_f1(sparse_of(actual), sparse_of(decided), seed=seed),
        majority=_majority(target, in_training, actual, ordered=ordered),
        calibration_error=expected_calibration_error(confidence, right),
        per_label=_per_label(target.labels, in_training, actual, decided),
        confusion=_confusion(actual_codes, predicted_codes, len(target.labels)) if one_label else [],
        coverage=[
            _coverage(threshold, confidence, right, found_of, multi=not one_label, more=more)
            for threshold, more in zip(thresholds, more_tickets or [None] * len(thresholds), strict=True)
        ],
        curve=_curve(confidence, right, found_of, multi=not one_label),
        reliability=[Reliability(**vars(bin_)) for bin_ in reliability(confidence, right)],
        confused_pairs=_confused(target.labels, actual_codes, predicted_codes, confidence, ticket_ids, excerpt)
        if one_label
        else [],
        micro_f1=None if one_label else float(2 * hits / max(int(actual.sum() + decided.sum()), 1)),
        chance_of_no_signal=chance_of_no_signal(actual, decided, seed=seed),
        mean_absolute_error=float(np.abs(actual_codes - predicted_codes).mean()) if ordered and len(holdout) else None,
    )


def decisions(probabilities: Floats, decided: Mask, actual: Mask, *, multi: bool) -> tuple[Floats, Mask, int]:
    """Every prediction made, its confidence and whether it was right, and what coverage is a share of.

    One label a ticket: one prediction a ticket. Multi-label: one for each label given to a ticket by the model, and
    coverage is a share of the labels that the tickets really have.
    """
    if multi:
        return probabilities[decided], actual[decided], int(actual.sum())
    rows = np.arange(len(probabilities))
    best = argmax_codes(probabilities)
    return probabilities[rows, best], actual[rows, best], len(rows)


def _majority(target: AttributeTarget, in_training: Counts, actual: Mask, *, ordered: bool) -> Majority:
    if target.spec.is_multi:
        return Majority(label=None, accuracy=float((~actual.any(axis=1)).mean()) if len(actual) else 0.0, macro_f1=0.0)
    label = int(in_training.argmax())
    share = float(actual[:, label].mean()) if len(actual) else 0.0
    present = max(int(actual.any(axis=0).sum()), 1)
    steps = float(np.abs(argmax_codes(actual) - label).mean()) if ordered and len(actual) else None
    return Majority(target.labels[label], share, 2 * share / (1 + share) / present, steps)


def _per_label(labels: tuple[str, ...], in_training: Counts, actual: Mask, decided: Mask) -> list[LabelReport]:
    hits, there, guessed = (actual & decided).sum(axis=0), actual.sum(axis=0), decided.sum(axis=0)
    return [
        LabelReport(
            label=label,
            train_tickets=int(in_training[at]),
            holdout_tickets=int(there[at]),
            predicted=int(guessed[at]),
            precision=float(hits[at] / guessed[at]) if guessed[at] else None,
            recall=float(hits[at] / there[at]) if there[at] else None,
            f1=float(2 * hits[at] / (guessed[at] + there[at])) if there[at] else None,
        )
        for at, label in enumerate(labels)
    ]


def _confusion(actual: Codes, predicted: Codes, labels: int) -> list[list[int]]:
    pairs, tickets = np.unique(actual * labels + predicted, return_counts=True)
    return [[int(pair // labels), int(pair % labels), int(count)] for pair, count in zip(pairs, tickets, strict=True)]


def _coverage(
    threshold: Threshold, confidence: Floats, right: Mask, of: int, *, multi: bool, more: int | None
) -> Coverage:
    taken = confidence >= threshold.confidence if threshold.confidence is not None else np.zeros(len(right), np.bool_)
    hits = int(right[taken].sum())
    covered = hits if multi else int(taken.sum())
    return Coverage(
        target_precision=threshold.target_precision,
        threshold=threshold.confidence,
        expected_coverage=threshold.coverage,
        expected_precision=threshold.precision,
        coverage=covered / max(of, 1),
        precision=hits / int(taken.sum()) if taken.any() else None,
        tickets=int(taken.sum()),
        assurance=threshold.assurance,
        more_tickets=more,
    )


def _curve(confidence: Floats, right: Mask, of: int, *, multi: bool) -> list[CurvePoint]:
    if not len(confidence):
        return []
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    points = []
    for at in np.unique(np.linspace(0, len(order) - 1, CURVE_POINTS).astype(int)):
        found = hits[at] if multi else at + 1
        points.append(CurvePoint(float(confidence[order][at]), float(found / max(of, 1)), float(hits[at] / (at + 1))))
    return points


def _confused(
    labels: tuple[str, ...],
    actual: Codes,
    predicted: Codes,
    confidence: Floats,
    ticket_ids: list[str],
    excerpt: Callable[[int], str] | None,
) -> list[ConfusedPair]:
    wrong = np.flatnonzero(actual != predicted)
    pairs, tickets = np.unique(actual[wrong] * len(labels) + predicted[wrong], return_counts=True)
    confused = []
    for at in np.argsort(-tickets, kind="stable")[:MOST_PAIRS]:
        truth, guess = divmod(int(pairs[at]), len(labels))
        rows = wrong[(actual[wrong] == truth) & (predicted[wrong] == guess)]
        surest = rows[np.argsort(-confidence[rows], kind="stable")][:TICKETS_PER_PAIR]
        confused.append(
            ConfusedPair(
                actual=labels[truth],
                predicted=labels[guess],
                tickets=int(tickets[at]),
                share_of_actual=float(tickets[at] / max(int((actual == truth).sum()), 1)),
                ticket_ids=[ticket_ids[row] for row in surest],
                excerpts=[excerpt(row) for row in surest] if excerpt else [],
            )
        )
    return confused
