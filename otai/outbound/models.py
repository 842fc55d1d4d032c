from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from otai.db import new_id
from otai.orgs.models import Member, Organisation
from otai.words.explained import said_beside


class Endpoint(models.Model):
    """An address of a customer's that wants to hear our news. Its secret is kept sealed (`secrets.py`)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True, default="")
    events = models.JSONField(default=list, help_text="Which events it wants; empty: all of them.")
    sealed_secret = models.TextField(help_text="Sealed under the installation's secret key.")
    sealed_previous = models.TextField(blank=True, default="", help_text="The secret before, for a day.")
    previous_until_at = models.DateTimeField(
        null=True, help_text="Until then messages are signed with the previous secret too."
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    failing_since_at = models.DateTimeField(null=True, help_text="The first failure since the last success.")
    disabled_at = models.DateTimeField(null=True)
    disabled_why = models.CharField(max_length=500, blank=True, default="")
    """The code of the fact; a sentence where there is none."""
    disabled_fact = models.JSONField(
        default=dict,
        blank=True,
        help_text="A code with values; empty where a release before turned it off.",
    )

    class Meta:
        db_table = "outbound_endpoint"
        constraints = [
            models.CheckConstraint(
                condition=~Q(url="") & ~Q(sealed_secret=""), name="outbound_endpoint_has_a_url_and_a_secret"
            ),
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_why="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_why="")),
                name="outbound_endpoint_disabled_says_why",
            ),
            models.CheckConstraint(
                condition=Q(previous_until_at__isnull=True, sealed_previous="")
                | (Q(previous_until_at__isnull=False) & ~Q(sealed_previous="")),
                name="outbound_endpoint_previous_secret_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def why_disabled(self) -> str:
        """Why it is off, in English, for programs and the command line; empty while it is on."""
        return said_beside(self.disabled_fact, self.disabled_why)

    def wants(self, event: str) -> bool:
        """Whether it is told of the event; one that chose no events is told of all."""
        return not self.events or event in self.events

    def has_previous_secret(self, now: datetime) -> bool:
        """Whether messages are signed by the secret before as well, for a receiver that has not changed over yet."""
        return self.previous_until_at is not None and now < self.previous_until_at


class Message(models.Model):
    """One piece of news. `key` names the row that it was read from, so that it is told once; never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    event = models.CharField(max_length=60)
    payload = models.JSONField()
    happened_at = models.DateTimeField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "outbound_message"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], name="outbound_message_is_told_once"),
            models.CheckConstraint(condition=~Q(key="") & ~Q(event=""), name="outbound_message_has_a_key_and_an_event"),
        ]
        indexes = [models.Index("made_at", name="outbound_message_by_age")]

    def __str__(self) -> str:
        return self.event

    @property
    def webhook_id(self) -> str:
        """The id that receivers see, the same at every attempt: by it they know what came twice."""
        return f"msg_{self.id.hex}"


class DeliveryState(models.TextChoices):
    """`waiting -> delivered | failed`, and by a person `delivered | failed -> waiting`."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Given up"


class WebhookDelivery(models.Model):
    """One message on its way to one endpoint."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    round_began_with = models.PositiveIntegerField(
        default=0,
        help_text="How many attempts there were when it was last sent on its way: replaying begins a new round.",
    )
    next_at = models.DateTimeField(null=True, help_text="When it is tried next; taken by a sender until then.")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "outbound_delivery"
        constraints = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="outbound_delivery_is_one_for_each_endpoint"),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.WAITING, next_at__isnull=False, ended_at__isnull=True)
                | Q(
                    state__in=[DeliveryState.DELIVERED.value, DeliveryState.FAILED.value],
                    next_at__isnull=True,
                    ended_at__isnull=False,
                ),
                name="outbound_delivery_has_a_next_time_exactly_while_it_waits",
            ),
            models.CheckConstraint(
                condition=Q(round_began_with__lte=F("attempts")), name="outbound_delivery_rounds_begin_in_the_past"
            ),
        ]
        indexes = [
            models.Index("next_at", name="outbound_delivery_due", condition=Q(state=DeliveryState.WAITING.value)),
            models.Index(fields=["endpoint", "-id"], name="outbound_delivery_log"),
        ]

    def __str__(self) -> str:
        return self.state


class DeliveryAttempt(models.Model):
    """One try: what was answered, or why nothing was. Never changed."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP; empty where there was no answer.")
    milliseconds = models.PositiveIntegerField()
    answer = models.TextField(blank=True, default="", help_text="The beginning of the answer's body.")
    problem = models.CharField(max_length=500, blank=True, default="", help_text="Empty when it arrived.")
    problem_fact = models.JSONField(
        default=dict, blank=True, help_text="The same as a code with values; empty for tries of a release before."
    )

    class Meta:
        db_table = "outbound_delivery_attempt"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="outbound_attempt_number_is_used_once"),
            models.CheckConstraint(
                condition=Q(status__isnull=False) | ~Q(problem=""), name="outbound_attempt_without_an_answer_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"

    @property
    def what_failed(self) -> str:
        """What went wrong, in English, for programs and the command line; empty where it arrived."""
        return said_beside(self.problem_fact, self.problem)


class NotificationKind(models.TextChoices):
    """What a person may be told; `notifications.py` says of each whom it concerns."""

    TRAINING_READY = "training_ready", "My training is ready"
    TRAINING_FAILED = "training_failed", "My training failed"
    TRAINING_LATE = "training_late", "My training will be late"
    IMPORT_ENDED = "import_ended", "My import ended"
    ORDER_ABOVE_LIMIT = "order_above_limit", "A colleague orders above a limit"
    MODEL_LIVE = "model_live", "A model goes live"
    MODEL_DRIFTS = "model_drifts", "A model drifts"


class MailTiming(models.TextChoices):
    """`daily`: all of a day in one mail, in the morning where the organisation is."""

    OFF = "off", "No mail"
    AT_ONCE = "at_once", "A mail at once"
    DAILY = "daily", "In the daily digest"


class NotificationChoice(models.Model):
    """What a member chose of one kind of notification; without a row it is as `notifications.default` says."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="notification_choices")
    kind = models.CharField(max_length=20, choices=NotificationKind.choices)
    mail = models.CharField(max_length=10, choices=MailTiming.choices)
    in_browser = models.BooleanField(help_text="In browsers where the person allowed it.")
    above_credits = models.PositiveIntegerField(default=0, help_text="Of a colleague's order: more than so many.")
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "outbound_notification_choice"
        constraints = [
            models.UniqueConstraint(fields=["member", "kind"], name="outbound_choice_is_one_for_each_kind"),
            models.CheckConstraint(condition=Q(kind__in=NotificationKind.values), name="outbound_choice_kind_is_known"),
            models.CheckConstraint(condition=Q(mail__in=MailTiming.values), name="outbound_choice_mail_is_known"),
        ]

    def __str__(self) -> str:
        return self.kind


class Notification(models.Model):
    """One message as it concerns one member: on their page, by mail where `mail_due_at` says when, in their browser."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="notifications")
    member = models.ForeignKey(Member, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=NotificationKind.choices)
    in_browser = models.BooleanField()
    in_digest = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    mail_due_at = models.DateTimeField(null=True, help_text="Empty: no mail.")
    mailed_at = models.DateTimeField(null=True, help_text="When its mail was written; it is written once.")

    class Meta:
        db_table = "outbound_notification"
        constraints = [
            models.UniqueConstraint(fields=["message", "member"], name="outbound_notification_is_one_for_each_member"),
            models.CheckConstraint(
                condition=Q(kind__in=NotificationKind.values), name="outbound_notification_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(mailed_at__isnull=True) | Q(mail_due_at__isnull=False),
                name="outbound_notification_is_mailed_only_when_due",
            ),
        ]
        indexes = [
            models.Index(
                "mail_due_at",
                name="outbound_notification_due",
                condition=Q(mail_due_at__isnull=False, mailed_at__isnull=True),
            ),
            models.Index(fields=["member", "-id"], name="outbound_notification_newest"),
        ]

    def __str__(self) -> str:
        return self.kind


class Position(models.Model):
    """How far each source of news has been read: everything up to `value`, and nothing older can still appear."""

    source = models.CharField(max_length=40, primary_key=True)
    value = models.CharField(max_length=100)

    class Meta:
        db_table = "outbound_position"

    def __str__(self) -> str:
        return self.source
