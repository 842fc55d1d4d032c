"""Where a person is signed in, and signing out elsewhere."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from otai.db import utc_now
from otai.errors import NotFound
from otai.orgs import queries
from otai.orgs.models import User
from otai.orgs.sessions import browser_named, end_session, end_sessions, limits_of, sessions_of, unknown_address
from otai.web.access import signed_in


@require_safe
@signed_in
def sessions(request: HttpRequest) -> HttpResponse:
    """The person's sessions, this one first."""
    user = cast(User, request.user)
    rows = [
        {
            "id": found.pk,
            "named": browser_named(found.user_agent),
            "address": found.ip if found.ip != unknown_address else "",
            "since": found.created_at,
            "seen": found.last_seen_at,
            "is_this": found.session_key == request.session.session_key,
        }
        for found in sessions_of(user, now=utc_now())
    ]
    limits = limits_of(user)
    member = queries.memberships(user).first()
    context = {
        "organisation": member.organisation if member else None,
        "rows": sorted(rows, key=lambda row: not row["is_this"]),
        "idle_minutes": int(limits.idle.total_seconds() // 60),
        "idle_hours": int(limits.idle.total_seconds() // 3600),
        "absolute_hours": int(limits.absolute.total_seconds() // 3600),
        "absolute_days": limits.absolute.days,
    }
    return render(request, "accounts/sessions.html", context)


@require_POST
@signed_in
def end(request: HttpRequest, session: int) -> HttpResponse:
    """Signs one of them out; the present one, too."""
    try:
        end_session(cast(User, request.user), session)
    except NotFound:
        messages.info(request, _("That session was over already."))
    else:
        messages.success(request, _("Signed out there."))
    return redirect("web:sessions")


@require_POST
@signed_in
def end_others(request: HttpRequest) -> HttpResponse:
    """Signs all others out."""
    ended = end_sessions(cast(User, request.user), but=request.session.session_key or "")
    messages.success(
        request,
        ngettext("%(count)s other session ended.", "%(count)s other sessions ended.", ended) % {"count": ended},
    )
    return redirect("web:sessions")
