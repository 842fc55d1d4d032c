from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier

TIERS = [(tier.value, tier.title) for tier in Tier]


class Subscription(models.Model):
    """The tier that an organisation is in. Every organisation has exactly one, from the moment it signs up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="subscription")
    tier = models.CharField(max_length=20, choices=TIERS)
    signed_up_at = models.DateTimeField()

    class Meta:
        db_table = "billing_subscription"
        constraints = [
            models.CheckConstraint(
                condition=Q(tier__in=[tier.value for tier in Tier]), name="billing_subscription_tier_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.tier
