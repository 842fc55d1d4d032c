from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.billing.models import VendorKey
from otai.orgs.models import Organisation


class KeyedRequest(models.Model):
    """A request of an organisation's caller or of a vendor's system that came with an Idempotency-Key, and its answer
    once there is one. Kept for a week; only `keys.py` writes it."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+", null=True)
    vendor_key = models.ForeignKey(VendorKey, models.CASCADE, related_name="+", null=True)
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty while the request is being worked on.")
    answer = models.JSONField(null=True)

    class Meta:
        db_table = "api_keyed_request"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], name="api_keyed_request_key_is_used_once"),
            models.UniqueConstraint(
                fields=["vendor_key", "key"], name="api_keyed_request_of_a_vendor_key_is_used_once"
            ),
            models.CheckConstraint(
                condition=Q(organisation__isnull=False, vendor_key__isnull=True)
                | Q(organisation__isnull=True, vendor_key__isnull=False),
                name="api_keyed_request_is_of_an_organisation_or_a_vendor_key",
            ),
            models.CheckConstraint(condition=~Q(key=""), name="api_keyed_request_has_a_key"),
            models.CheckConstraint(
                condition=Q(status__isnull=True, answer__isnull=True)
                | Q(status__isnull=False, status__gte=200, status__lte=299),
                name="api_keyed_request_keeps_answers_of_what_was_done",
            ),
        ]
        indexes = [models.Index("organisation", "made_at", name="api_keyed_request_by_age")]

    def __str__(self) -> str:
        return self.key
