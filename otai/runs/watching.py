"""What an operator watches: queues, promises, attempts, holds. Read from the tables, so every process gives the same
answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Min, Q

from otai.billing.models import Subscription
from otai.ledger.models import Hold, HoldState
from otai.runs.models import Attempt, Pool, RegisteredWorker, Run
from otai.runs.status import WORKING, RunStatus

window = timedelta(hours=24)
"""Shares and counts are of this last time: a promise broken last year says nothing about today."""


@dataclass(frozen=True, slots=True)
class PoolWatched:
    """`oldest_seconds` is the age of the longest wait for what the pool serves; 0 when nothing waits."""

    pool: str
    slots: int
    workers: int
    working: int
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """`on_time` is by (mode, delivery), the share of runs due or ended in the window that were ready in time; cancelled
    runs and those whose tickets could not be trained on do not count. Absent: there was none."""

    pools: tuple[PoolWatched, ...]
    on_time: Mapping[tuple[str, str], float]
    ended: Mapping[str, int]
    attempts: Mapping[str, int]
    expected_late: int
    open_holds: int
    grants_due: int


def watched(*, now: datetime) -> ServiceFigures:
    """A handful of queries over partial indexes and the last day."""
    ended = Run.objects.filter(ended_at__gte=now - window)
    attempts = Attempt.objects.filter(started_at__gte=now - window).exclude(outcome="")
    open_runs = Run.objects.filter(ended_at__isnull=True)
    return ServiceFigures(
        pools=tuple(_pool(pool, now=now) for pool in Pool.objects.order_by("name")),
        on_time=_on_time(now=now),
        ended=dict(ended.values_list("ending").annotate(Count("id")).order_by("ending")),
        attempts=dict(attempts.values_list("outcome").annotate(Count("id")).order_by("outcome")),
        expected_late=open_runs.filter(expected_late_at__isnull=False).count(),
        open_holds=Hold.objects.filter(state=HoldState.HELD).count(),
        grants_due=Subscription.objects.filter(next_grant_at__lte=now).count(),
    )


def _pool(pool: Pool, *, now: datetime) -> PoolWatched:
    waiting = Run.objects.filter(status=RunStatus.QUEUED, delivery__in=pool.deliveries).aggregate(
        count=Count("id"), oldest=Min("queued_at")
    )
    return PoolWatched(
        pool=pool.name,
        slots=pool.slots,
        workers=RegisteredWorker.objects.filter(pool=pool, ended_at__isnull=True).count(),
        working=Run.objects.filter(status__in=sorted(WORKING), pool=pool.name).count(),
        waiting=waiting["count"],
        oldest_seconds=max((now - waiting["oldest"]).total_seconds(), 0.0) if waiting["oldest"] else 0.0,
    )


def _on_time(*, now: datetime) -> dict[tuple[str, str], float]:
    ours = Q(status__in=[RunStatus.COMPLETED, RunStatus.FAILED], ended_at__gte=now - window) & ~Q(ending="failed_input")
    # A promise is broken when its time has come, not when the model arrives at last.
    overdue = Q(ended_at__isnull=True, due_at__lt=now)
    found = (
        Run.objects.filter(ours | overdue)
        .values_list("mode", "delivery")
        .annotate(
            count=Count("id"),
            in_time=Count("id", filter=Q(status=RunStatus.COMPLETED, ended_at__lte=F("due_at"))),
        )
        .order_by("mode", "delivery")
    )
    return {(mode, delivery): in_time / count for mode, delivery, count, in_time in found}
