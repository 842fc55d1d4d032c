"""Whether somebody who was let in may still stay: for what lasts, such as a stream, while sessions end, members leave
and keys are revoked.

Asked for many at once, with three queries however many they are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from otai.orgs.models import ApiKey, Member, User
from otai.orgs.permissions import Action


@dataclass(frozen=True, slots=True)
class Standing:
    """A member by `user` and `session`, or a program by `key`; in `organisation`, for what `action` allows."""

    organisation: UUID
    action: Action
    user: int | None = None
    session: str = ""
    key: UUID | None = None

    @property
    def who(self) -> str:
        """The member or the key, whatever the session."""
        return f"key:{self.key}" if self.key is not None else f"user:{self.user}"


def still_standing(standings: Collection[Standing], *, now: datetime) -> set[Standing]:
    """Those of them who would be let in now."""
    keys = {
        key.id: key
        for key in ApiKey.objects.filter(id__in={standing.key for standing in standings if standing.key is not None})
        if key.is_usable(now)
    }
    people = [standing for standing in standings if standing.key is None]
    members = {
        (member.user_id, member.organisation_id): member
        for member in Member.objects.filter(
            user_id__in={standing.user for standing in people},
            organisation_id__in={standing.organisation for standing in people},
        )
    }
    signed_in = _signed_in({standing.session for standing in people}, now=now)
    good = set()
    for standing in standings:
        if standing.key is not None:
            key = keys.get(standing.key)
            is_good = key is not None and key.organisation_id == standing.organisation and key.may(standing.action)
        else:
            member = members.get((standing.user or 0, standing.organisation))
            is_good = (
                member is not None and member.may(standing.action) and signed_in.get(standing.session) == standing.user
            )
        if is_good:
            good.add(standing)
    return good


def _signed_in(sessions: Collection[str], *, now: datetime) -> dict[str, int]:
    """Session to user, of those that are signed in as Django's own middleware would see it: a new password ends a
    session too."""
    rows = Session.objects.filter(session_key__in=sessions, expire_date__gt=now)
    store = SessionStore()
    data = {row.session_key: store.decode(row.session_data) for row in rows}
    ids = {int(one[SESSION_KEY]) for one in data.values() if BACKEND_SESSION_KEY in one}
    users = {user.pk: user for user in User.objects.filter(id__in=ids, is_active=True)}
    found = {}
    for session, one in data.items():
        user = users.get(int(one.get(SESSION_KEY, 0)))
        if user is None:
            continue
        hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
        if any(constant_time_compare(one.get(HASH_SESSION_KEY, ""), expected) for expected in hashes):
            found[session] = int(user.pk)
    return found
