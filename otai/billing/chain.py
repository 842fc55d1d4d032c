"""The chain of billing's events and invoices: the canonical form of a row, its hash, and whether all of it is still as
it was chained. Reads only; `operations.chaining` writes.

Rows are chained by housekeeping within a minute of being written, not in the statement that writes them: a chain in
which all of billing waits for each other would be the one lock that every operation shares (decision 0414).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from otai.billing.models import ChainLink, Event, Invoice
from otai.billing.occurrences import BillingOccurrence

START = "0" * 64
FORM = "v1"


def link_hash(previous: str, row: Event | Invoice) -> str:
    """SHA-256 (hex) over the hash before it and the row's canonical form."""
    form = json.dumps([FORM, *_columns(row)], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}|{form}".encode()).hexdigest()


def _columns(row: Event | Invoice) -> list[Any]:
    """Every column of the row, by its name."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
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
    links = ChainLink.objects.select_related("event", "invoice").order_by("seq")
    for link in links.iterator(chunk_size=1000):
        row = link.event or link.invoice
        assert row is not None, "a constraint says so"
        if link.seq != expected:
            yield f"link {expected}", "is gone"
        if link_hash(previous, row) != told_anew.get(str(link.event_id), link.hash):
            where = f"invoice {row.number}" if isinstance(row, Invoice) else f"event {row.pk}"
            yield where, "is not as it was chained"
        previous, expected = link.hash, link.seq + 1


def _told_anew() -> dict[str, str]:
    """Events in which a person was replaced by a number, and the hash that another event, chained itself, told of
    them then."""
    events = Event.objects.filter(subject="event", move=BillingOccurrence.PERSON_REPLACED, details__has_key="hash")
    return dict(events.order_by("id").values_list("subject_id", "details__hash"))
