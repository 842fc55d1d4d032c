"""How far a job is: the page of an upload shows it, and a page of its own. Without a script the page loads itself anew."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from otai.db import utc_now
from otai.jobs import operations, queries
from otai.jobs.models import Job
from otai.jobs.operations import JobHasEnded
from otai.jobs.places import place_in_queue
from otai.orgs.permissions import Action
from otai.tickets import jobs as tickets_jobs
from otai.web.access import MemberRequest, local_path, page


def working(request: MemberRequest, job: Job) -> HttpResponse:
    """The page of a job that has not ended, or came to nothing. 200: the address stays the one that was asked."""
    return render(request, "web/jobs/page.html", context_of(request, job))


def context_of(request: MemberRequest, job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "place": place_in_queue(job, now=utc_now()),
        "percent": round(100 * job.share),
        "problem": queries.error_of(job),
        "may_cancel": not job.has_ended and request.member.may(Action.UPLOAD_TICKETS),
        "here": request.path,
    }


@require_safe
@page(Action.VIEW)
def job(request: MemberRequest, job: UUID) -> HttpResponse:
    found = queries.job_with_id(request.organisation, job)
    if not found.is_done:
        return working(request, found)
    slug = request.organisation.slug
    if found.kind == tickets_jobs.IMPORT.name:
        return redirect("web:data_set", slug=slug, data_set=tickets_jobs.imported(found).id)
    return redirect("web:tickets", slug=slug)


@require_safe
@page(Action.VIEW)
def now(request: MemberRequest, job: UUID) -> HttpResponse:
    """The part of the page that htmx asks for every second; once the job has ended, the whole page is asked for anew."""
    found = queries.job_with_id(request.organisation, job)
    if found.has_ended:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "web/jobs/now.html", context_of(request, found))


@require_POST
@page(Action.UPLOAD_TICKETS)
def cancel(request: MemberRequest, job: UUID) -> HttpResponse:
    found = queries.job_with_id(request.organisation, job)
    # It may have been done a moment before: the page says so.
    with suppress(JobHasEnded):
        operations.cancel(found, now=utc_now())
    back = local_path(request, request.POST.get("back", ""))
    return redirect(back) if back else redirect("web:job", slug=request.organisation.slug, job=found.id)
