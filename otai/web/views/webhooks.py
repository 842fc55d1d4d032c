"""Webhooks: addresses of a customer's that hear our news, and the log of what was sent to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs.permissions import Action
from otai.outbound import operations, queries
from otai.outbound.events import EVENTS
from otai.outbound.models import DeliveryState
from otai.web import once, shown_once
from otai.web.access import MemberRequest, page
from otai.web.refusals import in_words

EVENT_WORDS = {
    "run.approval_needed": gettext_lazy("A training waits for approval"),
    "run.ordered": gettext_lazy("A training is ordered"),
    "run.started": gettext_lazy("A training begins"),
    "run.completed": gettext_lazy("A training is completed"),
    "run.failed": gettext_lazy("A training fails; its credits are given back"),
    "run.cancelled": gettext_lazy("A training is cancelled"),
    "run.late": gettext_lazy("A training will be late"),
    "credits.granted": gettext_lazy("Credits are granted"),
    "credits.purchased": gettext_lazy("Bought credits arrive"),
    "credits.refunded": gettext_lazy("Credits of a training are given back"),
    "credits.low": gettext_lazy("Credits run low"),
    "model.ready": gettext_lazy("A version of a model is ready"),
    "model.live": gettext_lazy("Another version of a model answers"),
    "import.completed": gettext_lazy("Tickets are imported"),
    "import.failed": gettext_lazy("An import fails"),
    "advice.raised": gettext_lazy("A new training is worth its credits"),
}

STATES = {
    DeliveryState.WAITING: ("quiet", "clock", gettext_lazy("On its way")),
    DeliveryState.DELIVERED: ("good", "done", gettext_lazy("Delivered")),
    DeliveryState.FAILED: ("bad", "failed", gettext_lazy("Given up")),
}

most_deliveries = 50
"""On a page; the API has them all."""


class EndpointForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=gettext_lazy("https, reachable from the internet. We send a signed POST."),
    )
    description = forms.CharField(label=gettext_lazy("What it is for"), max_length=200, required=False)
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Tell it when"),
        choices=[(event, EVENT_WORDS.get(event, event)) for event in EVENTS if event != "webhook.test"],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.MANAGE_WEBHOOKS, asks_again=True)
def webhooks(request: MemberRequest) -> HttpResponse:
    """The organisation's webhooks, and a form for another, whose secret is shown once."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = operations.create_endpoint(
                    organisation=request.organisation,
                    url=form.cleaned_data["url"],
                    events=form.cleaned_data["events"],
                    description=form.cleaned_data["description"],
                    who=request.user.email,
                    now=utc_now(),
                    id=once.id_of(request, form.cleaned_data),
                )
            except OtaiError as refused:
                form.add_error(None, in_words(refused))
            else:
                if made.secret:
                    shown_once.keep(request, _made(request), {"secret": made.secret})
                else:
                    once.lead_to_first(request, _made(request), made_at=made.endpoint.created_at)
                return redirect("web:webhooks", slug=request.organisation.slug)
    shown = shown_once.take(request, _made(request)) if request.method != "POST" else None
    endpoints = [{"endpoint": one, "events": _words(one.events)} for one in queries.endpoints(request.organisation)]
    return render(
        request,
        "web/webhooks/list.html",
        {"endpoints": endpoints, "form": form, "made": shown, "tab": "webhooks", "once": once.token()},
        status=status,
    )


def _made(request: MemberRequest) -> str:
    return f"webhook of {request.organisation.pk}"


@require_safe
@page(Action.MANAGE_WEBHOOKS)
def webhook(request: MemberRequest, endpoint: UUID) -> HttpResponse:
    """One webhook with its delivery log."""
    shown = shown_once.take(request, f"secret of {endpoint}")
    return _shown(request, endpoint, secret=shown["secret"] if shown else "")


@require_POST
@page(Action.MANAGE_WEBHOOKS)
def test_webhook(request: MemberRequest, endpoint: UUID) -> HttpResponse:
    """Sends a test message."""
    operations.send_test(organisation=request.organisation, endpoint=endpoint, who=request.user.email, now=utc_now())
    messages.success(request, _("A test message is on its way. It appears below once it was tried."))
    return redirect("web:webhook", slug=request.organisation.slug, endpoint=endpoint)


def _turns_on(request: MemberRequest) -> bool:
    return request.POST.get("enabled") == "1"


@require_POST
@page(Action.MANAGE_WEBHOOKS, asks_again=_turns_on)
def switch_webhook(request: MemberRequest, endpoint: UUID) -> HttpResponse:
    """Turns a webhook on or off."""
    enabled = _turns_on(request)
    operations.change_endpoint(
        organisation=request.organisation, endpoint=endpoint, enabled=enabled, who=request.user.email, now=utc_now()
    )
    messages.success(request, _("Messages are sent again.") if enabled else _("Nothing is sent to it any more."))
    return redirect("web:webhook", slug=request.organisation.slug, endpoint=endpoint)


@require_POST
@page(Action.MANAGE_WEBHOOKS, asks_again=True)
def rotate_webhook(request: MemberRequest, endpoint: UUID) -> HttpResponse:
    """Makes a new secret, shown once; the one before still signs for a while."""
    made = operations.rotate_secret(
        organisation=request.organisation, endpoint=endpoint, who=request.user.email, now=utc_now()
    )
    shown_once.keep(request, f"secret of {endpoint}", {"secret": made.secret})
    return redirect("web:webhook", slug=request.organisation.slug, endpoint=endpoint)


@require_POST
@page(Action.MANAGE_WEBHOOKS)
def delete_webhook(request: MemberRequest, endpoint: UUID) -> HttpResponse:
    """Deletes a webhook with its log."""
    operations.delete_endpoint(
        organisation=request.organisation, endpoint=endpoint, who=request.user.email, now=utc_now()
    )
    messages.success(request, _("The webhook is deleted."))
    return redirect("web:webhooks", slug=request.organisation.slug)


@require_POST
@page(Action.MANAGE_WEBHOOKS)
def send_again(request: MemberRequest, delivery: UUID) -> HttpResponse:
    """Sends a message again, with the same id."""
    sent = operations.replay(organisation=request.organisation, delivery=delivery, now=utc_now())
    messages.success(request, _("The message is on its way again, with the same id."))
    return redirect("web:webhook", slug=request.organisation.slug, endpoint=sent.endpoint_id)


def _shown(request: MemberRequest, endpoint: UUID, *, secret: str = "") -> HttpResponse:
    hook = queries.endpoint(request.organisation, endpoint)
    rows: list[dict[str, Any]] = []
    for delivery in queries.deliveries(request.organisation, endpoint=hook.id).prefetch_related("tries")[
        :most_deliveries
    ]:
        tries = sorted(delivery.tries.all(), key=lambda tried: tried.number)
        tone, icon, word = STATES[DeliveryState(delivery.state)]
        event = delivery.message.event
        words = _("Test") if event == "webhook.test" else EVENT_WORDS.get(event, event)
        rows.append(
            {
                "delivery": delivery,
                "words": words,
                "last": tries[-1] if tries else None,
                "tone": tone,
                "icon": icon,
                "word": word,
            }
        )
    context = {
        "endpoint": hook,
        "events": _words(hook.events),
        "rows": rows,
        "secret": secret,
        "tab": "webhooks",
        "has_previous": hook.has_previous_secret(utc_now()),
    }
    return render(request, "web/webhooks/endpoint.html", context)


def _words(events: list[str]) -> list[Any]:
    """Empty: it hears everything."""
    return [EVENT_WORDS.get(event, event) for event in events]
