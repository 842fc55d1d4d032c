from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q

from otai.billing.status import SubscriptionStatus
from otai.db import new_id
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.words.explained import Explained

TIERS = [(tier.value, tier.title) for tier in Tier]
TERMS = [(term.value, term.value) for term in Term]


class Subscription(models.Model):
    """The tier that an organisation is in. Every organisation has exactly one, from the moment it signs up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="subscription")
    tier = models.CharField(max_length=20, choices=TIERS)
    signed_up_at = models.DateTimeField()
    time_zone = models.CharField(
        max_length=64, help_text="Where the days of grants and paid months begin: it follows while nothing is paid."
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in SubscriptionStatus], default=SubscriptionStatus.FREE.value
    )
    months_granted = models.PositiveIntegerField(
        default=0, help_text="How many monthly anniversaries have been granted."
    )
    next_grant_at = models.DateTimeField(help_text="When the next monthly grant is due.")
    billing_anchor_at = models.DateTimeField(
        null=True, blank=True, help_text="Paid periods are counted from here; empty for a free tier."
    )
    paid_until_at = models.DateTimeField(null=True, blank=True)
    grace_until_at = models.DateTimeField(null=True, blank=True, help_text="An unpaid tier stays in force until then.")
    next_tier = models.CharField(
        max_length=20, choices=TIERS, null=True, blank=True, help_text="What begins when the paid period ends."
    )
    renewal_term = models.CharField(
        max_length=10, choices=TERMS, default=Term.MONTH.value, help_text="What is ordered when the paid period ends."
    )
    renewal_gateway = models.CharField(
        max_length=40, blank=True, default="", help_text="How renewals are paid; empty: invoice and bank transfer."
    )
    renewal_payment_method = models.CharField(
        max_length=200, blank=True, default="", help_text="The provider's name for the saved payment method."
    )

    class Meta:
        db_table = "billing_subscription"
        constraints = [
            models.CheckConstraint(
                condition=Q(tier__in=[tier.value for tier in Tier]), name="billing_subscription_tier_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in SubscriptionStatus]),
                name="billing_subscription_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(renewal_term=Term.MONTH) | Q(renewal_term=Term.YEAR) & ~Q(status=SubscriptionStatus.FREE),
                name="billing_subscription_renews_by_the_month_or_the_year",
            ),
            models.CheckConstraint(
                condition=Q(status=SubscriptionStatus.FREE, billing_anchor_at__isnull=True, paid_until_at__isnull=True)
                | (
                    ~Q(status=SubscriptionStatus.FREE) & Q(billing_anchor_at__isnull=False, paid_until_at__isnull=False)
                ),
                name="billing_subscription_is_paid_until_a_time_unless_free",
            ),
            models.CheckConstraint(
                condition=Q(status=SubscriptionStatus.UNPAID, grace_until_at__isnull=False)
                | (~Q(status=SubscriptionStatus.UNPAID) & Q(grace_until_at__isnull=True)),
                name="billing_subscription_has_a_grace_exactly_while_unpaid",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status=SubscriptionStatus.ENDING, next_tier__isnull=False)
                    & Q(next_tier__in=[tier.value for tier in Tier])
                    & ~Q(next_tier=F("tier"))
                )
                | (~Q(status=SubscriptionStatus.ENDING) & Q(next_tier__isnull=True)),
                name="billing_subscription_names_another_tier_exactly_while_ending",
            ),
        ]
        indexes = [
            models.Index("next_grant_at", name="billing_subscription_grant_due"),
            models.Index("paid_until_at", name="billing_subscription_ends"),
        ]

    def __str__(self) -> str:
        return self.tier

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the days of its grants and of its paid months begin (decision 0439)."""
        return ZoneInfo(self.time_zone)


class TierChange(models.Model):
    """When which tier came into force: what a late sweep reads to grant what was due on the day. Never changed."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="tier_changes")
    tier = models.CharField(max_length=20, choices=TIERS)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    who = models.CharField(max_length=200)
    why = models.CharField(max_length=500)

    class Meta:
        db_table = "billing_tier_change"
        constraints = [
            models.CheckConstraint(
                condition=Q(tier__in=[tier.value for tier in Tier]), name="billing_tier_change_tier_is_known"
            ),
            models.CheckConstraint(condition=~Q(who="") & ~Q(why=""), name="billing_tier_change_says_who_and_why"),
        ]
        indexes = [models.Index("organisation", "effective_at", name="billing_tier_change_order")]

    def __str__(self) -> str:
        return self.tier


class BillingDetails(models.Model):
    """Who an organisation's invoices are made out to. Needed before the first purchase; invoices keep a copy of their
    own."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, related_name="billing_details"
    )
    name = models.CharField(max_length=200)
    street = models.CharField(max_length=200)
    address_line_2 = models.CharField(max_length=200, blank=True, default="", help_text="Department, building, floor.")
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100)
    country = models.CharField(max_length=2, help_text="ISO 3166, for example DE.")
    vat_id = models.CharField(max_length=20, blank=True, verbose_name="VAT id")
    buyer_reference = models.CharField(
        max_length=100, blank=True, default="", help_text="What the buyer wants named on invoices (BT-10)."
    )
    purchase_order = models.CharField(
        max_length=100, blank=True, default="", help_text="The buyer's purchase-order number (BT-13)."
    )
    leitweg_id = models.CharField(
        max_length=46, blank=True, default="", help_text="Of a German public buyer: invoices are XRechnung then."
    )
    email = models.EmailField(help_text="Where invoices and notices go.")
    language = models.CharField(max_length=10, default="en")
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "billing_details"
        verbose_name_plural = "billing details"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(street="") & ~Q(city="") & ~Q(country="") & ~Q(email=""),
                name="billing_details_are_complete",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Event(Explained, models.Model):
    """Something that happened in billing, with who and why: history, support answer and proof at once. Never changed.

    `subject` and `subject_id` say what it happened to; `move` is an arrow for a change of status, else the code of an
    occurrence.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", null=True)
    subject = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    at = models.DateTimeField()
    move = models.CharField(max_length=80)
    who = models.CharField(max_length=200)
    why = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "billing_event"
        constraints = [
            models.CheckConstraint(condition=~Q(who="") & ~Q(move=""), name="billing_event_says_who_and_what"),
        ]
        indexes = [
            models.Index("subject", "subject_id", "id", name="billing_event_of_subject"),
            models.Index("organisation", "id", name="billing_event_of_organisation"),
        ]

    def __str__(self) -> str:
        return self.move

    @property
    def changed(self) -> str:
        """An order that is cancelled is called back, where a training is broken off."""
        return "order_changed" if self.subject == "purchase" else super().changed
