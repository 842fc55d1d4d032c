from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.orgs.permissions import Action
from otai.tickets import waiting_uploads
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


class WaitingUploadsOut(Schema):
    items: list[WaitingUploadOut]


UPLOAD = {
    "id": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "filename": "export-2026-11.csv",
    "bytes": 1843200,
    "uploaded_at": "2026-11-02T09:30:00Z",
    "preview": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6c",
    "importing": None,
}


@noun.get("/uploads", Action.UPLOAD_TICKETS, WaitingUploadsOut, example={"items": [UPLOAD]})
def list_waiting_uploads(request: CallerRequest) -> Any:
    """Files that wait for somebody to settle their columns, the newest first

    They came in through the page; what is sent here is imported at once. Those of the machine that answers: with
    several machines each has its own.
    """
    return {"items": [_shown(one) for one in waiting_uploads.all_waiting(request.auth.organisation)]}


@noun.delete("/uploads/{uuid:upload}", Action.UPLOAD_TICKETS)
def drop_waiting_upload(request: CallerRequest, upload: UUID) -> HttpResponse:
    """Delete a file that waits

    Its words are gone from this machine then, and what is being done with it ends.
    """
    waiting_uploads.drop(waiting_uploads.waiting(request.auth.organisation, upload))
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
