from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.runs.models import Run


class TrainedModel(models.Model):
    """What a customer trains again and again under one name. Each completed run adds a version."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "serving_model"
        constraints = [
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

    class Meta:
        db_table = "serving_model_version"
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="serving_version_number_is_used_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="serving_version_numbers_begin_at_one"),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"
