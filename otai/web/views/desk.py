"""At the operator's desk: what is missing before strangers reach this installation."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from otai.deployment import results, situation


def before_strangers(request: HttpRequest) -> HttpResponse:
    """As `otai check`; mounted behind the desk's own door."""
    found = situation()
    told = results(found)
    context = {
        **admin.site.each_context(request),
        "title": "Before strangers reach it",
        "found": found,
        "missing": [result for result in told if not result.is_met],
        "met": [result for result in told if result.is_met],
    }
    return render(request, "web/desk/before_strangers.html", context)
