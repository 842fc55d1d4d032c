"""Why tickets cannot be trained on, and criteria that are none."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "criteria_invalid.fine": said(
        "{text:quoted} is finer than can be measured; at most four decimals.",
    ),
    "criteria_invalid.no_precision": said(
        "Only a coverage has a precision; {metric} has none.",
    ),
    "criteria_invalid.no_share": said(
        "{text:quoted} is no share. Write 0.85 or 85\u00a0%.",
    ),
    "criteria_invalid.precision": said(
        "A coverage is stated at a precision of {known}.",
    ),
    "criteria_invalid.share_or_percent": said(
        "{text:quoted} may mean a share or per cent. Write {percent:number}\u00a0% or a share up to 1.",
    ),
    "criteria_invalid.threshold": said(
        "A threshold lies above 0 and at most at 1 (100\u00a0%); {threshold} does not.",
    ),
    "dataset_invalid.all_empty": said(
        Counted(
            "{tickets:n} ticket came, and it is empty: there is no text to learn from.",
            "All {tickets:n} tickets are empty: there is no text to learn from.",
            "tickets",
        ),
    ),
    "dataset_invalid.all_same": said(
        "All {tickets:n} tickets have the same text; nothing in it can tell labels apart.",
    ),
    "dataset_invalid.attribute_twice": said(
        "The attribute {attribute:quoted} was named twice.",
    ),
    "dataset_invalid.lengths": said(
        Counted(
            "{tickets:n} ticket, but {entries:n} entries in {column}.",
            "{tickets:n} tickets, but {entries:n} entries in {column}.",
            "tickets",
        ),
    ),
    "dataset_invalid.missing_column": said(
        "The tickets lack the column {columns:words}.",
    ),
    "dataset_invalid.no_attribute": said(
        "The tickets have no attribute {attribute:quoted}; they have {known:words}.",
    ),
    "dataset_invalid.no_attributes": said(
        "No attribute was named: there is nothing to predict.",
    ),
    "dataset_invalid.no_tickets": said(
        "The data set has no tickets.",
    ),
    "dataset_invalid.no_value": said(
        "No training ticket has a value of {attribute:quoted}.",
    ),
    "dataset_invalid.nothing_labelled": said(
        "No ticket has both a text and a label.",
    ),
    "dataset_invalid.nothing_to_learn_from": said(
        "Every ticket that the data set sets aside for training is empty or a test ticket.",
    ),
    "dataset_invalid.several_values": said(
        (
            "Some tickets have several values of {attribute:quoted}. Give each ticket one value, or take it as an"
            " attribute with several labels a ticket."
        ),
    ),
    "dataset_invalid.unreadable": said(
        "The tickets cannot be read: {error}",
    ),
    "label_too_rare.few_tickets": said(
        Counted(
            (
                "{attribute:quoted} needs at least {fewest_labels:n} label with {fewest_tickets:n} or more "
                "training tickets; it has {enough:n} of {labels:n}. Most frequent: {common}. Add tickets, join "
                "labels, or leave this attribute out."
            ),
            (
                "{attribute:quoted} needs at least {fewest_labels:n} labels with {fewest_tickets:n} or more "
                "training tickets each; it has {enough:n} of {labels:n}. Most frequent: {common}. Add tickets, "
                "join labels, or leave this attribute out."
            ),
            "fewest_labels",
        ),
    ),
}
