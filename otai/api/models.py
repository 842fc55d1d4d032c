from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.orgs.models import Organisation


class KeyedRequest(models.Model):
    """A request that came with an Idempotency-Key, and its answer once there is one. Kept for a week; only `keys.py`
    writes it."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty while the request is being worked on.")
    answer = models.JSONField(null=True)

    class Meta:
        db_table = "api_keyed_request"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], name="api_keyed_request_key_is_used_once"),
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
