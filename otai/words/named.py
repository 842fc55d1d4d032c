"""Codes that stand in sentences by a name: states, what a column is taken for, fields of a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from otai.words.sentences import Sentence

WORDS: Mapping[str, Mapping[str, str]] = {
    "state": {
        "queued": "waiting",
        "training": "training",
        "evaluating": "being measured",
        "completed": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
        "held": "held",
        "captured": "spent",
        "released": "given back",
        "refunded": "refunded",
    },
    "role": {
        "ticket": "ticket id",
        "subject": "subject",
        "body": "body",
        "created": "creation time",
        "language": "language",
        "split": "split",
        "ignore": "left out",
        "attribute": "attribute",
        "multi": "attribute, several labels a ticket",
        "ordered": "attribute, from low to high",
    },
    "field": {
        "name": "name",
        "street": "street",
        "postcode": "postcode",
        "city": "city",
        "country": "country",
        "vat_id": "VAT id",
        "email": "mail address",
        "address_line_2": "second address line",
        "buyer_reference": "reference of the buyer",
        "purchase_order": "purchase-order number",
    },
}


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    for table in WORDS.values():
        yield from table.values()
