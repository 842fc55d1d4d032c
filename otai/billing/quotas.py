"""What a tier allows at once, for `orgs.quotas`."""

from __future__ import annotations

from uuid import UUID

from otai.billing.models import Subscription
from otai.billing.price_books import price_book
from otai.orgs.quotas import Quota
from otai.pricing.price_book import Tier


def tier_bounds(organisation: UUID) -> tuple[str, dict[Quota, int | None]]:
    """The title of the tier in force with its bounds; none of an organisation that never signed up."""
    tier = Subscription.objects.filter(organisation=organisation).values_list("tier", flat=True).first()
    if tier is None:
        return "", {}
    quotas = price_book().tiers[Tier(tier)].quotas
    return Tier(tier).title, {quota: getattr(quotas, quota.value) for quota in Quota}
