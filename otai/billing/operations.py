from __future__ import annotations

from datetime import datetime

from django.db import transaction

from otai.billing import queries
from otai.billing.models import Subscription
from otai.ledger import operations as ledger
from otai.ledger.models import Source
from otai.orgs.models import Organisation
from otai.orgs.operations import create_organisation
from otai.pricing.price_book import Tier


@transaction.atomic
def sign_up(*, slug: str, name: str, time_zone: str, tier: Tier, now: datetime) -> Organisation:
    """A new organisation in a tier, with the tier's initial credits in its account.

    Raises InvalidOrganisation and OrganisationExists; nothing is written then.
    """
    organisation = create_organisation(slug=slug, name=name, time_zone=time_zone, now=now)
    Subscription.objects.create(organisation=organisation, tier=tier.value, signed_up_at=now)
    book = queries.price_book()
    ledger.grant(
        organisation=organisation.id,
        credits=book.tiers[tier].initial_credits,
        source=Source.INITIAL,
        key=f"initial:{tier.value}",
        reference=f"tier:{tier.value}",
        reason=f"Initial credits of the {tier.title} tier",
        now=now,
        price_book=book.version,
    )
    return organisation
