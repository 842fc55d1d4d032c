"""A person and their organisation begin together, or the person joins one that invited them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otai.billing import operations as billing
from otai.orgs.models import Member, User
from otai.orgs.operations import InvalidOrganisation, OrganisationExists, add_member, free_slug
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier


def sign_up_organisation(*, user: User, name: str, time_zone: str, now: datetime) -> Member:
    """A new organisation in Community, with its initial credits, that belongs to `user`. All of it, or nothing.

    The short name follows from the name. A time zone that does not exist (browsers are asked, and may answer anything)
    is UTC. Raises InvalidOrganisation for the name, and OrganisationExists where every short
    name like it is taken.
    """
    for _ in range(3):
        try:
            with transaction.atomic():
                organisation = billing.sign_up(
                    slug=free_slug(name), name=name, time_zone=time_zone, tier=Tier.COMMUNITY, now=now, who=user.email
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
