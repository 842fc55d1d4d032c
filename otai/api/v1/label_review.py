from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.datasets import DATA_SET, data_set_of
from otai.api.v1.jobs import JobOut
from otai.api.v1.next_versions import MergedOut, made_once
from otai.api.v1.shapes import Name, Text
from otai.api.v1.ticket_search import made_searchable
from otai.db import utc_now
from otai.errors import Refused
from otai.jobs.operations import Asked
from otai.orgs.permissions import Action
from otai.serving import jobs as serving_jobs
from otai.serving import review
from otai.serving.models import LabelVerdict, ReviewItem
from otai.tickets import queries
from otai.tickets.models import DataSet

noun = Noun("Labels to look through")


class NotSearchable(Refused):
    """The version is being made searchable; what is looked through is found by that."""

    code = "not_searchable_yet"


class ReviewQuery(Schema):
    """Which questions: of one attribute, with one label (given or suggested), from one confidence on."""

    attribute: Annotated[Text, Field(max_length=200)] = ""
    label: Annotated[Text, Field(max_length=200)] = ""
    confidence_from: float = Field(0.0, ge=0, le=1)


class QuestionOut(Schema):
    """Is `suggested` right, rather than `given`? `id` is null until somebody took it up; `verdict` and `labels` until
    somebody answered. `row` is the ticket's place in the newest version, null where a colleague's correction alone
    brought it. `feedback`: it is a colleague's correction, not a training's doubt."""

    id: UUID | None
    ticket: str
    attribute: str
    row: int | None
    begins: str
    given: list[str]
    suggested: list[str]
    confidence: float
    feedback: bool
    claimed_by: Who | None
    claimed_until: datetime | None
    verdict: Literal["keep", "take", "other"] | None
    labels: list[str] | None
    decided_by: Who | None
    decided_at: datetime | None
    merged_into: UUID | None


class ReviewOut(Schema):
    """`open` questions wait, `decided` are answered; `changes` answers are not part of the tickets yet. `data_set` is
    the newest version, which is looked through."""

    data_set: UUID
    open: int
    decided: int
    changes: int
    items: list[QuestionOut]


class NextOut(Schema):
    """The question that is yours for ten minutes; null where none is left."""

    item: QuestionOut | None


class AnswerIn(Schema):
    """`keep`: the label is right. `take`: the suggestion is. `other`: these `labels` are. `skip`: at the end again."""

    verdict: Literal["keep", "take", "other", "skip"]
    labels: Annotated[list[Name], Field(max_length=1_000)] = []


class ReviewedVersionIn(Schema):
    why: Annotated[Text, Field(max_length=500)] = ""


QUESTION = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "ticket": "4711",
    "attribute": "queue",
    "row": 4,
    "begins": "Invoice wrong",
    "given": ["network"],
    "suggested": ["billing"],
    "confidence": 0.97,
    "feedback": False,
    "claimed_by": "helpdesk (API key k3m9pq2x)",
    "claimed_until": "2026-11-02T09:40:00Z",
    "verdict": None,
    "labels": None,
    "decided_by": None,
    "decided_at": None,
    "merged_into": None,
}
ANSWERED = {
    **QUESTION,
    "claimed_by": None,
    "claimed_until": None,
    "verdict": "take",
    "labels": ["billing"],
    "decided_by": "helpdesk (API key k3m9pq2x)",
    "decided_at": "2026-11-02T09:31:00Z",
}
OF_DATA_SET = "/data-sets/{uuid:data_set}/review"


def _newest(request: CallerRequest, data_set: UUID) -> DataSet:
    found = data_set_of(request.auth, data_set)
    found.require_tickets()
    return queries.data_set(request.auth.organisation, found.name)


def _filter(asked: ReviewQuery) -> review.ReviewFilter:
    return review.ReviewFilter(asked.attribute, asked.label, asked.confidence_from)


@noun.get(
    OF_DATA_SET,
    Action.READ_TICKETS,
    ReviewOut,
    later=JobOut,
    errors=[409, 503],
    example={"data_set": DATA_SET["id"], "open": 1, "decided": 0, "changes": 0, "items": [QUESTION]},
)
def list_questions(request: CallerRequest, data_set: UUID, asked: Annotated[ReviewQuery, Query()]) -> Any:
    """Labels that look wrong, and what was decided

    Of the newest version of the data set's name: what its models' newest trainings doubt, and what colleagues
    corrected. What was decided stays decided until the ticket's text changes. A version that is not searchable yet is
    made so first: 202 with a job, where that takes longer than two seconds.
    """
    newest = _newest(request, data_set)
    if (later := made_searchable(request, newest)) is not None:
        return later
    queue = _required(newest).only(_filter(asked))
    return {
        "data_set": newest.id,
        "open": len(queue.open),
        "decided": queue.decided,
        "changes": review.changes_waiting(newest).count,
        "items": [_question(one) for one in queue.questions],
    }


def _required(newest: DataSet) -> review.ReviewQueue:
    queue = review.queue_of(newest)
    if queue is None:
        raise NotSearchable("index", data_set=str(newest))
    return queue


@noun.post(
    f"{OF_DATA_SET}/next",
    Action.UPLOAD_TICKETS,
    NextOut,
    example={"item": QUESTION},
    body_example={"attribute": "queue", "label": "", "confidence_from": 0.5},
    errors=[409, 503],
)
def take_question(request: CallerRequest, data_set: UUID, asked: ReviewQuery) -> Any:
    """Take up the next question

    It is the caller's for ten minutes; others get other ones. Who holds one already gets it again. `not_searchable_yet`
    until `GET` of the same address has made the version so.
    """
    queue = _required(_newest(request, data_set)).only(_filter(asked))
    row = review.take_next(queue, who=request.auth.who, now=utc_now())
    return {"item": None if row is None else _row(row)}


@noun.post(
    f"{OF_DATA_SET}/{{uuid:question}}/answer",
    Action.UPLOAD_TICKETS,
    QuestionOut,
    example=ANSWERED,
    body_example={"verdict": "take", "labels": []},
    errors=[409],
)
def answer_question(request: CallerRequest, data_set: UUID, question: UUID, asked: AnswerIn) -> Any:
    """Answer a question about a label

    Nothing of the tickets changes until a version is made. `review_moved` where somebody else decided it, or looks at
    it now; nothing is changed then.
    """
    newest, who = _newest(request, data_set), request.auth.who
    row = review.item(request.auth.organisation, newest, question)
    if asked.verdict == "skip":
        review.skip(row, who=who, now=utc_now())
        return _row(review.item(request.auth.organisation, newest, question))
    return _row(
        review.decide(
            row, verdict=LabelVerdict(asked.verdict), labels=asked.labels, data_set=newest, who=who, now=utc_now()
        )
    )


@noun.post(
    f"{OF_DATA_SET}/{{uuid:question}}/undo",
    Action.UPLOAD_TICKETS,
    QuestionOut,
    example=QUESTION,
    errors=[409],
)
def undo_answer(request: CallerRequest, data_set: UUID, question: UUID) -> Any:
    """Take an answer back

    Whoever gave it; the question is the caller's again. `review_moved` where it is part of a version by now.
    """
    newest = _newest(request, data_set)
    row = review.item(request.auth.organisation, newest, question)
    return _row(review.undo(row, who=request.auth.who, now=utc_now()))


@noun.post(
    f"{OF_DATA_SET}/version",
    Action.UPLOAD_TICKETS,
    MergedOut,
    status=201,
    example={"data_set": DATA_SET, "changed": 7, "added": 0},
    body_example={"why": "looked through by two of us"},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def make_reviewed_version(request: CallerRequest, data_set: UUID, asked: ReviewedVersionIn) -> HttpResponse:
    """Make a version of what was decided

    The next version of the data set, with every answer that changes a label; the one before stays. `change_invalid`
    where nothing was decided. Where it takes longer than two seconds, the answer is 202 with a job.
    """
    caller = request.auth

    def ask() -> Asked:
        newest = _newest(request, data_set)
        return serving_jobs.ask_to_apply_review(data_set=newest, by=caller.who, why=asked.why, now=utc_now())

    return made_once(request, ask)


def _question(one: review.Question) -> dict[str, Any]:
    if one.asked is not None:
        return {**_row(one.asked), "row": one.row, "begins": one.begins}
    nobody = dict.fromkeys(
        ("id", "claimed_by", "claimed_until", "verdict", "labels", "decided_by", "decided_at", "merged_into")
    )
    return {
        **nobody,
        "ticket": one.ticket,
        "attribute": one.attribute,
        "row": one.row,
        "begins": one.begins,
        "given": list(one.given),
        "suggested": list(one.suggested),
        "confidence": one.confidence,
        "feedback": one.feedback is not None,
    }


def _row(row: ReviewItem) -> dict[str, Any]:
    return {
        "id": row.id,
        "ticket": row.ticket,
        "attribute": row.attribute,
        "row": None,
        "begins": "",
        "given": row.given,
        "suggested": row.suggested,
        "confidence": row.confidence,
        "feedback": row.feedback_id is not None,
        "claimed_by": row.claimed_by or None,
        "claimed_until": row.claimed_until,
        "verdict": row.verdict or None,
        "labels": row.labels,
        "decided_by": row.decided_by or None,
        "decided_at": row.decided_at,
        "merged_into": row.merged_into_id,
    }
