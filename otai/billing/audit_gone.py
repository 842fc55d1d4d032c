"""Is every row still there of which events told? Books are corrected by new rows and never by taking one away: what is
gone was taken by hand. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.db.models import Exists, OuterRef

from otai.billing.asked_above import Unexplained
from otai.billing.models import (
    BalanceDifference,
    BankEntry,
    BillingDetails,
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

WRITTEN_OFF = "written_off_cents"
"""The entry of a settlement's event that says that the debt was written off as lost."""


def gone() -> Iterator[Unexplained]:
    """Every row of the installation that events, documents or settlements tell of, and that is not there."""
    for subject, model in STAYS.items():
        yield from _gone(subject, model)
    for subject, model in STAYS_WITH_ITS_ORGANISATION.items():
        yield from _gone(subject, model, organisation__closed_at__isnull=True)
    yield from _series()
    yield from _write_offs()


def _gone(subject: str, model: type[models.Model], **which: bool) -> Iterator[Unexplained]:
    told = set(Event.objects.filter(subject=subject, **which).values_list("subject_id", flat=True))
    there = {str(id) for id in model._default_manager.values_list("pk", flat=True)} if told else set()
    for id in sorted(told - there):
        yield Unexplained(f"a {subject.replace('_', ' ')} that events tell of is there", id)


def _series() -> Iterator[Unexplained]:
    """A number of a kind and year was given by their series: without it the next one would begin again."""
    own = InvoiceSeries.objects.filter(kind=OuterRef("kind"), year=OuterRef("year"))
    for one in Invoice.objects.exclude(Exists(own)).order_by("id"):
        yield Unexplained("the series of a document's number is there", one.number)


def _write_offs() -> Iterator[Unexplained]:
    lost = Event.objects.filter(subject="reversal", details__has_key=WRITTEN_OFF)
    there = {str(id) for id in WriteOff.objects.values_list("reversal", flat=True)}
    for id in sorted(set(lost.values_list("subject_id", flat=True)) - there):
        yield Unexplained("what was written off is there", id)
