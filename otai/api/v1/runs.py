from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import Caller, CallerRequest
from otai.api.cursors import Page, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who, as_the_caller_may
from otai.api.v1.shapes import MOST_NUMBER, Name, PositiveNumber
from otai.db import utc_now
from otai.errors import NotFound
from otai.learning.evidence.card_answer import answer_of
from otai.learning.evidence.report_card import ReportCard
from otai.orgs.permissions import Action
from otai.runs import event_stream, operations, queries
from otai.runs.approval import Approver
from otai.runs.models import Attempt, Run
from otai.runs.status import Approval, RunStatus
from otai.words import findings as words
from otai.words.findings import with_sentences

noun = Noun("Runs")


class ApprovalOut(Schema):
    """Whether an order that needed approval was given it. Empty fields until somebody decided."""

    state: Approval
    until: datetime = Field(description="When it lapses, if nobody decides.")
    by: Who
    at: datetime | None
    why: str = Field(description="Why it was declined.")


class RunOut(Schema):
    """One paid training. Its credits are held until it ends: `charged` says what it cost, 0 unless it is completed.
    `approval` is null where nobody had to be asked; while it waits, `due_at` is as if it had been approved at once."""

    number: int
    id: UUID
    quote: UUID
    data_set: UUID
    data_set_name: str
    model: str
    attributes: list[str]
    mode: str
    delivery: str
    reason: str
    status: RunStatus
    approval: ApprovalOut | None
    credits: int
    held: int
    charged: int
    ordered_by: Who
    ordered_at: datetime
    due_at: datetime
    expected_start_at: datetime | None
    expected_finish_at: datetime | None
    expected_late_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    stage: str
    steps_done: int
    steps_total: int
    failure_code: str
    failure_message: str
    model_version: int | None


class RunsOut(Schema):
    items: list[RunOut]
    next: str | None


class RunIn(Schema):
    quote: UUID = Field(description="The id of a quote that still stands.")
    accept_no_gain: bool = Field(
        False,
        description="Of a Maximum: order it although the trial on these tickets lets expect no gain over Business. "
        "Without it such an order is refused with `no_gain_expected`.",
    )
    again: bool | None = Field(
        None,
        description="Whether just this may be ordered again within a day. False: it is refused with `equal_order`, "
        "which names the first `run`. Left out: an Idempotency-Key of its own says that it is meant.",
    )


class RunMoveOut(Schema):
    id: int
    at: datetime
    move: str
    who: Who
    why: str = Field(description="In English, or as a person wrote it.")
    fact: dict[str, Any] | None = Field(description="What `why` says, as a code with values; null: a person's words.")


class RunProgressOut(Schema):
    status: RunStatus
    stage: str
    steps_done: int
    steps_total: int
    expected_start_at: datetime | None
    expected_finish_at: datetime | None
    ended: bool


class RunEventsOut(Schema):
    """What happened after `after`, and how far the run is. Ask again with `next_after` until `progress.ended`."""

    moves: list[RunMoveOut]
    progress: RunProgressOut
    next_after: int


class DeviceOut(Schema):
    """What a training ran on: `count` GPUs of the name, or cores of the processor."""

    kind: Literal["gpu", "cpu"]
    name: str
    count: int


class RunAttemptOut(Schema):
    """One try of the run on one machine."""

    number: int
    worker: str
    pool: str
    hardware: str
    devices: list[DeviceOut] = Field(
        description="What the training itself found that it ran on, GPUs first; without a GPU none was used. Empty: it "
        "has not begun, or ran before this was asked."
    )
    started_at: datetime
    ended_at: datetime | None
    outcome: str


class RunAttemptsOut(Schema):
    items: list[RunAttemptOut]


class RunsQuery(Page):
    status: list[RunStatus] = Field(
        [], max_length=len(RunStatus), description="Only runs in one of these; repeat the parameter."
    )
    model: Name | None = Field(None, description="Only runs of this model.")


RUN = {
    "number": 4,
    "id": "019a4f0d-2222-7333-8444-555566667777",
    "quote": "019a4f0d-1111-7222-8333-444455556666",
    "data_set": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "data_set_name": "support v2",
    "model": "support",
    "attributes": ["queue", "priority", "category"],
    "mode": "business",
    "delivery": "fast",
    "reason": "new_model",
    "status": "training",
    "approval": None,
    "credits": 3,
    "held": 3,
    "charged": 0,
    "ordered_by": "nightly import (API key k3m9pq2x)",
    "ordered_at": "2026-11-02T09:31:00Z",
    "due_at": "2026-11-02T11:31:00Z",
    "expected_start_at": "2026-11-02T09:31:02Z",
    "expected_finish_at": "2026-11-02T09:36:00Z",
    "expected_late_at": None,
    "started_at": "2026-11-02T09:31:02Z",
    "ended_at": None,
    "attempts": 1,
    "stage": "features",
    "steps_done": 3,
    "steps_total": 14,
    "failure_code": "",
    "failure_message": "",
    "model_version": None,
}


@noun.post(
    "/runs",
    Action.TRAIN,
    RunOut,
    status=201,
    example={**RUN, "status": "queued", "attempts": 0, "stage": "", "steps_done": 0, "steps_total": 0},
    body_example={"quote": "019a4f0d-1111-7222-8333-444455556666"},
    repeatable=True,
    errors=[404, 409, 503],
)
def order_run(request: CallerRequest, asked: RunIn) -> HttpResponse:
    """Order a run

    Holds the quote's credits and queues the training: both or neither. A quote becomes one run, however often it is
    ordered. A Maximum that is not expected to gain over Business (`warnings` of its quote) is asked about once
    (`accept_no_gain`). An order of the same version of tickets, attributes, mode, name and reason within a day is asked
    about as well (`equal_order`, `again`). Above the organisation's threshold (`GET /spending`) it is
    `awaiting_approval` first, its credits held.
    """
    caller = request.auth

    def work() -> Any:
        run = operations.order_run(
            organisation=caller.organisation,
            quote=asked.quote,
            who=caller.who,
            now=utc_now(),
            knows_no_gain=asked.accept_no_gain,
            refuses_equal=not keys.means_again(request, asked.again),
        )
        return RunOut.model_validate(run_out(run))

    return keys.once(request, work)


@noun.get("/runs", Action.VIEW, RunsOut, example={"items": [RUN], "next": None})
def list_runs(request: CallerRequest, asked: Annotated[RunsQuery, Query()]) -> Any:
    """Your runs, the newest first"""
    found = queries.runs(request.auth.organisation).select_related("version")
    if asked.status:
        found = found.filter(status__in=asked.status)
    if asked.model is not None:
        found = found.filter(model_name=asked.model)
    # Report cards are long, and a list shows none.
    return page_of(found.defer("report_card"), request.auth, asked, of="runs", by=["-number"], shown=run_out)


@noun.get("/runs/{int:number}", Action.VIEW, RunOut, example=RUN)
def get_run(request: CallerRequest, number: PositiveNumber) -> Any:
    """One run"""
    return run_out(queries.run(request.auth.organisation, number))


@noun.post("/runs/{int:number}/cancel", Action.TRAIN, RunOut, example={**RUN, "status": "cancelled"}, errors=[409])
def cancel_run(request: CallerRequest, number: PositiveNumber) -> Any:
    """Cancel a run

    Its credits are given back in full, whatever a worker is doing with it. An order that waits for approval is
    withdrawn. Refused once it has ended.
    """
    caller = request.auth
    return run_out(
        operations.cancel_run(organisation=caller.organisation, number=number, who=caller.who, now=utc_now())
    )


class DeclineIn(Schema):
    why: str = Field(min_length=1, max_length=500, description="Whoever ordered reads it.")


APPROVAL = {"state": "waiting", "until": "2026-11-09T09:31:00Z", "by": "", "at": None, "why": ""}
DECIDED = {**APPROVAL, "by": "alice@acme.example", "at": "2026-11-02T10:00:00Z"}
BEFORE_IT_BEGAN = {**RUN, "attempts": 0, "stage": "", "steps_done": 0, "steps_total": 0}


@noun.post(
    "/runs/{int:number}/approve",
    Action.APPROVE,
    RunOut,
    example={**BEFORE_IT_BEGAN, "status": "queued", "approval": {**DECIDED, "state": "approved"}},
    errors=[409, 503],
)
def approve_run(request: CallerRequest, number: PositiveNumber) -> Any:
    """Approve an order

    It is queued at the price it was ordered at, and due from now on. Nobody approves their own order, nor a program of
    theirs, unless they are the only owner (`own_order`).
    """
    caller = request.auth
    run = operations.approve_run(organisation=caller.organisation, number=number, by=_approver(caller), now=utc_now())
    return run_out(run)


@noun.post(
    "/runs/{int:number}/decline",
    Action.APPROVE,
    RunOut,
    example={
        **BEFORE_IT_BEGAN,
        "status": "cancelled",
        "held": 0,
        "approval": {**DECIDED, "state": "declined", "why": "Wait for the new queues."},
    },
    body_example={"why": "Wait for the new queues."},
    errors=[409],
)
def decline_run(request: CallerRequest, number: PositiveNumber, asked: DeclineIn) -> Any:
    """Decline an order

    It is cancelled, and its credits are given back.
    """
    caller = request.auth
    return run_out(
        operations.decline_run(
            organisation=caller.organisation, number=number, by=_approver(caller), why=asked.why, now=utc_now()
        )
    )


def _approver(caller: Caller) -> Approver:
    return Approver(
        caller.who,
        member=caller.member.pk if caller.member else None,
        key=caller.key.pk if caller.key else None,
    )


@noun.get(
    "/runs/{int:number}/events",
    Action.VIEW,
    RunEventsOut,
    produces=["application/json", "text/event-stream"],
    example={
        "moves": [
            {
                "id": 17,
                "at": "2026-11-02T09:31:02Z",
                "move": "queued -> training",
                "who": "host/boot/4711.1762075860",
                "why": "attempt 1 on NVIDIA H100",
                "fact": {"code": "run.begun", "values": {"attempt": 1, "hardware": "NVIDIA H100"}},
            }
        ],
        "progress": {
            "status": "training",
            "stage": "features",
            "steps_done": 3,
            "steps_total": 14,
            "expected_start_at": "2026-11-02T09:31:02Z",
            "expected_finish_at": "2026-11-02T09:36:00Z",
            "ended": False,
        },
        "next_after": 17,
    },
)
def watch_run(
    request: CallerRequest,
    number: PositiveNumber,
    after: Annotated[int, Query(ge=0, le=2**62, description="`next_after` of the answer before.")] = 0,
) -> Any:
    """What happens to a run, live

    With `Accept: text/event-stream` a stream of server-sent events: `move` (with an id), `progress`, and `end` after
    the last one. A reader that was cut off sends `Last-Event-ID` and misses no move. Otherwise one JSON answer, for
    asking now and then.
    """
    run = queries.run(request.auth.organisation, number)
    if "text/event-stream" in request.headers.get("Accept", ""):
        standing = request.auth.standing(Action.VIEW, session=request.session.session_key)
        return event_stream.run_events_response(request, run, standing=standing, after=after)
    moves, progress = event_stream.look(run, after)
    who = dict(queries.events(run).filter(id__gt=after).values_list("id", "who"))
    return {
        "moves": [{"id": id_, "who": who.get(id_, ""), **move} for id_, move in moves],
        "progress": progress,
        "next_after": moves[-1][0] if moves else after,
    }


@noun.get(
    "/runs/{int:number}/attempts",
    Action.VIEW,
    RunAttemptsOut,
    example={
        "items": [
            {
                "number": 1,
                "worker": "host/boot/4711.1762075860",
                "pool": "h100",
                "hardware": "Ray, H100, node-7: AMD EPYC 9554, 16 CPU, 128 GiB",
                "devices": [
                    {"kind": "gpu", "name": "NVIDIA H100", "count": 1},
                    {"kind": "cpu", "name": "AMD EPYC 9554", "count": 16},
                ],
                "started_at": "2026-11-02T09:31:02Z",
                "ended_at": None,
                "outcome": "",
            }
        ]
    },
)
def list_attempts(request: CallerRequest, number: PositiveNumber) -> Any:
    """On which machines a run was tried"""
    run = queries.run(request.auth.organisation, number)
    return {"items": list(run.attempts.order_by("number"))}


@noun.get("/runs/{int:number}/attempts/{int:attempt}/log", Action.VIEW, produces=["text/plain"])
def get_attempt_log(
    request: CallerRequest, number: PositiveNumber, attempt: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
) -> HttpResponse:
    """The log of one attempt"""
    run = queries.run(request.auth.organisation, number)
    found = Attempt.objects.filter(run=run, number=attempt).first()
    if found is None:
        raise NotFound("no_attempt", number=number, attempt=attempt)
    return HttpResponse(found.log, content_type="text/plain; charset=utf-8")


@noun.get(
    "/runs/{int:number}/report-card",
    Action.VIEW,
    dict[str, Any],
    example={
        "answer": ["queue is right 91.0\u00a0% of the time."],
        "attributes": [{"name": "queue", "accuracy": {"value": 0.91, "low": 0.89, "high": 0.93}}],
    },
)
def get_report_card(request: CallerRequest, number: PositiveNumber) -> Any:
    """The report card of a completed run

    `answer` says first what is told best and worst, what may be left to the model and what not to use it for. Then
    per attribute: quality with its interval beside what guessing would reach, labels, confusions, and how much could be
    automated at which precision. The beginnings of tickets are for a key with `tickets:read`.
    """
    run = queries.run(request.auth.organisation, number)
    if run.report_card is None:
        raise NotFound("no_report_card", number=number, status=run.status)
    shown = with_sentences(as_the_caller_may(request.auth, run.report_card), of_card=True)
    try:
        answer = answer_of(ReportCard.from_values(run.report_card))
    except ValueError:
        # Of a format that this release does not read.
        return shown
    return {"answer": [words.message(one, of_card=True) for one in answer], **shown}


DIFFERENT = {"model", "attributes", "attempts", "approval", "failure_message"}
"""Fields that are not the table's column of that name."""


def run_out(run: Run) -> dict[str, Any]:
    """A run as JSON; credits are whole, times in UTC."""
    names = [name for name in RunOut.model_fields if hasattr(Run, name) and name not in DIFFERENT]
    version = getattr(run, "version", None)
    return {
        **{name: getattr(run, name) for name in names},
        "failure_message": run.what_failed,
        "quote": run.quote_id,
        "data_set": run.data_set_id,
        "data_set_name": str(run.data_set),
        "model": run.model_name,
        "attributes": [attribute["name"] for attribute in run.attributes],
        "approval": _approval_out(run) if run.approval else None,
        "held": 0 if run.has_ended else run.credits,
        "charged": run.credits if run.status == RunStatus.COMPLETED else 0,
        "attempts": run.attempt,
        "model_version": version.number if version else None,
    }


def _approval_out(run: Run) -> dict[str, Any]:
    return {
        "state": run.approval,
        "until": run.approval_until,
        "by": run.approval_by,
        "at": run.approval_at,
        "why": run.approval_why,
    }
