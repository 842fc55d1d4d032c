from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from otai.db import new_id
from otai.errors import Refused
from otai.orgs.models import Organisation


class TicketsDeleted(Refused):
    """The data set's row is there, with its figures; what was asked needs its tickets."""

    code = "tickets_deleted"


class DataSet(models.Model):
    """One import of tickets. It never changes: importing again under the same name makes the next version.

    Its tickets may be deleted. Then the row stays for whoever reads what was made from it, with the name, counts, hash
    and figures, and without a file, attributes and labels (`erasing.py`).

    The tickets are the Parquet file at `file` (a path inside the file store, see `files.py`); `sha256` is the hash of
    its bytes. `roles` says what each column of the source was used for and why (`columns.ColumnRoles.as_dict`),
    `profile` what was found (`otai.learning.data.profile.Profile.as_dict`).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="data_sets")
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    file = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField(help_text="size of the Parquet file")
    tickets = models.PositiveIntegerField()
    left_out_rows = models.PositiveIntegerField(default=0, help_text="bad rows left out at the customer's wish")
    source_filename = models.CharField(max_length=255, blank=True)
    made_as = models.JSONField(
        null=True, help_text="What was done to the version before, as a fact; empty where files were imported."
    )
    source_format = models.TextField(
        help_text="A fact; a release before kept a phrase: CSV separated by semicolons, cp1252"
    )
    imported_at = models.DateTimeField()
    profile = models.JSONField()
    roles = models.JSONField()
    deleted_at = models.DateTimeField(null=True, help_text="When its tickets were deleted; empty while they are there.")
    deleted_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "tickets_data_set"
        ordering = ("name", "version")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name", "version"], name="tickets_data_set_version_is_taken_once"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="tickets_data_set_versions_begin_at_one"),
            models.CheckConstraint(condition=Q(tickets__gte=1), name="tickets_data_set_has_tickets"),
            models.CheckConstraint(condition=~Q(name=""), name="tickets_data_set_has_a_name"),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, deleted_by="") & ~Q(file="") & ~Q(sha256="")
                | Q(deleted_at__isnull=False, file="", source_filename="") & ~Q(deleted_by=""),
                name="tickets_data_set_has_a_file_until_its_tickets_are_deleted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def require_tickets(self) -> None:
        """Raises TicketsDeleted. Asked before anything is made from the tickets."""
        if self.deleted_at is not None:
            raise TicketsDeleted(
                "deleted", data_set=self, name=self.name, version=self.version, deleted_at=self.deleted_at.isoformat()
            )


class FileToDelete(models.Model):
    """A file of the store that no row speaks of any more. Written with the change that let go of it, gone once the file
    is.

    Without it a crash between the two would leave tickets behind that nobody would ever delete.
    """

    path = models.CharField(max_length=500, primary_key=True)
    since = models.DateTimeField()

    class Meta:
        db_table = "tickets_file_to_delete"
        constraints = [models.CheckConstraint(condition=~Q(path=""), name="tickets_file_to_delete_is_named")]

    def __str__(self) -> str:
        return self.path


class UploadWaiting(models.Model):
    """A file that waits on one machine until its columns are settled (`waiting_uploads.py`): so that all machines
    together can count them."""

    id = models.UUIDField(primary_key=True, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    machine = models.CharField(max_length=150)
    kept_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_upload_waiting"
        constraints = [models.CheckConstraint(condition=~Q(machine=""), name="tickets_upload_waiting_is_somewhere")]

    def __str__(self) -> str:
        return f"{self.id} on {self.machine}"


class ArrivingUpload(models.Model):
    """A file that arrives in parts (`arriving_uploads.py`): of so many bytes, the first `received` are there.
    `fingerprint` is the sender's mark, by which it finds it again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    filename = models.CharField(max_length=255)
    bytes = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    fingerprint = models.CharField(max_length=200, blank=True)
    begun_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "tickets_arriving_upload"
        constraints = [
            models.CheckConstraint(condition=Q(bytes__gte=1), name="tickets_arriving_upload_is_not_empty"),
            models.CheckConstraint(
                condition=Q(received__lte=F("bytes")), name="tickets_arriving_upload_has_no_more_than_its_bytes"
            ),
            models.CheckConstraint(condition=~Q(filename=""), name="tickets_arriving_upload_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.filename


class UploadPart(models.Model):
    """One part of it, a file of the store, at its place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    upload = models.ForeignKey(ArrivingUpload, models.CASCADE, related_name="parts")
    offset = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    file = models.CharField(max_length=500)

    class Meta:
        db_table = "tickets_upload_part"
        ordering = ("upload", "offset")
        constraints = [
            models.UniqueConstraint(fields=["upload", "offset"], name="tickets_upload_part_is_at_a_place_of_its_own"),
            models.CheckConstraint(condition=Q(bytes__gte=1), name="tickets_upload_part_is_not_empty"),
            models.CheckConstraint(condition=~Q(file=""), name="tickets_upload_part_has_a_file"),
        ]

    def __str__(self) -> str:
        return f"{self.upload_id} from {self.offset}"


class Attribute(models.Model):
    """Something that each ticket of a data set may carry a label for: queue, priority, tags.

    `kind` says how many labels a ticket carries (single, multi) and whether they have an order (ordered). `order` lists
    the labels of an ordered attribute from low to high; it is empty for the other kinds.
    """

    class Kind(models.TextChoices):
        SINGLE = "single", "one label a ticket"
        MULTI = "multi", "any number of labels a ticket"
        ORDERED = "ordered", "one label a ticket, from low to high"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    data_set = models.ForeignKey(DataSet, on_delete=models.CASCADE, related_name="attributes")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    order = models.JSONField(default=list, blank=True)
    position = models.PositiveSmallIntegerField(help_text="as in the source, from 0")

    class Meta:
        db_table = "tickets_attribute"
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["data_set", "name"], name="tickets_attribute_is_named_once_in_a_data_set"),
            models.UniqueConstraint(
                fields=["data_set", "position"], name="tickets_attribute_stands_alone_at_its_position"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["single", "multi", "ordered"]), name="tickets_attribute_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="ordered") & ~Q(order=[]) | ~Q(kind="ordered") & Q(order=[]),
                name="tickets_attribute_has_an_order_exactly_when_ordered",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="tickets_attribute_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def column(self) -> str:
        """Its column in the data set's Parquet file: string, or list<string> for a multi-label attribute."""
        return f"attribute:{self.name}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON, as a run keeps it."""
        return {"name": self.name, "kind": self.kind, "order": self.order}


class ExpectedQuality(models.Model):
    """What quality each mode would probably reach on a data set, tried once (`expected_quality.py`); Maximum is tried
    apart. A data set never changes, so neither does what was tried on it."""

    data_set = models.OneToOneField(
        DataSet, on_delete=models.CASCADE, primary_key=True, related_name="expected_quality"
    )
    attributes = models.JSONField(help_text="by attribute, see otai.learning.evidence.expected_quality.Expectation")
    tried_at = models.DateTimeField()
    maximum = models.JSONField(
        null=True,
        help_text="By attribute, see otai.learning.evidence.expectation.TriedGain; null where Maximum was not tried.",
    )

    class Meta:
        db_table = "tickets_expected_quality"


class TicketIndex(models.Model):
    """The file in the store by which a version's tickets are searched (`ticket_index/`); of how many of them. It can
    always be made again, and goes with the tickets."""

    data_set = models.OneToOneField(DataSet, on_delete=models.CASCADE, primary_key=True, related_name="ticket_index")
    file = models.CharField(max_length=500)
    bytes = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_ticket_index"
        constraints = [models.CheckConstraint(condition=~Q(file=""), name="tickets_ticket_index_has_a_file")]

    def __str__(self) -> str:
        return self.file


class Label(models.Model):
    """One value of an attribute. `count` is the tickets that carry it, `training_count` those of them not set aside as
    test."""

    id = models.BigAutoField(primary_key=True)
    attribute = models.ForeignKey(Attribute, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=200)
    count = models.PositiveIntegerField()
    training_count = models.PositiveIntegerField()

    class Meta:
        db_table = "tickets_label"
        ordering = ("-count", "name")
        constraints = [
            models.UniqueConstraint(fields=["attribute", "name"], name="tickets_label_is_named_once_in_an_attribute"),
            models.CheckConstraint(condition=~Q(name=""), name="tickets_label_has_a_name"),
            models.CheckConstraint(condition=Q(count__gte=1), name="tickets_label_is_carried_by_a_ticket"),
            models.CheckConstraint(
                condition=Q(training_count__lte=F("count")), name="tickets_label_trains_on_no_more_than_it_has"
            ),
        ]

    def __str__(self) -> str:
        return self.name
