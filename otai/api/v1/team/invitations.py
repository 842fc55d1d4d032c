from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.shapes import Text
from otai.db import utc_now
from otai.links import absolute
from otai.orgs import operations, queries
from otai.orgs.models import Invitation
from otai.orgs.permissions import Action, Role

noun = Noun()


class InvitationOut(Schema):
    """Lets one mail address join, in one role, until `expires_at`."""

    id: UUID
    email: str
    role: str
    invited_by: Who
    invited_at: datetime
    expires_at: datetime


class InvitationMadeOut(InvitationOut):
    link: str | None = Field(description="Where the person joins. It is shown this once, and null when repeated.")


class InvitationsOut(Schema):
    items: list[InvitationOut]
    next: str | None


class InvitationIn(Schema):
    email: Annotated[Text, Field(min_length=1, max_length=254)]
    role: Role = Field(description="One of GET /roles.")


INVITATION = {
    "id": "019a4f0e-5555-7666-8777-888899990000",
    "email": "bob@acme.example",
    "role": "trainer",
    "invited_by": "alice@acme.example",
    "invited_at": "2026-11-02T09:30:00Z",
    "expires_at": "2026-11-09T09:30:00Z",
}


@noun.get("/invitations", Action.MANAGE_TEAM, InvitationsOut, example={"items": [INVITATION], "next": None})
def list_invitations(request: CallerRequest, page: PageQuery) -> Any:
    """Invitations that can still be accepted, the newest first"""
    found = queries.open_invitations(request.auth.organisation, now=utc_now())
    return page_of(found, request.auth, page, of="invitations", by=["-invited_at", "-id"], shown=_invitation)


@noun.post(
    "/invitations",
    Action.MANAGE_TEAM,
    InvitationMadeOut,
    status=201,
    example={**INVITATION, "link": "https://studio.example/account/join/<43 characters>/"},
    body_example={"email": "bob@acme.example", "role": "trainer"},
    repeatable=True,
)
def invite(request: CallerRequest, asked: InvitationIn) -> HttpResponse:
    """Invite somebody

    No mail is sent: pass the `link` on, which is in this answer and nowhere else. It lets in whoever signs in with that
    mail address, and nobody else. An open invitation of the same address ends.
    """
    caller = request.auth

    def work() -> Any:
        made = operations.invite(
            organisation=caller.organisation, email=asked.email, role=asked.role, who=caller.who, now=utc_now()
        )
        # The name of the page where people join; this door knows no more of it.
        link = absolute(reverse("web:join", args=[made.token]))
        return {**_invitation(made.invitation), "link": link}

    return keys.once(request, work, secret="link")  # noqa: S106  the name of a field


@noun.delete("/invitations/{uuid:invitation}", Action.MANAGE_TEAM, lessens=True)
def withdraw_invitation(request: CallerRequest, invitation: UUID) -> HttpResponse:
    """Withdraw an invitation

    Its link opens nothing any more. Withdrawing it again, or after it was accepted, changes nothing.
    """
    caller = request.auth
    operations.withdraw_invitation(
        organisation=caller.organisation, invitation=invitation, who=caller.who, now=utc_now()
    )
    return HttpResponse(status=204)


def _invitation(invitation: Invitation) -> dict[str, Any]:
    return {name: getattr(invitation, name) for name in InvitationOut.model_fields}
