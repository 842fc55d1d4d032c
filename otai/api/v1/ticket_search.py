from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.datasets import data_set_of
from otai.api.v1.jobs import JobOut
from otai.api.v1.shapes import Name, PositiveNumber, Text
from otai.api.waiting import accepted, waited_for
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.serving import queries
from otai.serving.predictions import predictions_of
from otai.tickets import jobs as tickets_jobs
from otai.tickets.models import DataSet
from otai.tickets.ticket_index.keeping import has_index, opened_index
from otai.tickets.ticket_index.reading import IndexedTicket, TicketFilter

noun = Noun("Find tickets")


class SearchQuery(Schema):
    """Which tickets. `label`, `unlabelled`, `predicted`, `confidence_*` and `wrong` are of `attribute`."""

    q: Annotated[Text, Field(max_length=200)] = Field("", description="Words, or a ticket's id.")
    attribute: Annotated[Text, Field(max_length=200)] = ""
    label: Annotated[Text, Field(max_length=200)] = ""
    unlabelled: bool = False
    language: Annotated[Text, Field(max_length=10)] = ""
    since: date | None = None
    until: date | None = None
    model: Name | None = Field(None, description="Of those that it was measured on, with what it said.")
    version: PositiveNumber | None = Field(None, description="Of the model; the live one, if left out.")
    predicted: Annotated[Text, Field(max_length=200)] = ""
    confidence_from: float | None = Field(None, ge=0, le=1)
    confidence_to: float | None = Field(None, ge=0, le=1)
    wrong: bool | None = None
    offset: int = Field(0, ge=0, le=20_000_000)
    limit: int = Field(50, ge=1, le=200)


class FoundTicketOut(Schema):
    """`row` is the ticket's place in the source, from 0: `GET .../tickets?offset=row` has the whole of it. `predicted`
    and `confidence` are null unless a model was asked for."""

    row: int
    ticket: str
    subject: str
    excerpt: str
    language: str | None
    created_at: datetime | None
    labels: dict[str, list[str]]
    predicted: list[str] | None
    confidence: float | None


class FoundTicketsOut(Schema):
    """A page of the `total` that were found; `indexed` of the data set's tickets can be found at all."""

    total: int
    indexed: int
    items: list[FoundTicketOut]


FOUND = {
    "row": 4,
    "ticket": "4711",
    "subject": "Invoice wrong",
    "excerpt": "the amount is wrong",
    "language": "en",
    "created_at": "2026-02-07T00:00:00Z",
    "labels": {"queue": ["billing"]},
    "predicted": None,
    "confidence": None,
}


@noun.get(
    "/data-sets/{uuid:data_set}/search",
    Action.READ_TICKETS,
    FoundTicketsOut,
    later=JobOut,
    errors=[409, 503],
    example={"total": 1, "indexed": 12480, "items": [FOUND]},
)
def search_tickets(request: CallerRequest, data_set: UUID, asked: Annotated[SearchQuery, Query()]) -> Any:
    """Find tickets by words, labels, language, time and what a model said

    All words must be in the ticket; the last may be the beginning of one. Those that came in last come first. With
    `model`, only tickets that it was measured on are found, each with what it said before it had learnt any of them.
    A version that is not searchable yet is made so first: 202 with a job, where that takes longer than two seconds.
    """
    caller = request.auth
    found = data_set_of(caller, data_set)
    found.require_tickets()
    if (later := made_searchable(request, found)) is not None:
        return later
    wanted = _filter(request, asked)
    with opened_index(found) as index:
        if index is None:
            return {"total": 0, "indexed": 0, "items": []}
        page = index.search(wanted, offset=asked.offset, limit=asked.limit)
        return {"total": page.total, "indexed": index.indexed, "items": [found_out(one) for one in page.tickets]}


def _filter(request: CallerRequest, asked: SearchQuery) -> TicketFilter:
    wanted = TicketFilter(
        asked.q, asked.attribute, asked.label, asked.unlabelled, asked.language, asked.since, asked.until,
        predicted=asked.predicted, confidence_from=asked.confidence_from, confidence_to=asked.confidence_to,
        is_wrong=asked.wrong,
    )  # fmt: skip
    if asked.model is None:
        return wanted
    version = queries.version(request.auth.organisation, asked.model, asked.version)
    said = predictions_of(version, asked.attribute)
    return replace(wanted, predictions=said.tickets if said is not None else ())


def found_out(one: IndexedTicket) -> dict[str, Any]:
    """A found ticket as JSON."""
    return {
        "row": one.row,
        "ticket": one.id,
        "subject": one.subject,
        "excerpt": one.excerpt,
        "language": one.language,
        "created_at": one.created_at,
        "labels": {name: list(labels) for name, labels in one.labels.items()},
        "predicted": None if one.predicted is None else list(one.predicted),
        "confidence": one.confidence,
    }


def made_searchable(request: CallerRequest, data_set: DataSet) -> Any:
    """The job that makes it so, where it is not done yet; None once it can be searched."""
    if has_index(data_set):
        return None
    job = waited_for(request, tickets_jobs.ask_for_index(data_set=data_set, who=request.auth.who, now=utc_now()))
    return None if job.has_ended else accepted(job)
