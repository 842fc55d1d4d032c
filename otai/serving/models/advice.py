from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.runs.models import Reason, Run
from otai.serving.models.versions import ModelVersion
from otai.tickets.models import DataSet
from otai.words import advice as words


class AdviceKind(models.TextChoices):
    LABELS_CHANGED = "labels_changed", "Labels changed"
    LABELS_RENAMED = "labels_renamed", "Labels renamed"
    DRIFT = "drift", "Drift"
    NEW_LANGUAGE = "new_language", "New language"
    NEW_ATTRIBUTE = "new_attribute", "New attribute"


class AdviceStatus(models.TextChoices):
    """`open -> followed | dismissed | outdated`."""

    OPEN = "open", "Open"
    FOLLOWED = "followed", "Followed"
    DISMISSED = "dismissed", "Dismissed"
    OUTDATED = "outdated", "Outdated"


class Advice(models.Model):
    """That a version should be trained again (or its labels be renamed), why, from what evidence, and for how many
    credits.

    `evidence` lists what was found, `chart` the points to draw (`{code, unit, points: [{before, now, low, high, and
    what of}]}`), `mapping` the renamed labels: codes with values, which the doors say (`otai.words.advice`). `title` is
    the sentence of advice that was given before that. `credits` is the list price of the run it proposes; 0 where no
    training is needed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="advice")
    kind = models.CharField(max_length=20, choices=AdviceKind.choices)
    status = models.CharField(max_length=20, choices=AdviceStatus.choices, default=AdviceStatus.OPEN)
    found_at = models.DateTimeField()
    checked_at = models.DateTimeField(help_text="When it last held.")
    title = models.CharField(max_length=300, blank=True, default="")
    evidence = models.JSONField()
    chart = models.JSONField()
    mapping = models.JSONField(default=dict)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    data_set = models.ForeignKey(DataSet, on_delete=models.SET_NULL, related_name="+", null=True)
    attributes = models.JSONField(default=list)
    credits = models.PositiveIntegerField()
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    decided_why = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "serving_advice"
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind"],
                condition=Q(status=AdviceStatus.OPEN),
                name="serving_advice_is_given_once_while_open",
            ),
            models.CheckConstraint(condition=Q(kind__in=AdviceKind.values), name="serving_advice_kind_is_known"),
            models.CheckConstraint(condition=Q(status__in=AdviceStatus.values), name="serving_advice_status_is_known"),
            models.CheckConstraint(
                condition=Q(status=AdviceStatus.OPEN, decided_at__isnull=True)
                | Q(decided_at__isnull=False) & ~Q(status=AdviceStatus.OPEN) & ~Q(decided_by=""),
                name="serving_advice_is_decided_exactly_when_not_open",
            ),
        ]

    def __str__(self) -> str:
        return words.title(self, data_set=str(self.data_set or ""))


class AdviceCheck(models.Model):
    """A look at a version's new tickets: once a week, with every test's result, whether it led to advice or not."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="checks")
    week = models.DateField(help_text="The Monday of its week.")
    checked_at = models.DateTimeField()
    tickets = models.PositiveIntegerField()
    signals = models.JSONField()

    class Meta:
        db_table = "serving_advice_check"
        constraints = [
            models.UniqueConstraint(fields=["version", "week"], name="serving_advice_check_is_weekly"),
        ]

    def __str__(self) -> str:
        return f"check of {self.week}"
