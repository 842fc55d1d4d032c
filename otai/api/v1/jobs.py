from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from otai.api.access import Caller, CallerRequest, needed
from otai.api.cursors import Page, page_of
from otai.api.endpoints import Noun
from otai.api.waiting import job_out, look_out
from otai.db import utc_now
from otai.jobs import event_stream, operations, queries
from otai.jobs.models import Job
from otai.orgs.actors import is_same_person
from otai.orgs.permissions import Action, cancelled_with, may_cancel

noun = Noun("Jobs")


class ProgressOut(Schema):
    """How much of what was sent is read; `rows` so far."""

    share: float
    rows: int
    bytes_read: int
    bytes_total: int


class JobErrorOut(Schema):
    """As a refusal of the request itself would be; `kind` is invalid (422), refused (409), not_found (404) or
    unavailable (503)."""

    kind: str
    code: str
    message: str
    details: dict[str, Any]


class JobOut(Schema):
    """Work on something that you sent. Kept for a day after its end."""

    id: UUID
    kind: str = Field(
        description="import, preview, helpdesk_look, helpdesk_import, expected_quality, next_version, look, "
        "same_texts, deletion, comparison, holdout or included_run."
    )
    subject: str = Field(description="What the file or data set is called.")
    status: str = Field(description="queued, running, done, failed or cancelled.")
    place: int = Field(description="In the queue, from 1; 0 when it does not wait.")
    progress: ProgressOut
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    result: dict[str, Any] | None = Field(description="What came of it, when it is done.")
    result_url: str | None = Field(description="Where what came of it is found.")
    error: JobErrorOut | None = Field(description="Why nothing came of it; then nothing was changed.")


class JobsOut(Schema):
    items: list[JobOut]
    next: str | None


JOB: dict[str, Any] = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "kind": "import",
    "subject": "export-2026-11.csv",
    "status": "running",
    "place": 0,
    "progress": {"share": 0.4, "rows": 48200, "bytes_read": 41943040, "bytes_total": 104857600},
    "asked_at": "2026-11-02T09:30:00Z",
    "started_at": "2026-11-02T09:30:01Z",
    "ended_at": None,
    "result": None,
    "result_url": None,
    "error": None,
}


@noun.get("/jobs", Action.VIEW, JobsOut, example={"items": [JOB], "next": None})
def list_jobs(request: CallerRequest, asked: Annotated[Page, Query()]) -> Any:
    """Imports, previews and other work of the last day, the newest first"""
    found = queries.jobs(request.auth.organisation)
    return page_of(
        found, request.auth, asked, of="jobs", by=["-asked_at", "-id"], shown=partial(job_for, caller=request.auth)
    )


@noun.get("/jobs/{uuid:job}", Action.VIEW, JobOut, example=JOB)
def get_job(request: CallerRequest, job: UUID) -> Any:
    """How far a job is, and what came of it

    Ask again every second or so until `ended_at` is set; the answer is kept for a day after that.
    """
    return job_for(queries.job_with_id(request.auth.organisation, job), request.auth)


class NowOut(Schema):
    """One `progress` event; counts as in a job's `progress`."""

    status: str
    place: int
    share: float
    rows: int
    bytes_read: int
    bytes_total: int
    ended: bool


class JobEventsOut(Schema):
    progress: NowOut


NOW = {"status": "running", "place": 0, **JOB["progress"], "ended": False}


@noun.get(
    "/jobs/{uuid:job}/events",
    Action.VIEW,
    JobEventsOut,
    produces=["application/json", "text/event-stream"],
    example={"progress": NOW},
)
def watch_job(request: CallerRequest, job: UUID) -> Any:
    """How far a job is, live

    With `Accept: text/event-stream` a stream of server-sent events: `progress` whenever it changes, and `end` after the
    last one; what came of it is then at the job itself. Otherwise one JSON answer, for asking now and then.
    """
    found = queries.job_with_id(request.auth.organisation, job)
    if "text/event-stream" in request.headers.get("Accept", ""):
        standing = request.auth.standing(Action.VIEW, session=request.session.session_key)
        return event_stream.job_events_response(request, found, standing=standing)
    return {"progress": event_stream.progress_of(found, now=utc_now())}


@noun.post("/jobs/{uuid:job}/cancel", Action.VIEW, JobOut, example={**JOB, "status": "cancelled"})
def cancel_job(request: CallerRequest, job: UUID) -> Any:
    """Cancel a job that has not ended

    Its process is ended within a second, and nothing of it is kept. For who may start such a job: an import is
    cancelled with `tickets:write`, a guarantee's work with `runs:order`, a look at a model with `models:manage`; what
    any reader may ask, by who asked and by who may act on the answer.
    """
    caller = request.auth
    found = queries.job_with_id(caller.organisation, job)
    if not may_cancel(found.kind, is_own=is_same_person(found.asked_by, caller.who), may=caller.may):
        raise needed(caller, *sorted(cancelled_with(found.kind)))
    operations.cancel(found, now=utc_now())
    return job_for(found, caller)


def job_for(job: Job, caller: Caller) -> dict[str, Any]:
    """A job as this caller sees it: why an import came to nothing may quote its file, which is for whoever sent it and
    for whoever may read tickets."""
    shown = job_out(job)
    if job.kind == "helpdesk_look" and job.result is not None and caller.may(Action.READ_TICKETS):
        shown["result"] = look_out(job.result)
    if shown["error"] and not is_same_person(job.asked_by, caller.who) and not caller.may(Action.READ_TICKETS):
        shown["error"] |= {"message": shown["error"]["code"], "details": {}}
    return shown
