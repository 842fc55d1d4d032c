from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.runs.models import Run
from otai.words.explained import Explained


class TrainedModel(models.Model):
    """What a customer trains again and again under one name. Each completed run adds a version."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    live = models.ForeignKey(
        "serving.ModelVersion",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        help_text="The version that answers where none is named.",
    )
    keeps_tickets_days = models.PositiveSmallIntegerField(
        default=0, help_text="How long tickets that it was asked about are kept, to see drift; 0: none is."
    )

    class Meta:
        db_table = "serving_model"
        constraints = [
            models.CheckConstraint(
                condition=Q(keeps_tickets_days__lte=90), name="serving_model_keeps_tickets_for_90_days_at_most"
            ),
            models.UniqueConstraint(fields=["organisation", "name"], name="serving_model_name_is_used_once"),
            models.CheckConstraint(condition=~Q(name=""), name="serving_model_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    """The outcome of one completed run: a bundle in the file store, known by its checksum."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    model = models.ForeignKey(TrainedModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="version")
    bundle_file = models.CharField(max_length=500)
    bundle_sha256 = models.CharField(max_length=64)
    bundle_bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    renamed = models.JSONField(
        default=dict,
        help_text="{attribute: {label it learnt: what people call it now}}; predictions use the new names.",
    )
    comparison = models.JSONField(
        null=True, help_text="With the version that was live when this one was made, on tickets neither had learnt."
    )

    class Meta:
        db_table = "serving_model_version"
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="serving_version_number_is_used_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="serving_version_numbers_begin_at_one"),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"


class Move(StrEnum):
    """What happened to a model in use."""

    LIVE = "live"
    BACK = "back"
    WAITS = "waits"
    KEEPS_TICKETS = "keeps_tickets"

    @classmethod
    def of(cls, stored: str) -> Move:
        """Reads what release 0.1 stored as well: `-> live`, `keeps tickets for 30 days`. Raises ValueError."""
        if stored.startswith("keeps tickets for "):
            return cls.KEEPS_TICKETS
        return cls(MOVES_OF_BEFORE.get(stored, stored))


MOVES_OF_BEFORE = {"-> live": "live", "rolled back": "back", "waits for a decision": "waits"}
ARRIVALS = (Move.LIVE.value, "-> live")
"""As an arrival of a version is stored, in this release and before."""


class ModelEvent(Explained, models.Model):
    """Something that happened to a model in use, with who and why: a version went live, or was rolled back. Never
    changed."""

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey(TrainedModel, on_delete=models.PROTECT, related_name="events")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    before = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField()
    move = models.CharField(max_length=60)
    who = models.CharField(max_length=200)
    why = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "serving_model_event"
        constraints = [
            models.CheckConstraint(condition=~Q(who="") & ~Q(move=""), name="serving_model_event_says_who_and_what"),
        ]
        indexes = [models.Index("model", "id", name="serving_model_event_order")]

    def __str__(self) -> str:
        return self.move

    @property
    def what(self) -> Move:
        """What happened, as a code."""
        return Move.of(self.move)
