"""What makes a next version of a data set answers alike: the version, or 202 with the job that makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.v1.datasets import DataSetOut, data_set_of, data_set_out
from otai.api.waiting import waited_for
from otai.jobs.operations import Asked


class MergedOut(Schema):
    """The new version of the data set; `changed` labels are others now, `added` tickets are new."""

    data_set: DataSetOut
    changed: int
    added: int


def merged_or_job(request: CallerRequest, begun: Asked) -> Any:
    """What the job made, where it is done while the caller waits; else the job. Raises why it came to nothing."""
    job = waited_for(request, begun)
    if not job.has_ended:
        return job
    assert job.result is not None
    data_set = data_set_of(request.auth, UUID(job.result["data_set"]))
    return {"data_set": data_set_out(data_set), "changed": job.result["changed"], "added": job.result["added"]}


def made_once(request: CallerRequest, ask: Callable[[], Asked]) -> HttpResponse:
    """Asks for the version, once for each Idempotency-Key. Raises what `ask` does, and why it came to nothing."""
    return keys.once(request, lambda: merged_or_job(request, ask()))
