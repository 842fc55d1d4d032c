"""How far a job is: the page of an upload shows it, and a page of its own. Without a script the page loads itself
anew."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST, require_safe

from otai.db import utc_now
from otai.jobs import operations, queries
from otai.jobs.admission import place_in_queue
from otai.jobs.event_stream import job_events_response
from otai.jobs.models import Job
from otai.jobs.operations import JobHasEnded
from otai.orgs.permissions import Action, may_cancel
from otai.runs import jobs as run_jobs
from otai.serving import jobs as serving_jobs
from otai.tickets import jobs as tickets_jobs
from otai.tickets import queries as tickets
from otai.tickets.quotas import IMPORTS
from otai.web.access import MemberRequest, local_path, page, role_does_not_include_this, standing_of
from otai.web.formats import number
from otai.web.views import guarantee


def working(request: MemberRequest, job: Job) -> HttpResponse:
    """The page of a job that has not ended, or came to nothing. 200: the address stays the one that was asked."""
    return render(request, "web/jobs/page.html", context_of(request, job))


def context_of(request: MemberRequest, job: Job) -> dict[str, Any]:
    """What the page about a job shows: status, place, progress in percent, and what went wrong. Raises PermissionDenied
    where a refusal may quote another's file, and this member may read no tickets."""
    problem = queries.error_of(job)
    if problem is not None and job.asked_by != request.user.email and not request.member.may(Action.READ_TICKETS):
        raise role_does_not_include_this(request)
    return {
        "job": job,
        "place": place_in_queue(job, now=utc_now()),
        "percent": round(100 * job.share),
        "problem": problem,
        "may_cancel": not job.has_ended and _may_cancel(request, job),
        "of_guarantee": job.kind in (run_jobs.PROPOSING.name, run_jobs.ORDERING.name),
        "here": request.get_full_path(),
    }


@require_safe
@page(Action.VIEW)
def job(request: MemberRequest, job: UUID) -> HttpResponse:
    """Its progress; when it is done, on to what came of it; when nothing came of an upload (`?upload=`), back to its
    columns, which say why."""
    asked = queries.job_with_id(request.organisation, job)
    slug = request.organisation.slug
    if asked.is_done and asked.kind in IMPORTS:
        data_set = tickets_jobs.imported(asked)
        tickets, left_out = data_set.tickets, data_set.left_out_rows
        text = ngettext("%(tickets)s ticket is imported.", "%(tickets)s tickets are imported.", tickets) % {
            "tickets": number(tickets)
        }
        if left_out:
            said = ngettext("%(rows)s row was left out.", "%(rows)s rows were left out.", left_out)
            text += " " + said % {"rows": number(left_out)}
        messages.success(request, text)
        return redirect("web:data_set", slug=slug, data_set=data_set.id)
    if asked.is_done:
        return _on_from(request, asked)
    if asked.has_ended and (upload := _upload(request)) is not None:
        return redirect("web:upload", slug=slug, upload=upload)
    return working(request, asked)


def _on_from(request: MemberRequest, done: Job) -> HttpResponse:
    """To what came of it, with a word on what that is."""
    slug, result = request.organisation.slug, done.result or {}
    match done.kind:
        case serving_jobs.VERSION.name:
            data_set = tickets.data_set_with_id(request.organisation, UUID(result["data_set"]))
            labels = ngettext(
                "%(count)s label is another one now.", "%(count)s labels are others now.", result["changed"]
            )
            added = ngettext("%(count)s ticket is new.", "%(count)s tickets are new.", result["added"])
            text = [
                part % {"count": number(n)} for part, n in ((labels, result["changed"]), (added, result["added"])) if n
            ]
            whole = [_("%(data_set)s is made.") % {"data_set": data_set}, *text, _("Train again to learn from it.")]
            messages.success(request, " ".join(whole))
            return redirect("web:data_set", slug=slug, data_set=data_set.id)
        case tickets_jobs.INDEXING.name:
            return redirect("web:browse", slug=slug, data_set=result["data_set"])
        case run_jobs.PROPOSING.name | run_jobs.ORDERING.name:
            return guarantee.went_on(request, done)
        case serving_jobs.LOOKING.name:
            count = len(result["advice"])
            given = ngettext("%(count)s piece of advice.", "%(count)s pieces of advice.", count) % {"count": count}
            messages.info(request, given if count else _("Nothing speaks for training again."))
            return redirect("web:model", slug=slug, model=result["model"])
        case serving_jobs.DELETION.name:
            what = ", ".join(result["data_sets"]) or done.subject
            messages.success(request, _("The tickets of %(what)s are deleted. Their figures stay.") % {"what": what})
    return redirect("web:tickets", slug=slug)


def _upload(request: MemberRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("upload", ""))
    except ValueError:
        return None


@require_safe
@page(Action.VIEW)
def now(request: MemberRequest, job: UUID) -> HttpResponse:
    """The part of the page that htmx asks for when the stream tells of progress, and now and then without one; once the
    job has ended, the whole page is asked for anew."""
    found = queries.job_with_id(request.organisation, job)
    if found.has_ended:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "web/jobs/live.html", context_of(request, found))


@require_GET
@page(Action.VIEW)
def events(request: MemberRequest, job: UUID) -> HttpResponseBase:
    """Its progress as it happens, for the browser's EventSource."""
    found = queries.job_with_id(request.organisation, job)
    return job_events_response(request, found, standing=standing_of(request, Action.VIEW))


def _may_cancel(request: MemberRequest, job: Job) -> bool:
    return may_cancel(job.kind, is_own=job.asked_by == request.user.email, may=request.member.may)


@require_POST
@page(Action.VIEW)
def cancel(request: MemberRequest, job: UUID) -> HttpResponse:
    """Cancels a job; one that was done a moment before stays done. For who may start such a job."""
    found = queries.job_with_id(request.organisation, job)
    if not _may_cancel(request, found):
        raise role_does_not_include_this(request)
    # It may have been done a moment before: the page says so.
    with suppress(JobHasEnded):
        operations.cancel(found, now=utc_now())
    back = local_path(request, request.POST.get("back", ""))
    return redirect(back) if back else redirect("web:job", slug=request.organisation.slug, job=found.id)
