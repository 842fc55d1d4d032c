from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.db import new_id


class CouponFor(models.TextChoices):
    """What a coupon takes something off. The first month is the first that an organisation pays of any tier."""

    PACKAGE = "package", "A package of credits"
    FIRST_MONTH = "first_month", "The first month of a tier"
    EITHER = "either", "Either"


class Coupon(models.Model):
    """A code that takes a share or an amount off what is bought. Its terms never change: it is withdrawn, and another
    one is made.

    How often it was used is counted where it is: orders that name it and are not cancelled.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=40, unique=True, help_text="In capitals; people may type it in small letters.")
    what = models.CharField(max_length=20, choices=CouponFor.choices)
    percent = models.PositiveSmallIntegerField(null=True, blank=True)
    amount_cents = models.PositiveBigIntegerField(null=True, blank=True, help_text="Net.")
    currency = models.CharField(max_length=3, blank=True, default="", help_text="Of the amount.")
    valid_from_at = models.DateTimeField()
    valid_until_at = models.DateTimeField(null=True, blank=True, help_text="Good until then; empty: until withdrawn.")
    most_uses = models.PositiveIntegerField(null=True, blank=True, help_text="Of all organisations together.")
    once_each = models.BooleanField(default=True, help_text="Each organisation uses it once.")
    first_purchase_only = models.BooleanField(default=False, help_text="For those who have bought nothing yet.")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "billing_coupon"
        constraints = [
            models.CheckConstraint(condition=~Q(code=""), name="billing_coupon_has_a_code"),
            models.CheckConstraint(
                condition=Q(what__in=CouponFor.values), name="billing_coupon_is_for_something_known"
            ),
            models.CheckConstraint(
                # Nothing is sold for nothing: what is given away is goodwill.
                condition=Q(
                    percent__isnull=False, percent__gte=1, percent__lte=99, amount_cents__isnull=True, currency=""
                )
                | (Q(percent__isnull=True, amount_cents__isnull=False, amount_cents__gte=1) & ~Q(currency="")),
                name="billing_coupon_takes_a_share_or_an_amount",
            ),
            models.CheckConstraint(
                condition=Q(valid_until_at__isnull=True) | Q(valid_until_at__gt=F("valid_from_at")),
                name="billing_coupon_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(most_uses__isnull=True) | Q(most_uses__gte=1), name="billing_coupon_can_be_used"
            ),
            models.CheckConstraint(condition=~Q(made_by="") & ~Q(reason=""), name="billing_coupon_says_who_and_why"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="")),
                name="billing_coupon_is_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def off(self, price_cents: int) -> int:
        """What it takes off a net price, in cents: its share rounded down, or its amount."""
        return self.amount_cents if self.amount_cents is not None else price_cents * (self.percent or 0) // 100
