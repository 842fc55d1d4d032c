from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import Caller, CallerRequest
from otai.api.cursors import Page, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who, as_the_caller_may
from otai.api.v1.jobs import JobOut
from otai.api.v1.models import version_of
from otai.api.v1.runs import RUN, RunOut, run_out
from otai.api.v1.shapes import Name, Text
from otai.api.waiting import accepted, waited_for
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.pricing.price_book import Delivery, Mode
from otai.serving import advice
from otai.serving import jobs as serving_jobs
from otai.serving.models import Advice, AdviceStatus
from otai.words import advice as words
from otai.words.catalogue import say_stored

noun = Noun("Advice")


class AdviceOut(Schema):
    """That a model should be trained again, why, from what evidence, and for how many credits."""

    id: UUID
    model: str
    version: int
    kind: str
    status: str
    title: str
    reason: str
    attributes: list[str]
    credits: int
    evidence: Any
    chart: Any
    found_at: datetime
    checked_at: datetime
    decided_at: datetime | None
    decided_by: Who
    decided_why: str


class LookedOut(Schema):
    """What is advised now; empty where nothing speaks for training again."""

    items: list[AdviceOut]


class AdviceListOut(Schema):
    items: list[AdviceOut]
    next: str | None


class AdviceQuery(Page):
    status: AdviceStatus | None = Field(None, description="Only advice in this state.")


class FollowIn(Schema):
    """Mode as the advice proposes it and delivery as in the last training, if left out. `with_feedback` merges waiting
    feedback first. `accept_no_gain`: order Maximum although no gain is expected of it."""

    mode: Mode | None = None
    delivery: Delivery | None = None
    with_feedback: bool = False
    accept_no_gain: bool = False


class FollowedOut(Schema):
    """`run` is null where no training was needed: labels go by their new names."""

    run: RunOut | None


class DismissIn(Schema):
    why: Annotated[Text, Field(max_length=500)] = ""


ADVICE = {
    "id": "019a4f10-7777-7888-8999-000011112222",
    "model": "support",
    "version": 3,
    "kind": "labels_changed",
    "status": "open",
    "title": "queue: “vpn” is new.",
    "reason": "labels_changed",
    "attributes": ["queue", "priority"],
    "credits": 3,
    "evidence": [],
    "chart": {},
    "found_at": "2026-11-02T09:30:00Z",
    "checked_at": "2026-11-02T09:30:00Z",
    "decided_at": None,
    "decided_by": "",
    "decided_why": "",
}


@noun.post(
    "/models/{model}/look",
    Action.MANAGE_MODELS,
    LookedOut,
    status=200,
    example={"items": [ADVICE]},
    later=JobOut,
    errors=[409, 503],
)
def look_at_model(request: CallerRequest, model: Name) -> Any:
    """Look at a model's newest tickets now

    Instead of waiting for the daily look: what speaks for training again, the most urgent first. Drift is tested once a
    week, however often somebody looks. Where it takes longer than two seconds, the answer is 202 with a job.
    """
    caller = request.auth
    version = version_of(caller, model)
    begun = serving_jobs.ask_to_look(organisation=caller.organisation, name=model, who=caller.who, now=utc_now())
    if begun is not None:
        job = waited_for(request, begun)
        if not job.has_ended:
            return accepted(job)
    return {"items": [_advice(one, request.auth) for one in advice.open_advice(version)]}


@noun.get("/advice", Action.VIEW, AdviceListOut, example={"items": [ADVICE], "next": None})
def list_advice(request: CallerRequest, asked: Annotated[AdviceQuery, Query()]) -> Any:
    """Why to train again, the newest first"""
    found = advice.all_advice(request.auth.organisation)
    if asked.status is not None:
        found = found.filter(status=asked.status)
    return page_of(
        found, request.auth, asked, of="advice", by=["-found_at", "-id"], shown=partial(_advice, caller=request.auth)
    )


@noun.get("/advice/{uuid:advice_id}", Action.VIEW, AdviceOut, example=ADVICE)
def get_advice(request: CallerRequest, advice_id: UUID) -> Any:
    """One piece of advice, with its evidence"""
    return _advice(advice.advice(request.auth.organisation, advice_id), request.auth)


@noun.post(
    "/advice/{uuid:advice_id}/follow",
    Action.TRAIN,
    FollowedOut,
    example={"run": RUN},
    body_example={"with_feedback": True},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def follow_advice(request: CallerRequest, advice_id: UUID, asked: FollowIn) -> HttpResponse:
    """Follow advice

    Quotes and orders the training that it proposes, or goes on with labels' new names where that is all it takes.
    `with_feedback` merges the waiting feedback first; where that takes longer than two seconds, the answer is 202 with
    the job that does so, and nothing is ordered yet: follow again when it is done, with another Idempotency-Key.
    """
    caller = request.auth

    def work() -> Any:
        named: dict[str, Any] = {
            "organisation": caller.organisation,
            "id": advice_id,
            "mode": asked.mode,
            "delivery": asked.delivery,
            "knows_no_gain": asked.accept_no_gain,
            "who": caller.who,
            "now": utc_now(),
        }
        if asked.with_feedback and (followed := advice.needs_merging_first(**named)) is not None:
            begun = serving_jobs.ask_to_merge(
                organisation=caller.organisation,
                name=followed.version.model.name,
                by=caller.who,
                now=utc_now(),
                why=advice.FOR_A_TRAINING,
            )
            job = waited_for(request, begun)
            if not job.has_ended:
                return job
        run = advice.follow(**named)
        return FollowedOut.model_validate({"run": run_out(run) if run else None})

    return keys.once(request, work, status=200)


@noun.post(
    "/advice/{uuid:advice_id}/dismiss",
    Action.TRAIN,
    AdviceOut,
    example={**ADVICE, "status": "dismissed"},
    body_example={"why": "The new queue is for two weeks only."},
    errors=[409],
)
def dismiss_advice(request: CallerRequest, advice_id: UUID, asked: DismissIn) -> Any:
    """Dismiss advice

    It is not given again while nothing else is found.
    """
    caller = request.auth
    advice.dismiss(organisation=caller.organisation, id=advice_id, who=caller.who, why=asked.why, now=utc_now())
    return _advice(advice.advice(caller.organisation, advice_id), caller)


def _advice(one: Advice, caller: Caller) -> dict[str, Any]:
    # Of this row in memory only.
    one.evidence = as_the_caller_may(caller, one.evidence)
    names = [name for name in AdviceOut.model_fields if name not in ("model", "version")]
    return {
        "model": one.version.model.name,
        "version": one.version.number,
        **{name: getattr(one, name) for name in names},
        "decided_why": say_stored(one.decided_why),
        **words.told(one, data_set=str(one.data_set or "")),
    }
