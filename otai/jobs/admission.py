"""Who may begin on this machine: the first that waits in its lane, unless its organisation has its share already."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from otai.jobs.models import Job, Machine
from otai.jobs.status import JobStatus
from otai.jobs.work import JobLane

lost_after = timedelta(seconds=60)
"""A job whose conductor said nothing for so long is nobody's any more."""


def places(lane: JobLane) -> int:
    """How many jobs of the lane run side by side: OTAI_JOBS_AT_ONCE, else half the processors and two at least, so that
    an organisation's long import leaves others a place."""
    at_once = int(settings.OTAI_JOBS_AT_ONCE) or max(2, (os.cpu_count() or 1) // 2)
    return at_once if lane is JobLane.LONG else max(2, at_once)


def places_of_one(lane: JobLane) -> int:
    """Of one organisation: half of the lane, so that nobody shuts it to others."""
    return max(1, places(lane) // 2)


def take_place(job: Job, *, now: datetime) -> bool:
    """Moves the job to RUNNING if it is its turn: a compare-and-swap under the machine's lock."""
    lane = JobLane(job.lane)
    with transaction.atomic():
        Machine.objects.get_or_create(name=job.machine)
        Machine.objects.select_for_update(no_key=True).get(name=job.machine)
        if _ahead(job.machine, lane, now=now, job=job.id):
            return False
        moved = Job.objects.filter(id=job.id, status=JobStatus.QUEUED).update(
            status=JobStatus.RUNNING, started_at=now, heartbeat_at=now
        )
    return bool(moved)


def place_in_queue(job: Job, *, now: datetime) -> int:
    """1: it begins next. 0: it does not wait."""
    if job.status != JobStatus.QUEUED:
        return 0
    waiting = _open(job.machine, JobLane(job.lane), now=now).filter(status=JobStatus.QUEUED)
    return waiting.filter(asked_at__lte=job.asked_at).exclude(id=job.id).count() + 1


def _open(machine: str, lane: JobLane, *, now: datetime):  # type: ignore[no-untyped-def]
    return Job.objects.filter(machine=machine, lane=lane, ended_at__isnull=True, heartbeat_at__gt=now - lost_after)


def _ahead(machine: str, lane: JobLane, *, now: datetime, job: UUID) -> bool:
    """Whether another must begin or end first."""
    open_jobs = _open(machine, lane, now=now)
    running: dict[UUID, int] = dict(
        open_jobs.filter(status=JobStatus.RUNNING)
        .values_list("organisation")
        .annotate(count=Count("id"))
        .order_by("organisation")
    )
    free = places(lane) - sum(running.values())
    # In their order, each organisation as far as its share goes.
    waiting = open_jobs.filter(status=JobStatus.QUEUED).order_by("asked_at", "id").values_list("id", "organisation")
    for id, organisation in waiting:
        if free <= 0:
            return True
        if running.get(organisation, 0) >= places_of_one(lane):
            if id == job:
                return True
            continue
        if id == job:
            return False
        running[organisation] = running.get(organisation, 0) + 1
        free -= 1
    return True
