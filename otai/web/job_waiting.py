"""Costly work behind a page: what is ready in a moment is shown at once, and for the rest the page goes to the job."""

from __future__ import annotations

from django.conf import settings

from otai.jobs import operations, queries
from otai.jobs.models import Job
from otai.serving import jobs as serving_jobs


def waited(begun: operations.Asked) -> Job:
    """The job, ended or still at work after as long as a page may take. Raises why it came to nothing."""
    job = wait_as_a_page(begun)
    queries.refuse_if_failed(job, serving_jobs.REFUSALS)
    return job


def wait_as_a_page(begun: operations.Asked) -> Job:
    """The job, ended or still at work after as long as a page may take."""
    return operations.wait(begun, seconds=settings.OTAI_JOBS_WAIT_SECONDS)
