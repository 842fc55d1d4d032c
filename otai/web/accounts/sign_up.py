"""A person and their organisation begin together, or the person joins one that invited them."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.account.utils import has_verified_email
from django.conf import settings
from django.db import transaction

from otai.billing import operations as billing
from otai.db import utc_now
from otai.orgs.founders import Person
from otai.orgs.models import Member, User
from otai.orgs.operations import InvalidOrganisation, OrganisationExists, add_member, free_slug
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier


def is_confirmed(user: User) -> bool:
    """Whether the person's mail address is confirmed, or need not be in this installation."""
    return not settings.OTAI_VERIFY_MAIL or bool(has_verified_email(user, user.email))


def sign_up_organisation(*, user: User, name: str, time_zone: str, now: datetime) -> Member:
    """A new organisation in Community that belongs to `user`: with its initial credits, where they had none yet and
    their mail address is confirmed or need not be. All of it, or nothing.

    The short name follows from the name. A time zone that does not exist (browsers are asked, and may answer anything)
    is UTC. Raises InvalidOrganisation for the name, TooManyOrganisations, and OrganisationExists where every short
    name like it is taken.
    """
    founder = Person(user.pk, user.email, is_confirmed=is_confirmed(user))
    for _ in range(3):
        try:
            with transaction.atomic():
                organisation = billing.sign_up(
                    slug=free_slug(name),
                    name=name,
                    time_zone=time_zone,
                    tier=Tier.COMMUNITY,
                    now=now,
                    who=user.email,
                    founder=founder,
                )
                return add_member(organisation=organisation, user=user, role=Role.OWNER, who=user.email, now=now)
        except OrganisationExists:
            # Somebody took the same short name since we looked: the next look finds another.
            continue
        except InvalidOrganisation as wrong:
            if wrong.details.get("field") != "time_zone" or time_zone == "UTC":
                raise
            time_zone = "UTC"
    raise OrganisationExists("free", name=name)


def address_confirmed(*, email_address: EmailAddress, **_: object) -> None:
    """allauth's signal: what waits for this address is given."""
    billing.confirmed(Person(email_address.user_id, email_address.email, is_confirmed=True), now=utc_now())
