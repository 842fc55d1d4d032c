from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from ninja import Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.orgs import access_events
from otai.orgs.permissions import Action

noun = Noun()


class AccessEventOut(Schema):
    """The same within an hour is one event: `times` since `first_at`, the last one `at`."""

    at: datetime
    first_at: datetime
    what: str = Field(description="Such as signed_in, sign_in_failed, access_refused, key_revoked_used.")
    who: str = Field(description="A member's mail address, a key, an operator; empty in a flood.")
    address: str = Field(description="Of the network; empty where it is not known, and in a flood.")
    browser: str = Field(description="What it says of itself.")
    about: str = Field(description="How they signed in, what was refused, what was read.")
    fact: dict[str, Any] | None = Field(description="What `about` says, as a code with values; null: nothing.")
    times: int


class AccessEventsOut(Schema):
    items: list[AccessEventOut]
    next: str | None


EVENT = {
    "at": "2026-11-02T09:31:00Z",
    "first_at": "2026-11-02T09:30:00Z",
    "what": "sign_in_failed",
    "who": "bob@acme.example",
    "address": "198.51.100.7",
    "browser": "Firefox Windows",
    "about": "",
    "fact": None,
    "times": 4,
}


@noun.get("/access-events", Action.READ_ACCESS, AccessEventsOut, example={"items": [EVENT], "next": None})
def list_access_events(request: CallerRequest, page: PageQuery) -> Any:
    """Sign-ins, refused access, misuse of keys, and what operators saw, the newest first"""
    found = access_events.access_events(request.auth.organisation)
    shown = access_events.as_facts
    return page_of(found, request.auth, page, of="access-events", by=["-at", "-id"], shown=shown)


@noun.get("/access-events.jsonl", Action.READ_ACCESS, produces=["application/jsonl"])
def download_access_events(request: CallerRequest) -> Any:
    """The same as JSON lines, all that is kept"""
    found = access_events.access_events(request.auth.organisation)
    lines = access_events.json_lines(found.iterator())
    return StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8")
