"""What would make a model better, one step from doing it: advice followed or set aside, suspected labels corrected in
place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from otai.db import utc_now
from otai.errors import NotFound
from otai.jobs.models import Job
from otai.learning.evidence.report_card import ReportCard
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.runs.models import Reason
from otai.runs.operations import InsufficientCredits
from otai.serving import advice as serving_advice
from otai.serving import feedback as serving_feedback
from otai.serving import jobs as serving_jobs
from otai.serving import queries
from otai.serving import versions as serving_versions
from otai.serving.models import Advice, ModelVersion, TrainedModel
from otai.web.access import MemberRequest, page
from otai.web.job_waiting import waited
from otai.web.refusals import in_words
from otai.web.views.report_card import card_of
from otai.web.views.train import buying_address, run_again_address
from otai.words import advice as words
from otai.words.catalogue import ENGLISH
from otai.words.quotes import without_quotes

feedback_shown = 50


@dataclass(frozen=True, slots=True)
class AdviceView:
    """Advice as a person reads it: what was found, in sentences, and the numbers behind it."""

    advice: Advice
    title: str
    sentences: list[str]
    chart_title: str
    points: list[dict[str, Any]]
    unit: str
    elsewhere: str
    """The Train page with these choices, for whoever wants other ones."""
    tickets_first: bool
    """Nothing can be ordered before tickets are brought."""


def advice_for(version: ModelVersion, organisation: Organisation, *, reads_tickets: bool) -> list[AdviceView]:
    """The version's open advice as the page shows it; without `reads_tickets` it quotes no words of them."""
    shown = []
    for advised in serving_advice.open_advice(version):
        if not reads_tickets:
            # Of this row in memory only.
            advised.evidence = without_quotes(advised.evidence)
        elsewhere = (
            run_again_address(organisation, version.run, reason=Reason(advised.reason)) if advised.credits else ""
        )
        chart = advised.chart or {}
        told = words.told(advised, data_set=str(advised.data_set or ""), language=get_language() or ENGLISH)
        points = [point for point in told["chart"].get("points", []) if point.get("now") is not None]
        shown.append(
            AdviceView(
                advised,
                told["title"],
                [item["sentence"] for item in told["evidence"] if item["sentence"]],
                told["chart"].get("title", ""),
                points,
                chart.get("unit", ""),
                elsewhere,
                serving_advice.has_tickets_first(advised.evidence),
            )
        )
    return shown


def _model(request: MemberRequest, id: UUID) -> TrainedModel:
    found = TrainedModel.objects.filter(organisation=request.organisation, id=id).first()
    if found is None:
        raise NotFound("model")
    return found


@require_POST
@page(Action.TRAIN)
def follow(request: MemberRequest, advice: UUID) -> HttpResponse:
    """Orders the training that the advice proposes, or gives labels their new names, which costs nothing."""
    organisation = request.organisation
    followed = serving_advice.advice(organisation, advice)
    try:
        if "with_feedback" in request.POST and (merging := _merged_first(request, advice)) is not None:
            return merging
        run = serving_advice.follow(
            organisation=organisation,
            id=advice,
            who=request.user.email,
            now=utc_now(),
        )
    except InsufficientCredits as refused:
        back = run_again_address(organisation, followed.version.run, reason=Reason(followed.reason))
        messages.warning(request, in_words(refused))
        may_buy = request.member.may(Action.BUY)
        return HttpResponseRedirect(
            buying_address(organisation, int(refused.details["missing"]), back) if may_buy else back
        )
    if run is None:
        messages.success(request, _("The model answers with the new names from now on. Nothing was charged."))
        return redirect("web:model", slug=organisation.slug, model=followed.version.model_id)
    return redirect("web:run", slug=organisation.slug, number=run.number)


def _merged_first(request: MemberRequest, advice: UUID) -> HttpResponse | None:
    """Merges the waiting feedback before the order; the page of the job where that takes a while."""
    organisation, who = request.organisation, request.user.email
    followed = serving_advice.needs_merging_first(organisation=organisation, id=advice, who=who, now=utc_now())
    if followed is None:
        return None
    begun = serving_jobs.ask_to_merge(
        organisation=organisation,
        name=followed.version.model.name,
        by=who,
        now=utc_now(),
        why=serving_advice.FOR_A_TRAINING,
    )
    job = waited(begun)
    if job.has_ended:
        return None
    messages.info(
        request,
        _("The feedback is being merged first. Nothing is ordered yet: follow the advice again when it is done."),
    )
    return _to(request, job)


def _to(request: MemberRequest, job: Job) -> HttpResponse:
    """The page of a job, which leads on to what comes of it."""
    return redirect("web:job", slug=request.organisation.slug, job=job.id)


@require_POST
@page(Action.TRAIN)
def dismiss(request: MemberRequest, advice: UUID) -> HttpResponse:
    """Sets a piece of advice aside, with the reason given."""
    found = serving_advice.advice(request.organisation, advice)
    serving_advice.dismiss(
        organisation=request.organisation,
        id=advice,
        who=request.user.email,
        why=request.POST.get("why", "").strip()[:500],
        now=utc_now(),
    )
    messages.info(request, _("Set aside. You will hear of it again only if something else is found."))
    return redirect("web:model", slug=request.organisation.slug, model=found.version.model_id)


@require_POST
@page(Action.MANAGE_MODELS)
def look_now(request: MemberRequest, model: UUID) -> HttpResponse:
    """Looks at the newest tickets now instead of waiting for the weekly look."""
    found = _model(request, model)
    begun = serving_jobs.ask_to_look(
        organisation=request.organisation, name=found.name, who=request.user.email, now=utc_now()
    )
    if begun is None:
        messages.info(request, _("Nothing speaks for training again."))
        return redirect("web:model", slug=request.organisation.slug, model=found.id)
    job = waited(begun)
    return _to(request, job)


@require_POST
@page(Action.MANAGE_MODELS)
def keep_tickets(request: MemberRequest, model: UUID) -> HttpResponse:
    """For how many days tickets that the model is asked about are kept, to see whether they change."""
    found = _model(request, model)
    days = request.POST.get("days", "")
    if not days.isdecimal() or len(days) > 3:
        raise Http404
    serving_versions.keep_tickets(
        organisation=request.organisation, name=found.name, days=int(days), who=request.user.email, now=utc_now()
    )
    messages.success(request, _("Saved."))
    return redirect("web:model", slug=request.organisation.slug, model=found.id)


@require_POST
@page(Action.UPLOAD_TICKETS)
def correct_labels(request: MemberRequest, model: UUID, number: int, position: int) -> HttpResponse:
    """Gives the chosen tickets the labels that the training suggested: a new version of the data set, the old one
    stays."""
    trained = _model(request, model)
    version = queries.version(request.organisation, trained.name, number)
    card: ReportCard | None = card_of(version.run)
    if card is None or not 0 <= position < len(card.attributes):
        raise Http404
    chosen = request.POST.getlist("ticket")
    if not chosen:
        messages.warning(request, _("Choose the tickets whose label you want to correct."))
        return redirect("web:run_attribute", request.organisation.slug, version.run.number, position)
    data_set, labels, why = serving_advice.suspects_as_labels(
        organisation=request.organisation,
        name=trained.name,
        number=number,
        attribute=card.attributes[position].name,
        ticket_ids=chosen,
    )
    begun = serving_jobs.ask_to_correct(data_set=data_set, labels=labels, by=request.user.email, why=why, now=utc_now())
    job = waited(begun)
    return _to(request, job)


@require_safe
@page(Action.READ_TICKETS)
def feedback(request: MemberRequest, model: UUID) -> HttpResponse:
    """What people said about the model's answers, and one step to make training data of it."""
    found = _model(request, model)
    context = {
        "model": found,
        "offer": serving_feedback.offer(request.organisation, found.name),
        "listed": (listed := serving_feedback.listed(request.organisation, found.name))[:feedback_shown],
        "given": listed.count(),
        "may_merge": request.member.may(Action.UPLOAD_TICKETS),
        "may_withdraw": request.member.may(Action.GIVE_FEEDBACK),
    }
    return render(request, "web/models/feedback.html", context)


@require_POST
@page(Action.GIVE_FEEDBACK)
def withdraw_feedback(request: MemberRequest, model: UUID, statement: UUID) -> HttpResponse:
    """Takes a statement back that is not part of the tickets yet."""
    found = _model(request, model)
    serving_feedback.withdraw(organisation=request.organisation, id=statement, who=request.user.email, now=utc_now())
    messages.success(request, _("Withdrawn. It does not become part of the tickets."))
    return redirect("web:model_feedback", slug=request.organisation.slug, model=found.id)


@require_POST
@page(Action.UPLOAD_TICKETS)
def merge_feedback(request: MemberRequest, model: UUID) -> HttpResponse:
    """Makes a new version of the data set out of the feedback that waits."""
    found = _model(request, model)
    begun = serving_jobs.ask_to_merge(
        organisation=request.organisation, name=found.name, by=request.user.email, now=utc_now()
    )
    job = waited(begun)
    return _to(request, job)


@require_POST
@page(Action.GIVE_FEEDBACK)
def give_feedback(request: MemberRequest, model: UUID, number: int) -> HttpResponse:
    """The right labels of the ticket that was tried."""
    trained = _model(request, model)
    version = queries.version(request.organisation, trained.name, number)
    text = request.POST.get("text", "").replace("\x00", "")[:20_000]
    specs = {attribute["name"]: attribute for attribute in version.run.attributes}
    labels: dict[str, tuple[str, ...]] = {}
    for position, name in enumerate(specs):
        # Chosen among the labels that the model knows; a new one stands in a field of its own, and wins.
        chosen = [label.strip() for label in request.POST.getlist(f"label-{position}") if label.strip()]
        new = request.POST.get(f"new-{position}", "").strip()
        if specs[name]["kind"] == "multi":
            said = [*chosen, *(part.strip() for part in new.split(",") if part.strip())]
        else:
            said = [new] if new else chosen[:1]
        if said:
            labels[name] = tuple(dict.fromkeys(said))
    if not labels or not text.strip():
        messages.warning(request, _("Say the right label of at least one attribute."))
        return redirect("web:model", slug=request.organisation.slug, model=trained.id)
    serving_feedback.give(
        version=version,
        corrections=[serving_feedback.Correction(text, labels)],
        by=request.user.email,
        key=f"page:{request.POST.get('key', '')[:64]}",
        now=utc_now(),
    )
    messages.success(request, _("Thank you. It becomes training data when you say so."))
    return redirect("web:model_feedback", slug=request.organisation.slug, model=trained.id)
