from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction

from otai.errors import Invalid, Refused
from otai.orgs.models import SLUG_PATTERN, Organisation


class InvalidOrganisation(Invalid):
    code = "invalid_organisation"


class OrganisationExists(Refused):
    code = "organisation_exists"


def create_organisation(*, slug: str, name: str, time_zone: str, now: datetime) -> Organisation:
    """A new organisation, without a subscription and with empty accounts.

    Raises InvalidOrganisation (slug, name or time zone unusable) and OrganisationExists (the slug is taken).
    """
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise InvalidOrganisation(
            f"The short name {slug!r} cannot be used: 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a "
            "letter or digit. For example: acme.",
            field="slug",
        )
    name = name.strip()
    if not name or len(name) > 200:
        raise InvalidOrganisation("An organisation needs a name of 1 to 200 characters.", field="name")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidOrganisation(
            f"There is no time zone {time_zone!r}. Use an IANA name such as Europe/Berlin or UTC.",
            field="time_zone",
        ) from None
    organisation = Organisation(slug=slug, name=name, time_zone=time_zone, created_at=now)
    try:
        with transaction.atomic():
            organisation.save(force_insert=True)
    except IntegrityError:
        raise OrganisationExists(
            f"There is an organisation {slug!r} already. Choose another short name.", slug=slug
        ) from None
    return organisation
