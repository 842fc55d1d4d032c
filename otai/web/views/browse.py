"""The ticket browser: search, filters, one ticket as a whole with others like it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from otai.db import utc_now
from otai.jobs import operations as jobs
from otai.orgs.permissions import Action
from otai.serving.predictions import predictions_of, versions_on
from otai.tickets import jobs as tickets_jobs
from otai.tickets import queries
from otai.tickets.models import DataSet
from otai.tickets.ticket_index.keeping import has_index, opened_index
from otai.tickets.ticket_index.reading import IndexedTicket, TicketFilter, TicketIndexReader
from otai.web.access import MemberRequest, impersonated, page

TICKETS_SHOWN = 25
LIKE_SHOWN = 5
LABELS_OFFERED = 500
CONFIDENCES = ("0.5", "0.7", "0.8", "0.9", "0.95")


@dataclass(frozen=True, slots=True)
class BrowserForm:
    """What the address asks for. `version` is that of a model whose predictions are looked at, by its id."""

    asked: TicketFilter
    version: str
    start: int

    @classmethod
    def of(cls, request: MemberRequest) -> BrowserForm:
        """Of a query string; what makes no sense asks for nothing."""
        got = {name: str(value).replace("\0", "") for name, value in request.GET.items()}
        start = got.get("from", "0")
        asked = TicketFilter(
            words=got.get("q", "")[:200],
            attribute=got.get("attribute", "")[:200],
            label=got.get("label", "")[:200],
            without_label="unlabelled" in got,
            language=got.get("language", "")[:10],
            since=_day(got.get("since", "")),
            until=_day(got.get("until", "")),
            predicted=got.get("predicted", "")[:200],
            confidence_from=_share(got.get("sure_from", "")),
            confidence_to=_share(got.get("sure_to", "")),
            is_wrong={"1": True, "0": False}.get(got.get("wrong", "")),
        )
        return cls(asked, got.get("model", "")[:40], int(start) if start.isdecimal() and len(start) < 8 else 0)


def _day(said: str) -> date | None:
    try:
        found = date.fromisoformat(said)
    except ValueError:
        return None
    return found if 1970 < found.year < 9000 else None


def _share(said: str) -> float | None:
    try:
        found = float(said)
    except ValueError:
        return None
    return found if 0 <= found <= 1 else None


@require_safe
@page(Action.READ_TICKETS, costs=True)
def browse(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """The tickets of a data set, searched and filtered; each leads to the whole of it."""
    found = queries.data_set_with_id(request.organisation, data_set)
    found.require_tickets()
    if (elsewhere := made_searchable(request, found)) is not None:
        return elsewhere
    form = BrowserForm.of(request)
    with opened_index(found) as index:
        context = {"data_set": found, "form": form, "is_indexed": index is not None}
        if index is not None:
            context |= _looked_up(request, found, form, index)
    part = "web/tickets/found.html" if request.headers.get("HX-Target") == "found" else "web/tickets/browse.html"
    return render(request, part, context)


def made_searchable(request: MemberRequest, data_set: DataSet) -> HttpResponse | None:
    """None once the version has an index, or for an operator, who only looks; else the page of the job that makes
    it."""
    if has_index(data_set) or impersonated(request) is not None:
        return None
    begun = tickets_jobs.ask_for_index(data_set=data_set, who=request.user.email, now=utc_now())
    job = jobs.wait(begun, seconds=settings.OTAI_JOBS_WAIT_SECONDS)
    if job.is_done:
        return None
    return redirect("web:job", slug=request.organisation.slug, job=job.id)


def _looked_up(
    request: MemberRequest, data_set: DataSet, form: BrowserForm, index: TicketIndexReader
) -> dict[str, Any]:
    asked = form.asked
    names = list(index.attributes)
    attribute = asked.attribute if asked.attribute in index.attributes else (names[0] if names else "")
    versions = versions_on(request.organisation, data_set, also=form.version)
    version = next((one for one in versions if str(one.id) == form.version), None)
    predictions = predictions_of(version, attribute) if version is not None else None
    if predictions is not None:
        asked = replace(asked, predictions=predictions.tickets)
    asked = replace(asked, attribute=attribute)
    hits = index.search(asked, offset=form.start, limit=TICKETS_SHOWN)
    return {
        "attribute": attribute,
        "attributes": names,
        "labels": queries.labels(data_set, attribute).values_list("name", "count")[:LABELS_OFFERED] if names else [],
        "languages": index.languages(),
        "has_times": index.has_times(),
        "versions": versions,
        "version": version,
        "predictions": predictions,
        "asked": asked,
        "confidences": [(said, float(said)) for said in CONFIDENCES],
        "found": hits,
        "rows": hits.tickets,
        "first": form.start + 1,
        "last": form.start + len(hits.tickets),
        "indexed": index.indexed,
        "is_whole": index.indexed == index.tickets,
        "newer": _page(request, max(0, form.start - TICKETS_SHOWN)) if form.start else "",
        "older": _page(request, form.start + TICKETS_SHOWN) if form.start + TICKETS_SHOWN < hits.total else "",
    }


def _page(request: MemberRequest, start: int) -> str:
    said = request.GET.copy()
    said["from"] = str(start)
    return f"{request.path}?{said.urlencode()}"


@require_safe
@page(Action.READ_TICKETS)
def ticket(request: MemberRequest, data_set: UUID, row: int) -> HttpResponse:
    """One ticket as a whole, and labelled tickets that are like it."""
    searched = queries.data_set_with_id(request.organisation, data_set)
    searched.require_tickets()
    if row >= searched.tickets:
        raise Http404
    [whole] = queries.tickets(searched, offset=row, limit=1)
    names = [attribute["name"] for attribute in searched.profile["attributes"]]
    attribute = request.GET.get("attribute", "")
    attribute = attribute if attribute in names else (names[0] if names else "")
    alike: list[IndexedTicket] = []
    with opened_index(searched) as index:
        known = index.with_ids([whole["ticket"]]).get(whole["ticket"]) if index is not None else None
        if index is not None and known is not None and attribute:
            alike = index.like(known, text_of(whole), attribute, limit=LIKE_SHOWN)
    context = {
        "data_set": searched,
        "ticket": whole,
        "row": row,
        "attribute": attribute,
        "labels": [(name, listed(whole.get(f"attribute:{name}"))) for name in names],
        "alike": [(one, one.labels.get(attribute, ())) for one in alike],
    }
    return render(request, "web/tickets/ticket.html", context)


def text_of(whole: dict[str, Any]) -> str:
    """Subject and body of a row of the Parquet file."""
    return "\n".join(part for part in (whole.get("subject"), whole.get("body")) if part)


def listed(value: Any) -> list[str]:
    """A cell of labels, however many it holds."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]
