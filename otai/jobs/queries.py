from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from otai.db import utc_now
from otai.errors import NotFound, OtaiError
from otai.jobs.failures import cancelled, refusal
from otai.jobs.models import Job
from otai.jobs.operations import end_if_lost
from otai.jobs.status import JobStatus
from otai.orgs.models import Organisation


def job_with_id(organisation: Organisation, id: UUID) -> Job:
    """As it is now: one that nobody conducts any more is ended first. Raises NotFound, also for another
    organisation's."""
    found = Job.objects.filter(organisation=organisation, id=id).first()
    if found is None:
        raise NotFound("job")
    end_if_lost(found, now=utc_now())
    return found


def jobs(organisation: Organisation) -> QuerySet[Job]:
    """The organisation's jobs, the newest first."""
    return Job.objects.filter(organisation=organisation).order_by("-asked_at", "-id")


def refuse_if_failed(job: Job, known: Iterable[type[OtaiError]] = ()) -> None:
    """Raises why the job came to nothing: what its work refused, or how its process ended. `known` are classes that
    whoever asks tells apart; others come as their kind."""
    error = error_of(job)
    if error is not None:
        raise as_known(error, known)


def as_known(error: OtaiError, known: Iterable[type[OtaiError]]) -> OtaiError:
    """The refusal as the class that it was in the other process, where that is one of these."""
    kind = {each.code: each for each in known}.get(error.code)
    return kind(error.case, written=error.written, **error.details) if kind else error


def error_of(job: Job) -> OtaiError | None:
    """Why it did not come to its end; None while it runs and when it is done."""
    if job.status == JobStatus.CANCELLED:
        return cancelled()
    if job.status != JobStatus.FAILED:
        return None
    return refusal(
        job.error_kind, job.error_message, code=job.error_code, details=job.error_values, case=job.error_case
    )
