from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.orgs import queries
from otai.orgs.models import TeamEvent
from otai.orgs.permissions import Action

noun = Noun()


class TeamEventOut(Schema):
    at: datetime
    who: Who
    what: str
    subject: str
    details: dict[str, Any] = Field(description="What else is known: a role, a limit `before` and `after`.")


class TeamEventsOut(Schema):
    items: list[TeamEventOut]
    next: str | None


@noun.get(
    "/team-events",
    Action.MANAGE_TEAM,
    TeamEventsOut,
    example={
        "items": [
            {
                "at": "2026-11-02T09:30:00Z",
                "who": "alice@acme.example",
                "what": "key_created",
                "subject": "nightly import",
                "details": {"scopes": ["tickets:write"]},
            }
        ],
        "next": None,
    },
)
def list_team_events(request: CallerRequest, page: PageQuery) -> Any:
    """What happened to members, invitations, keys, spend limits and what waits for approval"""
    found = queries.team_events(request.auth.organisation)
    return page_of(found, request.auth, page, of="team-events", by=["-at", "-id"], shown=_event)


def _event(event: TeamEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in TeamEventOut.model_fields}
