from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.datasets import DATA_SET, data_set_of
from otai.api.v1.jobs import JobOut
from otai.api.v1.runs import RUN, RunOut, run_out
from otai.api.v1.shapes import Name
from otai.api.waiting import accepted, waited_for
from otai.db import utc_now
from otai.errors import NotFound
from otai.learning.evidence import acceptance
from otai.learning.evidence.acceptance import Criterion, CriterionInvalid
from otai.orgs.permissions import Action
from otai.pricing.price_book import Tier
from otai.runs import jobs as run_jobs
from otai.runs import queries as runs
from otai.runs.guarantee import queries as guarantee_queries
from otai.runs.models import Guarantee, Run
from otai.words.catalogue import say_fact

noun = Noun("Guarantee")


class GuaranteeOut(Schema):
    """The included run and improvement run of one tier, what was agreed, and what came of it."""

    id: UUID
    tier: str
    status: str
    waits_for_operator: bool
    waits_because: list[dict[str, Any]] = Field(
        description="Why an operator looks at the criteria, or the fee: `why` in English, `fact` as a code with values."
    )
    declined_because: str = Field(description="An operator's reason for declining; empty where nothing is declined.")
    criteria: list[dict[str, Any]]
    data_set: UUID | None
    holdout_tickets: int
    agreed_by: Who
    agreed_at: datetime | None
    run: int | None
    verdict: Any
    improvement_run: int | None
    improvement_verdict: Any
    fee_credits: int | None


class GuaranteesOut(Schema):
    items: list[GuaranteeOut]


class CriteriaIn(Schema):
    """What the included run must reach, each in words: `queue accuracy 0.85`, `queue macro_f1 60%`, `queue coverage@95
    0.3`."""

    data_set: UUID
    criteria: Annotated[list[Name], Field(min_length=1, max_length=600)]
    tier: Tier | None = None


class IncludedRunIn(Schema):
    quote: UUID
    kind: Literal["included", "improvement"] = "included"
    tier: Tier | None = None


GUARANTEE = {
    "id": "019a4f10-8888-7999-8000-111122223333",
    "tier": "pro",
    "status": "agreed",
    "waits_for_operator": False,
    "waits_because": [],
    "declined_because": "",
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
    later=JobOut,
    errors=[404, 409, 503],
)
def propose_criteria(request: CallerRequest, asked: CriteriaIn) -> Any:
    """Propose what the included run must reach

    Fixes the tickets that it will be measured on. Agreed at once at or below the standard bar, where these tickets make
    it likely; else an operator is asked, and `waits_because` says why. Proposing the same again changes nothing. Where
    choosing the tickets takes longer than two seconds, the answer is 202 with a job; `Prefer: wait=20` holds it back.
    """
    caller = request.auth
    data_set = data_set_of(caller, asked.data_set)
    try:
        criteria = [Criterion.parse(text) for text in asked.criteria]
    except CriterionInvalid as wrong:
        wrong.details["field"] = "body.criteria"
        raise
    begun = run_jobs.ask_to_propose(
        organisation=caller.organisation,
        data_set=data_set,
        criteria=criteria,
        tier=asked.tier,
        who=caller.who,
        now=utc_now(),
    )
    if isinstance(begun, Guarantee):
        return _guarantee(begun)
    job = waited_for(request, begun)
    if not job.has_ended:
        return accepted(job)
    assert job.result is not None
    return _guarantee(guarantee_queries.guarantees(caller.organisation).get(id=job.result["guarantee"]))


@noun.post(
    "/guarantee/runs",
    Action.TRAIN,
    RunOut,
    status=201,
    example={**RUN, "status": "queued"},
    body_example={"quote": RUN["quote"], "kind": "included"},
    later=JobOut,
    repeatable=True,
    errors=[404, 409, 503],
)
def order_included_run(request: CallerRequest, asked: IncludedRunIn) -> HttpResponse:
    """Order the included run, or the improvement run

    Paid by a grant of its price; measured on the tickets fixed before. Where setting them apart takes longer than two
    seconds, the answer is 202 with the job that orders it; the quote need be good now, and not when its turn comes.
    """
    caller = request.auth
    improvement = asked.kind == "improvement"

    def work() -> Any:
        begun = run_jobs.ask_to_order(
            organisation=caller.organisation,
            quote=asked.quote,
            improvement=improvement,
            tier=asked.tier,
            who=caller.who,
            now=utc_now(),
        )
        if isinstance(begun, Run):
            return RunOut.model_validate(run_out(begun))
        job = waited_for(request, begun)
        if not job.has_ended:
            return job
        assert job.result is not None
        return RunOut.model_validate(run_out(runs.run(caller.organisation, job.result["run"])))

    return keys.once(request, work)


@noun.get("/guarantees/{uuid:guarantee}/holdout.csv", Action.READ_TICKETS, produces=["text/csv"], errors=[409, 503])
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
        "waits_because": [{"why": say_fact(reason), "fact": reason} for reason in found.waits_because],
        "declined_because": guarantee_queries.why_declined(found),
        "criteria": [
            one.as_dict() | {"in_words": say_fact(one.as_fact())} for one in guarantee_queries.criteria(found)
        ],
        "data_set": found.data_set_id,
        "run": found.run.number if found.run else None,
        "verdict": _told(found.verdict),
        "improvement_run": found.improvement_run.number if found.improvement_run else None,
        "improvement_verdict": _told(found.improvement_verdict),
    }


def _told(verdict: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return None if verdict is None else list(map(acceptance.told, verdict))
