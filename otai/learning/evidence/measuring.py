"""The tickets that acceptance is measured on, and what a finished model reaches on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from otai.learning.arrays import Floats, Rows
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.preparing import newest_rows
from otai.learning.data.splitting import (
    FEWEST_NEWEST,
    related_numbers_of,
    rows_with_text,
    split_as_given,
    split_by_hash,
    text_numbers_of,
)
from otai.learning.data.targets import clean_labels, column_of
from otai.learning.data.tickets import LabelledTickets
from otai.learning.errors import InputFailure
from otai.learning.evidence.acceptance import Criterion, Outcome, judge
from otai.learning.evidence.evaluation import TARGET_PRECISIONS, decisions
from otai.learning.evidence.report_card import AttributeReport, Coverage, LabelReport, Majority
from otai.learning.metrics import macro_f1, wilson
from otai.learning.model.bundle import AttributeModel, Bundle
from otai.learning.recipes import RECIPES


def choose_holdout(
    tickets: LabelledTickets, attributes: Sequence[AttributeSpec], *, share: float, fewest_tickets: int = 5
) -> Rows:
    """The rows to measure on: the customer's own test tickets if the data set has them; else, where it is known when
    tickets came in, the newest tenth, which a report card measures too; else about `share` of the labelled ones, by a
    hash of their text. Raises InputFailure when no ticket can be used.

    The newest stand alone only where each attribute has enough of them to be measured on. Shape (rows,), ascending.
    """
    cleaned = [clean_labels(column_of(tickets, spec)) for spec in attributes]
    if tickets.splits is not None and (given := split_as_given(text_numbers_of(tickets.texts), tickets.splits)):
        return given.holdout
    labelled = [
        row for row in rows_with_text(tickets.texts).tolist() if any(labels.rows[row] is not None for labels in cleaned)
    ]
    if not labelled:
        raise InputFailure("nothing_labelled")
    newest = newest_rows(
        tickets,
        np.asarray(labelled, np.int64),
        related_numbers_of(tickets.texts, tickets.links),
        cleaned,
        share=RECIPES["basic"].newest_share,
        fewest_tickets=fewest_tickets,
    )
    if all(sum(labels.rows[row] is not None for row in newest) >= FEWEST_NEWEST for labels in cleaned):
        return newest
    chosen = split_by_hash(
        [tickets.texts[row] for row in labelled],
        {str(number): [labels.rows[row] or () for row in labelled] for number, labels in enumerate(cleaned)},
        share=share,
        fewest_tickets=fewest_tickets,
        seed=0,
        links=None if tickets.links is None else [tickets.links[row] for row in labelled],
    )
    return np.asarray(labelled, np.int64)[chosen.holdout]


def measure(
    bundle: Bundle, tickets: LabelledTickets, criteria: Sequence[Criterion], *, by_bound: bool = False
) -> list[Outcome]:
    """What a model reaches on these tickets: the same figures as its report card's, on whatever labels they carry now.

    A ticket whose label the model never learnt counts for nothing, as in a training.
    """
    said = bundle.probabilities(tickets.texts)
    reports = [
        _measured(model, said[model.spec.name], tickets)
        for model in bundle.attributes
        if model.spec.name in tickets.attributes
    ]
    return judge(criteria, reports, by_bound=by_bound)


def _measured(model: AttributeModel, probabilities: Floats, tickets: LabelledTickets) -> AttributeReport:
    clean = clean_labels(column_of(tickets, model.spec))
    number = {label.casefold(): at for at, label in enumerate(model.labels)}
    actual = np.zeros(probabilities.shape, np.bool_)
    known = np.zeros(len(probabilities), np.bool_)
    for row, labels in enumerate(clean.rows):
        columns = [number[label.casefold()] for label in labels or () if label.casefold() in number]
        actual[row, columns] = True
        known[row] = labels is not None and (model.spec.is_multi or len(columns) == 1)
    actual, probabilities = actual[known], probabilities[known]
    decided = model.decide(probabilities)
    confidence, right, of = decisions(probabilities, decided, actual, multi=model.spec.is_multi)
    exact = (decided == actual).all(axis=1)
    coverage = []
    for target in TARGET_PRECISIONS:
        threshold = model.thresholds.get(f"{target:g}")
        taken = confidence >= (threshold if threshold is not None else 2.0)
        hits, count = int(right[taken].sum()), int(taken.sum())
        covered = hits if model.spec.is_multi else count
        precision = hits / count if count else None
        coverage.append(Coverage(target, threshold, 0.0, None, covered / max(of, 1), precision, count))
    there = actual.sum(axis=0)
    return AttributeReport(
        name=model.spec.name,
        kind=model.spec.kind.value,
        labels=list(model.labels),
        train_tickets=0,
        holdout_tickets=len(actual),
        accuracy=wilson(float(exact.sum()), len(exact)),
        macro_f1=macro_f1(sparse.csr_matrix(actual, dtype=float), sparse.csr_matrix(decided, dtype=float), seed=0),
        majority=Majority(None, 0.0, 0.0),
        calibration_error=0.0,
        per_label=[
            LabelReport(label, 0, int(count), 0, None, None, None)
            for label, count in zip(model.labels, there, strict=True)
        ],
        confusion=[],
        coverage=coverage,
        curve=[],
        reliability=[],
        confused_pairs=[],
    )
