"""Codes that stand in sentences by a name: states of a run or hold as pages call them, any status as histories call
it, what a column is taken for, fields of a form, actions, tables of the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from otai.words.sentences import Meant, Sentence
from otai.words.tables.access import ACTIONS, BOOKS, TABLES

WORDS: Mapping[str, Mapping[str, str]] = {
    "state": {
        "awaiting_approval": "waiting for approval",
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
    "status": {
        "awaiting_approval": "waiting for approval",
        "queued": "queued",
        "training": "training",
        "evaluating": "evaluating",
        "completed": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
        "open": "open",
        "agreed": "agreed",
        "trained": "trained",
        "met": "met",
        "missed": "missed",
        "improving": "improving",
        "in_review": "waiting for our look at the fee",
        "declined": "fee declined",
        "credited": "credited",
        "refunded": "refunded",
        "free": "free",
        "paid": "paid",
        "unpaid": "unpaid",
        "ending": "ending",
        "processing": "with the bank",
        "part_paid": "part-paid",
        "disputed": "disputed",
        "reversed": "taken back",
        "requested": "requested",
        "sent": "sent",
        "confirmed": "confirmed",
        "inquiry open": "inquiry open",
        "inquiry won": "inquiry decided for us",
        "inquiry lost": "inquiry lost",
        "dispute open": "dispute open",
        "dispute won": "dispute decided for us",
        "dispute lost": "dispute lost",
        "refund open": "refund open",
        "refund won": "refund failed",
        "refund lost": "refund made",
        "waiting": "waiting",
        "matched": "matched",
        "dismissed": "dismissed",
        "valid": "valid",
        "invalid": "not valid",
    },
    # As any status, but that a training is broken off and an order is called back.
    "order": {
        "open": "open",
        "processing": "with the bank",
        "part_paid": "part-paid",
        "paid": "paid",
        "cancelled": Meant("cancelled", context="order"),
        "refunded": "refunded",
        "disputed": "disputed",
        "reversed": "taken back",
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
    "action": ACTIONS,
    "table": TABLES,
    "books": BOOKS,
}


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    for table in WORDS.values():
        yield from table.values()
