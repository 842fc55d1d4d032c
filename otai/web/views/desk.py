"""At the operator's desk: what is missing before strangers reach this installation."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from otai.deployment import Severity, results, situation
from otai.words.catalogue import ENGLISH

SEVERITIES = {Severity.NEEDED: _("needed"), Severity.ADVISED: _("advised")}


def before_strangers(request: HttpRequest) -> HttpResponse:
    """As `otai check`; mounted behind the desk's own door."""
    found = situation()
    language = get_language() or ENGLISH
    told = [(result, SEVERITIES[result.severity]) for result in results(found)]
    context = {
        **admin.site.each_context(request),
        "title": gettext("Before strangers reach it"),
        "found": found,
        "missing": [
            {
                "code": result.code,
                "severity": severity,
                "sentence": result.sentence(language),
                "remedy": result.remedy(language),
            }
            for result, severity in told
            if not result.is_met
        ],
        "met": [{"code": result.code, "severity": severity} for result, severity in told if result.is_met],
    }
    return render(request, "web/desk/before_strangers.html", context)
