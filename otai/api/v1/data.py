from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from django.contrib.auth import logout
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.shapes import Name, Whole
from otai.db import utc_now
from otai.errors import Invalid
from otai.orgs.models import User
from otai.orgs.permissions import Action
from otai.privacy import exports, organisations, persons, retention
from otai.privacy.models import Export

noun = Noun("Your data")


class NotConfirmed(Invalid):
    """What is erased is named once more, so that no program does it by a wrong address."""

    code = "not_confirmed"


PeriodDays = Annotated[Whole | None, Field(ge=1, le=retention.most_days)]
UploadHours = Annotated[Whole | None, Field(ge=1, le=retention.most_hours)]


class RetentionIn(Schema):
    """Days after which each is deleted; null: kept until somebody deletes it. Hours of files that wait for their
    columns; null: 24."""

    tickets_days: PeriodDays
    feedback_days: PeriodDays
    logs_days: PeriodDays
    uploads_hours: UploadHours


class RetentionOut(Schema):
    """Days after which each is deleted, null: kept. Tickets from their import, feedback from when it was given; logs
    are those of trainings and webhooks, the team's history and who signed in. Files that wait for their columns go
    after `uploads_hours`, null: 24."""

    tickets_days: int | None
    feedback_days: int | None
    logs_days: int | None
    uploads_hours: int | None


class OrganisationDeletionOut(Schema):
    """What deleting the organisation stops at once and takes in the end. `erased_at`: when, where somebody asked for
    it; null else. `credits`: available ones, which nobody can spend then."""

    data_sets: int
    models: int
    members: int
    open_runs: int
    open_orders: int
    credits: int
    erased_at: datetime | None


class OrganisationDeletionIn(Schema):
    organisation: Name = Field(description="The organisation's short name, to confirm.")


class ExportOut(Schema):
    """`state`: `waiting`, `ready` or `failed`. `bytes` and `sha256` are the file's, once it is ready."""

    id: UUID
    state: str
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    bytes: int
    sha256: str


class ExportsOut(Schema):
    items: list[ExportOut]


class ErasureIn(Schema):
    email: Name = Field(description="The account's mail address, to confirm.")


class ErasureOut(Schema):
    """`person`: the number that stands for the account in everything that is kept."""

    person: int


PERIODS = {"tickets_days": 365, "feedback_days": None, "logs_days": 90, "uploads_hours": 4}
DELETION = {
    "data_sets": 3, "models": 2, "members": 4, "open_runs": 0, "open_orders": 0, "credits": 41,
    "erased_at": "2026-12-02T09:30:00Z",
}  # fmt: skip
EXPORT = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "state": "ready",
    "asked_at": "2026-11-02T09:30:00Z",
    "ready_at": "2026-11-02T09:31:00Z",
    "expires_at": "2026-11-09T09:31:00Z",
    "bytes": 1843200,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


@noun.get("/organisation/retention", Action.VIEW, RetentionOut, example=PERIODS)
def get_retention(request: CallerRequest) -> Any:
    """How long data is kept"""
    return asdict(retention.periods(request.auth.organisation))


@noun.put("/organisation/retention", Action.ERASE_DATA, RetentionOut, example=PERIODS, body_example=PERIODS)
def set_retention(request: CallerRequest, asked: RetentionIn) -> Any:
    """Set how long data is kept

    All of them at once. What is over goes with the next round of housekeeping, within minutes, and cannot be brought
    back; tickets that a run needs wait for its end. An event in the team's history says how much went.
    """
    caller = request.auth
    wanted = retention.Periods(**asked.model_dump())
    found = retention.set_periods(organisation=caller.organisation, wanted=wanted, who=caller.who, now=utc_now())
    return asdict(found)


@noun.get("/organisation/deletion", Action.VIEW, OrganisationDeletionOut, example=DELETION)
def get_organisation_deletion(request: CallerRequest) -> Any:
    """What deleting the organisation would take, or when it is erased"""
    return _deletion(request)


@noun.post(
    "/organisation/deletion",
    Action.ERASE_DATA,
    OrganisationDeletionOut,
    example=DELETION,
    body_example={"organisation": "acme"},
    repeatable=True,
)
def delete_organisation(request: CallerRequest, asked: OrganisationDeletionIn) -> HttpResponse:
    """Ask for the organisation's deletion

    For 30 days it only reads, predicts and exports, and can be taken back; then its data is erased. Trainings and
    orders that are open are cancelled at once. All owners are written to. Asking again changes nothing.
    """
    caller = request.auth
    if asked.organisation != caller.organisation.slug:
        raise NotConfirmed("organisation", field="organisation")

    def work() -> Any:
        organisations.ask_to_delete(organisation=caller.organisation, who=caller.who, now=utc_now())
        return _deletion(request)

    return keys.once(request, work, status=200)


@noun.delete("/organisation/deletion", Action.ERASE_DATA, lessens=True)
def keep_organisation(request: CallerRequest) -> HttpResponse:
    """Take the organisation's deletion back

    It goes on; what was cancelled stays cancelled. Where nobody asked for a deletion nothing changes.
    """
    caller = request.auth
    organisations.take_back(organisation=caller.organisation, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


@noun.get("/organisation/exports", Action.EXPORT_DATA, ExportsOut, example={"items": [EXPORT]})
def list_exports(request: CallerRequest) -> Any:
    """Exports that are here, the newest first

    Each stays for 7 days.
    """
    return {"items": [_export(one) for one in exports.exports_of(request.auth.organisation)]}


@noun.post(
    "/organisation/exports",
    Action.EXPORT_DATA,
    ExportOut,
    status=201,
    example={**EXPORT, "state": "waiting", "ready_at": None, "expires_at": None, "bytes": 0, "sha256": ""},
    repeatable=True,
    errors=[409],
)
def ask_for_export(request: CallerRequest) -> HttpResponse:
    """Have everything exported

    One zip with all that is kept of the organisation: tickets, models, runs, report cards, feedback, members, events,
    ledger, invoices. It is made within minutes; look at its `state` from time to time. While one waits, asking again
    gives that one; three are made in a day at most.
    """
    caller = request.auth

    def work() -> Any:
        return _export(exports.ask_for_export(organisation=caller.organisation, who=caller.who, now=utc_now()))

    return keys.once(request, work)


@noun.get("/organisation/exports/{uuid:export}", Action.EXPORT_DATA, ExportOut, example=EXPORT)
def get_export(request: CallerRequest, export: UUID) -> Any:
    """How far an export is"""
    return _export(exports.export_of(request.auth.organisation, export))


@noun.get(
    "/organisation/exports/{uuid:export}/file",
    Action.EXPORT_DATA,
    produces=["application/zip"],
    errors=[503],
)
def download_export(request: CallerRequest, export: UUID) -> HttpResponseBase:
    """Download an export that is ready

    `ETag` is its SHA-256. That it was downloaded, and by whom, stands in the team's history.
    """
    caller = request.auth
    found, file = exports.opened(caller.organisation, export, who=caller.who, now=utc_now())
    name = f"{caller.organisation.slug}-{found.ready_at:%Y-%m-%d}.zip"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    response["Content-Length"], response["ETag"] = str(found.bytes), f'"{found.sha256}"'
    return response


@noun.get("/account/export", Action.OWN_ACCOUNT, produces=["application/zip"])
def export_account(request: CallerRequest) -> HttpResponseBase:
    """All that is kept of the person who is signed in

    A zip of JSON: the account, and each row that names the person. For a signed-in browser: a key is no person.
    """
    file = exports.opened_person(cast(User, request.user), now=utc_now())
    return FileResponse(file, as_attachment=True, filename="otai-account.zip", content_type="application/zip")


@noun.post(
    "/account/erasure",
    Action.OWN_ACCOUNT,
    ErasureOut,
    example={"person": 17},
    body_example={"email": "alice@acme.example"},
    errors=[409],
)
def erase_account(request: CallerRequest, asked: ErasureIn) -> Any:
    """Erase the account of the person who is signed in

    For good and at once: in everything that is kept a number stands for the person. Whoever alone owns an organisation
    hands it over or deletes it first (`only_owner`). Keys that the person made stay the organisation's, and its owners
    are told which.
    """
    user = cast(User, request.user)
    if asked.email.lower() != user.email.lower():
        raise NotConfirmed("email", field="email")
    erasure = persons.erase_person(user=User.objects.get(pk=user.pk), now=utc_now())
    logout(request)
    return {"person": erasure.person}


def _deletion(request: CallerRequest) -> dict[str, Any]:
    organisation = request.auth.organisation
    organisation.refresh_from_db(fields=["closing_at"])
    return {**asdict(organisations.what_closes(organisation)), "erased_at": organisation.closing_at}


def _export(export: Export) -> dict[str, Any]:
    return {name: getattr(export, name) for name in ExportOut.model_fields}
