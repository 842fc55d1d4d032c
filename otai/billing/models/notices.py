from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.billing.models.purchases import Purchase
from otai.db import new_id
from otai.orgs.models import Organisation
from otai.words.explained import said_beside


class Notice(models.Model):
    """A mail to a customer or an operator, written in the transaction that gives cause for it, sent after it, once for
    each key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="notices",
        null=True,
        blank=True,
        help_text="Empty for a mail to operators about what is for all customers.",
    )
    key = models.CharField(max_length=200, unique=True)
    template = models.CharField(max_length=60)
    context = models.JSONField()
    recipient = models.EmailField()
    language = models.CharField(max_length=10)
    made_at = models.DateTimeField()
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text="A sweep is sending it since then; one that died is followed by another."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_notice"
        indexes = [models.Index("made_at", name="billing_notice_unsent", condition=Q(sent_at__isnull=True))]

    def __str__(self) -> str:
        return self.key


class CreditWatch(models.Model):
    """What an organisation wants to happen when credits run low: a notice, and if it opted in, an automatic top-up."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, related_name="credit_watch"
    )
    notice_below = models.PositiveIntegerField(default=0, help_text="Credits; 0: no notice.")
    noticed_at = models.DateTimeField(
        null=True, blank=True, help_text="Set at the notice, cleared when credits are back."
    )
    top_up_below = models.PositiveIntegerField(default=0, help_text="Credits; 0: no automatic top-up.")
    top_up_package = models.CharField(max_length=40, blank=True, default="")
    monthly_limit_cents = models.PositiveBigIntegerField(default=0, help_text="Net, for a calendar month.")
    gateway = models.CharField(max_length=40, blank=True, default="")
    payment_method = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The provider's name for the saved payment method; no card data.",
    )
    failures = models.PositiveSmallIntegerField(default=0)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_why = models.CharField(max_length=500, blank=True, default="")
    stopped_fact = models.JSONField(
        default=dict, blank=True, help_text="The same as a code with values; empty where a release before stopped it."
    )
    set_by = models.CharField(max_length=200, blank=True, default="")
    set_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "billing_credit_watch"
        verbose_name_plural = "credit watches"
        constraints = [
            models.CheckConstraint(
                condition=Q(top_up_below=0)
                | (
                    Q(top_up_below__gte=1, monthly_limit_cents__gte=1)
                    & ~Q(top_up_package="")
                    & ~Q(gateway="")
                    & ~Q(payment_method="")
                ),
                name="billing_credit_watch_top_up_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_why="")
                | (Q(stopped_at__isnull=False) & ~Q(stopped_why="")),
                name="billing_credit_watch_stop_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"top-up below {self.top_up_below}"

    @property
    def why_stopped(self) -> str:
        """Why nothing is topped up any more, in English, for programs and the command line; empty while it is."""
        return said_beside(self.stopped_fact, self.stopped_why)


class TopUpState(models.TextChoices):
    """`announced -> ordered -> succeeded | failed`, or `announced -> failed`."""

    ANNOUNCED = "announced", "Announced"
    ORDERED = "ordered", "Ordered"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class TopUp(models.Model):
    """One automatic attempt to buy a package. A constraint allows one at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="top_ups")
    month = models.CharField(max_length=7, help_text="Calendar month where the organisation is, 2026-11.")
    net_cents = models.PositiveBigIntegerField(help_text="Counts against the month's limit unless it failed.")
    credits_seen = models.PositiveIntegerField()
    package = models.CharField(max_length=40)
    state = models.CharField(max_length=20, choices=TopUpState.choices, default=TopUpState.ANNOUNCED)
    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, null=True, blank=True, related_name="top_up")
    announced_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_top_up"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(state__in=[TopUpState.ANNOUNCED.value, TopUpState.ORDERED.value]),
                name="billing_top_up_one_at_a_time",
            ),
            models.CheckConstraint(condition=Q(state__in=TopUpState.values), name="billing_top_up_state_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=[TopUpState.ANNOUNCED.value, TopUpState.ORDERED.value], ended_at__isnull=True)
                | Q(state__in=[TopUpState.SUCCEEDED.value, TopUpState.FAILED.value], ended_at__isnull=False),
                name="billing_top_up_has_an_end_exactly_when_it_ended",
            ),
        ]

    @property
    def order_key(self) -> str:
        """The idempotency key of the order that it makes."""
        return f"top-up:{self.id}"

    def __str__(self) -> str:
        return f"top-up {self.month}"
