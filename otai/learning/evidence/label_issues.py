"""Tickets whose label is probably not what people meant, found by confident learning (Northcutt, Jiang and Chuang
2021).

What counts is what a model says of tickets that it did not learn. A label's own threshold is how sure such models are,
on average, of the tickets that carry it: a ticket counts as another label's where that label reaches its threshold and
the given one does not come near. Those tickets are ranked by the normalised margin, the given label's probability less
the best other one's.

The library cleanlab does the same and more; why it is not used: docs/decisions/0116-confident-learning-is-ours.md. How
many of those listed are really wrong on public sets with planted errors: docs/report-card.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otai.learning.arrays import Codes, Floats, Mask, Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.data.tickets import LabelledTickets
from otai.learning.decisions import argmax_codes
from otai.learning.evidence.report_card import LabelIssue, LabelIssues, excerpt_of

MOST_LISTED = 50

# How much likelier the suggested label must be than the given one. Queues that people themselves mix up give thousands
# of small disagreements, which nobody can settle: with this margin a real helpdesk's list halves, and a clean set's
# stays (docs/report-card.md).
LEAST_MARGIN = 0.5

# A multi-label ticket is suspected by a single label that is nearly sure to be missing or too many.
SURE_OF_ONE_LABEL = 0.9


@dataclass(frozen=True)
class RankedIssues:
    """Doubtful tickets, the most doubtful first: positions, the label each should rather have (one-label attributes),
    and how sure that is."""

    at: Rows
    suggested: Codes
    confidence: Floats


def find_label_issues(probabilities: Floats, codes: Codes) -> RankedIssues:
    """Of tickets with one label each. `probabilities` (tickets, labels) come from models that had not learnt these
    tickets; `codes` are the labels given."""
    rows = np.arange(len(codes))
    given = probabilities[rows, codes]
    own = np.bincount(codes, weights=given, minlength=probabilities.shape[1])
    tickets = np.bincount(codes, minlength=probabilities.shape[1])
    # A label that no ticket has cannot be confidently anything.
    thresholds = np.where(tickets > 0, own / np.maximum(tickets, 1), np.inf)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted_as = argmax_codes(confident)
    doubtful = np.flatnonzero((confident.max(axis=1) >= 0) & (counted_as != codes))
    others = probabilities[doubtful].copy()
    others[np.arange(len(doubtful)), codes[doubtful]] = -1
    suggested = argmax_codes(others)
    confidence = others.max(axis=1)
    margin = given[doubtful] - confidence
    kept = margin <= -LEAST_MARGIN
    order = np.argsort(margin[kept], kind="stable")
    return RankedIssues(doubtful[kept][order], suggested[kept][order], confidence[kept][order])


def label_issues_of(
    target: AttributeTarget,
    rows: Rows,
    probabilities: Floats,
    tickets: LabelledTickets,
    *,
    most: int = MOST_LISTED,
) -> LabelIssues:
    """The label issues among `rows` of the data set, whose `probabilities` come from models that had not learnt them,
    shape (rows, labels).

    At most `most` are listed, the likeliest first; `total` counts all.
    """
    if target.spec.is_multi:
        return _multi_label_issues(target, rows, probabilities, tickets, most=most)
    issues = find_label_issues(probabilities, target.codes(rows))
    codes = target.codes(rows[issues.at])
    listed = [
        _label_issue(tickets, row, [target.labels[code]], [target.labels[label]], confidence)
        for row, code, label, confidence in zip(
            rows[issues.at][:most], codes[:most], issues.suggested[:most], issues.confidence[:most], strict=True
        )
    ]
    return LabelIssues(len(rows), len(issues.at), listed)


def _multi_label_issues(
    target: AttributeTarget, rows: Rows, probabilities: Floats, tickets: LabelledTickets, *, most: int
) -> LabelIssues:
    given = target.y[rows] > 0
    against = np.where(given, 1 - probabilities, probabilities)
    worst = against.max(axis=1, initial=0.0)
    doubtful = np.flatnonzero(worst >= SURE_OF_ONE_LABEL)
    order = doubtful[np.argsort(-worst[doubtful], kind="stable")]
    listed = []
    for at in order[:most]:
        # Only what is nearly sure is changed: the other labels of the ticket stay as people gave them.
        changed = given[at] ^ (against[at] >= SURE_OF_ONE_LABEL)
        listed.append(
            _label_issue(tickets, rows[at], _named(target, given[at]), _named(target, changed), float(worst[at]))
        )
    return LabelIssues(len(rows), len(order), listed)


def _named(target: AttributeTarget, which: Mask) -> list[str]:
    return [target.labels[label] for label in np.flatnonzero(which)]


def _label_issue(
    tickets: LabelledTickets, row: int, given: Sequence[str], suggested: Sequence[str], confidence: float
) -> LabelIssue:
    return LabelIssue(
        ticket_id=tickets.ids[row],
        given=list(given),
        suggested=list(suggested),
        confidence=float(confidence),
        excerpt=excerpt_of(tickets.texts[row]),
    )
