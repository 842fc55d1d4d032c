from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.billing.models.purchases import Purchase
from otai.db import new_id
from otai.orgs.models import Organisation


class InvoiceKind(models.TextChoices):
    INVOICE = "invoice", "Invoice"
    CREDIT_NOTE = "credit_note", "Credit note"


class InvoiceSeries(models.Model):
    """The last number given in a kind and year. Its row is locked while an invoice is issued: numbers have no gaps.

    The one row that organisations share, on purpose: the law asks for one series. It is held for the time of one
    insert.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, choices=InvoiceKind.choices)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "billing_invoice_series"
        constraints = [models.UniqueConstraint(fields=["kind", "year"], name="billing_invoice_series_is_one_a_year")]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}"


class Invoice(models.Model):
    """An invoice or credit note, as it was issued. A trigger of the database refuses every change and deletion.

    `facts` holds all that is printed; PDF and XML are made from it, and its hash is kept.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="invoices")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=20, choices=InvoiceKind.choices)
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(max_length=40, unique=True)
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="credit_notes")
    issued_on = models.DateField()
    issued_at = models.DateTimeField()
    language = models.CharField(max_length=10)
    net_cents = models.PositiveBigIntegerField()
    vat_cents = models.PositiveBigIntegerField()
    gross_cents = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    facts = models.JSONField()
    facts_sha256 = models.CharField(max_length=64)

    class Meta:
        db_table = "billing_invoice"
        constraints = [
            models.UniqueConstraint(fields=["kind", "year", "sequence"], name="billing_invoice_number_is_used_once"),
            models.CheckConstraint(
                condition=Q(gross_cents__gte=1, gross_cents=F("net_cents") + F("vat_cents")),
                name="billing_invoice_gross_is_net_plus_vat",
            ),
            models.CheckConstraint(
                condition=Q(kind=InvoiceKind.INVOICE, corrects__isnull=True)
                | Q(kind=InvoiceKind.CREDIT_NOTE, corrects__isnull=False),
                name="billing_invoice_credit_note_names_its_invoice",
            ),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="billing_invoice_numbers_begin_at_1"),
        ]
        indexes = [models.Index(fields=["organisation", "-issued_at"], name="billing_invoice_of_org")]

    def __str__(self) -> str:
        return self.number
