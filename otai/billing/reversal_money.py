"""What reversals moved of the vendor's money, each time they changed: lost when the payer's bank took it, come back
where it was decided otherwise later. And debts that were written off, which are none any more then.

Read from what was told when it happened, so that a month that was handed over stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from otai.billing.models import Event, Reversal, ReversalState, WriteOff
from otai.billing.occurrences import BillingOccurrence

_HOW_IT_STANDS = Q(move__contains="-> ") | Q(move__in=BillingOccurrence.NEEDS_A_PERSON.stored_as)


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """`cents` gross: gone where positive, come back where negative."""

    reversal: Reversal
    at: datetime
    cents: int


def money_moved(since: datetime, until: datetime) -> list[MoneyMoved]:
    """All of a time, in its order."""
    told = Event.objects.filter(_HOW_IT_STANDS, subject="reversal")
    of_this_time = Q(id__in=list(told.filter(at__gte=since, at__lt=until).values_list("subject_id", flat=True)))
    of_this_time |= Q(decided_at__gte=since, decided_at__lt=until)
    rows = {str(one.id): one for one in Reversal.objects.filter(of_this_time).select_related("purchase", "payment")}
    found = [one for one in _moves(rows) if since <= one.at < until]
    return sorted(found, key=lambda one: (one.at, one.reversal.id))


def _moves(rows: dict[str, Reversal]) -> Iterator[MoneyMoved]:
    gone: dict[str, int] = defaultdict(int)
    told = Event.objects.filter(_HOW_IT_STANDS, subject="reversal", subject_id__in=list(rows)).order_by("id")
    for event in told.iterator(chunk_size=2000):
        is_lost = event.what.endswith(f" {ReversalState.LOST}")
        cents = int(event.details.get("cents", rows[event.subject_id].cents)) if is_lost else 0
        if cents != gone[event.subject_id]:
            yield MoneyMoved(rows[event.subject_id], event.at, cents - gone[event.subject_id])
        gone[event.subject_id] = cents
    for id, row in rows.items():
        cents = row.cents if row.state == ReversalState.LOST else 0
        if cents != gone[id] and row.decided_at is not None:
            # The release before told nothing of it.
            yield MoneyMoved(row, row.decided_at, cents - gone[id])


@dataclass(frozen=True, slots=True)
class LossMoved:
    """A debt that was written off (`sign` 1), or whose money came after all: the dispute was won (-1)."""

    write_off: WriteOff
    at: datetime
    sign: int


def losses_moved(since: datetime, until: datetime) -> list[LossMoved]:
    """All of a time, in its order."""
    told = Event.objects.filter(_HOW_IT_STANDS, subject="reversal")
    of_this_time = told.filter(at__gte=since, at__lt=until).values_list("subject_id", flat=True)
    wanted = Q(written_off_at__gte=since, written_off_at__lt=until)
    wanted |= Q(reversal__in=[UUID(id) for id in of_this_time])
    found = []
    for one in WriteOff.objects.filter(wanted).select_related("purchase").order_by("written_off_at", "id"):
        found.append(LossMoved(one, one.written_off_at, 1))
        is_lost = True
        after = told.filter(subject_id=str(one.reversal_id), at__gte=one.written_off_at).order_by("id")
        for event in after:
            if event.what.endswith(f" {ReversalState.LOST}") != is_lost:
                is_lost = not is_lost
                found.append(LossMoved(one, event.at, 1 if is_lost else -1))
    return sorted((one for one in found if since <= one.at < until), key=lambda one: one.at)
