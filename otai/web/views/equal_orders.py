"""An order of just what was ordered a while ago: the first, and "order again" beside it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from otai.billing.operations.orders import EqualOrder
from otai.web.access import MemberRequest
from otai.web.refusals import in_words

AGAIN = "again"
"""The field with which a form says that it is meant."""


def is_meant(request: MemberRequest) -> bool:
    """Whether the form was sent from the page that asks."""
    return AGAIN in request.POST


def asked(request: MemberRequest, refused: EqualOrder) -> HttpResponse:
    """The page that leads to the first order. Its form sends what was sent, with the word that it is meant."""
    slug = request.organisation.slug
    if "run" in refused.details:
        first = reverse("web:run", args=[slug, refused.details["run"]])
    else:
        first = reverse("web:purchase", args=[slug, refused.details["reference"]])
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in ("csrfmiddlewaretoken", AGAIN)
        for value in values
    ]
    context = {"said": in_words(refused), "first": first, "sent": sent, "again": AGAIN}
    return render(request, "web/equal_order.html", context, status=409)
