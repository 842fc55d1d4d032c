"""The way in, and what belongs to the browser rather than to an organisation: theme and front door."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from otai.orgs import queries as orgs
from otai.web.access import local_path, signed_in
from otai.web.frame import THEME_COOKIE, THEMES

ORGANISATION_COOKIE = "otai_organisation"
year_in_seconds = 365 * 24 * 60 * 60


@require_safe
@signed_in
def front_door(request: HttpRequest) -> HttpResponse:
    """To the organisation last seen, else to the first by name, else to making one."""
    slug = last_organisation(request)
    return redirect("web:home", slug=slug) if slug else redirect("web:organisations")


def last_organisation(request: HttpRequest) -> str:
    """The slug of the organisation that the reader saw last, else of their first by name; empty without one."""
    if not request.user.is_authenticated:
        return ""
    slugs = [member.organisation.slug for member in orgs.memberships(request.user)]
    last = request.COOKIES.get(ORGANISATION_COOKIE, "")
    return last if last in slugs else next(iter(slugs), "")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keeps the choice in a cookie, so that the server writes it into the page: nothing flashes."""
    chosen = request.POST.get("theme", "auto")
    response = HttpResponseRedirect(local_path(request, request.POST.get("next", ""), otherwise="/"))
    response.set_cookie(
        THEME_COOKIE,
        chosen if chosen in THEMES else "auto",
        max_age=year_in_seconds,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response
