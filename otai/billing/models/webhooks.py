from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id


class WebhookState(models.TextChoices):
    """`received -> handled | ignored | failed`; a failed one is tried again by the sweep and by an operator."""

    RECEIVED = "received", "Received"
    HANDLED = "handled", "Handled"
    IGNORED = "ignored", "Not for us"
    FAILED = "failed", "Failed"


class WebhookEvent(models.Model):
    """The inbox: an event of a payment provider, stored first under its own id, handled after."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    gateway = models.CharField(max_length=40)
    event_id = models.CharField(max_length=200)
    type = models.CharField(max_length=100)
    payload = models.JSONField()
    state = models.CharField(max_length=20, choices=WebhookState.choices, default=WebhookState.RECEIVED)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    deliveries = models.PositiveIntegerField(default=1, help_text="How often the provider has sent it.")
    outcome = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_webhook_event"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "event_id"], name="billing_webhook_event_is_stored_once"),
            models.CheckConstraint(
                condition=Q(state__in=WebhookState.values), name="billing_webhook_event_state_is_known"
            ),
            models.CheckConstraint(condition=~Q(event_id=""), name="billing_webhook_event_has_an_id"),
        ]
        indexes = [
            models.Index(
                "received_at",
                name="billing_webhook_event_waits",
                condition=Q(state__in=[WebhookState.RECEIVED.value, WebhookState.FAILED.value]),
            )
        ]

    def __str__(self) -> str:
        return self.event_id
