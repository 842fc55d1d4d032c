"""What is to be learnt, as numbers: which labels take part, and one column of zeros and ones for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otai.learning.arrays import Codes, Mask, Matrix, Rows
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.tickets import LabelledTickets, LabelNames, Value
from otai.learning.decisions import argmax_codes
from otai.learning.errors import InputFailure


@dataclass(frozen=True)
class CleanLabels:
    """The labels of one attribute after blanks and spellings were settled.

    `rows[ticket]` is None where nothing is known. `merged` lists the spellings that were taken for another one, as
    (spelling, taken for).
    """

    rows: list[LabelNames | None]
    merged: list[tuple[str, str]]


def clean_labels(column: Sequence[Value]) -> CleanLabels:
    """Blanks around and inside labels are squeezed, and labels that differ only in case become the most frequent
    spelling.

    Two spellings of one queue would otherwise be learnt as two queues that nothing tells apart. An empty label is none.
    """
    # Values repeat thousands of times; each is worked out once.
    seen: dict[Value, LabelNames | None] = {}
    for value in column:
        if value not in seen:
            seen[value] = _squeezed(value)
    squeezed = [seen[value] for value in column]

    spellings = Counter(label for labels in squeezed if labels for label in labels)
    chosen: dict[str, str] = {}
    for label, _ in sorted(spellings.items(), key=lambda item: (-item[1], item[0])):
        chosen.setdefault(label.casefold(), label)
    merged = sorted((label, chosen[label.casefold()]) for label in spellings if chosen[label.casefold()] != label)
    settled = {
        labels: tuple(dict.fromkeys(chosen[label.casefold()] for label in labels)) for labels in set(squeezed) if labels
    }
    rows = [settled.get(labels, labels) if labels else labels for labels in squeezed]
    return CleanLabels(rows, merged)


def _squeezed(value: Value) -> LabelNames | None:
    if value is None:
        return None
    labels = (value,) if isinstance(value, str) else value
    kept = tuple(dict.fromkeys(" ".join(label.split()) for label in labels if label.strip()))
    return kept if kept or not isinstance(value, str) else None


@dataclass(frozen=True)
class AttributeTarget:
    """One attribute over all rows of a data set.

    `labels` are those learnt, in the order of their columns; `y[row, label]` is 1 where it applies; `known[row]`
    is False where the row says nothing about this attribute (or only a label that was left out).
    `left_out` maps each label with too few tickets to how many training tickets it has.
    """

    spec: AttributeSpec
    labels: tuple[str, ...]
    y: Matrix
    known: Mask
    left_out: Mapping[str, int]
    merged: list[tuple[str, str]]

    def codes(self, rows: Rows) -> Codes:
        """The label number of each of these rows; only for attributes with one label a ticket, and known rows."""
        return argmax_codes(self.y[rows])


def attribute_target(spec: AttributeSpec, clean: CleanLabels, train: Rows, *, fewest_tickets: int) -> AttributeTarget:
    """What is to be learnt of one attribute; `train` are the rows learnt from.

    Raises `InputFailure`: `dataset_invalid` if no training ticket has the attribute, `label_too_rare` if fewer than two
    labels (for a multi-label attribute: fewer than one that some tickets have and others lack) can be learnt."""
    tickets_with = Counter(label for row in train for label in clean.rows[row] or ())
    labelled = sum(clean.rows[row] is not None for row in train)
    if not labelled:
        raise InputFailure("no_value", attribute=spec.name, where=spec.name)
    learnt = _learnable(spec, tickets_with, labelled, fewest_tickets=fewest_tickets)
    labels = ordered_labels(spec, learnt)
    y, known = _indicator(spec, clean, labels)
    return AttributeTarget(
        spec=spec,
        labels=labels,
        y=y,
        known=known,
        left_out={label: count for label, count in sorted(tickets_with.items()) if label not in learnt},
        merged=clean.merged,
    )


def _learnable(spec: AttributeSpec, tickets_with: Counter[str], labelled: int, *, fewest_tickets: int) -> set[str]:
    """The labels with tickets enough, of `labelled` training tickets."""
    if spec.is_multi:
        # A tag on every ticket cannot be told from anything.
        learnt = {label for label, count in tickets_with.items() if fewest_tickets <= count < labelled}
        fewest_labels = 1
    else:
        learnt = {label for label, count in tickets_with.items() if count >= fewest_tickets}
        fewest_labels = 2
    if len(learnt) >= fewest_labels:
        return learnt
    common = ", ".join(f"{label!r} ({count})" for label, count in tickets_with.most_common(3))
    raise InputFailure(
        "few_tickets",
        code="label_too_rare",
        attribute=spec.name,
        fewest_labels=fewest_labels,
        fewest_tickets=fewest_tickets,
        enough=len(learnt),
        labels=len(tickets_with),
        common=common or "-",
        where=spec.name,
    )


def _indicator(spec: AttributeSpec, clean: CleanLabels, labels: tuple[str, ...]) -> tuple[Matrix, Mask]:
    """0/1 of shape (tickets, labels), and of which tickets it is known."""
    number = {label: column for column, label in enumerate(labels)}
    columns_of = {
        row: [number[label] for label in row if label in number] for row in set(clean.rows) if row is not None
    }
    y = np.zeros((len(clean.rows), len(labels)), np.float32)
    known = np.zeros(len(clean.rows), np.bool_)
    for at, row in enumerate(clean.rows):
        if row is not None:
            columns = columns_of[row]
            y[at, columns] = 1
            known[at] = spec.is_multi or len(columns) == 1
    return y, known


def ordered_labels(spec: AttributeSpec, learnt: set[str]) -> tuple[str, ...]:
    """The columns' order: the customer's for an ordered attribute, by number where all are numbers, else by
    alphabet."""
    if spec.kind is AttributeKind.ORDERED and spec.order:
        place = {label.casefold(): at for at, label in enumerate(spec.order)}
        return tuple(sorted(learnt, key=lambda label: (place.get(label.casefold(), len(place)), label)))
    if spec.kind is AttributeKind.ORDERED and all(label.lstrip("-").isdecimal() for label in learnt):
        return tuple(sorted(learnt, key=lambda label: (int(label), label)))
    return tuple(sorted(learnt))


def column_of(tickets: LabelledTickets, spec: AttributeSpec) -> Sequence[Value]:
    """The attribute's column. Raises `InputFailure` (`dataset_invalid`) if there is none, or a wrong kind of value in
    it."""
    if spec.name not in tickets.attributes:
        known = list(tickets.attributes)
        raise InputFailure("no_attribute", attribute=spec.name, known=known, where=spec.name)
    column = tickets.attributes[spec.name]
    # Looking at each type once is many times faster than looking at each value, and nearly always enough.
    lists = not spec.is_multi and tuple in set(map(type, column))
    if lists and any(isinstance(value, tuple) and len(value) > 1 for value in column):
        raise InputFailure("several_values", attribute=spec.name, where=spec.name)
    return column
