from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.billing.models.invoices import Invoice
from otai.billing.models.subscriptions import Event


class ChainLink(models.Model):
    """An event or an invoice in the chain of billing: SHA-256 over the hash before it and the row. One chain for the
    installation, in the order in which rows were chained. Never changed, never deleted."""

    seq = models.PositiveBigIntegerField(primary_key=True, help_text="The place in the chain; the first is 1.")
    event = models.OneToOneField(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="chain_link")
    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="chain_link")
    hash = models.CharField(max_length=64)
    chained_at = models.DateTimeField()

    class Meta:
        db_table = "billing_chain_link"
        constraints = [
            models.CheckConstraint(
                condition=Q(event__isnull=False, invoice__isnull=True) | Q(event__isnull=True, invoice__isnull=False),
                name="billing_chain_link_is_of_an_event_or_an_invoice",
            ),
            models.CheckConstraint(condition=Q(seq__gte=1), name="billing_chain_link_counts_from_one"),
        ]

    def __str__(self) -> str:
        return str(self.seq)
