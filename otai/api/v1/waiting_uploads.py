from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.db import utc_now
from otai.front.bounds import most_upload_bytes, part_bytes
from otai.orgs.permissions import Action
from otai.tickets import waiting_uploads
from otai.tickets.arriving_uploads import all_arriving, drop
from otai.tickets.models import ArrivingUpload
from otai.tickets.waiting_uploads import WaitingUpload

noun = Noun("Tickets")


class WaitingUploadOut(Schema):
    """A file that came in through the page and whose columns nobody has settled yet. It goes by itself after a day."""

    id: UUID
    filename: str
    bytes: int
    uploaded_at: datetime
    preview: UUID | None = Field(description="The job that looked at its columns.")
    importing: UUID | None = Field(description="The job that imports it, or tried to.")


class ArrivingUploadOut(Schema):
    """A file that arrives in parts: `received` of its `bytes` are there. `arriving`: go on from `received`; `arrived`:
    all of it is there, import it (`POST /data-sets?upload=`); `waiting`: a page shows its columns. It goes at
    `expires_at` at the latest. `fingerprint` is the sender's own mark of the file."""

    id: UUID
    filename: str
    bytes: int
    received: int
    state: Literal["arriving", "arrived", "waiting"]
    fingerprint: str
    begun_at: datetime
    expires_at: datetime | None


class WaitingUploadsOut(Schema):
    """`most_bytes` is what a file may have, `part_bytes` what a part of one may have."""

    items: list[WaitingUploadOut]
    arriving: list[ArrivingUploadOut]
    most_bytes: int
    part_bytes: int


ARRIVING = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6d",
    "filename": "export-2026-11.csv",
    "bytes": 734003200,
    "received": 83886080,
    "state": "arriving",
    "fingerprint": "export-2026-11.csv 734003200 1793611800000 9f86d081884c7d65",
    "begun_at": "2026-11-02T09:30:00Z",
    "expires_at": "2026-11-03T09:30:00Z",
}


UPLOAD = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "filename": "export-2026-11.csv",
    "bytes": 1843200,
    "uploaded_at": "2026-11-02T09:30:00Z",
    "preview": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6c",
    "importing": None,
}


ALL = {"items": [UPLOAD], "arriving": [ARRIVING], "most_bytes": 1073741824, "part_bytes": 16777216}


@noun.get("/uploads", Action.UPLOAD_TICKETS, WaitingUploadsOut, example=ALL)
def list_waiting_uploads(request: CallerRequest) -> Any:
    """Files that wait for somebody to settle their columns, and files on their way, the newest first

    `items` came in through the page; what is sent here is imported at once. Those of the machine that answers: with
    several machines each has its own. `arriving` are those that come in parts, wherever: go on with one of yours by its
    `fingerprint`.
    """
    organisation = request.auth.organisation
    return {
        "items": [_shown(one) for one in waiting_uploads.all_waiting(organisation)],
        "arriving": [shown_on_its_way(one) for one in all_arriving(organisation, now=utc_now())],
        "most_bytes": most_upload_bytes(),
        "part_bytes": part_bytes,
    }


@noun.delete("/uploads/{uuid:upload}", Action.UPLOAD_TICKETS, lessens=True)
def drop_waiting_upload(request: CallerRequest, upload: UUID) -> HttpResponse:
    """Delete a file that waits, or is on its way

    Its words are gone from this machine and from the file store then, and what is being done with it ends.
    """
    drop(request.auth.organisation, upload, now=utc_now())
    return HttpResponse(status=204)


def _shown(one: WaitingUpload) -> dict[str, Any]:
    return {
        "id": one.id,
        "filename": one.filename,
        "bytes": one.bytes,
        "uploaded_at": one.made_at,
        "preview": one.preview,
        "importing": one.importing,
    }


def shown_on_its_way(upload: ArrivingUpload) -> dict[str, Any]:
    """As `ArrivingUploadOut`."""
    return {
        "id": upload.id,
        "filename": upload.filename,
        "bytes": upload.bytes,
        "received": upload.received,
        "state": "arrived" if upload.received == upload.bytes else "arriving",
        "fingerprint": upload.fingerprint,
        "begun_at": upload.begun_at,
        "expires_at": upload.expires_at,
    }
