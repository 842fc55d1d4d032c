from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation


class Erased(models.TextChoices):
    PERSON = "person", "Person"
    ORGANISATION = "organisation", "Organisation"
    RETENTION = "retention", "Retention"


class Erasure(models.Model):
    """What was erased, when and at whose wish, in counts: the proof that it was done. Never a word of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    what = models.CharField(max_length=20, choices=Erased.choices)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", null=True)
    person = models.PositiveBigIntegerField(null=True, help_text="The number that stands for an erased person.")
    at = models.DateTimeField()
    who = models.CharField(max_length=200)
    went = models.JSONField(default=dict, help_text="How much of each kind.")

    class Meta:
        db_table = "privacy_erasure"
        constraints = [
            models.CheckConstraint(condition=Q(what__in=Erased.values) & ~Q(who=""), name="privacy_erasure_says_who"),
            models.CheckConstraint(
                condition=Q(what="person", person__isnull=False, organisation__isnull=True)
                | Q(what__in=["organisation", "retention"], person__isnull=True, organisation__isnull=False),
                name="privacy_erasure_is_of_a_person_or_an_organisation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} erased at {self.at:%Y-%m-%d}"


class Retention(models.Model):
    """After how many days what an organisation keeps is deleted; empty: it is kept until somebody deletes it. Files
    that wait for their columns go after hours, a day at most."""

    organisation = models.OneToOneField(Organisation, models.CASCADE, primary_key=True, related_name="retention")
    tickets_days = models.PositiveIntegerField(null=True)
    feedback_days = models.PositiveIntegerField(null=True)
    logs_days = models.PositiveIntegerField(null=True)
    uploads_hours = models.PositiveIntegerField(null=True, help_text="Empty: a day.")
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        db_table = "privacy_retention"
        constraints = [
            models.CheckConstraint(
                condition=(Q(tickets_days__isnull=True) | Q(tickets_days__gte=1, tickets_days__lte=3650))
                & (Q(feedback_days__isnull=True) | Q(feedback_days__gte=1, feedback_days__lte=3650))
                & (Q(logs_days__isnull=True) | Q(logs_days__gte=1, logs_days__lte=3650)),
                name="privacy_retention_is_within_its_bounds",
            ),
            models.CheckConstraint(
                condition=Q(uploads_hours__isnull=True) | Q(uploads_hours__gte=1, uploads_hours__lte=24),
                name="privacy_retention_of_uploads_is_a_day_at_most",
            ),
            models.CheckConstraint(condition=~Q(set_by=""), name="privacy_retention_says_who"),
        ]

    def __str__(self) -> str:
        return f"retention of {self.organisation_id}"


class ExportState(models.TextChoices):
    """`waiting -> ready | failed`; a file that is over goes, and its row with it."""

    WAITING = "waiting", "Waiting"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class Export(models.Model):
    """An organisation's whole data as one zip in the file store, for a few days. Only its owners download it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="exports")
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.WAITING)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    file = models.CharField(max_length=500, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    bytes = models.PositiveBigIntegerField(default=0)
    downloads = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "privacy_export"
        constraints = [
            models.CheckConstraint(
                condition=Q(state=ExportState.READY, ready_at__isnull=False, expires_at__isnull=False)
                & ~Q(file="")
                & ~Q(sha256="")
                | ~Q(state=ExportState.READY) & Q(file="", sha256=""),
                name="privacy_export_has_a_file_exactly_when_ready",
            ),
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(state=ExportState.WAITING),
                name="privacy_export_is_made_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"export of {self.organisation_id}"
