"""The chain of billing: events, invoices, and what else stays for good. The canonical form of a row, its hash, and
whether all of it is still as it was chained. Reads only; `operations.chaining` writes.

Rows are chained by housekeeping within a minute of being written, not in the statement that writes them: a chain in
which all of billing waits for each other would be the one lock that every operation shares (decision 0414).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import models

from otai.billing.models import (
    BalanceMove,
    BroughtLot,
    ChainLink,
    ChargeAttempt,
    CheckoutPage,
    Event,
    Invoice,
    PaymentMethod,
    Subscription,
    Taking,
    TopUp,
    WriteOff,
)
from otai.billing.occurrences import BillingOccurrence
from otai.ledger.models import LateCapture

START = "0" * 64
FORM = "v1"
ROWS_AT_ONCE = 500

KEPT: dict[type[models.Model], str] = {
    PaymentMethod: "organisation_id gateway reference saved_at",
    ChargeAttempt: "purchase_id number payment_method tried_at",
    CheckoutPage: "organisation_id purchase_id gateway reference cents keeps_method for_renewals opened_at expires_at",
    TopUp: "organisation_id month net_cents credits_seen package announced_at",
    BalanceMove: "gateway external_id kind provider_kind cents fee_cents currency payment subject moved_at fetched_at",
    LateCapture: "organisation_id key at",
    WriteOff: "organisation_id purchase_id reversal_id net_cents vat_cents gross_cents currency written_off_at reason",
    BroughtLot: "organisation_id purchase_id lot source credits gives_back brought_at",
    Taking: "organisation_id purchase_id reversal_id gives_back source lot transfer credits net_cents at",
    Subscription: "organisation_id signed_up_at",
}
"""Tables of which nothing of ours deletes a row, and whose rows no event tells of by themselves; with the columns that
are never changed, nor name a person. Their ids are UUIDs."""
OF_TABLE = {model._meta.db_table: model for model in KEPT}


def link_hash(previous: str, row: models.Model) -> str:
    """SHA-256 (hex) over the hash before it and the row's canonical form."""
    form = json.dumps([FORM, *_columns(row)], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}|{form}".encode()).hexdigest()


def _columns(row: models.Model) -> list[Any]:
    """Every column of an event or an invoice by its name, and those of another row that are never changed."""
    kept = KEPT.get(type(row), "").split()
    names = ["pk", *kept] if kept else [field.attname for field in row._meta.concrete_fields]
    values = {name: getattr(row, name) for name in names}
    return [row._meta.db_table, {name: _plain(value) for name, value in values.items()}]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return str(value)


def head() -> tuple[int, str]:
    """The place and hash of the last link; (0, START) before the first."""
    last = ChainLink.objects.order_by("-seq").values_list("seq", "hash").first()
    return last or (0, START)


def hash_at(seq: int) -> str | None:
    """The hash at a place of the chain, None where there is no such link."""
    return ChainLink.objects.filter(seq=seq).values_list("hash", flat=True).first()


def broken_links() -> Iterator[tuple[str, str]]:
    """What is not as it was chained: which row, and what about it. Each row is held against the link before its own, so
    that one change is one finding."""
    previous, expected = START, 1
    told_anew = _told_anew()
    for link, row in _links_with_rows():
        if link.seq != expected:
            yield f"link {expected}", "is gone"
        if row is not None and link_hash(previous, row) != told_anew.get(str(link.event_id), link.hash):
            where = f"invoice {row.number}" if isinstance(row, Invoice) else f"{row._meta.verbose_name} {row.pk}"
            yield where, "is not as it was chained"
        previous, expected = link.hash, link.seq + 1


def _links_with_rows() -> Iterator[tuple[ChainLink, models.Model | None]]:
    """The chain in its order, some links at a time; without a row where it is gone (`audit_gone` names those)."""
    in_order = ChainLink.objects.select_related("event", "invoice").order_by("seq").iterator(chunk_size=ROWS_AT_ONCE)
    while links := list(islice(in_order, ROWS_AT_ONCE)):
        kept = _kept_rows(links)
        for link in links:
            yield link, link.event or link.invoice or kept.get((link.kept_table, link.kept_id))


def _kept_rows(links: Sequence[ChainLink]) -> dict[tuple[str, UUID | None], models.Model]:
    ids: dict[str, list[UUID]] = defaultdict(list)
    for link in links:
        if link.kept_id is not None:
            ids[link.kept_table].append(link.kept_id)
    return {
        (table, row.pk): row
        for table, theirs in ids.items()
        if table in OF_TABLE
        for row in OF_TABLE[table]._default_manager.filter(pk__in=theirs)
    }


def _told_anew() -> dict[str, str]:
    """Events in which a person was replaced by a number, and the hash that another event, chained itself, told of
    them then."""
    events = Event.objects.filter(subject="event", move=BillingOccurrence.PERSON_REPLACED, details__has_key="hash")
    return dict(events.order_by("id").values_list("subject_id", "details__hash"))
