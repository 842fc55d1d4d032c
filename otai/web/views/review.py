"""Labels that look wrong, one by one: the ticket, the question, labelled tickets beside it; by mouse, keyboard, or
without scripts."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs.permissions import Action
from otai.serving import jobs as serving_jobs
from otai.serving import review
from otai.serving.models import LabelVerdict, ReviewItem
from otai.serving.review.queue import colleagues, last_decided
from otai.tickets import queries
from otai.tickets.models import Attribute, DataSet
from otai.tickets.ticket_index.keeping import opened_index
from otai.tickets.ticket_index.reading import IndexedTicket
from otai.web.access import MemberRequest, page
from otai.web.job_waiting import waited
from otai.web.refusals import in_words
from otai.web.templatetags.studio import language_name
from otai.web.views.browse import CONFIDENCES, LABELS_OFFERED, made_searchable, text_of
from otai.web.words import who_words

LISTED = 50
LIKE_SHOWN = 4


@dataclass(frozen=True, slots=True)
class TicketLookedAt:
    """A ticket that is looked at, wherever it lies, with others like it."""

    subject: str
    body: str
    details: list[str]
    alike: list[tuple[IndexedTicket, tuple[str, ...]]]


def _newest(request: MemberRequest, data_set: UUID) -> DataSet:
    """Labels are looked through in the newest version of a name, whichever one the address names."""
    named = queries.data_set_with_id(request.organisation, data_set)
    named.require_tickets()
    return queries.data_set(request.organisation, named.name)


def _filter(said: QueryDict) -> review.ReviewFilter:
    sure = said.get("sure", "")
    return review.ReviewFilter(
        said.get("attribute", "").replace("\0", "")[:200],
        said.get("label", "").replace("\0", "")[:200],
        float(sure) if sure in CONFIDENCES else 0.0,
    )


def _query(wanted: review.ReviewFilter) -> str:
    said = {"attribute": wanted.attribute, "label": wanted.label, "sure": wanted.confidence_from or ""}
    kept = urlencode({name: value for name, value in said.items() if value})
    return f"?{kept}" if kept else ""


def _address(request: MemberRequest, data_set: DataSet, wanted: review.ReviewFilter) -> str:
    return reverse("web:review", args=[request.organisation.slug, data_set.id]) + _query(wanted)


@require_safe
@page(Action.READ_TICKETS)
def overview(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """What is to be looked through, how far it is, and what was decided."""
    newest = _newest(request, data_set)
    if (elsewhere := made_searchable(request, newest)) is not None:
        return elsewhere
    wanted = _filter(request.GET)
    queue = review.queue_of(newest)
    filtered = queue.only(wanted) if queue is not None else None
    rows = ReviewItem.objects.filter(organisation=request.organisation, data_set_name=newest.name)
    context = {
        "data_set": newest,
        "queue": queue,
        "filtered": filtered,
        "open": filtered.open if filtered is not None else [],
        "listed": filtered.open[:LISTED] if filtered is not None else [],
        "wanted": wanted,
        "query": _query(wanted),
        "attributes": sorted({one.attribute for one in queue.questions}) if queue is not None else [],
        "labels": _labels(queue, wanted) if queue is not None else [],
        "confidences": [(said, float(said)) for said in CONFIDENCES],
        "decided": (done := rows.exclude(verdict="")).select_related("feedback").order_by("-decided_at")[:LISTED],
        "all_decided": done.count(),
        "changes": review.changes_waiting(newest).count,
        "others": [who_words(one) for one in colleagues(newest, request.user.email, now=utc_now())],
        "may_decide": request.member.may(Action.UPLOAD_TICKETS),
    }
    return render(request, "web/tickets/review.html", context)


def _labels(queue: review.ReviewQueue, wanted: review.ReviewFilter) -> list[str]:
    of_it = [one for one in queue.questions if wanted.attribute in ("", one.attribute)]
    return sorted({label for one in of_it for label in (*one.given, *one.suggested)})[:LABELS_OFFERED]


@require_POST
@page(Action.UPLOAD_TICKETS)
def take_next(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """Takes up the next question, and shows it."""
    newest = _newest(request, data_set)
    if (elsewhere := made_searchable(request, newest)) is not None:
        return elsewhere
    return _to_next(request, newest, _filter(request.POST))


def _to_next(request: MemberRequest, newest: DataSet, wanted: review.ReviewFilter) -> HttpResponse:
    queue = review.queue_of(newest)
    row = review.take_next(queue.only(wanted), who=request.user.email, now=utc_now()) if queue is not None else None
    if row is None:
        messages.success(request, _("Nothing is left to look at here."))
        return HttpResponseRedirect(_address(request, newest, wanted))
    address = reverse("web:review_item", args=[request.organisation.slug, newest.id, row.id])
    return HttpResponseRedirect(address + _query(wanted))


@require_safe
@page(Action.READ_TICKETS)
def item(request: MemberRequest, data_set: UUID, item: UUID) -> HttpResponse:
    """One question: is the suggested label right, rather than the one that is given?"""
    newest = _newest(request, data_set)
    row = review.item(request.organisation, newest, item)
    wanted = _filter(request.GET)
    queue = review.queue_of(newest)
    filtered = queue.only(wanted) if queue is not None else None
    attribute = newest.attributes.filter(name=row.attribute).first()
    known = queries.labels(newest, row.attribute).values_list("name", flat=True)[:LABELS_OFFERED] if attribute else ()
    offered = [label for label in known if label not in (*row.given, *row.suggested)]
    context = {
        "data_set": newest,
        "row": row,
        "looked": _looked(newest, row),
        "is_multi": attribute is not None and attribute.kind == Attribute.Kind.MULTI,
        "goes": [label for label in row.given if label not in row.suggested],
        "comes": [label for label in row.suggested if label not in row.given],
        "both": list(dict.fromkeys([*row.given, *row.suggested])),
        "labels": offered,
        "decided": filtered.decided if filtered is not None else 0,
        "all": len(filtered.questions) if filtered is not None else 0,
        "wanted": wanted,
        "query": _query(wanted),
        "another": row.claimed_by if row.is_claimed_by_another(request.user.email, now=utc_now()) else "",
        "others": [who_words(one) for one in colleagues(newest, request.user.email, now=utc_now())],
        "last": last_decided(newest, request.user.email),
        "may_decide": request.member.may(Action.UPLOAD_TICKETS),
    }
    return render(request, "web/tickets/review_item.html", context)


def _looked(newest: DataSet, row: ReviewItem) -> TicketLookedAt:
    with opened_index(newest) as index:
        known = index.with_ids([row.ticket]).get(row.ticket) if index is not None else None
        if index is None or known is None or known.key.hex() != row.text_key:
            # It is not among the tickets: a colleague's correction brought its text.
            subject, _newline, body = (row.feedback.text if row.feedback else "").partition("\n")
            return TicketLookedAt(subject, body, [], [])
        [whole] = queries.tickets(newest, offset=known.row, limit=1)
        alike = index.like(known, text_of(whole), row.attribute, limit=LIKE_SHOWN)
        subject, body = whole.get("subject") or "", whole.get("body") or ""
        return TicketLookedAt(
            subject,
            body,
            [language_name(code) for code in (whole.get("language"),) if code],
            [(one, one.labels.get(row.attribute, ())) for one in alike],
        )


@require_POST
@page(Action.UPLOAD_TICKETS)
def decide(request: MemberRequest, data_set: UUID, item: UUID) -> HttpResponse:
    """Answers the question, or skips it; then on to the next one."""
    newest = _newest(request, data_set)
    row = review.item(request.organisation, newest, item)
    wanted, who, now = _filter(request.POST), request.user.email, utc_now()
    here = reverse("web:review_item", args=[request.organisation.slug, newest.id, row.id]) + _query(wanted)
    verdict = request.POST.get("verdict", "")
    try:
        if verdict == "skip":
            review.skip(row, who=who, now=now)
        elif verdict in LabelVerdict.values:
            labels = [*request.POST.getlist("other"), request.POST.get("new", "")]
            review.decide(row, verdict=LabelVerdict(verdict), labels=labels, data_set=newest, who=who, now=now)
        else:
            return HttpResponseRedirect(here)
    except review.ReviewMoved as moved:
        messages.warning(request, in_words(moved))
    except OtaiError as refused:
        messages.error(request, in_words(refused))
        return HttpResponseRedirect(here)
    return _to_next(request, newest, wanted)


@require_POST
@page(Action.UPLOAD_TICKETS)
def undo(request: MemberRequest, data_set: UUID, item: UUID) -> HttpResponse:
    """Takes an answer back and asks again."""
    newest = _newest(request, data_set)
    row = review.item(request.organisation, newest, item)
    try:
        review.undo(row, who=request.user.email, now=utc_now())
    except review.ReviewMoved as moved:
        messages.warning(request, in_words(moved))
        return HttpResponseRedirect(_address(request, newest, _filter(request.POST)))
    address = reverse("web:review_item", args=[request.organisation.slug, newest.id, row.id])
    return HttpResponseRedirect(address + _query(_filter(request.POST)))


@require_POST
@page(Action.UPLOAD_TICKETS)
def make_version(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """The next version of the tickets, with what was decided."""
    newest = _newest(request, data_set)
    begun = serving_jobs.ask_to_apply_review(data_set=newest, by=request.user.email, now=utc_now())
    job = waited(begun)
    return redirect("web:job", slug=request.organisation.slug, job=job.id)
