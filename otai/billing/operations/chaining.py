"""Events, invoices and what else stays are put into the chain, in the order in which they are seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, Max, OuterRef

from otai.billing.chain import KEPT, head, link_hash
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
        links.append(ChainLink(seq=seq, hash=previous, chained_at=now, **_named(row)))
    ChainLink.objects.bulk_create(links, batch_size=500)
    return len(links)


def _named(row: models.Model) -> dict[str, Any]:
    if isinstance(row, Event):
        return {"event": row}
    return {"invoice": row} if isinstance(row, Invoice) else {"kept_table": row._meta.db_table, "kept_id": row.pk}


def _waiting() -> list[models.Model]:
    last = ChainLink.objects.aggregate(last=Max("event"))["last"] or 0
    events = Event.objects.filter(chain_link__isnull=True, id__gt=last - late_events).order_by("id")
    rows: list[models.Model] = list(events[:most_at_once])
    invoices = Invoice.objects.filter(chain_link__isnull=True).order_by("issued_at", "number")
    rows += invoices[: most_at_once - len(rows)]
    for model in KEPT:
        if len(rows) < most_at_once:
            own = ChainLink.objects.filter(kept_table=model._meta.db_table, kept_id=OuterRef("pk"))
            rows += model._default_manager.filter(~Exists(own)).order_by("pk")[: most_at_once - len(rows)]
    return rows
