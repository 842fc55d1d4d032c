from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.datasets import DATA_SET, ImportedOut, data_set_of, imported_out
from otai.api.v1.jobs import JobOut
from otai.api.v1.next_versions import MergedOut, made_once, merged_or_job
from otai.api.v1.shapes import Name, Text
from otai.db import utc_now
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.orgs.permissions import Action
from otai.serving import jobs as serving_jobs
from otai.tickets.relabelling import Plan, plan

noun = Noun("Labels and leaks")

RenamedIn = Annotated[dict[Name, Name | None], Field(max_length=10_000)]


class LabelsIn(Schema):
    """By attribute, labels and what they become: another name, the name of another label to join with it, or null to
    leave the label out (its tickets stay, without it)."""

    labels: Annotated[dict[Name, RenamedIn], Field(min_length=1, max_length=200)]
    why: Annotated[Text, Field(max_length=500)] = ""


class EditOut(Schema):
    label: str
    tickets: int
    becomes: str | None


class CountedOut(Schema):
    label: str
    tickets: int


class PlanOut(Schema):
    """What would come of one attribute. `at_most`: tickets may have several labels, so that one with two that are
    joined is counted twice in `after`. `learnable_*` are the labels with 5 or more training tickets."""

    attribute: str
    edits: list[EditOut]
    after: list[CountedOut]
    at_most: bool
    left_without: int
    learnable_before: int
    learnable_after: int


class PlansOut(Schema):
    items: list[PlanOut]


LABELS = {"labels": {"queue": {"Billing dept": "billing", "test": None}}, "why": "one spelling"}


@noun.post(
    "/data-sets/{uuid:data_set}/labels/preview",
    Action.VIEW,
    PlansOut,
    body_example=LABELS,
    example={
        "items": [
            {
                "attribute": "queue",
                "edits": [
                    {"label": "Billing dept", "tickets": 41, "becomes": "billing"},
                    {"label": "test", "tickets": 3, "becomes": None},
                ],
                "after": [{"label": "billing", "tickets": 7053}, {"label": "network", "tickets": 5468}],
                "at_most": False,
                "left_without": 3,
                "learnable_before": 3,
                "learnable_after": 2,
            }
        ]
    },
    errors=[409],
)
def preview_labels(request: CallerRequest, data_set: UUID, asked: LabelsIn) -> Any:
    """What would come of other labels?

    Changes nothing. Only labels that are there can be changed; `GET /data-sets/{id}/attributes` names them.
    """
    return {"items": [_plan(one) for one in plan(data_set_of(request.auth, data_set), asked.labels)]}


def _plan(one: Plan) -> dict[str, Any]:
    return {
        "attribute": one.attribute,
        "edits": one.edits,
        "after": [{"label": label, "tickets": tickets} for label, tickets in one.after],
        "at_most": one.is_at_most,
        "left_without": one.without_label,
        "learnable_before": one.learnt_before,
        "learnable_after": one.learnt_after,
    }


@noun.post(
    "/data-sets/{uuid:data_set}/labels",
    Action.UPLOAD_TICKETS,
    MergedOut,
    status=201,
    example={"data_set": DATA_SET, "changed": 44, "added": 0},
    body_example=LABELS,
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def change_labels(request: CallerRequest, data_set: UUID, asked: LabelsIn) -> HttpResponse:
    """Rename, join or leave out labels

    Makes a new version of the data set; the one before stays. `POST .../labels/preview` says beforehand what it
    changes, `versions_compared` in the new version's profile what it changed. Where it takes longer than two seconds,
    the answer is 202 with a job.
    """
    caller = request.auth

    def ask() -> Asked:
        found = data_set_of(caller, data_set)
        return serving_jobs.ask_to_map(
            data_set=found, mapping=asked.labels, by=caller.who, now=utc_now(), why=asked.why
        )

    return made_once(request, ask)


@noun.post(
    "/data-sets/{uuid:data_set}/cut",
    Action.UPLOAD_TICKETS,
    ImportedOut,
    status=201,
    example={**DATA_SET, "profile": {"tickets": 12480}, "roles": {}},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def cut_lines(request: CallerRequest, data_set: UUID) -> HttpResponse:
    """Cut what gives labels away

    Makes a new version of the data set without the lines, phrases and numbers of the findings `label_given_away`. The
    version before keeps them; models of the new one cut the same from new tickets. `change_invalid` where there are
    none. Where it takes longer than two seconds, the answer is 202 with a job.
    """
    return _imported_once(request, data_set, serving_jobs.ask_to_cut)


@noun.post(
    "/data-sets/{uuid:data_set}/uncut",
    Action.UPLOAD_TICKETS,
    ImportedOut,
    status=201,
    example={**DATA_SET, "profile": {"tickets": 12480}, "roles": {}},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def uncut(request: CallerRequest, data_set: UUID) -> HttpResponse:
    """Undo what the import cut

    Makes a new version of the data set with the texts as they came: earlier mails, signatures and notices that the
    finding `text_was_cut` counts are in them again. The version before stays; models of the new one cut nothing of that
    from new tickets. `change_invalid` where nothing was cut. Where it takes longer than two seconds, the answer is 202
    with a job.
    """
    return _imported_once(request, data_set, serving_jobs.ask_to_uncut)


def _imported_once(request: CallerRequest, data_set: UUID, ask: Callable[..., Asked]) -> HttpResponse:
    """The new version as an import answers it, once for each Idempotency-Key."""
    caller = request.auth

    def work() -> Any:
        found = data_set_of(caller, data_set)
        made = merged_or_job(request, ask(data_set=found, by=caller.who, now=utc_now()))
        return made if isinstance(made, Job) else imported_out(data_set_of(caller, made["data_set"]["id"]), caller)

    return keys.once(request, work)
