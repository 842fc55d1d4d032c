from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.billing.models.purchases import Purchase
from otai.db import new_id
from otai.orgs.models import Organisation


class Payment(models.Model):
    """Money that arrived: `cents = applied + surplus`. What nobody asked for is surplus and waits for an operator to
    return it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="payments")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="payments")
    gateway = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200, help_text="The bank's or provider's id: the same money counts once.")
    cents = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    applied_cents = models.PositiveBigIntegerField()
    surplus_cents = models.PositiveBigIntegerField()
    returned_cents = models.PositiveBigIntegerField(default=0)
    received_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=200)
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_payment"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "external_id"], name="billing_payment_counts_once"),
            models.CheckConstraint(
                condition=Q(cents__gte=1, cents=F("applied_cents") + F("surplus_cents")),
                name="billing_payment_is_applied_plus_surplus",
            ),
            models.CheckConstraint(
                condition=Q(returned_cents__gte=0, returned_cents__lte=F("surplus_cents")),
                name="billing_payment_returns_at_most_its_surplus",
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="billing_payment_has_an_external_id"),
        ]

    def __str__(self) -> str:
        return self.external_id


class RefundKind(models.TextChoices):
    UNUSED_CREDITS = "unused_credits", "Unused credits paid back"
    SURPLUS = "surplus", "Surplus returned"
    TRAINING_FEE = "training_fee", "Training fee paid back by guarantee"


class RefundState(models.TextChoices):
    """`requested -> sent -> confirmed | failed`; a failed one can be sent again."""

    REQUESTED = "requested", "Requested"
    SENT = "sent", "Sent"
    CONFIRMED = "confirmed", "Confirmed"
    FAILED = "failed", "Failed"


class PaymentRefund(models.Model):
    """Money that goes back to a customer. Decided and booked at once; the gateway is told after the transaction, and
    once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="payment_refunds")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="payment_refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", null=True, blank=True)
    kind = models.CharField(max_length=20, choices=RefundKind.choices)
    credits = models.PositiveIntegerField()
    net_cents = models.PositiveBigIntegerField()
    vat_cents = models.PositiveBigIntegerField()
    gross_cents = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=20, choices=RefundState.choices, default=RefundState.REQUESTED)
    gateway = models.CharField(max_length=40)
    gateway_reference = models.CharField(max_length=200, blank=True, default="")
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    sent_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_payment_refund"
        constraints = [
            models.UniqueConstraint(
                fields=["purchase"],
                condition=Q(kind=RefundKind.UNUSED_CREDITS),
                name="billing_payment_refund_once_for_each_purchase",
            ),
            models.CheckConstraint(
                condition=Q(gross_cents__gte=1, gross_cents=F("net_cents") + F("vat_cents")),
                name="billing_payment_refund_gross_is_net_plus_vat",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[RefundKind.UNUSED_CREDITS, RefundKind.TRAINING_FEE], credits__gte=1)
                | Q(kind=RefundKind.SURPLUS, credits=0, payment__isnull=False),
                name="billing_payment_refund_is_of_credits_or_of_a_payment",
            ),
            models.CheckConstraint(
                condition=~Q(requested_by="") & ~Q(reason=""), name="billing_payment_refund_says_who_and_why"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RefundState.values), name="billing_payment_refund_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"payment refund {self.purchase_id}"


class ReversalState(models.TextChoices):
    """`open -> won | lost`; a failed debit begins as lost."""

    OPEN = "open", "Open"
    WON = "won", "Decided for us"
    LOST = "lost", "Money gone"


class Reversal(models.Model):
    """A payment that the payer's bank took back or may take back: a dispute, or a debit that failed late.

    Unspent credits were withdrawn; `owed_credits` were spent or held, and are owed until settled. Never a negative
    balance.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="reversals")
    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="reversal")
    external_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=20, choices=ReversalState.choices)
    cents = models.PositiveBigIntegerField(help_text="Gross, what the bank took.")
    currency = models.CharField(max_length=3)
    withdrawn_credits = models.PositiveIntegerField()
    withdrawn_net_cents = models.PositiveBigIntegerField(help_text="What the withdrawn credits had cost, net.")
    owed_credits = models.PositiveIntegerField()
    owed_net_cents = models.PositiveBigIntegerField()
    owed_gross_cents = models.PositiveBigIntegerField()
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=200, blank=True, default="")
    settled_why = models.CharField(max_length=500, blank=True, default="")
    reason = models.CharField(max_length=500)

    class Meta:
        db_table = "billing_reversal"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ReversalState.values), name="billing_reversal_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=ReversalState.OPEN, decided_at__isnull=True)
                | (~Q(state=ReversalState.OPEN) & Q(decided_at__isnull=False)),
                name="billing_reversal_is_decided_exactly_when_not_open",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_by="")
                | (Q(settled_at__isnull=False) & ~Q(settled_by="") & ~Q(settled_why="")),
                name="billing_reversal_settled_says_who_and_why",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id
