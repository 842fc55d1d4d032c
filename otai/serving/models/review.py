from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.serving.models.feedback import Feedback
from otai.tickets.models import DataSet


class LabelVerdict(models.TextChoices):
    KEEP = "keep", "The label is right"
    TAKE = "take", "The suggestion is right"
    OTHER = "other", "Another label is right"


class ReviewItem(models.Model):
    """A label of one ticket that a person was asked about: who looks at it now, and what was decided.

    Written when somebody takes it up first. It belongs to the data set's name, the ticket's id and the hash of its
    text, not to a version or a run: what was decided stays decided until the text is another one. `given` and
    `suggested` are lists of labels, as is `labels`, the decided ones. `feedback`: a colleague's correction, which is
    then confirmed, changed or withdrawn; without one a training suspected the label.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    data_set_name = models.CharField(max_length=200)
    ticket = models.CharField(max_length=200)
    attribute = models.CharField(max_length=200)
    text_key = models.CharField(max_length=32, help_text="Hash of the text: learning.data.splitting.same_text_key.")
    feedback = models.OneToOneField(Feedback, on_delete=models.CASCADE, null=True, related_name="review")
    given = models.JSONField()
    suggested = models.JSONField()
    confidence = models.FloatField()
    claimed_by = models.CharField(max_length=200, blank=True, default="")
    claimed_until = models.DateTimeField(null=True)
    skipped_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, choices=LabelVerdict.choices, blank=True, default="")
    labels = models.JSONField(null=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        db_table = "serving_review_item"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "data_set_name", "attribute", "ticket", "text_key"],
                condition=Q(feedback__isnull=True),
                name="serving_review_item_is_asked_once",
            ),
            models.CheckConstraint(
                condition=Q(verdict="", labels__isnull=True, decided_by="", decided_at__isnull=True)
                | Q(verdict__in=LabelVerdict.values, labels__isnull=False, decided_at__isnull=False)
                & ~Q(decided_by=""),
                name="serving_review_item_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(claimed_by="", claimed_until__isnull=True)
                | ~Q(claimed_by="") & Q(claimed_until__isnull=False),
                name="serving_review_item_is_claimed_for_a_while",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="serving_review_item_confidence_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(verdict=""),
                name="serving_review_item_is_decided_when_merged",
            ),
        ]
        indexes = [models.Index(F("organisation"), F("data_set_name"), name="serving_review_of_data_set")]

    def __str__(self) -> str:
        return f"review of {self.attribute}"

    def is_claimed_by_another(self, who: str, *, now: datetime) -> bool:
        """Whether somebody else looks at it now."""
        return self.claimed_by not in ("", who) and self.claimed_until is not None and self.claimed_until > now
