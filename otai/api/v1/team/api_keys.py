from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.shapes import Moment, Name
from otai.db import utc_now
from otai.orgs import operations, queries
from otai.orgs.models import ApiKey
from otai.orgs.permissions import Action, Scope

noun = Noun()


class ApiKeyOut(Schema):
    """A program's way in. `prefix` tells keys apart; the secret was shown once and is not kept."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_by: Who
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeyMadeOut(ApiKeyOut):
    secret: str | None = Field(description="What the program sends. It is shown this once, and null when repeated.")


class ApiKeysOut(Schema):
    items: list[ApiKeyOut]
    next: str | None


class ApiKeyIn(Schema):
    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: Moment | None = None


KEY = {
    "id": "019a4f0e-3333-7444-8555-666677778888",
    "name": "nightly import",
    "prefix": "k3m9pq2x",
    "scopes": ["read", "tickets:write"],
    "created_by": "alice@acme.example",
    "created_at": "2026-11-02T09:30:00Z",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}


@noun.get("/api-keys", Action.MANAGE_KEYS, ApiKeysOut, example={"items": [KEY], "next": None})
def list_api_keys(request: CallerRequest, page: PageQuery) -> Any:
    """API keys, the newest first, revoked ones too"""
    found = queries.api_keys(request.auth.organisation)
    return page_of(found, request.auth, page, of="api-keys", by=["-created_at", "-id"], shown=_key)


@noun.post(
    "/api-keys",
    Action.MANAGE_KEYS,
    ApiKeyMadeOut,
    status=201,
    example={**KEY, "secret": "otai_k3m9pq2x_<43 characters>"},
    body_example={"name": "nightly import", "scopes": ["read", "tickets:write"]},
    repeatable=True,
    errors=[409],
)
def create_api_key(request: CallerRequest, asked: ApiKeyIn) -> HttpResponse:
    """Make an API key

    Its secret is in this answer and nowhere else.
    """
    caller = request.auth

    def work() -> Any:
        made = operations.create_api_key(
            organisation=caller.organisation,
            name=asked.name,
            scopes=asked.scopes,
            expires_at=asked.expires_at,
            who=caller.who,
            now=utc_now(),
        )
        return {**_key(made.key), "secret": made.secret}

    return keys.once(request, work, secret="secret")  # noqa: S106  the name of a field


@noun.delete("/api-keys/{uuid:key}", Action.MANAGE_KEYS, lessens=True)
def revoke_api_key(request: CallerRequest, key: UUID) -> HttpResponse:
    """Revoke an API key

    It opens nothing from its next use on. Revoking it again changes nothing.
    """
    caller = request.auth
    operations.revoke_api_key(organisation=caller.organisation, key=key, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


def _key(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in ApiKeyOut.model_fields}
