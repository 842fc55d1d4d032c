"""Runs: what is being trained, live; what it cost; and the report card of what came of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST, require_safe

from otai.db import utc_now
from otai.learning.evidence.card_answer import answer_of
from otai.orgs.permissions import Action
from otai.orgs.persons import addresses_of
from otai.outbound.models import NotificationKind
from otai.outbound.notifications import is_mailed
from otai.pricing.price_book import Delivery, Mode
from otai.runs import operations, queries
from otai.runs.approval import Approver, may_approve, orderer
from otai.runs.event_stream import run_events_response
from otai.runs.models import Attempt, Reason, Run
from otai.runs.status import WORKING, Approval, RunStatus
from otai.serving import jobs as serving_jobs
from otai.serving import queries as serving
from otai.serving.cards import card_page, version_before
from otai.serving.models import ModelVersion
from otai.serving.operations import register_completed_runs
from otai.tickets import queries as tickets
from otai.web import formats
from otai.web.access import MemberRequest, page, standing_of
from otai.web.job_waiting import waited
from otai.web.templatetags.studio import BADGES
from otai.web.time_lines import Step
from otai.web.views.jobs import working
from otai.web.views.report_card import AttributeCard, attribute_page, card_for, summaries, suspected
from otai.web.views.train import REASONS, run_again_address
from otai.web.words import who_words
from otai.words.quotes import without_quotes

runs_a_page = 25

STAGES: dict[str, str | Promise] = {
    "reading": gettext_lazy("Reading the tickets"),
    "features": gettext_lazy("Looking at the words"),
    "encoding": gettext_lazy("Reading for meaning"),
    "training": gettext_lazy("Learning"),
    "calibrating": gettext_lazy("Making its confidence honest"),
    "evaluating": gettext_lazy("Measuring on tickets it has not seen"),
    "refitting": gettext_lazy("Learning once more, from all tickets"),
    "writing": gettext_lazy("Writing the model"),
}


@require_safe
@page(Action.VIEW)
def runs(request: MemberRequest) -> HttpResponse:
    """The organisation's runs, the newest first, a page at a time."""
    filtered = queries.runs(request.organisation).defer("report_card", "data_set__profile", "data_set__roles")
    before, status = request.GET.get("before", ""), request.GET.get("status", "")
    if status in tuple(RunStatus):
        filtered = filtered.filter(status=status)
    if before.isdecimal() and len(before) < 10:
        filtered = filtered.filter(number__lt=int(before))
    shown = list(filtered[: runs_a_page + 1])
    older = ""
    if len(shown) > runs_a_page:
        shown = shown[:runs_a_page]
        older = f"?before={shown[-1].number}" + (f"&status={status}" if status in tuple(RunStatus) else "")
    context = {
        "runs": shown,
        "older": older,
        "newer": f"?status={status}" if before and status in tuple(RunStatus) else ("?" if before else ""),
        "status": status,
        "statuses": [(one.value, word) for one, word in STATUS_WORDS.items()],
        "may_train": request.member.may(Action.TRAIN),
    }
    return render(request, "web/runs/list.html", context)


STATUS_WORDS: dict[RunStatus, str | Promise] = {
    RunStatus.AWAITING_APPROVAL: gettext_lazy("Waits for approval"),
    RunStatus.QUEUED: gettext_lazy("Waiting"),
    RunStatus.TRAINING: gettext_lazy("Training"),
    RunStatus.EVALUATING: gettext_lazy("Evaluating"),
    RunStatus.COMPLETED: gettext_lazy("Completed"),
    RunStatus.FAILED: gettext_lazy("Failed"),
    RunStatus.CANCELLED: gettext_lazy("Cancelled"),
}


def time_line(run: Run, attempts: list[Attempt]) -> list[Step]:
    """Ordered, held, each attempt with the machine it really ran on, and the end; what is to come stands in grey."""
    status = RunStatus(run.status)
    credits = formats.credits(run.credits)
    steps = [
        Step("done", _("Ordered by %(who)s") % {"who": who_words(run.ordered_by)}, run.ordered_at),
        Step("done", _("%(credits)s held") % {"credits": credits}, run.ordered_at),
    ]
    if run.approval == Approval.APPROVED:
        steps.append(Step("done", _("Approved by %(who)s") % {"who": who_words(run.approval_by)}, run.approval_at))
    for attempt in attempts:
        lost = attempt.ended_at is not None and attempt.outcome not in ("completed", "cancelled", "failed_input")
        what = _("Began on %(hardware)s") if attempt.number == 1 else _("Began again on %(hardware)s")
        steps.append(
            Step(
                "done",
                what % {"hardware": attempt.hardware or attempt.worker},
                attempt.started_at,
                " · ".join(_machine_words(attempt)),
            )
        )
        if lost and (attempt.number != run.attempt or status is RunStatus.QUEUED):
            steps.append(Step("bad-end", _("This attempt was lost; that costs you nothing"), attempt.ended_at))
    match status:
        case RunStatus.AWAITING_APPROVAL:
            steps.append(Step("now", _("Waits for approval by an owner or a member for billing")))
            steps.append(Step("later", _("Trained and measured")))
        case RunStatus.QUEUED:
            steps += [Step("now", _("Waits for a machine")), Step("later", _("Trained and measured"))]
            steps.append(Step("later", _("Ready; %(credits)s spent only then") % {"credits": credits}))
        case RunStatus.TRAINING | RunStatus.EVALUATING:
            steps.append(Step("now", str(STAGES.get(run.stage, _("Begins")))))
            steps.append(Step("later", _("Ready; %(credits)s spent only then") % {"credits": credits}))
        case RunStatus.COMPLETED:
            steps.append(Step("done", _("Ready; %(credits)s spent") % {"credits": credits}, run.ended_at))
        case RunStatus.FAILED:
            steps.append(Step("bad-end", _("Failed; nothing charged"), run.ended_at))
        case RunStatus.CANCELLED:
            steps.append(
                Step("bad-end", _end_words(run) % {"credits": credits, "who": who_words(run.approval_by)}, run.ended_at)
            )
    return steps


def _machine_words(attempt: Attempt) -> list[str]:
    """Of which pool the machine was, and what of it the training really ran on, once that has told."""
    words = [_("Pool %(pool)s") % {"pool": attempt.pool}] if attempt.pool else []
    if attempt.devices:
        gpus = ", ".join(f"{one['count']} x {one['name']}" for one in attempt.devices if one["kind"] == "gpu")
        threads = sum(one["count"] for one in attempt.devices if one["kind"] == "cpu")
        said = (
            _("Processor threads: %(threads)d; GPU: %(gpus)s")
            if gpus
            else _("Processor threads: %(threads)d; no GPU used")
        )
        words.append(said % {"threads": threads, "gpus": gpus})
    return words


def _end_words(run: Run) -> str:
    match run.approval:
        case Approval.DECLINED:
            return _("Declined by %(who)s; %(credits)s given back")
        case Approval.WITHDRAWN:
            return _("Withdrawn by %(who)s; %(credits)s given back")
        case Approval.LAPSED:
            return _("Nobody approved it in time; %(credits)s given back")
        case _:
            return _("Cancelled; %(credits)s given back")


def now_of(run: Run, request: MemberRequest) -> dict[str, Any]:
    """What the live part of the page shows."""
    attempts = list(run.attempts.order_by("number"))
    at = utc_now()
    waits = run.status == RunStatus.AWAITING_APPROVAL
    done_percent = round(100 * run.steps_done / run.steps_total) if run.steps_total else 0
    return {
        "run": run,
        "mode": Mode(run.mode),
        "delivery": Delivery(run.delivery),
        "reason": REASONS.get(run.reason, run.reason),
        "attempts": attempts,
        "steps": time_line(run, attempts),
        "stage": STAGES.get(run.stage, ""),
        "percent": formats.percent(done_percent / 100),
        "is_working": run.status in WORKING,
        "waits_for_approval": waits,
        "may_approve": waits and request.member.may(Action.APPROVE) and may_approve(run, approver(request)),
        "may_decline": waits and request.member.may(Action.APPROVE),
        "is_late": not run.has_ended and not waits and (run.expected_late_at is not None or at > run.due_at),
        "tab_state": formats.percent(done_percent / 100) if run.status in WORKING else BADGES[run.status][2],
        "left": max(run.due_at - at, at - at),
        "was_on_time": run.ended_at is not None and run.ended_at <= run.due_at,
        "may_cancel": not run.has_ended and request.member.may(Action.TRAIN),
        "mails_you": "" if run.has_ended else mails_at_the_end(run, request),
        "at": at,
    }


def mails_at_the_end(run: Run, request: MemberRequest) -> str:
    """The address that whoever reads the page is mailed at when the run ends, however it does; empty where they are
    not."""
    member = request.member
    is_own = orderer(run).casefold() in addresses_of(member.user.email)
    ends = (NotificationKind.TRAINING_READY, NotificationKind.TRAINING_FAILED)
    return member.user.email if is_own and all(is_mailed(member, kind) for kind in ends) else ""


@require_safe
@page(Action.VIEW)
def run(request: MemberRequest, number: int) -> HttpResponse:
    """One run: its time line, and its report card once it is completed."""
    found = queries.run(request.organisation, number)
    return render(request, "web/runs/run.html", run_context(request, found))


def run_context(request: MemberRequest, found: Run) -> dict[str, Any]:
    """What the page of a run shows."""
    context = now_of(found, request)
    card = card_for(request.member, found)
    version = version_of(found)
    context["card"] = card
    context["version"] = version
    context["may_cut"] = request.member.may(Action.UPLOAD_TICKETS) and tickets.is_newest(found.data_set)
    if card is not None:
        context["answer"] = answer_of(card)
        context["summaries"] = summaries(card, earlier=earlier_cards(found))
        context["suspected"] = suspected(context["summaries"])
    if found.has_ended and request.member.may(Action.TRAIN):
        again = Reason.DRIFT if found.status == RunStatus.COMPLETED else Reason(found.reason)
        context["again"] = run_again_address(request.organisation, found, reason=again)
    return context


def version_of(found: Run) -> ModelVersion | None:
    """The model version that a completed run became."""
    if found.status != RunStatus.COMPLETED:
        return None
    version = ModelVersion.objects.select_related("model", "run").filter(run=found).first()
    if version is None:
        register_completed_runs(now=utc_now(), organisation=found.organisation, among_newest=100)
        version = ModelVersion.objects.select_related("model", "run").filter(run=found).first()
    return version


def earlier_cards(found: Run, *, most: int = 8) -> list[dict[str, Any]]:
    """Report cards of the versions before, oldest first."""
    before = queries.runs(found.organisation).filter(
        model_name=found.model_name, status=RunStatus.COMPLETED, number__lt=found.number
    )
    return [card for (card,) in before.values_list("report_card")[:most] if card is not None][::-1]


@require_GET
@page(Action.VIEW)
def now(request: MemberRequest, number: int) -> HttpResponse:
    """The live part, with the page's headline and title. Once the run has ended the whole page comes anew, with its
    report card."""
    found = queries.run(request.organisation, number)
    response = render(request, "web/runs/live.html", now_of(found, request))
    if found.has_ended:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@page(Action.VIEW)
def events(request: MemberRequest, number: int) -> HttpResponseBase:
    """The run's events as they happen, for the browser's EventSource."""
    run = queries.run(request.organisation, number)
    return run_events_response(request, run, standing=standing_of(request, Action.VIEW))


@require_POST
@page(Action.TRAIN)
def cancel(request: MemberRequest, number: int) -> HttpResponse:
    """Cancels a run; its credits are given back."""
    cancelled = operations.cancel_run(
        organisation=request.organisation, number=number, who=request.user.email, now=utc_now()
    )
    messages.success(
        request,
        _("Training %(number)s is cancelled. Given back: %(credits)s. Nothing is charged.")
        % {"number": number, "credits": formats.credits(cancelled.credits)},
    )
    return redirect("web:run", slug=request.organisation.slug, number=number)


def approver(request: MemberRequest) -> Approver:
    """Whoever reads the page, as the one who decides."""
    return Approver(request.user.email, member=request.member.id)


@require_POST
@page(Action.APPROVE)
def approve(request: MemberRequest, number: int) -> HttpResponse:
    """Approves an order that waits for it."""
    operations.approve_run(organisation=request.organisation, number=number, by=approver(request), now=utc_now())
    messages.success(request, _("Training %(number)s is approved. It is due from now on.") % {"number": number})
    return redirect("web:run", slug=request.organisation.slug, number=number)


@require_POST
@page(Action.APPROVE)
def decline(request: MemberRequest, number: int) -> HttpResponse:
    """Declines an order, with a reason that whoever ordered reads."""
    declined = operations.decline_run(
        organisation=request.organisation,
        number=number,
        by=approver(request),
        why=request.POST.get("why", ""),
        now=utc_now(),
    )
    messages.success(
        request,
        _("Training %(number)s is declined. Given back: %(credits)s. Nothing is charged.")
        % {"number": number, "credits": formats.credits(declined.credits)},
    )
    return redirect("web:run", slug=request.organisation.slug, number=number)


@require_safe
@page(Action.VIEW)
def attribute(request: MemberRequest, number: int, position: int) -> HttpResponse:
    """One attribute of the report card, opened. By position: a label's or an attribute's name never becomes an
    address."""
    completed = queries.run(request.organisation, number)
    card = card_for(request.member, completed)
    if card is None or not 0 <= position < len(card.attributes):
        raise Http404
    opened: AttributeCard = attribute_page(card, position, chosen=request.GET.get("at", ""))
    context = {
        "run": completed,
        "mode": Mode(completed.mode),
        "card": card,
        "opened": opened,
        "position": position,
        "version": version_of(completed),
        "tabs": list(enumerate(one.name for one in card.attributes)),
        "findings": [one for one in card.findings if one.attribute == opened.report.name],
        "may_correct": request.member.may(Action.UPLOAD_TICKETS),
        "browser": _browser(request, completed),
        "review": _review(request, completed),
    }
    return render(request, "web/runs/attribute.html", context)


def _browser(request: MemberRequest, found: Run) -> str:
    """The browser of the tickets that the run learnt from, with what its model said of those it was measured on; empty
    where they are deleted, or are not for this member."""
    version = version_of(found)
    if version is None or found.data_set.deleted_at is not None or not request.member.may(Action.READ_TICKETS):
        return ""
    return f"{reverse('web:browse', args=[request.organisation.slug, found.data_set_id])}?model={version.id}"


def _review(request: MemberRequest, found: Run) -> str:
    """Where its suspected labels are looked through; empty where the browser is."""
    return (
        reverse("web:review", args=[request.organisation.slug, found.data_set_id]) if _browser(request, found) else ""
    )


def _required_card(request: MemberRequest, number: int) -> tuple[Run, dict[str, Any]]:
    found = queries.run(request.organisation, number)
    if found.report_card is None:
        raise Http404
    return found, found.report_card


@require_safe
@page(Action.VIEW, downloads=True)
def report_card_json(request: MemberRequest, number: int) -> HttpResponse:
    """The report card as a file; 404 until the run is completed."""
    found, card = _required_card(request, number)
    shown = card if request.member.may(Action.READ_TICKETS) else without_quotes(card)
    response = HttpResponse(json.dumps(shown, ensure_ascii=False, indent=1), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="report-card-run-{found.number}.json"'
    return response


@require_safe
@page(Action.VIEW, costs=True)
def report_card_html(request: MemberRequest, number: int) -> HttpResponse:
    """The whole report card on one page to print; with `?download` as a file of its own, to send around."""
    completed_run, _card = _required_card(request, number)
    if "download" in request.GET:
        version = version_of(completed_run)
        if version is None:
            raise Http404
        compared = None
        if (before := version_before(version)) is not None:
            begun = serving_jobs.ask_to_compare(older=before, newer=version, who=request.user.email, now=utc_now())
            job = waited(begun)
            if not job.has_ended:
                return working(request, job)
            compared = serving_jobs.comparison_of(job)
        whole = card_page(version, with_texts=request.member.may(Action.READ_TICKETS), compared=compared)
        file = HttpResponse(whole, content_type="text/html; charset=utf-8")
        file["Content-Disposition"] = f'attachment; filename="report-card-run-{completed_run.number}.html"'
        return file
    card = card_for(request.member, completed_run)
    if card is None:
        # Of a format that this release does not read.
        raise Http404
    context = {
        **run_context(request, completed_run),
        "opened": [attribute_page(card, position) for position in range(len(card.attributes))],
    }
    return render(request, "web/runs/report_card.html", context)


def predictions(version: ModelVersion, text: str) -> Any:
    """What the version says of one text."""
    [found] = serving.predict(version, [text])
    return found
