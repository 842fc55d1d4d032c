from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation


class VatIdState(models.TextChoices):
    """`waiting -> valid | invalid`."""

    WAITING = "waiting", "Waits for the answer"
    VALID = "valid", "Valid"
    INVALID = "invalid", "Not valid"


class VatIdCheck(models.Model):
    """The question to VIES whether a buyer's VAT id is in use, and its answer: the proof that a sale without VAT needs.
    Written with the billing details, asked after the transaction; an answer is never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="vat_id_checks")
    vat_id = models.CharField(max_length=20, verbose_name="VAT id")
    state = models.CharField(max_length=20, choices=VatIdState.choices, default=VatIdState.WAITING)
    wanted_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    problem = models.CharField(max_length=200, blank=True, default="", help_text="Why the last try had no answer.")
    answered_at = models.DateTimeField(null=True, blank=True)
    consultation_number = models.CharField(max_length=100, blank=True, default="", help_text="VIES's own, as proof.")
    answer = models.JSONField(default=dict, blank=True, help_text="As VIES gave it, maybe with name and address.")

    class Meta:
        db_table = "billing_vat_id_check"
        verbose_name = "VAT id check"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "vat_id"],
                condition=Q(state=VatIdState.WAITING),
                name="billing_vat_id_check_one_waits",
            ),
            models.CheckConstraint(
                condition=Q(state=VatIdState.WAITING, answered_at__isnull=True)
                | Q(state__in=[VatIdState.VALID, VatIdState.INVALID], answered_at__isnull=False),
                name="billing_vat_id_check_has_an_answer_when_answered",
            ),
        ]
        indexes = [
            models.Index("next_try_at", name="billing_vat_id_check_due", condition=Q(state=VatIdState.WAITING.value))
        ]

    def __str__(self) -> str:
        return f"{self.vat_id}: {self.state}"
