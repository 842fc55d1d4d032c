"""What we expect of each run, kept with it: when it begins and is ready, and that it will be late before it is.

A new run is expected from its neighbours in the queue, which costs two look-ups however long the queue is. From time to
time one of the workers walks the whole queue (`forecast.py`), corrects what has changed, and flags what will be late.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from otai.pricing.price_book import Delivery, Mode
from otai.runs.estimates import expected_seconds
from otai.runs.events import record
from otai.runs.forecast import Expected, PoolSlots, WaitingRun, forecast, free_again_at, will_be_late
from otai.runs.models import Housekeeping, Pool, Quote, RegisteredWorker, Run
from otai.runs.ordering import Place, Waiting, place
from otai.runs.status import WORKING, RunOccurrence, RunStatus
from otai.words.sentences import Fact

refresh_every = timedelta(seconds=20)
"""Someone who watches a run sees what changed within this time; an expectation need not be fresher."""

worth_writing = timedelta(seconds=60)
"""An expectation that moved by less stays as it is: a hundred thousand rows need not be written for nothing."""

most_rows_at_once = 1000
"""The next refresh goes on; those that begin soonest come first."""

REFRESH = "expectations"


def working_slots(*, now: datetime) -> list[PoolSlots]:
    """The slots that have a worker, and when each is free."""
    working = {
        run.worker: free_again_at(
            started_at=run.expected_start_at or now, expected_seconds=run.expected_seconds, now=now
        )
        for run in Run.objects.filter(status__in=sorted(WORKING))
    }
    free_at: dict[str, list[datetime]] = {}
    for worker in RegisteredWorker.objects.filter(ended_at__isnull=True).select_related("pool"):
        free_at.setdefault(worker.pool.name, []).append(working.get(worker.name, now))
    return [
        PoolSlots(pool.name, pool.deliveries, tuple(free_at[pool.name]))
        for pool in Pool.objects.order_by("name")
        if pool.name in free_at
    ]


def for_quote(quote: Quote, *, now: datetime) -> Expected | None:
    """When the quoted run would begin and be ready if it were ordered at once. None: no worker is there for its
    delivery."""
    seconds = expected_seconds(mode=Mode(quote.mode), tickets=quote.data_set.tickets, attributes=len(quote.attributes))
    waiting = Waiting(
        delivery=Delivery(quote.delivery),
        due_at=quote.due_at,
        queued_at=now,
        expected_seconds=seconds,
        own_ahead=Run.objects.filter(organisation_id=quote.organisation_id, status=RunStatus.QUEUED).count(),
    )
    return for_place(place(waiting, now=now), delivery=waiting.delivery, seconds=seconds, now=now)


def for_place(found: Place, *, delivery: Delivery, seconds: float, now: datetime) -> Expected | None:
    """When a run at that place of the queue begins and is ready. None: no worker is there for its delivery."""
    slots = [pool for pool in working_slots(now=now) if delivery in pool.deliveries]
    if not slots:
        return None
    free = [at for pool in slots for at in pool.free_at]
    deliveries = {served for pool in slots for served in pool.deliveries}
    starts_at = _between_neighbours(found, deliveries=sorted(deliveries), slots=len(free)) or min(free)
    starts_at = max(starts_at, min(free), now)
    return Expected(starts_at, starts_at + timedelta(seconds=seconds))


def _between_neighbours(found: Place, *, deliveries: Sequence[Delivery], slots: int) -> datetime | None:
    """It begins when the run that it goes before would have begun; after the last one, when a slot is free again."""
    ahead = None
    for delivery in deliveries:
        waiting = Run.objects.filter(status=RunStatus.QUEUED, delivery=delivery, expected_start_at__isnull=False)
        before = waiting.filter(
            Q(lane__lt=found.lane) | Q(lane=found.lane, counts_as_due_at__lte=found.counts_as_due_at)
        )
        last = before.order_by("-lane", "-counts_as_due_at", "-queued_at").first()
        if last is None:
            continue
        assert last.expected_start_at is not None
        after_it = last.expected_start_at + timedelta(seconds=last.expected_seconds / slots)
        ahead = max(ahead or after_it, after_it)
    return ahead


def refresh_when_due(*, now: datetime) -> int | None:
    """Refreshes if nobody did so lately. Returns how many runs changed; None: it is not due, or another process is at
    it."""
    task, _ = Housekeeping.objects.get_or_create(name=REFRESH, defaults={"next_at": now})
    if task.next_at > now:
        return None
    # Whoever moves the time forward does the work; if that one dies, the next time comes all the same.
    taken = Housekeeping.objects.filter(name=REFRESH, next_at=task.next_at).update(next_at=now + refresh_every)
    if not taken:
        return None
    began = time.monotonic()
    changed = refresh(now=now)
    took = timedelta(seconds=time.monotonic() - began)
    if took > refresh_every / 20:
        # A very long queue: at most a twentieth of one worker's time goes into looking at it.
        Housekeeping.objects.filter(name=REFRESH).update(next_at=now + took * 20)
    return changed


def refresh(*, now: datetime) -> int:
    """Walks the queue, corrects expectations that moved, and flags runs that will be late. Returns how many runs it
    changed."""
    slots = working_slots(now=now)
    before = {}
    waiting = []
    fields = (
        *("id", "delivery", "lane", "counts_as_due_at", "queued_at", "rises_at", "expected_seconds", "due_at"),
        *("expected_start_at", "expected_late_at"),
    )
    for row in Run.objects.filter(status=RunStatus.QUEUED).values_list(*fields).iterator(chunk_size=5000):
        waiting.append(WaitingRun(row[0], Delivery(row[1]), *row[2:8]))
        before[row[0]] = (row[8], row[9])
    moved: list[tuple[datetime, datetime, UUID]] = []
    late: list[tuple[UUID, datetime | None]] = []
    for run, expected in forecast(waiting, slots, now=now):
        was, flagged = before[run.id]
        if was is None or abs(was - expected.starts_at) >= worth_writing:
            moved.append((expected.starts_at, expected.finishes_at, run.id))
        if flagged is None and will_be_late(
            starts_at=expected.starts_at, expected_seconds=run.expected_seconds, due_at=run.due_at, now=now
        ):
            late.append((run.id, expected.finishes_at))
    late += _late_at_work(now=now) + _late_without_worker(slots, now=now)
    _write(sorted(moved, key=lambda change: change[0])[:most_rows_at_once])
    return len(moved[:most_rows_at_once]) + sum(
        _flag(run, finishes_at=at, now=now) for run, at in late[:most_rows_at_once]
    )


def _late_at_work(*, now: datetime) -> list[tuple[UUID, datetime | None]]:
    found = Run.objects.filter(status__in=sorted(WORKING), expected_late_at__isnull=True)
    ready = [
        (run, free_again_at(started_at=run.expected_start_at or now, expected_seconds=run.expected_seconds, now=now))
        for run in found
    ]
    return [(run.id, at) for run, at in ready if at > run.due_at]


def _late_without_worker(slots: Sequence[PoolSlots], *, now: datetime) -> list[tuple[UUID, datetime | None]]:
    """Runs that nobody is there to train, when it is getting too late to begin."""
    served = {delivery for pool in slots for delivery in pool.deliveries}
    unserved = [delivery.value for delivery in Delivery if delivery not in served]
    if not unserved:
        return []
    found = Run.objects.filter(
        status=RunStatus.QUEUED,
        delivery__in=unserved,
        expected_late_at__isnull=True,
        due_at__lte=now + timedelta(days=1),
    ).order_by("due_at")[:most_rows_at_once]
    return [
        (run.id, None)
        for run in found
        if will_be_late(starts_at=now, expected_seconds=run.expected_seconds, due_at=run.due_at, now=now)
    ]


def _write(changes: Sequence[tuple[datetime, datetime, UUID]]) -> None:
    if not changes:
        return
    with transaction.atomic():
        for starts_at, finishes_at, run in changes:
            Run.objects.filter(id=run, status=RunStatus.QUEUED).update(
                expected_start_at=starts_at, expected_finish_at=finishes_at
            )


def _flag(run: UUID, *, finishes_at: datetime | None, now: datetime) -> int:
    """Writes down once that the run will be late, for those who must do something about it."""
    with transaction.atomic():
        found = (
            Run.objects.select_for_update(no_key=True)
            .filter(id=run, expected_late_at__isnull=True, ended_at__isnull=True)
            .first()
        )
        if found is None:
            return 0
        Run.objects.filter(id=run).update(expected_late_at=now)
        times = {"due_at": found.due_at, "ready_at": finishes_at}
        record(
            found,
            move=RunOccurrence.EXPECTED_LATE,
            who="forecast",
            why=Fact("run.late", {name: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}Z" for name, at in times.items() if at}),
            now=now,
        )
    return 1
