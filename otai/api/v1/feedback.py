from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who, as_the_caller_may
from otai.api.v1.datasets import DATA_SET
from otai.api.v1.jobs import JobOut
from otai.api.v1.models import version_of
from otai.api.v1.next_versions import MergedOut, made_once
from otai.api.v1.shapes import Name, PositiveNumber, Text, TicketText
from otai.db import new_id, utc_now
from otai.jobs.operations import Asked
from otai.orgs.permissions import Action
from otai.serving import advice, cards, feedback
from otai.serving import jobs as serving_jobs
from otai.serving.models import Feedback

noun = Noun("Feedback")


LabelList = Annotated[list[Name], Field(max_length=1_000)]


class CorrectionIn(Schema):
    """The right labels of one ticket, by attribute; what is not named is left open, an empty list says that none
    applies."""

    text: TicketText
    labels: dict[Name, LabelList] = Field(min_length=1, max_length=200)
    ticket: Annotated[Text, Field(max_length=200)] = ""


class FeedbackIn(Schema):
    """`complete`: it speaks of every ticket of its time, right ones too; only then does the share of right ones
    count."""

    items: Annotated[list[CorrectionIn], Field(min_length=1, max_length=1_000)]
    complete: bool = False


class FeedbackGivenOut(Schema):
    statements: int
    right: int


class FeedbackOut(Schema):
    """`merged_into` is the data set that it became part of; until then it can be withdrawn."""

    id: UUID
    version: int
    ticket: str
    text: str
    attribute: str
    predicted: list[str]
    confidence: float
    corrected: list[str]
    is_right: bool
    given_by: Who
    given_at: datetime
    merged_into: UUID | None
    withdrawn_at: datetime | None
    withdrawn_by: Who | None


class FeedbackListOut(Schema):
    items: list[FeedbackOut]
    next: str | None


class FeedbackOfferOut(Schema):
    """Feedback that waits to become training data."""

    statements: int
    tickets: int
    wrong: int
    into: UUID | None


class SuspectsIn(Schema):
    """Which suspected labels to fix; `tickets` left out: all that are listed."""

    attribute: Name
    tickets: Annotated[list[Name], Field(min_length=1, max_length=10_000)] | None = None


FEEDBACK = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "version": 3,
    "ticket": "4711",
    "text": "VPN drops every minute",
    "attribute": "queue",
    "predicted": ["accounts"],
    "confidence": 0.61,
    "corrected": ["network"],
    "is_right": False,
    "given_by": "helpdesk (API key k3m9pq2x)",
    "given_at": "2026-11-02T09:30:00Z",
    "merged_into": None,
    "withdrawn_at": None,
    "withdrawn_by": None,
}


@noun.post(
    "/models/{model}/feedback",
    Action.GIVE_FEEDBACK,
    FeedbackGivenOut,
    status=201,
    example={"statements": 2, "right": 1},
    body_example={
        "items": [{"text": "VPN drops every minute", "labels": {"queue": ["network"]}, "ticket": "4711"}],
        "complete": False,
    },
    repeatable=True,
    errors=[409, 503],
)
def give_feedback(
    request: CallerRequest,
    model: Name,
    asked: FeedbackIn,
    version: Annotated[PositiveNumber | None, Query(description="Of which version; the live one, if left out.")] = None,
) -> HttpResponse:
    """Say what the right labels are

    Kept beside what the model had said, and never trained on silently: merging it is a step of its own.
    """
    asked_version = version_of(request.auth, model, version)
    key = keys.key_of(request) or f"api:{new_id()}"

    def work() -> Any:
        given = feedback.give(
            version=asked_version,
            corrections=[
                feedback.Correction(one.text, {name: tuple(labels) for name, labels in one.labels.items()}, one.ticket)
                for one in asked.items
            ],
            by=request.auth.who,
            key=key,
            now=utc_now(),
            complete=asked.complete,
        )
        return {"statements": given.statements, "right": given.right}

    return keys.once(request, work)


@noun.get("/models/{model}/feedback", Action.READ_TICKETS, FeedbackListOut, example={"items": [FEEDBACK], "next": None})
def list_feedback(request: CallerRequest, model: Name, page: PageQuery) -> Any:
    """All feedback on a model, the newest first"""
    version_of(request.auth, model)
    found = feedback.listed(request.auth.organisation, model).select_related("version")
    by = ["-given_at", "-id"]
    return page_of(found, request.auth, page, of=f"feedback:{model}", by=by, shown=_feedback)


def _feedback(one: Feedback) -> dict[str, Any]:
    apart = {
        "version": one.version.number,
        "merged_into": one.merged_into_id,
        "withdrawn_by": one.withdrawn_by or None,
    }
    return {**{name: getattr(one, name) for name in FeedbackOut.model_fields if name not in apart}, **apart}


@noun.delete("/models/{model}/feedback/{uuid:statement}", Action.GIVE_FEEDBACK, errors=[409], lessens=True)
def withdraw_feedback(request: CallerRequest, model: Name, statement: UUID) -> HttpResponse:
    """Withdraw feedback

    One statement, by its `id`: it is neither merged nor counted any more. `feedback_merged` once it is part of the
    tickets. Withdrawing it again changes nothing.
    """
    version_of(request.auth, model)
    feedback.withdraw(organisation=request.auth.organisation, id=statement, who=request.auth.who, now=utc_now())
    return HttpResponse(status=204)


@noun.get(
    "/models/{model}/feedback/waiting",
    Action.VIEW,
    FeedbackOfferOut,
    example={"statements": 12, "tickets": 10, "wrong": 7, "into": DATA_SET["id"]},
)
def get_waiting_feedback(request: CallerRequest, model: Name) -> Any:
    """Feedback that could become training data"""
    version_of(request.auth, model)
    found = feedback.offer(request.auth.organisation, model)
    return {
        "statements": found.statements,
        "tickets": found.tickets,
        "wrong": found.wrong,
        "into": found.into.id if found.into else None,
    }


@noun.post(
    "/models/{model}/feedback/merge",
    Action.UPLOAD_TICKETS,
    MergedOut,
    status=201,
    example={"data_set": DATA_SET, "changed": 7, "added": 3},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def merge_feedback(request: CallerRequest, model: Name) -> HttpResponse:
    """Make feedback part of the tickets

    A new version of the data set with all waiting feedback in it; a training on it learns from it. Where that takes
    longer than two seconds, the answer is 202 with a job; `Prefer: wait=20` holds it back.
    """
    caller = request.auth

    def ask() -> Asked:
        version_of(caller, model)
        return serving_jobs.ask_to_merge(organisation=caller.organisation, name=model, by=caller.who, now=utc_now())

    return made_once(request, ask)


@noun.get(
    "/models/{model}/improvements",
    Action.VIEW,
    dict[str, list[dict[str, Any]]],
    example={
        "queue": [
            {
                "kind": "duplicates",
                "attribute": "queue",
                "sentence": "12 tickets have the same text as another with another label: no model can be right about "
                "both. Decide which it is.",
                "fact": {"code": "improvement.duplicates", "values": {"tickets": 12}},
                "gain": None,
                "details": {"tickets": 12},
            }
        ]
    },
    errors=[503],
)
def list_improvements(
    request: CallerRequest,
    model: Name,
    version: Annotated[PositiveNumber | None, Query(description="The live one, if left out.")] = None,
) -> Any:
    """What would most likely raise a model, for each attribute"""
    found = version_of(request.auth, model, version)
    # An old card that this release cannot read is told as such.
    cards.report_card(found)
    improved = advice.improvements(request.auth.organisation, found.model.name, found.number)
    shown = {name: [asdict(one) | {"sentence": one.sentence} for one in each] for name, each in improved.items()}
    return as_the_caller_may(request.auth, shown)


@noun.post(
    "/models/{model}/suspects/accept",
    Action.UPLOAD_TICKETS,
    MergedOut,
    status=201,
    example={"data_set": DATA_SET, "changed": 7, "added": 0},
    body_example={"attribute": "queue", "tickets": ["4711"]},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def accept_suspects(request: CallerRequest, model: Name, asked: SuspectsIn) -> HttpResponse:
    """Fix labels that a training suspected to be wrong

    As it suggested, in a new version of the data set. Where that takes longer than two seconds, the answer is 202 with
    a job.
    """
    caller = request.auth

    def ask() -> Asked:
        cards.report_card(version_of(caller, model))
        data_set, labels, why = advice.suspects_as_labels(
            organisation=caller.organisation, name=model, attribute=asked.attribute, ticket_ids=asked.tickets
        )
        return serving_jobs.ask_to_correct(data_set=data_set, labels=labels, by=caller.who, why=why, now=utc_now())

    return made_once(request, ask)
