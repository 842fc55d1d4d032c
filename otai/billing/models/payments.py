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
                # Decided once for a purchase, which is locked; what several payments brought goes back over each.
                fields=["purchase", "payment"],
                condition=Q(kind=RefundKind.UNUSED_CREDITS),
                name="billing_payment_refund_once_for_each_payment",
            ),
            models.CheckConstraint(
                condition=Q(gross_cents__gte=1, gross_cents=F("net_cents") + F("vat_cents")),
                name="billing_payment_refund_gross_is_net_plus_vat",
            ),
            models.CheckConstraint(
                # Several payments may carry one refund: the cents are split to fit, and one of them may carry no whole
                # credit.
                condition=Q(kind__in=[RefundKind.UNUSED_CREDITS, RefundKind.TRAINING_FEE], credits__gte=0)
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


class ReversalKind(models.TextChoices):
    """What takes the money back. An inquiry asks only: no money moved, and nothing is taken for it."""

    INQUIRY = "inquiry", "Inquiry of the bank"
    DISPUTE = "dispute", "Dispute, or a debit that failed late"
    REFUND = "refund", "Refund made at the provider"


class ReversalState(models.TextChoices):
    """`open -> won | lost`, and from any to any where the provider thinks again; a failed debit begins as lost."""

    OPEN = "open", "Open"
    WON = "won", "Decided for us"
    LOST = "lost", "Money gone"


class Reversal(models.Model):
    """Money of a payment that goes back otherwise than by our own payment refund: an inquiry, a dispute, a debit that
    failed late, a refund made at the provider.

    While it counts (`cents` of it are gone or may go), `cents = surplus + price + excess`: what nobody had asked for
    goes first, then the price of what was bought, and what is beyond both is owed in money. Of what the price
    brought it takes in proportion: `share_credits`, of which `withdrawn_credits` are out of the account (frozen
    while it is open), and `owed_credits` were spent or are held. `waived_cents` are less than the price of one credit.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="reversals")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="reversals")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="reversals")
    external_id = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=ReversalKind.choices, default=ReversalKind.DISPUTE)
    state = models.CharField(max_length=20, choices=ReversalState.choices)
    provider_state = models.CharField(
        max_length=100, blank=True, default="", help_text="In the provider's own word; for a person to read."
    )
    needs_a_person = models.BooleanField(
        default=False, help_text="A state or currency that nobody taught us: it takes nothing, an operator looks at it."
    )
    cents = models.PositiveBigIntegerField(help_text="Gross, what the bank took.")
    currency = models.CharField(max_length=3)
    surplus_cents = models.PositiveBigIntegerField(default=0)
    price_cents = models.PositiveBigIntegerField(default=0)
    excess_cents = models.PositiveBigIntegerField(default=0)
    waived_cents = models.PositiveBigIntegerField(default=0)
    share_credits = models.PositiveIntegerField(default=0)
    withdrawn_credits = models.PositiveIntegerField()
    withdrawn_net_cents = models.PositiveBigIntegerField(help_text="What the withdrawn credits had cost, net.")
    owed_credits = models.PositiveIntegerField()
    owed_net_cents = models.PositiveBigIntegerField()
    owed_gross_cents = models.PositiveBigIntegerField()
    credited_net_cents = models.PositiveBigIntegerField(default=0, help_text="In credit notes, net.")
    credited_vat_cents = models.PositiveBigIntegerField(default=0)
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
            models.CheckConstraint(condition=Q(kind__in=ReversalKind.values), name="billing_reversal_kind_is_known"),
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
            models.CheckConstraint(
                condition=Q(cents=F("surplus_cents") + F("price_cents") + F("excess_cents"))
                | Q(surplus_cents=0, price_cents=0, excess_cents=0),
                name="billing_reversal_takes_its_amount_or_nothing",
            ),
            models.CheckConstraint(
                condition=(~Q(kind=ReversalKind.INQUIRY) & ~Q(state=ReversalState.WON))
                | Q(
                    surplus_cents=0, price_cents=0, excess_cents=0, share_credits=0, withdrawn_credits=0, owed_credits=0
                ),
                name="billing_reversal_inquired_or_won_takes_nothing",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class BroughtLot(models.Model):
    """A lot of credits that a purchase brought: of its package, or a tier's initial and monthly credits that came with
    its month. Written with the grant, never changed. What a reversal gives back is such a lot too."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="brought_lots")
    lot = models.UUIDField(unique=True, help_text="The ledger's lot.")
    source = models.CharField(max_length=20, help_text="The lot's source in the ledger.")
    credits = models.PositiveIntegerField()
    gives_back = models.BooleanField(default=False, help_text="Made when a reversal gave back what it had taken.")
    brought_at = models.DateTimeField()

    class Meta:
        db_table = "billing_brought_lot"
        constraints = [
            models.CheckConstraint(condition=Q(credits__gte=1), name="billing_brought_lot_has_credits"),
            models.CheckConstraint(
                condition=Q(source__in=["initial", "monthly", "purchase"]), name="billing_brought_lot_source_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.credits}"


class Taking(models.Model):
    """One movement of a reversal: credits taken out of a lot, or given back as a new one, and what they had cost; with
    no credits, a part of the price alone. Never changed, never deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="takings")
    reversal = models.ForeignKey(Reversal, on_delete=models.PROTECT, related_name="takings")
    gives_back = models.BooleanField(default=False)
    source = models.CharField(max_length=20, blank=True, default="", help_text="The lot's source in the ledger.")
    lot = models.UUIDField(null=True, blank=True)
    transfer = models.UUIDField(null=True, blank=True, unique=True, help_text="The ledger's transfer that did it.")
    credits = models.PositiveIntegerField()
    net_cents = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "billing_taking"
        constraints = [
            models.CheckConstraint(
                condition=Q(credits__gte=1, lot__isnull=False, transfer__isnull=False)
                | Q(credits=0, lot__isnull=True, transfer__isnull=True, net_cents__gte=1),
                name="billing_taking_is_of_credits_or_of_money",
            ),
        ]
        indexes = [models.Index(fields=["at"], name="billing_taking_at")]

    def __str__(self) -> str:
        return f"{'gives back' if self.gives_back else 'takes'} {self.credits}"
