from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.billing.models.purchases import Purchase
from otai.db import new_id
from otai.orgs.models import Organisation


class GatewayCustomer(models.Model):
    """Who an organisation is at a payment provider: one customer for each, however often it pays."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="gateway_customers")
    gateway = models.CharField(max_length=40)
    reference = models.CharField(max_length=200, help_text="The provider's name for the organisation.")
    made_at = models.DateTimeField()

    class Meta:
        db_table = "billing_gateway_customer"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "gateway"], name="billing_gateway_customer_one_for_each_organisation"
            ),
            models.UniqueConstraint(fields=["gateway", "reference"], name="billing_gateway_customer_is_of_one"),
            models.CheckConstraint(condition=~Q(reference=""), name="billing_gateway_customer_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.reference


class PaymentMethod(models.Model):
    """A payment method that the provider keeps for an organisation, as people know it. No card number is ever here.

    `reference` is the provider's name, `external_id` the part of it that its news use. A removed one stays as a row.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="payment_methods")
    gateway = models.CharField(max_length=40)
    reference = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=40, help_text="card, sepa_debit, ...")
    brand = models.CharField(max_length=40, blank=True, default="")
    last_four = models.CharField(max_length=4, blank=True, default="")
    expires_year = models.PositiveSmallIntegerField(null=True, blank=True)
    expires_month = models.PositiveSmallIntegerField(null=True, blank=True)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=200)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "billing_payment_method"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="billing_payment_method_is_kept_once"),
            models.CheckConstraint(
                condition=~Q(reference="") & ~Q(external_id=""), name="billing_payment_method_has_a_name"
            ),
        ]
        indexes = [
            models.Index("organisation", name="billing_payment_method_of_org", condition=Q(removed_at__isnull=True)),
            models.Index("gateway", "external_id", name="billing_payment_method_ext"),
        ]

    def __str__(self) -> str:
        return f"{self.brand or self.kind} {self.last_four}"


class CheckoutStateOf(models.TextChoices):
    """`open -> complete | expired`: what became of the page, not of the money."""

    OPEN = "open", "Open"
    COMPLETE = "complete", "Complete"
    EXPIRED = "expired", "Expired"


class CheckoutPage(models.Model):
    """A page at the provider on which an order is paid, or a payment method kept (then `purchase` is empty)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="checkout_pages")
    purchase = models.ForeignKey(
        Purchase, on_delete=models.PROTECT, related_name="checkout_pages", null=True, blank=True
    )
    gateway = models.CharField(max_length=40)
    reference = models.CharField(max_length=200, help_text="The provider's name for the page.")
    url = models.CharField(max_length=2000, blank=True, default="", help_text="Emptied once it is no longer open.")
    cents = models.PositiveBigIntegerField(default=0, help_text="Gross, what it asks for; 0 where it keeps a method.")
    payment_reference = models.CharField(
        max_length=200, blank=True, default="", help_text="The provider's name for the payment made on it."
    )
    keeps_method = models.BooleanField()
    for_renewals = models.BooleanField(
        default=False, help_text="What is kept pays the months of the tier from then on."
    )
    state = models.CharField(max_length=20, choices=CheckoutStateOf.choices, default=CheckoutStateOf.OPEN)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When the sweep last asked about it.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "billing_checkout_page"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="billing_checkout_page_is_stored_once"),
            models.UniqueConstraint(
                fields=["purchase"],
                condition=Q(state=CheckoutStateOf.OPEN, purchase__isnull=False),
                name="billing_checkout_page_one_open_for_each_purchase",
            ),
            models.CheckConstraint(
                condition=Q(state__in=CheckoutStateOf.values), name="billing_checkout_page_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=CheckoutStateOf.OPEN, ended_at__isnull=True)
                | (~Q(state=CheckoutStateOf.OPEN) & Q(ended_at__isnull=False, url="")),
                name="billing_checkout_page_has_ended_exactly_when_not_open",
            ),
            models.CheckConstraint(condition=~Q(reference=""), name="billing_checkout_page_has_a_name"),
        ]
        indexes = [
            models.Index("opened_at", name="billing_checkout_page_open", condition=Q(state=CheckoutStateOf.OPEN)),
        ]

    def __str__(self) -> str:
        return self.reference


class ChargeAttempt(models.Model):
    """One try to charge a kept method without the payer: dunning counts them, and makes each once.

    `number` begins at 1 for each purchase. `outcome` is empty while the provider is asked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="charge_attempts")
    number = models.PositiveSmallIntegerField()
    payment_method = models.CharField(max_length=200)
    tried_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=40, blank=True, default="")
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_charge_attempt"
        constraints = [
            models.UniqueConstraint(fields=["purchase", "number"], name="billing_charge_attempt_is_made_once"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="") | (Q(ended_at__isnull=False) & ~Q(outcome="")),
                name="billing_charge_attempt_has_an_outcome_when_ended",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="billing_charge_attempt_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.purchase_id}: {self.number}"
