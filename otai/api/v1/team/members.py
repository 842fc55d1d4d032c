from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.db import utc_now
from otai.orgs import operations, queries
from otai.orgs.models import Member
from otai.orgs.permissions import ROLE_ACTIONS, Action, Role

noun = Noun()


class MemberOut(Schema):
    id: UUID
    email: str
    role: str
    joined_at: datetime


class MembersOut(Schema):
    items: list[MemberOut]


class MemberIn(Schema):
    role: Role = Field(description="One of GET /roles.")


class RoleOut(Schema):
    role: str
    actions: list[str]


class RolesOut(Schema):
    items: list[RoleOut]


MEMBER = {
    "id": "019a4f0e-4444-7555-8666-777788889999",
    "email": "alice@acme.example",
    "role": "owner",
    "joined_at": "2026-11-02T09:30:00Z",
}


@noun.get("/members", Action.READ_MEMBERS, MembersOut, example={"items": [MEMBER]})
def list_members(request: CallerRequest) -> Any:
    """The people of your organisation"""
    return {"items": [_member(member) for member in queries.members(request.auth.organisation)]}


@noun.get("/members/{uuid:member}", Action.READ_MEMBERS, MemberOut, example=MEMBER)
def get_member(request: CallerRequest, member: UUID) -> Any:
    """One member"""
    return _member(queries.member_with_id(request.auth.organisation, member))


@noun.patch(
    "/members/{uuid:member}",
    Action.MANAGE_TEAM,
    MemberOut,
    example={**MEMBER, "email": "bob@acme.example", "role": "trainer"},
    body_example={"role": "trainer"},
)
def change_role(request: CallerRequest, member: UUID, asked: MemberIn) -> Any:
    """Give a member another role

    From their next request on. The only owner stays one (`last_owner`).
    """
    caller = request.auth
    return _member(
        operations.change_role(
            organisation=caller.organisation, member=member, role=asked.role, who=caller.who, now=utc_now()
        )
    )


@noun.delete("/members/{uuid:member}", Action.MANAGE_TEAM)
def remove_member(request: CallerRequest, member: UUID) -> HttpResponse:
    """Remove a member

    The person is out from their next request on. What they ordered stays, and so do API keys that they know, until you
    revoke them: `keys` of the event `member_removed` names them. The only owner stays (`last_owner`).
    """
    caller = request.auth
    operations.remove_member(organisation=caller.organisation, member=member, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


@noun.get(
    "/roles", Action.VIEW, RolesOut, example={"items": [{"role": "billing", "actions": ["view", "predict", "buy"]}]}
)
def list_roles(request: CallerRequest) -> Any:
    """The roles, and what each may do"""
    return {
        "items": [
            {"role": role.value, "actions": [action.value for action in Action if action in actions]}
            for role, actions in ROLE_ACTIONS.items()
        ]
    }


def _member(member: Member) -> dict[str, Any]:
    return {"id": member.id, "email": member.user.email, "role": member.role, "joined_at": member.joined_at}
