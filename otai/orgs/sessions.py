"""Where a person is signed in: how long a session lasts, which there are, and how they are ended.

django-allauth's table `usersessions_usersession` has a row for each session from its first moment, with person, browser
and address; Django's own table has the session itself, by its key alone. Ending one deletes both.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from otai.errors import NotFound
from otai.orgs.models import User

if TYPE_CHECKING:
    from django.db.models import QuerySet

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"

seen_is_noted_every = timedelta(minutes=1)
"""A browser that asks ten times a second writes once a minute."""
unknown_address = "0.0.0.0"  # noqa: S104 -- shown, not bound


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """`idle`: without any request. `absolute`: since signing in, whatever came meanwhile."""

    idle: timedelta
    absolute: timedelta

    def end(self, *, signed_in_at: datetime, seen_at: datetime) -> datetime:
        """When a session ends that is not used any more."""
        return min(seen_at + self.idle, signed_in_at + self.absolute)


def limits_of(user: User) -> SessionLimits:
    """Of this person's sessions, by the settings; an operator's are shorter."""
    if user.is_staff:
        return SessionLimits(
            timedelta(minutes=settings.OTAI_OPERATOR_SESSION_IDLE_MINUTES),
            timedelta(hours=settings.OTAI_OPERATOR_SESSION_HOURS),
        )
    return SessionLimits(
        timedelta(minutes=settings.OTAI_SESSION_IDLE_MINUTES), timedelta(hours=settings.OTAI_SESSION_HOURS)
    )


def note_seen(*, key: str, user: User, address: str, browser: str, signed_in_at: datetime, now: datetime) -> None:
    """Keeps what the page of sessions shows."""
    from allauth.usersessions.models import UserSession

    seen: dict[str, Any] = {
        "user": user,
        "ip": _address(address),
        "user_agent": browser[: UserSession._meta.get_field("user_agent").max_length],
        "last_seen_at": now,
    }
    UserSession.objects.update_or_create(
        session_key=key, defaults=seen, create_defaults=seen | {"created_at": signed_in_at}
    )


def sessions_of(user: User, *, now: datetime) -> QuerySet[Any]:
    """The person's sessions that are still open, who was seen last first; allauth's rows."""
    from allauth.usersessions.models import UserSession

    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    return UserSession.objects.filter(user=user, session_key__in=alive).order_by("-last_seen_at", "-id")


def end_session(user: User, id: int) -> None:
    """That one is signed out with its next request, and its live streams end. Raises NotFound, also for another
    person's."""
    from allauth.usersessions.models import UserSession

    found = UserSession.objects.filter(user=user, id=id).first()
    if found is None:
        raise NotFound("session")
    found.end()


def end_sessions(user: User, *, but: str = "") -> int:
    """Ends all sessions of the person except the one with the key `but`; how many that were."""
    from allauth.usersessions.models import UserSession

    theirs = UserSession.objects.filter(user=user).exclude(session_key=but)
    ended, _ = Session.objects.filter(session_key__in=list(theirs.values_list("session_key", flat=True))).delete()
    theirs.delete()
    return ended


def forget_ended(*, now: datetime) -> None:
    """Rows of sessions that are over go."""
    from allauth.usersessions.models import UserSession

    Session.objects.filter(expire_date__lte=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


def _address(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return unknown_address


def is_recent(request: HttpRequest, *, now: datetime) -> bool:
    """Whether its sender said within `OTAI_ASK_AGAIN_MINUTES` who they are: by signing in, or by password or second
    factor once more."""
    from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate

    at = time_in(request.session, SIGNED_IN_AT)
    if at is not None and now - at < timedelta(minutes=settings.OTAI_ASK_AGAIN_MINUTES):
        return True
    return bool(did_recently_reauthenticate(request))


class SentBy(TypedDict):
    """Of a request: the network address, and what the browser says of itself."""

    address: str
    user_agent: str


def sender(request: HttpRequest) -> SentBy:
    """Address and browser of whoever sent it; the address is the visitor's, behind proxies too (config/gate.py)."""
    return {
        "address": request.META.get("REMOTE_ADDR", ""),
        "user_agent": request.META.get("HTTP_USER_AGENT", ""),
    }


def time_in(session: SessionBase, name: str) -> datetime | None:
    """A time that a session keeps (`SIGNED_IN_AT`, `SEEN_AT`); None where it has none."""
    seconds = session.get(name)
    return datetime.fromtimestamp(seconds, tz=UTC) if isinstance(seconds, int | float) else None


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def browser_named(user_agent: str) -> tuple[str, str]:
    """Browser and system of a User-Agent, as people know them; empty where it says nothing that is known. What it says
    is the browser's claim."""

    def first(known: tuple[tuple[str, str], ...]) -> str:
        return next((name for sign, name in known if sign in user_agent), "")

    return first(_BROWSERS), first(_SYSTEMS)
