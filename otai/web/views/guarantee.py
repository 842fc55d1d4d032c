"""The guarantee of a tier: what the included run must reach, agreed before it; what it reached; and what comes if it
did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from otai.billing import queries as billing
from otai.db import utc_now
from otai.errors import Invalid, NotFound, Refused
from otai.jobs.models import Job
from otai.learning.evidence.acceptance import Criterion, CriterionInvalid, Metric, share_of
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs import jobs as run_jobs
from otai.runs import operations as runs
from otai.runs import readiness
from otai.runs.guarantee import operations, queries
from otai.runs.guarantee.criteria import is_standard, standard_threshold
from otai.runs.guarantee_status import GuaranteeStatus
from otai.runs.models import Guarantee, Reason, Run
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.web.access import MemberRequest, page
from otai.web.job_waiting import waited
from otai.web.refusals import in_words
from otai.web.time_lines import Step
from otai.web.views.train import model_name_for
from otai.web.words import fact_words

METRICS: dict[str, str | Promise] = {
    "accuracy": gettext_lazy("right, of all tickets"),
    "macro_f1": gettext_lazy("macro F1: rare labels count as much"),
    "coverage": gettext_lazy("decided alone, 95 of 100 right"),
}
CHOICES: dict[str, str | Promise] = {**METRICS, "macro_f1": gettext_lazy("macro F1")}
"""The same where they are chosen, in a column with little room."""

STATUS_WORDS: dict[str, str | Promise] = {
    GuaranteeStatus.OPEN: gettext_lazy("What must it reach?"),
    GuaranteeStatus.AGREED: gettext_lazy("Agreed"),
    GuaranteeStatus.TRAINING: gettext_lazy("Being trained"),
    GuaranteeStatus.TRAINED: gettext_lazy("Trained"),
    GuaranteeStatus.MET: gettext_lazy("Reached"),
    GuaranteeStatus.MISSED: gettext_lazy("Not reached yet"),
    GuaranteeStatus.IMPROVING: gettext_lazy("Being improved"),
    GuaranteeStatus.IN_REVIEW: gettext_lazy("We look at the fee"),
    GuaranteeStatus.DECLINED: gettext_lazy("Fee not credited"),
    GuaranteeStatus.CREDITED: gettext_lazy("Fee credited"),
    GuaranteeStatus.REFUNDED: gettext_lazy("Fee paid back"),
}

TONES = {
    GuaranteeStatus.MET: ("good", "done"),
    GuaranteeStatus.MISSED: ("warning", "alert"),
    GuaranteeStatus.DECLINED: ("quiet", "ban"),
    GuaranteeStatus.CREDITED: ("good", "undo"),
    GuaranteeStatus.REFUNDED: ("good", "undo"),
}


def way_of(guarantee: Guarantee) -> list[Step]:
    """Criteria, run, verdict, improvement, and the end that it had or will have."""
    status = GuaranteeStatus(guarantee.status)
    before = status in (GuaranteeStatus.OPEN, GuaranteeStatus.AGREED)
    steps = [
        Step(
            "now" if status is GuaranteeStatus.OPEN else "done",
            _("We look at your criteria")
            if guarantee.waits_for_operator
            else _("Agree on criteria")
            if status is GuaranteeStatus.OPEN
            else _("Criteria are agreed"),
            guarantee.agreed_at,
        ),
        Step(
            "now" if status in (GuaranteeStatus.AGREED, GuaranteeStatus.TRAINING) else "later" if before else "done",
            _("The included training"),
            guarantee.run.ended_at if guarantee.run else None,
        ),
    ]
    if status is GuaranteeStatus.MET and guarantee.improvement_run is None:
        return [*steps, Step("done", _("The criteria are reached"))]
    missed = guarantee.verdict is not None
    steps.append(Step("bad-end" if missed else "later", _("Not reached") if missed else _("Verdict")))
    if missed:
        improving = status in (GuaranteeStatus.MISSED, GuaranteeStatus.IMPROVING)
        ended = guarantee.improvement_run.ended_at if guarantee.improvement_run and not improving else None
        steps.append(Step("now" if improving else "done", _("The included improvement"), ended))
        if status is GuaranteeStatus.MET:
            steps.append(Step("done", _("The criteria are reached")))
        elif improving:
            steps.append(Step("later", _("Reached, or the fee is credited")))
        else:
            steps.append(Step("bad-end", _("Not reached")))
            steps.append(Step("now" if status is GuaranteeStatus.IN_REVIEW else "done", str(STATUS_WORDS[status])))
    return steps


@dataclass(frozen=True, slots=True)
class Proposed:
    """One attribute in the form: whether it is in, by which figure, from how many percent. `is_agreed`: at once; None:
    what its tickets can reach has not been tried yet. `why`: why an operator looks at it."""

    number: int
    name: str
    chosen: bool
    metric: str
    threshold: str
    last: Any
    is_agreed: bool | None = False
    why: str = ""
    problem: str = ""

    def criterion(self) -> Criterion:
        """Raises CriterionInvalid."""
        metric = Metric(self.metric)
        return Criterion(
            self.name,
            metric,
            share_of(f"{self.threshold.replace(',', '.').strip().removesuffix('%').strip()}%"),
            Fraction(95, 100) if metric is Metric.COVERAGE else None,
        )


def read_proposal(data_set: DataSet, data: QueryDict, *, tier: Tier) -> list[Proposed]:
    """The form as it stands; what was not said is the standard bar for the first attribute."""
    bar = billing.price_book().standard_bar
    is_tried = not operations.must_be_tried(data_set)
    last = {one.attribute: one for one in queries.likely(data_set)}
    given = "proposed" in data
    rows = []
    for number, attribute in enumerate(tickets.usable_attributes(data_set)):
        metric = data.get(f"metric-{number}", "accuracy")
        metric = metric if metric in METRICS else "accuracy"
        standard = f"{float(standard_threshold(bar, Metric(metric)) * 100):g}"
        threshold = data.get(f"threshold-{number}", "").strip() or standard
        chosen = f"in-{number}" in data if given else number == 0
        row = Proposed(number, attribute.name, chosen, metric, threshold, last.get(attribute.name))
        try:
            criterion = row.criterion()
        except CriterionInvalid as wrong:
            rows.append(replace(row, problem=in_words(wrong)))
            continue
        waits = operations.reasons_to_wait(data_set, [criterion], tier)
        if not is_tried and is_standard(criterion, bar):
            rows.append(replace(row, is_agreed=None))
        else:
            rows.append(replace(row, is_agreed=not waits, why=" ".join(fact_words(reason) for reason in waits)))
    return rows


@require_safe
@page(Action.VIEW)
def guarantee(request: MemberRequest) -> HttpResponse:
    """The guarantees of the organisation with their time lines, and the form for criteria."""
    organisation = request.organisation
    operations.open_guarantees(organisation=organisation, now=utc_now())
    shown = [_shown(found) for found in queries.guarantees(organisation)][::-1]
    context: dict[str, Any] = {
        "guarantees": shown,
        "may_act": request.member.may(Action.TRAIN),
        "metrics": [
            (key, word, CHOICES[key], standard_threshold(billing.price_book().standard_bar, Metric(key)))
            for key, word in METRICS.items()
        ],
    }
    if shown:
        context |= _form(request, shown[0]["guarantee"])
    return render(request, "web/guarantee/page.html", context)


def _shown(guarantee: Guarantee) -> dict[str, Any]:
    status = GuaranteeStatus(guarantee.status)
    tone, icon = TONES.get(status, ("accent", "clock"))
    return {
        "guarantee": guarantee,
        "tier": Tier(guarantee.tier),
        "word": _("We look at your criteria") if guarantee.waits_for_operator else STATUS_WORDS[status],
        "tone": tone,
        "icon": icon,
        "way": way_of(guarantee),
        "criteria": [fact_words(one.as_fact()) for one in queries.criteria(guarantee)],
        "verdicts": [
            (title, run, [_outcome(one) for one in outcomes])
            for title, run, outcomes in (
                (_("The included training"), guarantee.run, guarantee.verdict),
                (_("The included improvement"), guarantee.improvement_run, guarantee.improvement_verdict),
            )
            if outcomes
        ],
        "because": [fact_words(reason) for reason in guarantee.waits_because],
        "declined": queries.why_declined(guarantee),
        "again": queries.corrected_labels(guarantee) > 0,
    }


def _outcome(stored: dict[str, Any]) -> dict[str, Any]:
    """What was measured of a criterion, in the reader's language; a note of release 0.1 as it was written."""
    return stored | {
        "said": fact_words(Criterion.from_dict(stored["criterion"]).as_fact()),
        "note": fact_words(stored.get("note_fact") or stored.get("note")),
    }


def _form(request: MemberRequest, guarantee: Guarantee) -> dict[str, Any]:
    """The forms that the highest level offers now: proposing, or ordering what is included."""
    organisation = request.organisation
    status = GuaranteeStatus(guarantee.status)
    book = billing.price_book()
    context: dict[str, Any] = {"first": guarantee, "key": uuid4()}
    if status in (GuaranteeStatus.OPEN, GuaranteeStatus.AGREED):
        all_sets = sorted(
            tickets.data_sets(organisation, newest_only=True).defer("profile"), key=lambda one: one.imported_at
        )[::-1]
        chosen = (
            _data_set(organisation, request.GET.get("data_set", "")) or guarantee.data_set or next(iter(all_sets), None)
        )
        rows = read_proposal(chosen, request.GET, tier=Tier(guarantee.tier)) if chosen else []
        context |= {
            "data_sets": all_sets,
            "data_set": chosen,
            "proposed": rows,
            "at_once": all(row.is_agreed for row in rows if row.chosen),
            "count": sum(row.chosen for row in rows),
        }
    if status in (GuaranteeStatus.AGREED, GuaranteeStatus.MISSED) and guarantee.data_set is not None:
        tier = billing.tier_of(organisation)
        context |= {
            "modes": readiness.trainable(book.tiers[tier].modes),
            "deliveries": list(Delivery),
            "versions": tickets.data_sets(organisation)
            .filter(name=guarantee.data_set.name)
            .order_by("-version")
            .defer("profile"),
        }
    if status is GuaranteeStatus.MISSED and guarantee.run is not None:
        context["hints"] = hints_of(guarantee)
    return context


def hints_of(found: Guarantee) -> list[dict[str, Any]]:
    """For each attribute that missed: what its report card says would help."""
    missed = {one["criterion"]["attribute"] for one in found.verdict or [] if not one["met"]}
    card = (found.run.report_card or {}) if found.run else {}
    hints = []
    for position, attribute in enumerate(card.get("attributes", [])):
        if attribute["name"] in missed:
            curve = attribute.get("learning_curve") or {}
            wrong = attribute.get("wrong_labels") or {}
            hints.append(
                {
                    "name": attribute["name"],
                    "position": position,
                    # Of deleted tickets their number stays, and nobody can correct one.
                    "wrong": wrong.get("total", 0) if wrong.get("suspects") else 0,
                    "pairs": attribute["confused_pairs"][:2],
                    "forecasts": curve.get("forecasts", []),
                }
            )
    return hints


def _data_set(organisation: Organisation, asked: str) -> DataSet | None:
    """Raises NotFound for one that is named and not the organisation's."""
    if not asked:
        return None
    try:
        return tickets.data_set_with_id(organisation, UUID(asked))
    except ValueError:
        raise NotFound("data_set") from None


@require_POST
@page(Action.TRAIN)
def propose(request: MemberRequest) -> HttpResponse:
    """Proposes the chosen criteria; they are agreed at once or wait for an operator."""
    data_set = _data_set(request.organisation, request.POST.get("data_set", ""))
    if data_set is None:
        raise NotFound("data_set")
    operations.open_guarantees(organisation=request.organisation, now=utc_now())
    tier = Tier(queries.guarantee(request.organisation).tier)
    rows = [row for row in read_proposal(data_set, request.POST, tier=tier) if row.chosen]
    slug = request.organisation.slug
    try:
        begun = run_jobs.ask_to_propose(
            organisation=request.organisation,
            data_set=data_set,
            criteria=[row.criterion() for row in rows],
            who=request.user.email,
            now=utc_now(),
        )
        if isinstance(begun, Guarantee):
            return proposed(request, begun)
        job = waited(begun)
        if not job.has_ended:
            return redirect("web:job", slug=slug, job=job.id)
    except (CriterionInvalid, Invalid, Refused) as wrong:
        messages.error(request, in_words(wrong))
        return redirect("web:guarantee", slug=slug)
    return proposed(request, _made_by(request, job))


def proposed(request: MemberRequest, found: Guarantee) -> HttpResponse:
    """Back to the guarantee, with a word on what became of the proposal."""
    if found.waits_for_operator:
        messages.info(request, _("We look at these criteria first, and answer by mail."))
    else:
        messages.success(request, _("Agreed. The tickets to measure on are fixed."))
    return redirect("web:guarantee", slug=request.organisation.slug)


def went_on(request: MemberRequest, done: Job) -> HttpResponse:
    """To what came of a job of this page: criteria, or a run."""
    if done.kind == run_jobs.PROPOSING.name:
        return proposed(request, _made_by(request, done))
    assert done.result is not None
    return ordered(request, done.result["run"])


def _made_by(request: MemberRequest, job: Job) -> Guarantee:
    assert job.result is not None
    return queries.guarantees(request.organisation).get(id=job.result["guarantee"])


def ordered(request: MemberRequest, number: int) -> HttpResponse:
    """To the run that was ordered."""
    messages.success(request, _("Ordered. It is included in your subscription and costs you nothing."))
    return redirect("web:run", slug=request.organisation.slug, number=number)


@require_POST
@page(Action.TRAIN)
def order_included(request: MemberRequest) -> HttpResponse:
    """The included run, or the included improvement after a miss. It costs the organisation nothing."""
    organisation, now = request.organisation, utc_now()
    offered = queries.guarantee(organisation)
    data_set = _data_set(organisation, request.POST.get("data_set", "")) or offered.data_set
    mode, delivery = request.POST.get("mode", ""), request.POST.get("delivery", "")
    if data_set is None or mode not in tuple(Mode) or delivery not in tuple(Delivery):
        raise Http404
    try:
        sent = UUID(request.POST.get("key", ""))
    except ValueError:
        sent = uuid4()
    improving = offered.status in (GuaranteeStatus.MISSED, GuaranteeStatus.IMPROVING)
    quote = runs.make_quote(
        organisation=organisation,
        data_set=data_set,
        attributes=[attribute.name for attribute in tickets.usable_attributes(data_set)],
        mode=Mode(mode),
        delivery=Delivery(delivery),
        model_name=offered.run.model_name if offered.run else model_name_for(data_set.name),
        reason=Reason.LABELS_CHANGED if improving else Reason.NEW_MODEL,
        now=now,
        key=uuid5(sent, f"{organisation.pk} {data_set.pk} {mode} {delivery}"),
    )
    begun = run_jobs.ask_to_order(
        organisation=organisation, quote=quote.id, improvement=improving, who=request.user.email, now=now
    )
    if isinstance(begun, Run):
        return ordered(request, begun.number)
    job = waited(begun)
    if not job.has_ended:
        return redirect("web:job", slug=organisation.slug, job=job.id)
    return went_on(request, job)


@require_safe
@page(Action.READ_TICKETS, downloads=True)
def holdout(request: MemberRequest, tier: str) -> HttpResponseBase:
    """The tickets that the guarantee is measured on, as they were when they were fixed."""
    if tier not in tuple(Tier):
        raise Http404
    found = queries.guarantee(request.organisation, Tier(tier))
    lines: Iterator[str] = queries.holdout_csv(found)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="guarantee-{found.tier}-tickets.csv"'
    return response
