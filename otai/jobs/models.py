from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id, utc_now
from otai.jobs.status import ENDED, OPEN, JobStatus
from otai.orgs.models import Organisation


class Job(models.Model):
    """Work on something that an organisation sent. Deleted some time after its end: it may hold words of tickets.

    `question` is the hash of what was asked (kind, parameters, content): while a job is open, whoever asks the same
    gets this one. `owner` is the process that conducts it (`identity.py`), `machine` the part of it that shares places.
    `result` is what the kind answers, `error_values` the facts of a refusal or failure.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    lane = models.CharField(max_length=10)
    question = models.CharField(max_length=64)
    subject = models.CharField(max_length=300, help_text="what people call what is worked on: a file, a data set")
    asked_by = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=[(each.value, each.value) for each in JobStatus])
    owner = models.CharField(max_length=200)
    machine = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    rows_read = models.PositiveBigIntegerField(default=0)
    bytes_read = models.PositiveBigIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(default=0)
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_case = models.CharField(max_length=60, blank=True, default="")
    error_kind = models.CharField(max_length=20, blank=True)
    error_message = models.TextField(blank=True)
    """Only where no code says it: of a release before."""
    error_values = models.JSONField(default=dict)

    class Meta:
        db_table = "jobs_job"
        ordering = ("-asked_at",)
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(JobStatus)), name="jobs_job_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status__in=sorted(OPEN)) & Q(ended_at__isnull=False)
                | Q(status__in=sorted(OPEN), ended_at__isnull=True),
                name="jobs_job_has_an_end_exactly_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(status=JobStatus.FAILED) & ~Q(error_code="")
                | ~Q(status=JobStatus.FAILED) & Q(error_code=""),
                name="jobs_job_has_an_error_exactly_when_failed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[JobStatus.RUNNING, JobStatus.DONE], started_at__isnull=False)
                | ~Q(status__in=[JobStatus.RUNNING, JobStatus.DONE]),
                name="jobs_job_that_runs_has_begun",
            ),
            models.UniqueConstraint(
                fields=["organisation", "question"],
                condition=Q(status__in=sorted(OPEN)),
                name="jobs_job_one_flight_for_a_question",
            ),
        ]
        indexes = [
            models.Index(fields=["machine", "lane", "asked_at"], condition=Q(ended_at=None), name="jobs_job_open"),
            models.Index(fields=["ended_at"], name="jobs_job_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    def look_again(self) -> None:
        """As it is now. One that is forgotten, since tickets were deleted, is over and was nothing."""
        try:
            self.refresh_from_db()
        except Job.DoesNotExist:
            if not self.has_ended:
                self.status, self.ended_at = JobStatus.CANCELLED, utc_now()
            self.result, self.error_message, self.error_values = None, "", {}

    @property
    def has_ended(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self.status in ENDED

    @property
    def is_done(self) -> bool:
        """Whether it ended with a result."""
        return self.status == JobStatus.DONE

    @property
    def share(self) -> float:
        """How much of the source is read, 0 to 1."""
        return min(self.bytes_read / self.bytes_total, 1.0) if self.bytes_total else 0.0


class Machine(models.Model):
    """A row to lock while a place is taken: two processes of one machine must not both take the last."""

    name = models.CharField(max_length=150, primary_key=True)

    class Meta:
        db_table = "jobs_machine"
