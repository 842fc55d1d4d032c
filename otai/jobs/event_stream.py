"""How far a job is, as it happens, for both doors (otai.orgs.streams). Who may see the job is decided by the view that
calls this.

event: progress    data: {"status": "running", "place": 0, "share": 0.4, "rows": 48200, "bytes_read": ...,
                          "bytes_total": ..., "ended": false}
event: end         data: {"status": "done"}
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from otai.db import utc_now
from otai.jobs.admission import place_in_queue
from otai.jobs.models import Job
from otai.jobs.operations import end_if_lost
from otai.orgs.standing import Standing
from otai.orgs.streams import StreamState, stream_response


def job_events_response(request: HttpRequest, job: Job, *, standing: Standing) -> HttpResponse:
    """The stream of `job`. Raises TooManyStreams."""
    return stream_response(request, look_at, job.pk, standing=standing)


def look_at(last_known: Mapping[UUID, int]) -> dict[UUID, StreamState]:
    """All these jobs in one query, and one more for the place of each that waits. One that nobody conducts any more is
    ended first.

    A job has no moves: what it is now is all there is to know. A job that is gone is missing.
    """
    now = utc_now()
    found = {}
    for job in Job.objects.filter(pk__in=list(last_known)).defer("result"):
        end_if_lost(job, now=now)
        found[job.pk] = StreamState([], progress_of(job, now=now))
    return found


def progress_of(job: Job, *, now: datetime) -> dict[str, Any]:
    """What a progress event tells of the job as it stands."""
    return {
        "status": job.status,
        "place": place_in_queue(job, now=now),
        "share": 1.0 if job.is_done else job.share,
        "rows": job.rows_read,
        "bytes_read": job.bytes_read,
        "bytes_total": job.bytes_total,
        "ended": job.has_ended,
    }
