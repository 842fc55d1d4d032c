"""Tickets are deleted: what goes and what stays, said beforehand; and what is left of them afterwards."""

from __future__ import annotations

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
from otai.tickets import queries
from otai.tickets.models import DataSet
from otai.web.access import MemberRequest, page


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.UPLOAD_TICKETS)
def delete(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """Asks first, with counts; then deletes."""
    found = queries.data_set_with_id(request.organisation, data_set)
    said = request.POST if request.method == "POST" else request.GET
    every = said.get("versions") == "all"
    chosen = deletion.versions_of(found) if every else [found]
    if request.method == "POST":
        gone = deletion.delete_tickets(
            organisation=request.organisation,
            data_sets=chosen,
            who=request.user.email,
            now=utc_now(),
            with_models="with_models" in said and request.member.may(Action.MANAGE_MODELS),
        )
        what = ", ".join(gone.data_sets) or str(found)
        messages.success(request, _("The tickets of %(what)s are deleted. Their figures stay.") % {"what": what})
        return redirect("web:tickets", slug=request.organisation.slug)
    if found.deleted_at is not None:
        return redirect("web:data_set", slug=request.organisation.slug, data_set=found.id)
    context = {
        "data_set": found,
        "every": every,
        "versions": len(deletion.versions_of(found)),
        "going": deletion.what_goes_with_tickets(organisation=request.organisation, data_sets=chosen),
        "may_delete_models": request.member.may(Action.MANAGE_MODELS),
    }
    return render(request, "web/tickets/delete.html", context)


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
