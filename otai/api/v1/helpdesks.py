from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import Caller, CallerRequest, require_recent
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.datasets import IMPORTED, ImportedOut, imported_out
from otai.api.v1.jobs import JobOut
from otai.api.v1.shapes import Moment, Name, Text
from otai.api.waiting import accepted, look_out, waited_for
from otai.db import utc_now
from otai.helpdesks import jobs, operations, queries
from otai.helpdesks.connecting import System
from otai.helpdesks.models import HelpdeskConnection
from otai.helpdesks.operations import ToRead, most_characters, most_name_characters, most_names
from otai.jobs.models import Job
from otai.orgs.permissions import Action
from otai.tickets import jobs as tickets_jobs
from otai.tickets.options import ImportOptions

noun = Noun("Helpdesks")

Address = Annotated[Text, Field(min_length=1, max_length=2000)]
Token = Annotated[str, Field(min_length=1, max_length=4000, description="Its API token. Sealed, and shown to nobody.")]
ConnectionName = Annotated[Text, Field(max_length=most_characters)]
Names = Annotated[list[Annotated[Text, Field(max_length=most_name_characters)]], Field(max_length=most_names)]


class HelpdeskOut(Schema):
    """A helpdesk that tickets are read from. `queues` and `fields` empty: all of them."""

    id: UUID
    name: str
    system: System
    address: str
    queues: list[str]
    created_since: date | None
    fields: list[str]
    created_at: datetime
    created_by: Who
    changed_at: datetime


class HelpdesksOut(Schema):
    items: list[HelpdeskOut]


class HelpdeskIn(Schema):
    system: System
    address: Address = Field(description="Where it is, https://...")
    token: Token
    name: ConnectionName = Field("", description="The address's host, if left out.")
    queues: Names = Field([], description="Only tickets of these queues (groups).")
    created_since: date | None = Field(None, description="Only tickets that came in on this day or later.")
    fields: Names = Field([], description="Only these fields of tickets.")


class HelpdeskChangeIn(Schema):
    """What is left out stays as it is. Another address needs the token anew."""

    name: ConnectionName | None = None
    address: Address | None = None
    token: Token | None = None
    queues: Names | None = None
    created_since: date | None = None
    fields: Names | None = None


class HelpdeskImportIn(Schema):
    """What becomes of its tickets, as of a file (`POST /data-sets`)."""

    name: Name = Field(description="Name of the data set. A known name makes its next version.")
    add: bool = Field(False, description="Add to the newest version of `name`: the newest row of a ticket's id wins.")
    changed_since: Moment | None = Field(None, description="Only tickets that changed then or later: what to `add`.")
    keep_quotes: bool = Field(False, description="Leave earlier mails, signatures and the like in the texts.")
    mask: bool = Field(False, description="Replace personal data by its kind before anything is stored.")


class HelpdeskTestOut(Schema):
    """The helpdesk answers, and the token may read it: the labels that exist, by field."""

    labels: dict[str, list[str]]


class HelpdeskTicketOut(Schema):
    """A ticket as an import would understand it. `text`: the customer's first message."""

    number: str
    title: str
    created_at: datetime
    fields: dict[str, Any]
    text: str


class HelpdeskPreviewOut(HelpdeskTestOut):
    """`fields`: all that these tickets have. `roles`: what an import would take each for; null without tickets."""

    fields: list[str]
    tickets: list[HelpdeskTicketOut]
    roles: dict[str, Any] | None


HELPDESK = {
    "id": "019a4f0f-5555-7666-8777-888899991111",
    "name": "helpdesk.acme.example",
    "system": "zammad",
    "address": "https://helpdesk.acme.example",
    "queues": ["Network", "Printing"],
    "created_since": "2025-01-01",
    "fields": [],
    "created_at": "2026-11-02T09:30:00Z",
    "created_by": "alice@acme.example",
    "changed_at": "2026-11-02T09:30:00Z",
}
LABELS = {"group": ["Network", "Printing", "Accounts"], "priority": ["1 low", "2 normal", "3 high"]}
TICKET = {
    "number": "31001",
    "title": "Printer",
    "created_at": "2026-11-02T08:00:00Z",
    "fields": {"group": "Printing", "priority": "2 normal"},
    "text": "Our printer on floor 2 jams.",
}
NEEDS = Action.UPLOAD_TICKETS


@noun.get("/helpdesks", NEEDS, HelpdesksOut, example={"items": [HELPDESK]})
def list_helpdesks(request: CallerRequest) -> Any:
    """The helpdesks that tickets are read from"""
    return {"items": list(queries.connections(request.auth.organisation))}


@noun.post(
    "/helpdesks",
    NEEDS,
    HelpdeskOut,
    status=201,
    example=HELPDESK,
    body_example={"system": "zammad", "address": "https://helpdesk.acme.example", "token": "..."},
    repeatable=True,
    errors=[409],
    asks_again=True,
)
def connect_helpdesk(request: CallerRequest, asked: HelpdeskIn) -> HttpResponse:
    """Connect a helpdesk

    Zammad, Zendesk or Request Tracker, read only. Its token is sealed and given back to nobody. Nothing is asked yet:
    `POST /helpdesks/{helpdesk}/test` does.
    """
    caller = request.auth

    def work() -> Any:
        made = operations.connect(
            organisation=caller.organisation,
            name=asked.name,
            system=asked.system,
            address=asked.address,
            token=asked.token,
            to_read=ToRead(asked.queues, asked.created_since, asked.fields),
            who=caller.who,
            now=utc_now(),
        )
        return _shown(made)

    return keys.once(request, work)


@noun.get("/helpdesks/{uuid:helpdesk}", NEEDS, HelpdeskOut, example=HELPDESK)
def get_helpdesk(request: CallerRequest, helpdesk: UUID) -> Any:
    """One helpdesk"""
    return queries.connection(request.auth.organisation, helpdesk)


@noun.patch(
    "/helpdesks/{uuid:helpdesk}",
    NEEDS,
    HelpdeskOut,
    example=HELPDESK,
    body_example={"queues": ["Network", "Printing"], "created_since": "2025-01-01"},
    errors=[409],
)
def change_helpdesk(request: CallerRequest, helpdesk: UUID, asked: HelpdeskChangeIn) -> Any:
    """Change a helpdesk

    What is read there, its name, its token; another address together with the token alone.
    """
    caller = request.auth
    if asked.address is not None or asked.token is not None:
        require_recent(request, caller)
    return operations.change(
        organisation=caller.organisation,
        connection=helpdesk,
        name=asked.name,
        address=asked.address,
        token=asked.token,
        to_read=_to_read(asked, queries.connection(caller.organisation, helpdesk)),
        who=caller.who,
        now=utc_now(),
    )


@noun.delete("/helpdesks/{uuid:helpdesk}", NEEDS, lessens=True)
def disconnect_helpdesk(request: CallerRequest, helpdesk: UUID) -> HttpResponse:
    """Disconnect a helpdesk

    Its token goes; what was imported stays.
    """
    caller = request.auth
    operations.disconnect(organisation=caller.organisation, connection=helpdesk, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


@noun.post(
    "/helpdesks/{uuid:helpdesk}/test",
    NEEDS,
    HelpdeskTestOut,
    example={"labels": LABELS},
    later=JobOut,
    errors=[409, 503],
)
def test_helpdesk(request: CallerRequest, helpdesk: UUID) -> Any:
    """Try address and token

    Where that takes longer than two seconds, the answer is 202 with a job, whose `result` has the labels in the end.
    """
    job = _look(request, helpdesk, tickets=0)
    return {"labels": jobs.look_of(job)["labels"]} if job.has_ended else accepted(job)


@noun.post(
    "/helpdesks/{uuid:helpdesk}/preview",
    Action.READ_TICKETS,
    HelpdeskPreviewOut,
    example={"labels": LABELS, "fields": ["group", "priority"], "tickets": [TICKET], "roles": {"attributes": []}},
    later=JobOut,
    errors=[409, 503],
)
def preview_helpdesk(request: CallerRequest, helpdesk: UUID) -> Any:
    """Ten tickets as an import would understand them

    Nothing is stored. Where that takes longer than two seconds, the answer is 202 with a job, whose `result` shows the
    tickets to whoever may read tickets; `Prefer: wait=20` waits longer.
    """
    job = _look(request, helpdesk, tickets=jobs.tickets_shown)
    return look_out(jobs.look_of(job)) if job.has_ended else accepted(job)


@noun.post(
    "/helpdesks/{uuid:helpdesk}/import",
    NEEDS,
    ImportedOut,
    status=201,
    example=IMPORTED,
    body_example={"name": "support", "mask": True},
    later=JobOut,
    repeatable=True,
    errors=[409, 503],
)
def import_helpdesk(request: CallerRequest, helpdesk: UUID, asked: HelpdeskImportIn) -> HttpResponse:
    """Import its tickets

    The answer is 202 with a job, which says how many tickets are read so far, then how far the import is, and at last
    which data set came of it. Nothing is written where it is cancelled or fails.
    """
    caller = request.auth

    def work() -> Any:
        begun = jobs.ask_for_import(
            queries.connection(caller.organisation, helpdesk),
            name=asked.name,
            options=ImportOptions(add=asked.add, keep_quotes=asked.keep_quotes, mask=asked.mask),
            changed_since=asked.changed_since,
            who=caller.who,
            now=utc_now(),
        )
        job = waited_for(request, begun, otherwise=0)
        return imported_out(tickets_jobs.imported(job)) if job.has_ended else job

    return keys.once(request, work)


def _look(request: CallerRequest, helpdesk: UUID, *, tickets: int) -> Job:
    caller: Caller = request.auth
    found = queries.connection(caller.organisation, helpdesk)
    return waited_for(request, jobs.ask_for_look(found, tickets=tickets, who=caller.who, now=utc_now()))


def _to_read(asked: HelpdeskChangeIn, now: HelpdeskConnection) -> ToRead | None:
    given = {name: getattr(asked, name) for name in ToRead.__dataclass_fields__ if name in asked.model_fields_set}
    if not given:
        return None
    kept = {"queues": now.queues, "created_since": now.created_since, "fields": now.fields}
    told = {**kept, **given}
    return ToRead(told["queues"] or (), told["created_since"], told["fields"] or ())


def _shown(connection: HelpdeskConnection) -> dict[str, Any]:
    return {name: getattr(connection, name) for name in HelpdeskOut.model_fields}
