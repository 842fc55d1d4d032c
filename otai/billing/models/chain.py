from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.billing.models.invoices import Invoice
from otai.billing.models.subscriptions import Event


class ChainLink(models.Model):
    """A row in the chain of billing: SHA-256 over the hash before it and the row. It is an event, an invoice, or a row
    of another table that nothing deletes (`kept_table` and its id, `chain.KEPT`). One chain for the installation, in
    the order in which rows were chained. Never changed, never deleted."""

    seq = models.PositiveBigIntegerField(primary_key=True, help_text="The place in the chain; the first is 1.")
    event = models.OneToOneField(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="chain_link")
    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="chain_link")
    kept_table = models.CharField(max_length=40, blank=True, default="")
    kept_id = models.UUIDField(null=True, blank=True)
    hash = models.CharField(max_length=64)
    chained_at = models.DateTimeField()

    class Meta:
        db_table = "billing_chain_link"
        constraints = [
            models.CheckConstraint(
                condition=Q(event__isnull=False, invoice__isnull=True, kept_id__isnull=True, kept_table="")
                | Q(event__isnull=True, invoice__isnull=False, kept_id__isnull=True, kept_table="")
                | Q(event__isnull=True, invoice__isnull=True, kept_id__isnull=False) & ~Q(kept_table=""),
                name="billing_chain_link_is_of_one_row",
            ),
            models.UniqueConstraint(
                fields=["kept_table", "kept_id"],
                condition=Q(kept_id__isnull=False),
                name="billing_chain_link_keeps_a_row_once",
            ),
            models.CheckConstraint(condition=Q(seq__gte=1), name="billing_chain_link_counts_from_one"),
        ]

    def __str__(self) -> str:
        return str(self.seq)
