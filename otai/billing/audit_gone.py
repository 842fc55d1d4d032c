"""Is every row still there of which events or the chain told? Books are corrected by new rows and never by taking one
away: what is gone was taken by hand. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, QuerySet

from otai.billing.asked_above import Unexplained
from otai.billing.chain import KEPT
from otai.billing.models import (
    BalanceDifference,
    BankEntry,
    BillingDetails,
    ChainLink,
    ClosedMonth,
    Coupon,
    CreditWatch,
    CustomPackage,
    Event,
    Invoice,
    InvoiceSeries,
    OperatorRequest,
    Payment,
    PaymentRefund,
    Purchase,
    Reversal,
    Subscription,
    VatIdCheck,
    WriteOff,
)

STAYS: dict[str, type[models.Model]] = {
    "purchase": Purchase,
    "payment": Payment,
    "payment refund": PaymentRefund,
    "subscription": Subscription,
    "reversal": Reversal,
    "coupon": Coupon,
    "package": CustomPackage,
    "bank entry": BankEntry,
    "operator request": OperatorRequest,
    "closed month": ClosedMonth,
    "balance difference": BalanceDifference,
}
"""By the subject of their events: rows that nothing of ours deletes."""

STAYS_WITH_ITS_ORGANISATION: dict[str, type[models.Model]] = {
    "billing details": BillingDetails,
    "credit watch": CreditWatch,
    "VAT id": VatIdCheck,
}
"""Rows that go when their organisation is erased (docs/deleting.md)."""

ROWS_AT_ONCE = 500
"""Ids that are held in memory, however many there are."""
WRITTEN_AS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

WRITTEN_OFF = "written_off_cents"
"""The entry of a settlement's event that says that the debt was written off as lost."""


def gone() -> Iterator[Unexplained]:
    """Every row of the installation that events, documents, the chain or settlements tell of, and that is not there."""
    for subject, model in STAYS.items():
        yield from _gone(subject, model)
    for subject, model in STAYS_WITH_ITS_ORGANISATION.items():
        yield from _gone(subject, model, organisation__closed_at__isnull=True)
    yield from _chained()
    yield from _series()
    yield from _write_offs()


def _gone(subject: str, model: type[models.Model], **which: bool) -> Iterator[Unexplained]:
    told = Event.objects.filter(subject=subject, **which).order_by("subject_id").values_list("subject_id", flat=True)
    for id in _missing(told.distinct(), model._default_manager.all(), by="pk"):
        yield Unexplained(f"a {subject} that events tell of is there", id)


def _missing(told: QuerySet[Any, str], rows: QuerySet[Any], *, by: str) -> Iterator[str]:
    """Those of the ids told, in their order, that no row has in this column; some at a time, however many there are."""
    in_order = told.iterator(chunk_size=ROWS_AT_ONCE)
    while ids := list(islice(in_order, ROWS_AT_ONCE)):
        known = {id: UUID(id) for id in ids if WRITTEN_AS_ID.fullmatch(id)}
        there = {str(id) for id in rows.filter(**{f"{by}__in": known.values()}).values_list(by, flat=True)}
        yield from (id for id in ids if id not in there)


def _chained() -> Iterator[Unexplained]:
    """A row that was chained and is not there any more, each table by one question to the database."""
    for model in KEPT:
        rows = model._default_manager.filter(pk=OuterRef("kept_id"))
        links = ChainLink.objects.filter(~Exists(rows), kept_table=model._meta.db_table).order_by("seq")
        for id in links.values_list("kept_id", flat=True).iterator(chunk_size=ROWS_AT_ONCE):
            yield Unexplained(f"a {model._meta.verbose_name} that was chained is there", str(id))


def _series() -> Iterator[Unexplained]:
    """A number of a kind and year was given by their series: without it the next one would begin again."""
    own = InvoiceSeries.objects.filter(kind=OuterRef("kind"), year=OuterRef("year"))
    for one in Invoice.objects.exclude(Exists(own)).order_by("id").iterator(chunk_size=ROWS_AT_ONCE):
        yield Unexplained("the series of a document's number is there", one.number)


def _write_offs() -> Iterator[Unexplained]:
    lost = Event.objects.filter(subject="reversal", details__has_key=WRITTEN_OFF).order_by("subject_id")
    ids = lost.values_list("subject_id", flat=True).distinct()
    for id in _missing(ids, WriteOff.objects.all(), by="reversal"):
        yield Unexplained("what was written off is there", id)
