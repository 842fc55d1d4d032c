"""Labels renamed, joined and left out on a page, with what it changes shown before; what gives labels away, cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from otai.db import utc_now
from otai.errors import OtaiError
from otai.jobs import operations as jobs
from otai.learning.data.profile import RARE_LABEL_TICKETS
from otai.orgs.permissions import Action
from otai.serving import jobs as serving_jobs
from otai.tickets import queries
from otai.tickets.models import Attribute, DataSet
from otai.tickets.relabelling import Plan, look_alikes, numbered, plan
from otai.web.access import MemberRequest, page
from otai.web.job_waiting import waited

LABELS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label, the tickets that carry it, what the page says it becomes, and whether it is left out."""

    name: str
    tickets: int
    becomes: str
    is_left_out: bool


@page(Action.UPLOAD_TICKETS)
def labels(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """The labels of one attribute, each with what it becomes: a look at what comes of it, and the new version."""
    chosen_set = queries.data_set_with_id(request.organisation, data_set)
    chosen_set.require_tickets()
    said = request.POST if request.method == "POST" else request.GET
    attribute = _attribute(chosen_set, said.get("attribute", ""))
    changes = _said(said) if request.method == "POST" else _suggested(chosen_set, attribute.name, said)
    planned, problem = _planned(chosen_set, attribute.name, changes)
    if request.method == "POST" and "look" not in request.POST and planned is not None:
        begun = serving_jobs.ask_to_map(
            data_set=chosen_set, mapping={attribute.name: changes}, by=request.user.email, now=utc_now()
        )
        job = waited(begun)
        return redirect("web:job", slug=request.organisation.slug, job=job.id)
    wanted = request.method == "POST"
    context = {
        "data_set": chosen_set,
        "attributes": chosen_set.attributes.order_by("position").values_list("name", flat=True),
        "attribute": attribute,
        "rows": _rows(attribute, changes, search=said.get("q", "")),
        "more": max(0, attribute.labels.count() - LABELS_SHOWN),
        "search": said.get("q", ""),
        "plan": planned,
        "problem": problem if wanted and (changes or "look" not in request.POST) else None,
    }
    refused = problem is not None and wanted and "look" not in request.POST
    return render(request, "web/tickets/labels.html", context, status=422 if refused else 200)


def _attribute(data_set: DataSet, name: str) -> Attribute:
    """The one that the address names; the first where it names none."""
    attributes = list(data_set.attributes.order_by("position"))
    # Compared here: PostgreSQL refuses a question that holds a NUL.
    found = next((one for one in attributes if one.name == name or not name), None)
    if found is None:
        raise Http404
    return found


def _said(data: QueryDict) -> dict[str, str | None]:
    """What the form says of each label that it shows; a field that is empty or as it was says nothing."""
    left_out = set(data.getlist("leave_out"))
    pairs = zip(data.getlist("label"), data.getlist("becomes"), strict=False)
    changed = {label: new.strip() for label, new in pairs if new.strip() and new.strip() != label}
    return {**changed, **dict.fromkeys(left_out)}


def _suggested(data_set: DataSet, attribute: str, data: QueryDict) -> dict[str, str | None]:
    """What a finding's link to the page asks for: the spellings of one label joined under the most frequent, labels
    left out that are too rare to be learnt, or labels that are personal data numbered."""
    if "personal" in data:
        return {**numbered(attribute, list(queries.labels(data_set, attribute).values_list("name", flat=True)))}
    if "rare" in data:
        rare = queries.labels(data_set, attribute).filter(training_count__lt=RARE_LABEL_TICKETS)
        return dict.fromkeys(rare.values_list("name", flat=True)[:LABELS_SHOWN])
    if "alike" not in data:
        return {}
    findings = queries.profile(data_set).findings
    of_it = [one for one in findings if one.code == "labels_look_alike" and one.attribute == attribute]
    return dict(look_alikes([group for one in of_it for group in one.values.get("groups", ())]))


def _planned(
    data_set: DataSet, attribute: str, changes: Mapping[str, str | None]
) -> tuple[Plan | None, OtaiError | None]:
    try:
        return plan(data_set, {attribute: changes})[0], None
    except OtaiError as refused:
        return None, refused


def _rows(attribute: Attribute, changes: Mapping[str, str | None], *, search: str) -> list[LabelRow]:
    labels = attribute.labels.filter(name__icontains=search) if search else attribute.labels.all()
    # What was changed is shown first, wherever it stands, so that no change is made that nobody sees.
    changed = [label for label in labels if label.name in changes] if changes else []
    others = [label for label in labels[: LABELS_SHOWN + len(changed)] if label.name not in changes]
    return [
        LabelRow(label.name, label.count, changes.get(label.name) or label.name, changes.get(label.name, "") is None)
        for label in [*changed, *others][:LABELS_SHOWN]
    ]


@require_POST
@page(Action.UPLOAD_TICKETS)
def cut(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """A new version without what gives labels away; the training that was being chosen goes on with it."""
    found = queries.data_set_with_id(request.organisation, data_set)
    begun = serving_jobs.ask_to_cut(data_set=found, by=request.user.email, now=utc_now())
    return _made(request, begun, _("%(data_set)s is without these lines. The version before keeps them."))


@require_POST
@page(Action.UPLOAD_TICKETS)
def uncut(request: MemberRequest, data_set: UUID) -> HttpResponse:
    """A new version with the texts as they came, before the import cut them."""
    found = queries.data_set_with_id(request.organisation, data_set)
    begun = serving_jobs.ask_to_uncut(data_set=found, by=request.user.email, now=utc_now())
    return _made(request, begun, _("%(data_set)s has the texts as they came. The version before stays."))


def _made(request: MemberRequest, begun: serving_jobs.Asked, said: str) -> HttpResponse:
    """To the new version; to the job where it takes longer, or came to nothing."""
    job = jobs.wait(begun, seconds=settings.OTAI_JOBS_WAIT_SECONDS)
    if not job.is_done or job.result is None:
        # How far it is, or why nothing came of it; loading that page again asks for nothing.
        return redirect("web:job", slug=request.organisation.slug, job=job.id)
    made = queries.data_set_with_id(request.organisation, UUID(job.result["data_set"]))
    messages.success(request, said % {"data_set": made})
    if request.POST.get("then") == "train":
        address = reverse("web:train", args=[request.organisation.slug])
        return HttpResponseRedirect(f"{address}?{urlencode({'data_set': str(made.id)})}")
    return redirect("web:data_set", slug=request.organisation.slug, data_set=made.id)
