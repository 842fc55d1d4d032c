"""At the operator's desk: what is missing before strangers reach this installation."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from otai.deployment import Result, Severity, results, situation
from otai.words.catalogue import ENGLISH

SEVERITIES = {Severity.NEEDED: _("needed"), Severity.ADVISED: _("advised")}


def before_strangers(request: HttpRequest) -> HttpResponse:
    """As `otai check`; mounted behind the desk's own door."""
    installation = situation()
    checks = results(installation)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Before strangers reach it"),
        "found": installation,
        "missing": [_row(result) for result in checks if not result.is_met],
        "met": [_row(result) for result in checks if result.is_met],
    }
    return render(request, "web/desk/before_strangers.html", context)


def _row(result: Result) -> dict[str, Any]:
    language = get_language() or ENGLISH
    said = {"sentence": result.sentence(language), "remedy": result.remedy(language)}
    return {"code": result.code, "severity": SEVERITIES[result.severity], **said}
