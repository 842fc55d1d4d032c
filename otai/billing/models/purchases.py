from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.billing.models.coupons import Coupon
from otai.billing.models.subscriptions import TERMS, TIERS
from otai.billing.status import AWAITING_PAYMENT, DELIVERED, PurchaseStatus
from otai.db import new_id
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.pricing.vat import VatTreatment


class CustomPackage(models.Model):
    """A package that an operator offers one organisation, beside those of the price book."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="custom_packages")
    code = models.SlugField(max_length=40)
    credits = models.PositiveIntegerField()
    price_cents = models.PositiveBigIntegerField(help_text="Net, in cents.")
    currency = models.CharField(max_length=3, default="EUR")
    offered_at = models.DateTimeField()
    offered_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Can be bought until then; empty: until withdrawn.")

    class Meta:
        db_table = "billing_custom_package"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "code"], name="billing_custom_package_code_is_used_once"),
            models.CheckConstraint(
                condition=Q(credits__gte=1, price_cents__gte=1), name="billing_custom_package_has_credits_and_a_price"
            ),
            models.CheckConstraint(
                condition=~Q(offered_by="") & ~Q(reason=""), name="billing_custom_package_says_who_and_why"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class PurchaseKind(models.TextChoices):
    PACKAGE = "package", "Package of credits"
    SUBSCRIPTION = "subscription", "Month or year of a paid tier"


class Purchase(models.Model):
    """Something an organisation buys once: a package of credits, or a month or a year of a paid tier. Amounts in cents;
    `net` is the price.

    `buyer` is a copy of the billing details as they were; `reference` is what the buyer writes on a bank transfer.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="purchases")
    reference = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=20, choices=PurchaseKind.choices)
    title = models.CharField(max_length=200)
    credits = models.PositiveIntegerField(help_text="0 for a tier.")
    tier = models.CharField(max_length=20, choices=TIERS, blank=True)
    term = models.CharField(
        max_length=10, choices=TERMS, blank=True, default="", help_text="Of a tier: a month, or twelve at once."
    )
    custom_package = models.ForeignKey(CustomPackage, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    price_book = models.CharField(max_length=40)

    deducted_cents = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="Net, what was left of the old period when one was ordered in its place; empty for all else.",
    )
    carried_cents = models.PositiveBigIntegerField(
        default=0, help_text="Net, what was left of it when that was paid: so much more is the new period worth."
    )
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, null=True, blank=True, related_name="purchases")
    discount_cents = models.PositiveBigIntegerField(
        default=0, help_text="Net, what the coupon took off: the price was so much more."
    )
    net_cents = models.PositiveBigIntegerField()
    vat_cents = models.PositiveBigIntegerField()
    gross_cents = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    vat_treatment = models.CharField(max_length=20, choices=[(v.value, v.value) for v in VatTreatment])
    vat_country = models.CharField(max_length=2)
    vat_permille = models.PositiveSmallIntegerField()
    buyer = models.JSONField()
    language = models.CharField(max_length=10)

    gateway = models.CharField(max_length=40)
    gateway_reference = models.CharField(
        max_length=200, blank=True, default="", help_text="The provider's name for this payment."
    )
    payments_withdrawn = models.PositiveSmallIntegerField(
        default=0, help_text="Payments that were begun for it and given up: the next is another one to the provider."
    )
    key = models.CharField(max_length=200, help_text="The buyer's idempotency key: a double click changes nothing.")
    request_hash = models.CharField(max_length=64)

    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in PurchaseStatus], default=PurchaseStatus.OPEN.value
    )
    ordered_at = models.DateTimeField()
    ordered_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    paid_cents = models.PositiveBigIntegerField(default=0)
    lot = models.UUIDField(null=True, blank=True, unique=True, help_text="The ledger's lot of the credits bought.")
    period_from_at = models.DateTimeField(null=True, blank=True)
    period_until_at = models.DateTimeField(null=True, blank=True)
    period_cut_at = models.DateTimeField(
        null=True, blank=True, help_text="When the period ended early, because its payment was taken back."
    )

    class Meta:
        db_table = "billing_purchase"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], name="billing_purchase_key_is_used_once"),
            models.UniqueConstraint(
                fields=["gateway", "gateway_reference"],
                condition=~Q(gateway_reference=""),
                name="billing_purchase_gateway_reference_is_used_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in PurchaseStatus]),
                name="billing_purchase_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(gross_cents=F("net_cents") + F("vat_cents")), name="billing_purchase_gross_is_net_plus_vat"
            ),
            models.CheckConstraint(
                condition=Q(net_cents__gte=1, vat_cents__gte=0), name="billing_purchase_costs_at_least_a_cent"
            ),
            models.CheckConstraint(
                condition=Q(coupon__isnull=True, discount_cents=0) | Q(coupon__isnull=False, discount_cents__gte=1),
                name="billing_purchase_discount_comes_with_a_coupon",
            ),
            models.CheckConstraint(
                condition=Q(kind=PurchaseKind.PACKAGE, credits__gte=1, tier="")
                | Q(kind=PurchaseKind.SUBSCRIPTION, credits=0, tier__in=[tier.value for tier in Tier]),
                name="billing_purchase_is_of_credits_or_of_a_tier",
            ),
            models.CheckConstraint(
                condition=Q(kind=PurchaseKind.PACKAGE, term="")
                | Q(kind=PurchaseKind.SUBSCRIPTION, term__in=[term.value for term in Term]),
                name="billing_purchase_of_a_tier_is_for_a_month_or_a_year",
            ),
            models.CheckConstraint(
                condition=Q(carried_cents=0) | Q(deducted_cents__isnull=False, paid_at__isnull=False),
                name="billing_purchase_carries_over_only_in_the_place_of_another",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted({*AWAITING_PAYMENT, PurchaseStatus.CANCELLED}), paid_at__isnull=True)
                | Q(status__in=sorted(DELIVERED), paid_at__isnull=False, paid_cents__gte=F("gross_cents")),
                name="billing_purchase_is_delivered_exactly_when_paid_in_full",
            ),
            models.CheckConstraint(
                condition=Q(kind=PurchaseKind.PACKAGE, paid_at__isnull=False, lot__isnull=False)
                | Q(kind=PurchaseKind.SUBSCRIPTION, lot__isnull=True)
                | Q(paid_at__isnull=True, lot__isnull=True),
                name="billing_purchase_has_its_lot_exactly_when_paid",
            ),
            models.CheckConstraint(
                condition=Q(kind=PurchaseKind.SUBSCRIPTION, period_from_at__isnull=False)
                & Q(period_until_at__isnull=False, period_until_at__gt=F("period_from_at"))
                | Q(kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=True)
                | Q(kind=PurchaseKind.PACKAGE, period_from_at__isnull=True, period_until_at__isnull=True),
                name="billing_purchase_of_a_tier_has_its_month_when_paid",
            ),
            models.UniqueConstraint(
                # The next period of the tier in force ...
                fields=["organisation", "tier"],
                condition=Q(
                    kind=PurchaseKind.SUBSCRIPTION, status__in=sorted(AWAITING_PAYMENT), deducted_cents__isnull=True
                ),
                name="billing_purchase_one_open_renewal_for_each_tier",
            ),
            models.UniqueConstraint(
                # ... and beside it one that was asked for to begin at once: a higher tier, or a year.
                fields=["organisation", "tier"],
                condition=Q(
                    kind=PurchaseKind.SUBSCRIPTION, status__in=sorted(AWAITING_PAYMENT), deducted_cents__isnull=False
                ),
                name="billing_purchase_one_open_rise_for_each_tier",
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "-ordered_at"], name="billing_purchase_of_org"),
            models.Index(
                "expires_at", name="billing_purchase_awaits_money", condition=Q(status__in=sorted(AWAITING_PAYMENT))
            ),
        ]

    @property
    def is_renewal(self) -> bool:
        """Whether it is the next period of the tier in force, and not one that takes the place of another at once."""
        return self.kind == PurchaseKind.SUBSCRIPTION and self.deducted_cents is None

    @property
    def months(self) -> int:
        """How many months of a tier it is for."""
        return Term(self.term).months

    def __str__(self) -> str:
        return self.reference
