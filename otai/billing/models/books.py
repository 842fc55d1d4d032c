from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.billing.models.payments import Reversal
from otai.billing.models.purchases import Purchase
from otai.db import new_id
from otai.orgs.models import Organisation


class ClosedMonth(models.Model):
    """A month whose figures were handed over, as the file that was handed over. A trigger of the database refuses every
    change: what happens to the month later is a correction in the file of the next."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    year = models.PositiveSmallIntegerField()
    month = models.PositiveSmallIntegerField()
    content = models.TextField(help_text="The file, in UTF-8; its first line names the hash of the file before it.")
    sha256 = models.CharField(max_length=64)
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=200)

    class Meta:
        db_table = "billing_closed_month"
        constraints = [
            models.UniqueConstraint(fields=["year", "month"], name="billing_closed_month_is_closed_once"),
            models.CheckConstraint(condition=Q(month__gte=1, month__lte=12), name="billing_closed_month_is_a_month"),
            models.CheckConstraint(condition=~Q(closed_by="") & ~Q(sha256=""), name="billing_closed_month_says_who"),
        ]

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02d}"


class WriteOff(models.Model):
    """What was owed and will not be paid: its VAT is corrected in that month (section 17 UStG). The invoice stands, and
    so does the claim. Written once, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="write_offs")
    reversal = models.OneToOneField(Reversal, on_delete=models.PROTECT, related_name="write_off")
    net_cents = models.PositiveBigIntegerField()
    vat_cents = models.PositiveBigIntegerField()
    gross_cents = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    written_off_at = models.DateTimeField()
    written_off_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)

    class Meta:
        db_table = "billing_write_off"
        constraints = [
            models.CheckConstraint(
                condition=Q(gross_cents__gte=1, gross_cents=F("net_cents") + F("vat_cents")),
                name="billing_write_off_gross_is_net_plus_vat",
            ),
            models.CheckConstraint(
                condition=~Q(written_off_by="") & ~Q(reason=""), name="billing_write_off_says_who_and_why"
            ),
        ]
        indexes = [models.Index(fields=["written_off_at"], name="billing_write_off_at")]

    def __str__(self) -> str:
        return f"{self.gross_cents} {self.currency}"


class BankEntryState(models.TextChoices):
    """`waiting -> matched | dismissed`; one whose reference and amount fit begins as matched."""

    MATCHED = "matched", "Matched"
    WAITING = "waiting", "Waits for a person"
    DISMISSED = "dismissed", "No customer's payment"


class BankEntry(models.Model):
    """Money that a bank statement shows on the seller's account, or that the bank took back from it. Imported once,
    however often its statement is."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.CharField(max_length=34, help_text="The seller's IBAN.")
    reference = models.CharField(max_length=180, help_text="The bank's own, or a hash where it gives none.")
    booked_on = models.DateField()
    cents = models.BigIntegerField(help_text="Below zero where the bank took back what had come.")
    currency = models.CharField(max_length=3)
    payer = models.CharField(max_length=200, blank=True, default="")
    text = models.CharField(max_length=500, blank=True, default="", help_text="What the payer wrote.")
    state = models.CharField(max_length=20, choices=BankEntryState.choices, default=BankEntryState.WAITING)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, null=True, blank=True, related_name="bank_entries")
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=200)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_bank_entry"
        verbose_name_plural = "bank entries"
        constraints = [
            models.UniqueConstraint(fields=["account", "reference"], name="billing_bank_entry_is_imported_once"),
            models.CheckConstraint(
                condition=Q(cents__gte=1) | (Q(cents__lte=-1) & ~Q(state=BankEntryState.MATCHED)),
                name="billing_bank_entry_has_an_amount",
            ),
            models.CheckConstraint(condition=~Q(reference=""), name="billing_bank_entry_has_a_reference"),
            models.CheckConstraint(
                condition=Q(state=BankEntryState.MATCHED, purchase__isnull=False)
                | Q(state__in=[BankEntryState.WAITING, BankEntryState.DISMISSED], purchase__isnull=True),
                name="billing_bank_entry_is_matched_with_a_purchase",
            ),
            models.CheckConstraint(
                condition=Q(state=BankEntryState.WAITING) | (~Q(decided_by="") & ~Q(reason="")),
                name="billing_bank_entry_says_who_decided_and_why",
            ),
        ]
        indexes = [
            models.Index("booked_on", name="billing_bank_entry_waits", condition=Q(state=BankEntryState.WAITING.value))
        ]

    def __str__(self) -> str:
        return self.reference
