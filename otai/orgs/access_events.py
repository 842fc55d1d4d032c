"""Who came in, or tried to, for the owners of an organisation: sign-ins, refused access, misuse of keys, and what an
operator saw. What belongs to no organisation is the vendor's own: misuse of the vendor's keys, for operators.

No secret is in them: neither a password nor a key that somebody tried. They are bounded: the same within an hour is one
row that counts, and after `most_in_an_hour` rows of a kind whoever and wherever is left out and is in the server's log
alone, so that a flood of failed sign-ins fills no database. Who came in and what an operator saw is always told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from otai.orgs.actors import by_key
from otai.orgs.models import AccessEvent, ApiKey, Member, Organisation
from otai.orgs.sessions import browser_named
from otai.words.kept_facts import read_fact, stored_fact
from otai.words.sentences import Fact

log = logging.getLogger(__name__)

most_in_an_hour = 200
"""Rows of one kind and organisation that anybody can cause."""

longest_name = 150
"""Characters of a value that an event keeps."""


class AccessKind(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_LOCKED = "sign_in_locked"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    REFUSED = "access_refused"
    KEY_WRONG = "key_wrong"
    KEY_REVOKED = "key_revoked_used"
    KEY_EXPIRED = "key_expired_used"
    OPERATOR_READ = "operator_read"
    IMPERSONATION_BEGUN = "impersonation_begun"
    IMPERSONATION_ENDED = "impersonation_ended"


ALWAYS_TOLD = frozenset(
    {
        AccessKind.SIGNED_IN,
        AccessKind.OPERATOR_READ,
        AccessKind.IMPERSONATION_BEGUN,
        AccessKind.IMPERSONATION_ENDED,
    }
)
"""What no stranger can cause: each needs a right password or an operator."""


def note(
    organisation: Organisation | None,
    what: AccessKind,
    *,
    who: str,
    now: datetime,
    address: str = "",
    user_agent: str = "",
    about: Fact | None = None,
) -> None:
    """One more of these. `organisation`: None where it concerns the vendor's keys. `about`: how they came in, what was
    refused or read (`words/tables/access.py`)."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    of_the_hour = AccessEvent.objects.filter(organisation=organisation, hour=hour)
    same = {"what": what.value, "who": who[:254], "address": address[:45], "about": _stored(about)}
    if _counted(of_the_hour, same, now=now):
        return
    if what not in ALWAYS_TOLD and of_the_hour.filter(what=what).count() >= most_in_an_hour:
        # Quoted, so that nobody writes a line of their own.
        log.warning(
            "%s in %s, beyond %d in an hour: %r from %r, about %r",
            what.value, organisation.slug if organisation else "the vendor's keys", most_in_an_hour,
            same["who"], same["address"], same["about"],
        )  # fmt: skip
        same |= {"who": "", "address": "", "about": ""}
        if _counted(of_the_hour, same, now=now):
            return
    browser = " ".join(filter(None, browser_named(user_agent))) if same["who"] else ""
    try:
        with transaction.atomic():
            AccessEvent.objects.create(
                organisation=organisation, hour=hour, first_at=now, at=now, browser=browser[:60], **same
            )
    except IntegrityError:
        # Another process wrote the first of the hour in the same moment.
        _counted(of_the_hour, same, now=now)


def note_all(
    organisations: Collection[UUID], what: AccessKind, *, who: str, now: datetime, about: Fact, **sent: str
) -> None:
    """The same of several organisations at once, in as many questions as of one; `what` is always told (`ALWAYS_TOLD`).
    `sent`: address and user_agent."""
    assert what in ALWAYS_TOLD
    hour = now.replace(minute=0, second=0, microsecond=0)
    same = {"what": what.value, "who": who[:254], "address": sent.get("address", "")[:45], "about": _stored(about)}
    of_the_hour = AccessEvent.objects.filter(organisation__in=organisations, hour=hour)
    known = set(of_the_hour.filter(**same).values_list("organisation", flat=True))
    _counted(of_the_hour, same, now=now)
    browser = " ".join(filter(None, browser_named(sent.get("user_agent", ""))))[:60]
    rows = [
        AccessEvent(organisation_id=one, hour=hour, first_at=now, at=now, browser=browser, **same)
        for one in sorted(set(organisations) - known)
    ]
    AccessEvent.objects.bulk_create(rows, ignore_conflicts=True)


def _stored(about: Fact | None) -> str:
    """The column's text. Values that are longer than a name are cut, so that what is stored is whole."""
    if about is None:
        return ""
    values = {name: one[:longest_name] if isinstance(one, str) else one for name, one in about.values.items()}
    return stored_fact(Fact(about.code, values))


def _counted(rows: QuerySet[AccessEvent], same: dict[str, str], *, now: datetime) -> bool:
    return bool(rows.filter(**same, first_at__lte=now).update(times=F("times") + 1, at=now))


def note_person(
    email: str, what: AccessKind, *, now: datetime, address: str, user_agent: str = "", about: Fact | None = None
) -> None:
    """Of a person, for each of their organisations; nothing for an address that nobody here has."""
    for member in Member.objects.select_related("organisation", "user").filter(user__email__iexact=email):
        who = member.user.email
        note(member.organisation, what, who=who, now=now, address=address, user_agent=user_agent, about=about)


def note_key_misuse(secret: str, *, case: str, now: datetime, address: str, user_agent: str = "") -> None:
    """A key that is revoked, expired, or has a right beginning and a wrong end; nothing for one that is not ours."""
    brand, _, rest = secret.partition("_")
    key = ApiKey.objects.select_related("organisation").filter(prefix=rest.partition("_")[0][:12]).first()
    if brand != "otai" or key is None:
        return
    what = misuse_of(case)
    who = by_key(key.name, key.prefix)
    note(key.organisation, what, who=who, now=now, address=address, user_agent=user_agent)


def misuse_of(case: str) -> AccessKind:
    """What the refusal of a key, by its case, is called."""
    return {"revoked": AccessKind.KEY_REVOKED, "expired": AccessKind.KEY_EXPIRED}.get(case, AccessKind.KEY_WRONG)


def access_events(organisation: Organisation | None) -> QuerySet[AccessEvent]:
    """The newest first; of the vendor's keys without an organisation."""
    return AccessEvent.objects.filter(organisation=organisation).order_by("-at", "-id")


def about_said(event: AccessEvent, *, language: str = "en") -> str:
    """What an event is about, in the language of whoever reads it; what a release before stored as it stands there."""
    # Loading the language's books takes longer than most commands, which tell of no events.
    from otai.words.catalogue import say_fact

    about = read_fact(event.about)
    return say_fact(about, language=language) if isinstance(about, Fact) else about


def as_facts(event: AccessEvent) -> dict[str, Any]:
    """An event as programs are told it: `times` since `first_at`, the last one `at`; `about` in English, and `fact`,
    its code and values (None: there is none)."""
    from otai.words.catalogue import say_actor_to_programs

    about = read_fact(event.about)
    return {
        **{name: getattr(event, name) for name in ("at", "first_at", "what", "address", "browser")},
        "who": say_actor_to_programs(event.who),
        "about": about_said(event),
        "fact": about.as_dict() if isinstance(about, Fact) else None,
        "times": event.times,
    }


def json_lines(events: Iterable[AccessEvent]) -> Iterator[str]:
    """One JSON object a line, with times as ISO 8601."""
    for event in events:
        facts = {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in as_facts(event).items()
        }
        yield json.dumps(facts, ensure_ascii=False) + "\n"


def forget_old(*, now: datetime) -> None:
    """What is older than `OTAI_ACCESS_EVENTS_DAYS` goes."""
    AccessEvent.objects.filter(at__lt=now - timedelta(days=settings.OTAI_ACCESS_EVENTS_DAYS)).delete()
