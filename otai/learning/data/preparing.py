"""What a training makes of the tickets it is given before it reads a word: clean labels, usable rows, and the split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otai.learning.arrays import Rows
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.splitting import (
    Split,
    newest_apart,
    related_numbers_of,
    rows_with_text,
    split_as_given,
    split_by_hash,
    text_numbers_of,
)
from otai.learning.data.targets import CleanLabels, clean_labels, column_of
from otai.learning.data.tickets import LabelledTickets
from otai.learning.errors import InputFailure


def cleaned_columns(tickets: LabelledTickets, attributes: Sequence[AttributeSpec]) -> list[CleanLabels]:
    """The labels of each attribute. Raises `InputFailure` where there is nothing to learn, or twice the same."""
    if not attributes:
        raise InputFailure("no_attributes")
    names = [spec.name for spec in attributes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputFailure("attribute_twice", attribute=twice, where=twice)
    if not len(tickets):
        raise InputFailure("no_tickets")
    return [clean_labels(column_of(tickets, spec)) for spec in attributes]


def rows_to_learn_from(tickets: LabelledTickets) -> tuple[Rows, Rows]:
    """The rows that have any text, ascending, and a number for each ticket's text, equal for equal texts. Raises
    `InputFailure` where there is no text, or the same in all."""
    usable, text_numbers = rows_with_text(tickets.texts), text_numbers_of(tickets.texts)
    if not len(usable):
        raise InputFailure("all_empty", tickets=len(tickets))
    if len(np.unique(text_numbers[usable])) == 1:
        raise InputFailure("all_same", tickets=len(usable))
    return usable, text_numbers


def usable_rows(tickets: LabelledTickets) -> tuple[Rows, Rows]:
    """The rows that have any text, and a number for each ticket's text, equal for equal texts and within a thread.
    Raises `InputFailure`."""
    usable, _ = rows_to_learn_from(tickets)
    return usable, related_numbers_of(tickets.texts, tickets.links)


def split_of(
    tickets: LabelledTickets,
    usable: Rows,
    related_numbers: Rows,
    cleaned: Sequence[CleanLabels],
    *,
    share: float,
    newest_share: float,
    fewest_tickets: int,
    seed: int,
) -> Split:
    """The customer's split, or else ours; tickets without words never train, and are measured only if the customer says
    so.

    `share` of the tickets are kept aside; where it is known when tickets came in, `newest_share` of all are the newest
    and the others are chosen among the rest. Raises InputFailure where no ticket that the customer gives to training
    has words.
    """
    if tickets.splits is not None and (given := split_as_given(text_numbers_of(tickets.texts), tickets.splits)):
        train = np.intersect1d(given.train, usable)
        if not len(train):
            raise InputFailure("nothing_to_learn_from")
        return Split(train, given.holdout, True, given.duplicates_moved)
    labelled = np.asarray([row for row in usable if any(labels.rows[row] is not None for labels in cleaned)], np.int64)
    newest = newest_rows(tickets, labelled, related_numbers, cleaned, share=newest_share, fewest_tickets=fewest_tickets)
    others = np.setdiff1d(labelled, newest)
    chosen = split_by_hash(
        [tickets.texts[row] for row in others],
        _labels_of(cleaned, others),
        share=share - newest_share if len(newest) else share,
        fewest_tickets=fewest_tickets,
        seed=seed,
        links=None if tickets.links is None else [tickets.links[row] for row in others],
    )
    holdout = np.union1d(others[chosen.holdout], newest)
    return Split(others[chosen.train], holdout, False, newest=newest if len(newest) else None)


def newest_rows(
    tickets: LabelledTickets,
    labelled: Rows,
    related_numbers: Rows,
    cleaned: Sequence[CleanLabels],
    *,
    share: float,
    fewest_tickets: int,
) -> Rows:
    """About `share` of the `labelled` rows, the newest (`newest_apart`); none where nobody knows which those are.

    `related_numbers` has a number for each ticket of the data set. What the card, the expectation before the order and
    a guarantee call new is the same.
    """
    times = tickets.created_at
    places = newest_apart(
        None if times is None else [times[row] for row in labelled],
        related_numbers[labelled],
        _labels_of(cleaned, labelled),
        share=share,
        fewest_tickets=fewest_tickets,
    )
    return labelled[places]


def _labels_of(cleaned: Sequence[CleanLabels], rows: Rows) -> dict[str, list[tuple[str, ...]]]:
    return {str(number): [labels.rows[row] or () for row in rows] for number, labels in enumerate(cleaned)}
