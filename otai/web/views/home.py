"""Home: what happens now, what would help, and where credits went. One glance."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otai.orgs.permissions import Action
from otai.web.access import MemberRequest, page


@require_safe
@page(Action.VIEW)
def home(request: MemberRequest) -> HttpResponse:
    return render(request, "web/home.html", {})
