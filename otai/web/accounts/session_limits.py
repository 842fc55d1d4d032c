"""Sessions end: after a while without a request, and some time after signing in. Each is kept with browser and
address, for the page of sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from otai.db import utc_now
from otai.orgs.access_events import AccessKind, note_person
from otai.orgs.models import User
from otai.orgs.sessions import (
    SEEN_AT,
    SIGNED_IN_AT,
    end_sessions,
    limits_of,
    note_seen,
    seen_is_noted_every,
    sender,
    time_in,
)
from otai.words.sentences import Fact

BY_ITSELF = ("/now", "/events", "/fresh", "/train/quality")
"""What an open page asks for by itself: nobody need sit before it, so that it keeps no session alive."""


class EndingSessions:
    """After Django's AuthenticationMiddleware: who has been away too long is nobody any more.

    The end is written into the session too, so that what lasts (live streams) ends with it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _follow(request, request.user, now=utc_now())
        return self.get_response(request)


def _follow(request: HttpRequest, user: User, *, now: datetime) -> None:
    session = request.session
    limits = limits_of(user)
    # Sessions of the version before have no times: they begin now.
    signed_in_at = time_in(session, SIGNED_IN_AT) or now
    seen_at = time_in(session, SEEN_AT)
    if limits.end(signed_in_at=signed_in_at, seen_at=seen_at or now) <= now:
        logout(request)
        return
    if seen_at is not None and (now - seen_at < seen_is_noted_every or request.path.endswith(BY_ITSELF)):
        return
    session[SIGNED_IN_AT], session[SEEN_AT] = signed_in_at.timestamp(), now.timestamp()
    session.set_expiry(limits.end(signed_in_at=signed_in_at, seen_at=now))
    note_seen(
        key=session.session_key or "",
        user=user,
        address=request.META.get("REMOTE_ADDR", ""),
        browser=request.headers.get("User-Agent", ""),
        signed_in_at=signed_in_at,
        now=now,
    )


def begin(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Django's signal: somebody signed in, by whatever way."""
    if request is not None and hasattr(request, "session"):
        now = utc_now()
        request.session[SIGNED_IN_AT] = now.timestamp()
        request.session.pop(SEEN_AT, None)
        if not request.session.session_key:
            # A person's sessions are found by their row: there is none without.
            request.session.save()
        note_seen(
            key=request.session.session_key or "",
            user=user,
            address=request.META.get("REMOTE_ADDR", ""),
            browser=request.headers.get("User-Agent", ""),
            signed_in_at=now,
            now=now,
        )
        note_person(user.email, AccessKind.SIGNED_IN, now=utc_now(), about=_ways_of(request.session), **sender(request))


WAYS = {
    ("password",): "access.by_password",
    ("password", "mfa"): "access.by_password_and_second_factor",
    ("mfa",): "access.by_passkey",
}
"""How somebody may sign in, by the methods that allauth tells one after the other."""


def _ways_of(session: SessionBase) -> Fact | None:
    """None where a link signed them in."""
    records = session.get("account_authentication_methods", [])
    ways = tuple(dict.fromkeys(str(record.get("method", "")) for record in records))
    return Fact(WAYS.get(ways, "access.by"), {} if ways in WAYS else {"ways": list(ways)}) if ways else None


def second_factor_failed(*, request: HttpRequest, user: User, **_: Any) -> None:
    """allauth's signal: a code or a key that is not right."""
    note_person(user.email, AccessKind.SECOND_FACTOR_FAILED, now=utc_now(), **sender(request))


def end_the_others(*, request: HttpRequest, user: User, **_: Any) -> None:
    """allauth's signals: a changed second factor ends every other session. A changed password does so by Django's
    own rule, at once, and this takes their rows away."""
    end_sessions(user, but=request.session.session_key or "")
