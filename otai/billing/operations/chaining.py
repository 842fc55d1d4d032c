"""Events and invoices are put into the chain, in the order in which they are seen."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from otai.billing.chain import head, link_hash
from otai.billing.models import ChainLink, Event, Invoice

most_at_once = 5000
"""Links that one transaction writes; a sweep goes on until nothing is left."""
late_events = 10_000
"""Events are looked for from so many ids before the last one that is chained: a transaction that began earlier may have
ended later."""


def chain_new(*, now: datetime) -> int:
    """Chains what is not in the chain yet; returns how many rows. Safe from any number of processes: a place in the
    chain is taken once, and who comes second leaves it to the next round."""
    chained = 0
    while True:
        try:
            with transaction.atomic():
                count = _chain_some(now=now)
        except IntegrityError:
            return chained
        chained += count
        if count < most_at_once:
            return chained


def _chain_some(*, now: datetime) -> int:
    seq, previous = head()
    links = []
    for row in _waiting():
        seq, previous = seq + 1, link_hash(previous, row)
        of = {"invoice": row} if isinstance(row, Invoice) else {"event": row}
        links.append(ChainLink(seq=seq, hash=previous, chained_at=now, **of))
    ChainLink.objects.bulk_create(links, batch_size=500)
    return len(links)


def _waiting() -> list[Event | Invoice]:
    last = ChainLink.objects.aggregate(last=Max("event"))["last"] or 0
    events = Event.objects.filter(chain_link__isnull=True, id__gt=last - late_events).order_by("id")
    rows: list[Event | Invoice] = list(events[:most_at_once])
    invoices = Invoice.objects.filter(chain_link__isnull=True).order_by("issued_at", "number")
    return rows + list(invoices[: most_at_once - len(rows)])
