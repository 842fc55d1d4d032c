"""The queue is the table of runs that wait. A worker claims the next one; a silent worker's run goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from otai.db import one_transaction
from otai.pricing.price_book import Delivery
from otai.pricing.settlement import Ending
from otai.runs.claiming import claim_at_once
from otai.runs.models import Attempt, Run
from otai.runs.operations import AttemptOutcome, Claimed, RunMoved, begin_attempt, end_run
from otai.runs.operations.pools import lost_after
from otai.runs.ordering import Lane
from otai.runs.status import WORKING, RunStatus
from otai.words.sentences import Fact

heartbeat_seconds = 2.0
"""How often a worker says that it lives; also how soon it hears of a cancellation."""


def claim(
    *,
    worker: str,
    hardware: str,
    now: datetime,
    run: UUID | None = None,
    pool: str = "",
    deliveries: Sequence[Delivery] = tuple(Delivery),
) -> Claimed | None:
    """The waiting run that goes next (ordering.py), now `worker`'s. None: nothing waits.

    `deliveries` are those that the worker's pool serves. With `run`, that run or nothing. Each waiting run goes to
    exactly one worker.
    """
    _let_rise(now=now)
    if run is None and connection.vendor == "postgresql":
        return claim_at_once(worker=worker, hardware=hardware, pool=pool, deliveries=deliveries, now=now)
    return _claim_in_steps(worker=worker, hardware=hardware, now=now, run=run, pool=pool, deliveries=deliveries)


@one_transaction
def _claim_in_steps(
    *, worker: str, hardware: str, now: datetime, run: UUID | None, pool: str, deliveries: Sequence[Delivery]
) -> Claimed | None:
    if run is not None:
        heads = [_unlocked(Run.objects.filter(status=RunStatus.QUEUED, id=run)).first()]
    else:
        # One look at the head of an index for each delivery, however long the queue is.
        heads = [
            _unlocked(
                Run.objects.filter(status=RunStatus.QUEUED, delivery=delivery).order_by(
                    "lane", "counts_as_due_at", "queued_at", "id"
                )
            ).first()
            for delivery in deliveries
        ]
    chosen = min(
        (head for head in heads if head is not None),
        key=lambda head: (head.lane, head.counts_as_due_at, head.queued_at, head.id),
        default=None,
    )
    if chosen is None:
        return None
    return begin_attempt(chosen, worker=worker, pool=pool, hardware=hardware, now=now)


def claimed_by(worker: str) -> Claimed | None:
    """The run that the worker has claimed without hearing of it, because the answer was lost; it trains one at a
    time."""
    run = Run.objects.filter(status__in=sorted(WORKING), worker=worker).first()
    if run is None:
        return None
    attempt = Attempt.objects.filter(run=run, number=run.attempt, worker=worker, ended_at__isnull=True).first()
    return Claimed(run, attempt) if attempt else None


def _let_rise(*, now: datetime) -> None:
    """Moves Standard runs that near their due time to the priority lane: what `ordering.place` says of them from now
    on."""
    rising = Run.objects.filter(status=RunStatus.QUEUED, rises_at__lte=now)
    if connection.vendor != "postgresql" and not rising.exists():
        # On SQLite even an update of nothing waits for the write lock.
        return
    Run.objects.filter(status=RunStatus.QUEUED, rises_at__lte=now).update(lane=Lane.PRIORITY, rises_at=None)


def _unlocked(runs: QuerySet[Run]) -> QuerySet[Run]:
    # Workers on PostgreSQL step over each other's rows; on SQLite the write lock lets one claim at a time.
    if connection.features.has_select_for_update_skip_locked:
        return runs.select_for_update(skip_locked=True, no_key=True)
    return runs


def return_lost_runs(*, now: datetime, worker_is_gone: Callable[[str], bool], who: str) -> list[Run]:
    """Ends the attempts of workers that went silent or are known to be gone, as failures of ours; the runs wait again
    or fail.

    `worker_is_gone(worker)` may say True only for certain; a worker that is only silent is given `lost_after`.
    """
    returned = []
    database_up_since = None
    for run in Run.objects.filter(status__in=sorted(WORKING)).order_by("heartbeat_at"):
        assert run.heartbeat_at is not None, "runs_run_at_work_has_an_attempt_and_a_heartbeat"
        silent_for = now - run.heartbeat_at
        if silent_for < lost_after and not worker_is_gone(run.worker):
            continue
        if not worker_is_gone(run.worker):
            # While the database was away nobody could be heard.
            database_up_since = database_up_since or _database_up_since()
            if database_up_since is not None and database_up_since <= now < database_up_since + lost_after:
                continue
        outcome = AttemptOutcome(
            Ending.FAILED_SYSTEM,
            failure_code="worker_lost",
            failure=Fact(
                "failed.worker_lost", {"worker": run.worker, "seconds": max(round(silent_for.total_seconds()), 0)}
            ).as_dict(),
        )
        try:
            returned.append(end_run(run=run.id, attempt=run.attempt, outcome=outcome, who=who, log=None, now=now))
        except RunMoved:
            # It ended, or another worker's sweep was first.
            continue
    return returned


def _database_up_since() -> datetime | None:
    """When the database server was started; None where there is no server."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_postmaster_start_time()")
        return cast(datetime, cursor.fetchone()[0])
