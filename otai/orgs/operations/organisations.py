"""Organisations: made and renamed. Signing one up with a subscription is billing's `sign_up`, which calls this."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction

from otai.db import one_transaction
from otai.errors import Invalid, Refused
from otai.orgs.models import SLUG_PATTERN, Organisation, TeamEvent

RESERVED_SLUGS = frozenset(
    [
        "account",
        "accounts",
        "admin",
        "api",
        "app",
        "assets",
        "auth",
        "billing-portal",
        "client",
        "contact",
        "desk",
        "docs",
        "download",
        "events",
        "favicon-ico",
        "go",
        "health",
        "help",
        "home",
        "i18n",
        "imprint",
        "invitations",
        "jobs",
        "join",
        "jsi18n",
        "legal",
        "live",
        "login",
        "logout",
        "mail",
        "media",
        "metrics",
        "new",
        "openapi",
        "organisations",
        "otai",
        "pricing",
        "privacy",
        "public",
        "ready",
        "reset",
        "robots-txt",
        "search",
        "security",
        "session",
        "settings",
        "sign-in",
        "sign-out",
        "sign-up",
        "sitemap",
        "start",
        "static",
        "status",
        "studio",
        "support",
        "system",
        "terms",
        "test",
        "track",
        "user",
        "users",
        "webhooks",
        "well-known",
        "www",
    ]
)
"""First steps of addresses that are ours now or may be one day: an organisation's pages live below /<slug>/."""


IMPORTED = "organisation_imported"
"""The event of an organisation that came from another installation: what it ordered there is in no ledger here."""


class InvalidOrganisation(Invalid):
    code = "invalid_organisation"


class OrganisationExists(Refused):
    code = "organisation_exists"


def create_organisation(*, slug: str, name: str, time_zone: str, now: datetime) -> Organisation:
    """A new organisation, without a subscription, without members and with empty accounts.

    Raises InvalidOrganisation (slug, name or time zone unusable) and OrganisationExists (the slug is taken).
    """
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise InvalidOrganisation("slug", slug=slug, field="slug")
    if slug in RESERVED_SLUGS:
        raise InvalidOrganisation("slug_of_ours", slug=slug, field="slug")
    name = _checked_name(name)
    _check_time_zone(time_zone)
    organisation = Organisation(slug=slug, name=name, time_zone=time_zone, created_at=now)
    try:
        with transaction.atomic():
            organisation.save(force_insert=True)
    except IntegrityError:
        raise OrganisationExists("slug", slug=slug) from None
    return organisation


@one_transaction
def change_organisation(
    *, organisation: Organisation, name: str, time_zone: str, who: str, now: datetime
) -> Organisation:
    """Another name or time zone. What was due stays due; due times from now on follow the new zone, and days of grants
    and paid months while nothing is paid.

    Raises InvalidOrganisation.
    """
    name = _checked_name(name)
    _check_time_zone(time_zone)
    locked = Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    locked.name, locked.time_zone = name, time_zone
    locked.save(update_fields=["name", "time_zone"])
    TeamEvent.objects.create(
        organisation=locked,
        at=now,
        who=who,
        what="organisation_changed",
        subject=locked.slug,
        details={"name": name, "time_zone": time_zone},
    )
    return locked


@one_transaction
def ask_second_factor(*, organisation: Organisation, asked: bool, who: str, now: datetime) -> Organisation:
    """From the next request on members need a second factor, or need none. The same choice again changes nothing."""
    locked = Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    if locked.asks_second_factor != asked:
        locked.asks_second_factor = asked
        locked.save(update_fields=["asks_second_factor"])
        TeamEvent.objects.create(
            organisation=locked,
            at=now,
            who=who[:200],
            what="second_factor_asked" if asked else "second_factor_not_asked",
            subject=locked.slug,
        )
    return locked


def free_slug(name: str) -> str:
    """A short name for an organisation of this name that nobody has: acme for "Acme", acme-2 if that is taken.

    Someone else may take it before it is used: `create_organisation` then says so, and asking again gives the next one.
    """
    plain = name.lower()
    for letter, instead in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("&", " and ")):
        plain = plain.replace(letter, instead)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].rstrip("-") or "team"
    if stem in RESERVED_SLUGS:
        stem = f"{stem}-team"
    taken = set(Organisation.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    number, slug = 1, stem
    while slug in taken:
        number += 1
        slug = f"{stem}-{number}"
    return slug


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 200 or not name.isprintable():
        raise InvalidOrganisation("name", field="name")
    return name


def _check_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidOrganisation("time_zone", time_zone=time_zone, field="time_zone") from None
