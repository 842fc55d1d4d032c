"""Tickets are deleted: what goes and what stays, said beforehand; and what is left of them afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.runs import operations as runs
from otai.serving import deletion
from otai.serving import jobs as serving_jobs
from otai.tickets import queries
from otai.tickets.models import DataSet
from otai.web.access import MemberRequest, page
from otai.web.job_waiting import waited
from otai.web.views.jobs import working


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.UPLOAD_TICKETS, asks_again=True)
def delete(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """Asks first, with counts; then deletes."""
    wanted = queries.data_set_with_id(request.organisation, data_set)
    said = request.POST if request.method == "POST" else request.GET
    every = said.get("versions") == "all"
    chosen = deletion.versions_of(wanted) if every else [wanted]
    named: dict[str, Any] = {
        "organisation": request.organisation,
        "data_sets": chosen,
        "who": request.user.email,
        "now": utc_now(),
    }
    if request.method == "POST":
        with_models = "with_models" in said and request.member.may(Action.MANAGE_MODELS)
        begun = serving_jobs.ask_to_delete(**named, with_models=with_models)
        if begun is not None:
            job = waited(begun)
            return redirect("web:job", slug=request.organisation.slug, job=job.id)
        gone = deletion.delete_tickets(**named, with_models=with_models)
        return deleted(request, gone.data_sets or [str(wanted)])
    if wanted.deleted_at is not None:
        return redirect("web:data_set", slug=request.organisation.slug, data_set=wanted.id)
    same: deletion.SameTexts = ([], [])
    searching = serving_jobs.ask_what_goes(**named)
    if searching is not None:
        job = waited(searching)
        if not job.has_ended:
            return working(request, job)
        same = serving_jobs.same_texts_of(job)
    context = {
        "data_set": wanted,
        "every": every,
        "versions": len(deletion.versions_of(wanted)),
        "going": deletion.what_goes_with_tickets(organisation=request.organisation, data_sets=chosen, same=same),
        "may_delete_models": request.member.may(Action.MANAGE_MODELS),
    }
    return render(request, "web/tickets/delete.html", context)


def deleted(request: MemberRequest, data_sets: Sequence[str]) -> HttpResponse:
    """Says so on the page of all tickets."""
    what = ", ".join(data_sets)
    messages.success(request, _("The tickets of %(what)s are deleted. Their figures stay.") % {"what": what})
    return redirect("web:tickets", slug=request.organisation.slug)


def left(request: MemberRequest, found: DataSet) -> HttpResponse:
    """The page of a data set whose tickets are gone."""
    profile = queries.profile(found)
    context: dict[str, Any] = {
        "data_set": found,
        "profile": profile,
        "attributes": profile.attributes,
        "runs": runs.made_from(request.organisation, [found.id]).defer("report_card"),
        "newest": queries.data_sets(request.organisation).filter(name=found.name).order_by("-version").first(),
    }
    return render(request, "web/tickets/deleted.html", context)
