from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.serving.models.versions import ModelVersion
from otai.tickets.models import DataSet


class Feedback(models.Model):
    """What people say the labels of one ticket for one attribute are, beside what a model had said. Never trained on
    silently.

    `withdrawn_at`: somebody took it back before it was made part of the tickets; it counts for nothing then.
    `predicted` and `corrected` are lists of labels. `is_complete`: it came with feedback on every ticket of its batch,
    right or wrong, so that a share of right ones means something. `merged_into` is the data set that it was made part
    of.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="feedback")
    key = models.CharField(max_length=200, help_text="Of its batch: the same batch again changes nothing.")
    row = models.PositiveIntegerField(help_text="Which of the batch, from 1.")
    ticket = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField()
    language = models.CharField(max_length=10, blank=True, default="")
    attribute = models.CharField(max_length=200)
    predicted = models.JSONField()
    confidence = models.FloatField()
    corrected = models.JSONField()
    is_right = models.BooleanField()
    is_complete = models.BooleanField(default=False)
    given_by = models.CharField(max_length=200)
    given_at = models.DateTimeField()
    merged_into = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="+", null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "serving_feedback"
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | Q(withdrawn_at__isnull=False, merged_into__isnull=True) & ~Q(withdrawn_by=""),
                name="serving_feedback_is_withdrawn_until_merged",
            ),
            models.UniqueConstraint(
                fields=["organisation", "key", "row", "attribute"], name="serving_feedback_is_given_once"
            ),
            models.CheckConstraint(
                condition=~Q(text="") & ~Q(attribute="") & ~Q(key="") & ~Q(given_by=""),
                name="serving_feedback_says_who_and_what",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="serving_feedback_confidence_is_a_share"
            ),
        ]
        indexes = [
            models.Index("version", "given_at", name="serving_feedback_of_version"),
            models.Index("version", name="serving_feedback_to_merge", condition=Q(merged_into__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"feedback on {self.attribute}"


class ObservedTicket(models.Model):
    """A ticket that a model was asked about, kept for a while where the customer wished so; deleted when `expires_at`
    has come."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="observed")
    text = models.TextField()
    language = models.CharField(max_length=10, blank=True, default="")
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "serving_observed_ticket"
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("seen_at")), name="serving_observed_ticket_is_kept_for_a_while"
            ),
        ]
        indexes = [
            models.Index("version", "seen_at", name="serving_observed_of_version"),
            models.Index("expires_at", name="serving_observed_expires"),
        ]

    def __str__(self) -> str:
        return f"ticket seen at {self.seen_at:%Y-%m-%d}"


class ChangeKind(models.TextChoices):
    FEEDBACK = "feedback", "Feedback merged"
    LABELS_CORRECTED = "labels_corrected", "Labels corrected"
    LABELS_MAPPED = "labels_mapped", "Labels renamed or joined"


class DataSetChange(models.Model):
    """How a version of a data set came out of the one before it, by whom and why; `changes` lists every label that is
    another one now."""

    data_set = models.OneToOneField(DataSet, on_delete=models.CASCADE, primary_key=True, related_name="change")
    base = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=ChangeKind.choices)
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField()
    why = models.CharField(max_length=500)
    changes = models.JSONField(help_text="[{ticket, attribute, was, now}], at most 10 000.")
    changed = models.PositiveIntegerField(help_text="How many labels are others now.")
    added = models.PositiveIntegerField(help_text="How many tickets are new.")

    class Meta:
        db_table = "serving_data_set_change"
        constraints = [
            models.CheckConstraint(
                condition=~Q(changed_by="") & ~Q(why=""), name="serving_data_set_change_says_who_and_why"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ChangeKind.values), name="serving_data_set_change_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.data_set_id}"
