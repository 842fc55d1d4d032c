"""Answers that may come later: 202 with a job to look at, or held back as long as the caller says (`Prefer: wait=10`,
RFC 7240)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse

from otai.api.access import CallerRequest
from otai.db import utc_now
from otai.jobs import operations as jobs
from otai.jobs import queries
from otai.jobs.admission import place_in_queue
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.tickets.formats_of_before import format_of
from otai.words.catalogue import say_fact

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


def seconds_to_wait(request: CallerRequest, *, otherwise: float) -> float:
    """As the caller prefers, as far as this is allowed; `otherwise` where nothing is said. `respond-async` is 0."""
    said = request.headers.get("Prefer", "")
    longest = float(settings.OTAI_JOBS_LONGEST_WAIT_SECONDS)
    if (found := _WAIT.search(said)) is not None:
        return min(float(found[1]), longest)
    return 0.0 if "respond-async" in said.lower() else min(otherwise, longest)


def default_wait_seconds() -> float:
    """How many seconds a request waits for its job before it is answered with 202 (OTAI_JOBS_WAIT_SECONDS)."""
    return float(settings.OTAI_JOBS_WAIT_SECONDS)


def waited_for(request: CallerRequest, begun: Asked, *, otherwise: float | None = None) -> Job:
    """The job that was asked for, done, or as far as it is when the wait is over: then the answer is
    `accepted(job)`, or within `keys.once` the job itself. Raises why it came to nothing.

    `otherwise`: seconds to wait where the caller says nothing; `default_wait_seconds()`, if left out."""
    job = jobs.wait(
        begun, seconds=seconds_to_wait(request, otherwise=default_wait_seconds() if otherwise is None else otherwise)
    )
    if job.has_ended:
        queries.refuse_if_failed(job)
    return job


def address_of(job: UUID | str) -> str:
    """The path under which the job can be asked for."""
    return f"/api/v1/jobs/{job}"


def job_out(job: Job) -> dict[str, Any]:
    """A job as JSON: status, place in the queue, progress, and its result or error."""
    error = queries.error_of(job)
    return {
        "id": job.id,
        "kind": job.kind,
        "subject": job.subject,
        "status": job.status,
        "place": place_in_queue(job, now=utc_now()),
        "progress": {
            "share": 1.0 if job.is_done else job.share,
            "rows": job.rows_read,
            "bytes_read": job.bytes_read,
            "bytes_total": job.bytes_total,
        },
        "asked_at": job.asked_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "result": _result(job),
        "result_url": _result_url(job),
        "error": {**error.as_dict(), "message": error.said("api"), "kind": error.kind} if error is not None else None,
    }


def _result(job: Job) -> dict[str, Any] | None:
    if job.result is None:
        return None
    match job.kind:
        case "preview":
            return preview_out(job.result)
        case "helpdesk_look":
            # Its tickets are for whoever may read them (`POST /helpdesks/{helpdesk}/preview`).
            return {"labels": job.result["labels"], "fields": job.result["fields"]}
        case "same_texts":
            # How many; which ones is for whoever deletes.
            return {"feedback": len(job.result["said"]), "asked_about": len(job.result["asked"])}
    return dict(job.result)


def preview_out(preview: Mapping[str, Any]) -> dict[str, Any]:
    """Without the examples, which are for a page."""
    return {
        "format": say_fact(format_of(preview["format"])),
        "rows_looked_at": preview["rows"],
        "roles": preview["roles"],
        "unsettled_dates": preview.get("unsettled_dates"),
    }


def look_out(look: Mapping[str, Any]) -> dict[str, Any]:
    """What a look at a helpdesk found, without the examples of columns, which are for a page."""
    told = {name: look[name] for name in ("labels", "fields", "tickets")}
    return {**told, "roles": look["preview"]["roles"] if look["preview"] else None}


def _result_url(job: Job) -> str | None:
    if not job.is_done or job.result is None:
        return None
    match job.kind:
        case "import" | "helpdesk_import" | "next_version":
            return f"/api/v1/data-sets/{job.result['data_set']}"
        case "ticket_index":
            return f"/api/v1/data-sets/{job.result['data_set']}/search"
        case "included_run":
            return f"/api/v1/runs/{job.result['run']}"
        case "holdout":
            return "/api/v1/guarantees"
        case "expected_quality" | "maximum_trial":
            return f"/api/v1/data-sets/{job.result['data_set']}/expected-quality"
    return None


def accepted(job: Job) -> HttpResponse:
    """202: what was asked for is under way."""
    response = HttpResponse(
        json.dumps(job_out(job), cls=DjangoJSONEncoder, ensure_ascii=False), status=202, content_type="application/json"
    )
    response["Location"] = address_of(job.id)
    response["Retry-After"] = "1"
    return response
