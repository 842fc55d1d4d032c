from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.cursors import Page, PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.v1.datasets import DATA_SET, DataSetOut, data_set_of, data_set_out
from otai.api.v1.jobs import JobOut
from otai.api.v1.models import version_of
from otai.api.v1.runs import RUN, RunOut, run_out
from otai.api.v1.shapes import Name, Number, Text, TicketText
from otai.api.waiting import accepted, patience, seconds_to_wait
from otai.db import new_id, utc_now
from otai.errors import NotFound
from otai.jobs import operations as jobs
from otai.jobs.operations import Asked
from otai.learning.evidence.acceptance import Criterion, CriterionInvalid
from otai.orgs.permissions import Action
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs import operations as run_operations
from otai.runs.guarantee import operations as guarantee_operations
from otai.runs.guarantee import queries as guarantee_queries
from otai.runs.models import Guarantee
from otai.serving import advice, cards, feedback
from otai.serving import jobs as serving_jobs
from otai.serving.models import Advice, AdviceStatus, Feedback
from otai.words import advice as words

noun = Noun("Feedback, advice and guarantee")

Labels = Annotated[list[Name], Field(max_length=1_000)]


class CorrectionIn(Schema):
    """The right labels of one ticket, by attribute; what is not named is left open, an empty list says that none applies."""

    text: TicketText
    labels: dict[Name, Labels] = Field(min_length=1, max_length=200)
    ticket: Annotated[Text, Field(max_length=200)] = ""


class FeedbackIn(Schema):
    """`complete`: it speaks of every ticket of its time, right ones too; only then does the share of right ones count."""

    items: Annotated[list[CorrectionIn], Field(min_length=1, max_length=1_000)]
    complete: bool = False


class FeedbackGivenOut(Schema):
    statements: int
    right: int


class FeedbackOut(Schema):
    version: int
    ticket: str
    text: str
    attribute: str
    predicted: list[str]
    confidence: float
    corrected: list[str]
    is_right: bool
    given_by: str
    given_at: datetime


class FeedbackListOut(Schema):
    items: list[FeedbackOut]
    next: str | None


class FeedbackOfferOut(Schema):
    """Feedback that waits to become training data."""

    statements: int
    tickets: int
    wrong: int
    into: UUID | None


class MergedOut(Schema):
    """The new version of the data set; `changed` labels are others now, `added` tickets are new."""

    data_set: DataSetOut
    changed: int
    added: int


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
    decided_by: str
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
    """Mode and delivery as in the last training, if left out. `with_feedback` merges waiting feedback first."""

    mode: Mode | None = None
    delivery: Delivery | None = None
    with_feedback: bool = False


class FollowedOut(Schema):
    """`run` is null where no training was needed: labels go by their new names."""

    run: RunOut | None


class DismissIn(Schema):
    why: Annotated[Text, Field(max_length=500)] = ""


class SuspectsIn(Schema):
    """Which suspected labels to fix; `tickets` left out: all that are listed."""

    attribute: Name
    tickets: Annotated[list[Name], Field(min_length=1, max_length=10_000)] | None = None


class GuaranteeOut(Schema):
    """The included run and improvement run of one tier, what was agreed, and what came of it."""

    id: UUID
    tier: str
    status: str
    waits_for_operator: bool
    criteria: list[dict[str, Any]]
    data_set: UUID | None
    holdout_tickets: int
    agreed_by: str
    agreed_at: datetime | None
    run: int | None
    verdict: Any
    improvement_run: int | None
    improvement_verdict: Any
    fee_credits: int | None


class GuaranteesOut(Schema):
    items: list[GuaranteeOut]


class CriteriaIn(Schema):
    """What the included run must reach, each in words: `queue accuracy 0.85`, `queue macro_f1 60%`, `queue coverage@95 0.3`."""

    data_set: UUID
    criteria: Annotated[list[Name], Field(min_length=1, max_length=600)]
    tier: Tier | None = None


class IncludedRunIn(Schema):
    quote: UUID
    kind: Literal["included", "improvement"] = "included"
    tier: Tier | None = None


FEEDBACK = {
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
}
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
GUARANTEE = {
    "id": "019a4f10-8888-7999-8000-111122223333",
    "tier": "pro",
    "status": "agreed",
    "waits_for_operator": False,
    "criteria": [{"attribute": "queue", "metric": "accuracy", "threshold": "7/10", "in_words": "queue: accuracy 70 %"}],
    "data_set": DATA_SET["id"],
    "holdout_tickets": 1000,
    "agreed_by": "price book",
    "agreed_at": "2026-11-02T09:30:00Z",
    "run": None,
    "verdict": None,
    "improvement_run": None,
    "improvement_verdict": None,
    "fee_credits": None,
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
    version: Annotated[Number | None, Query(description="Of which version; the live one, if left out.")] = None,
) -> HttpResponse:
    """Say what the right labels are

    Kept beside what the model had said, and never trained on silently: merging it is a step of its own.
    """
    found = version_of(request.auth, model, version)
    key = keys.key_of(request) or f"api:{new_id()}"

    def work() -> Any:
        given = feedback.give(
            version=found,
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


@noun.get("/models/{model}/feedback", Action.VIEW, FeedbackListOut, example={"items": [FEEDBACK], "next": None})
def list_feedback(request: CallerRequest, model: Name, page: PageQuery) -> Any:
    """All feedback on a model, the newest first"""
    version_of(request.auth, model)
    found = feedback.listed(request.auth.organisation, model).select_related("version")
    by = ["-given_at", "-id"]
    return page_of(found, request.auth, page, of=f"feedback:{model}", by=by, shown=_feedback)


def _feedback(one: Feedback) -> dict[str, Any]:
    names = [name for name in FeedbackOut.model_fields if name != "version"]
    return {"version": one.version.number, **{name: getattr(one, name) for name in names}}


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

    A new version of the data set with all waiting feedback in it; a training on it learns from it. Where that takes longer than two seconds,
    the answer is 202 with a job; `Prefer: wait=20` holds it back.
    """
    caller = request.auth

    def work() -> Any:
        version_of(caller, model)
        begun = serving_jobs.ask_to_merge(organisation=caller.organisation, name=model, by=caller.who, now=utc_now())
        return merged_or_job(request, begun)

    return keys.once(request, work)


def merged_or_job(request: CallerRequest, begun: Asked) -> Any:
    """What the job made, where it is done while the caller waits; else the job. Raises why it came to nothing."""
    job = jobs.wait(begun, seconds=seconds_to_wait(request, otherwise=patience()))
    if not job.has_ended:
        return job
    serving_jobs.refuse_if_failed(job)
    assert job.result is not None
    data_set = data_set_of(request.auth, UUID(job.result["data_set"]))
    return {"data_set": data_set_out(data_set), "changed": job.result["changed"], "added": job.result["added"]}


@noun.get(
    "/models/{model}/improvements",
    Action.VIEW,
    dict[str, list[dict[str, Any]]],
    example={"queue": [{"kind": "more_tickets", "title": "2 000 more tickets", "details": {}}]},
    errors=[503],
)
def list_improvements(
    request: CallerRequest,
    model: Name,
    version: Annotated[Number | None, Query(description="The live one, if left out.")] = None,
) -> Any:
    """What would most likely raise a model, for each attribute"""
    found = version_of(request.auth, model, version)
    # An old card that this release cannot read is told as such.
    cards.report_card(found)
    improved = advice.improvements(request.auth.organisation, found.model.name, found.number)
    return {name: [asdict(one) for one in each] for name, each in improved.items()}


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

    As it suggested, in a new version of the data set. Where that takes longer than two seconds, the answer is 202 with a job.
    """
    caller = request.auth

    def work() -> Any:
        cards.report_card(version_of(caller, model))
        data_set, labels, why = advice.suspects_as_labels(
            organisation=caller.organisation, name=model, attribute=asked.attribute, ticket_ids=asked.tickets
        )
        begun = serving_jobs.ask_to_correct(data_set=data_set, labels=labels, by=caller.who, why=why, now=utc_now())
        return merged_or_job(request, begun)

    return keys.once(request, work)


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

    Instead of waiting for the daily look: what speaks for training again, the most urgent first. Drift is tested once a week, however often
    somebody looks. Where it takes longer than two seconds, the answer is 202 with a job.
    """
    caller = request.auth
    version = version_of(caller, model)
    begun = serving_jobs.ask_to_look(organisation=caller.organisation, name=model, who=caller.who, now=utc_now())
    if begun is not None:
        job = jobs.wait(begun, seconds=seconds_to_wait(request, otherwise=patience()))
        if not job.has_ended:
            return accepted(job)
        serving_jobs.refuse_if_failed(job)
    return {"items": [_advice(one) for one in advice.open_advice(version)]}


@noun.get("/advice", Action.VIEW, AdviceListOut, example={"items": [ADVICE], "next": None})
def list_advice(request: CallerRequest, asked: Annotated[AdviceQuery, Query()]) -> Any:
    """Why to train again, the newest first"""
    found = advice.all_advice(request.auth.organisation)
    if asked.status is not None:
        found = found.filter(status=asked.status)
    return page_of(found, request.auth, asked, of="advice", by=["-found_at", "-id"], shown=_advice)


@noun.get("/advice/{uuid:advice_id}", Action.VIEW, AdviceOut, example=ADVICE)
def get_advice(request: CallerRequest, advice_id: UUID) -> Any:
    """One piece of advice, with its evidence"""
    return _advice(advice.advice(request.auth.organisation, advice_id))


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

    Quotes and orders the training that it proposes, or goes on with labels' new names where that is all it takes. `with_feedback` merges the
    waiting feedback first; where that takes longer than two seconds, the answer is 202 with the job that does so, and nothing is ordered
    yet: follow again when it is done, with another Idempotency-Key.
    """
    caller = request.auth

    def work() -> Any:
        named: dict[str, Any] = {
            "organisation": caller.organisation,
            "id": advice_id,
            "mode": asked.mode,
            "delivery": asked.delivery,
            "who": caller.who,
            "now": utc_now(),
        }
        if asked.with_feedback and (found := advice.needs_merging_first(**named)) is not None:
            begun = serving_jobs.ask_to_merge(
                organisation=caller.organisation,
                name=found.version.model.name,
                by=caller.who,
                now=utc_now(),
                why=advice.why_merged(found),
            )
            job = jobs.wait(begun, seconds=seconds_to_wait(request, otherwise=patience()))
            if not job.has_ended:
                return job
            serving_jobs.refuse_if_failed(job)
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
    return _advice(advice.advice(caller.organisation, advice_id))


def _advice(one: Advice) -> dict[str, Any]:
    names = [name for name in AdviceOut.model_fields if name not in ("model", "version")]
    return {
        "model": one.version.model.name,
        "version": one.version.number,
        **{name: getattr(one, name) for name in names},
        **words.told(one, data_set=str(one.data_set or "")),
    }


@noun.get("/guarantees", Action.VIEW, GuaranteesOut, example={"items": [GUARANTEE]})
def list_guarantees(request: CallerRequest) -> Any:
    """The guarantee of each tier that you reached

    One included run and one improvement run, and what was agreed for them.
    """
    return {"items": [_guarantee(one) for one in guarantee_queries.guarantees(request.auth.organisation)]}


@noun.post(
    "/guarantee/criteria",
    Action.TRAIN,
    GuaranteeOut,
    example=GUARANTEE,
    body_example={"data_set": DATA_SET["id"], "criteria": ["queue accuracy 0.7"]},
    errors=[404, 409, 503],
)
def propose_criteria(request: CallerRequest, asked: CriteriaIn) -> Any:
    """Propose what the included run must reach

    Fixes the tickets that it will be measured on. Agreed at once at or below the standard bar; else an operator is asked.
    """
    caller = request.auth
    data_set = data_set_of(caller, asked.data_set)
    try:
        criteria = [Criterion.parse(text) for text in asked.criteria]
    except CriterionInvalid as wrong:
        wrong.details["field"] = "body.criteria"
        raise
    guarantee_operations.open_guarantees(organisation=caller.organisation, now=utc_now())
    return _guarantee(
        guarantee_operations.propose(
            organisation=caller.organisation,
            data_set=data_set,
            criteria=criteria,
            tier=asked.tier,
            who=caller.who,
            now=utc_now(),
        )
    )


@noun.post(
    "/guarantee/runs",
    Action.TRAIN,
    RunOut,
    status=201,
    example={**RUN, "status": "queued"},
    body_example={"quote": RUN["quote"], "kind": "included"},
    repeatable=True,
    errors=[404, 409, 503],
)
def order_included_run(request: CallerRequest, asked: IncludedRunIn) -> HttpResponse:
    """Order the included run, or the improvement run

    Paid by a grant of its price; measured on the tickets fixed before.
    """
    caller = request.auth
    improvement = asked.kind == "improvement"
    order = run_operations.order_improvement_run if improvement else run_operations.order_included_run

    def work() -> Any:
        run = order(organisation=caller.organisation, quote=asked.quote, tier=asked.tier, who=caller.who, now=utc_now())
        return RunOut.model_validate(run_out(run))

    return keys.once(request, work)


@noun.get("/guarantees/{uuid:guarantee}/holdout.csv", Action.VIEW, produces=["text/csv"], errors=[409, 503])
def download_holdout(request: CallerRequest, guarantee: UUID) -> Any:
    """The tickets that the included run is measured on, as CSV"""
    found = guarantee_queries.guarantees(request.auth.organisation).filter(id=guarantee).first()
    if found is None:
        raise NotFound("guarantee")
    lines = guarantee_queries.holdout_csv(found)
    first = next(lines, "")

    def whole() -> Any:
        yield first
        yield from lines

    response = StreamingHttpResponse(whole(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="holdout-{found.tier}.csv"'
    return response


def _guarantee(found: Guarantee) -> dict[str, Any]:
    names = ("id", "tier", "status", "waits_for_operator", "holdout_tickets", "agreed_by", "agreed_at", "fee_credits")
    return {
        **{name: getattr(found, name) for name in names},
        "criteria": [one.as_dict() | {"in_words": one.in_words} for one in guarantee_queries.criteria(found)],
        "data_set": found.data_set_id,
        "run": found.run.number if found.run else None,
        "verdict": found.verdict,
        "improvement_run": found.improvement_run.number if found.improvement_run else None,
        "improvement_verdict": found.improvement_verdict,
    }
