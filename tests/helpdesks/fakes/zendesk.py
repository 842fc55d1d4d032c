"""Zendesk: the incremental export by cursor, one ticket, its comments with their writers, groups, fields."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.helpdesks import story
from tests.helpdesks.fakes.serving import Query, serve

SENT = "Basic " + base64.b64encode(f"{story.JANA}/token:{story.TOKEN}".encode()).decode()
ADA, JANA = 7001, 7002
GROUPS = {5001 + number: name for number, name in enumerate(story.QUEUES)}
FIELDS = [
    {"id": 1, "type": "subject", "title": "Subject"},
    {"id": 2, "type": "group", "title": "Group"},
    {"id": 3, "type": "tagger", "title": "Severity"},
    {"id": 4, "type": "text", "title": "Site"},
]


def answers(path: str, query: Query, headers: Mapping[str, str]) -> tuple[int, Any]:
    if headers.get("authorization") not in (SENT, f"Bearer {story.TOKEN}"):
        return 401, {"error": "Couldn't authenticate you"}
    path = path.removeprefix("/api/v2/")
    if path == "incremental/tickets/cursor":
        return 200, exported(query)
    if path == "groups":
        return 200, listed("groups", [{"id": id, "name": name} for id, name in GROUPS.items()], query)
    if path == "ticket_fields":
        return 200, listed("ticket_fields", FIELDS, query)
    if found := re.fullmatch(r"tickets/(\d+)(/comments)?", path):
        told = story.Told(int(found[1]))
        if told.id > story.TICKETS:
            return 404, {"error": "RecordNotFound", "description": "Not found"}
        if not found[2]:
            return 200, {"ticket": ticket(told)}
        users = [{"id": ADA, "name": "Ada", "role": "end-user"}, {"id": JANA, "name": "Jana", "role": "agent"}]
        return 200, {**listed("comments", comments(told), query), "users": users}
    return 404, {"error": "InvalidEndpoint"}


def exported(query: Query) -> dict[str, Any]:
    """By time of change; a deleted ticket is among them."""
    since, begin = query.get("cursor", f"{query.get('start_time')}-0").split("-")
    told = [one for one in story.tickets() if one.changed_at.timestamp() >= int(since)]
    gone = {**ticket(story.Told(9998)), "status": "deleted"}
    shown = [*map(ticket, told), gone][int(begin) :][: int(query["per_page"])]
    end = int(begin) + len(shown)
    return {"tickets": shown, "after_cursor": f"{since}-{end}", "end_of_stream": end > len(told)}


def listed(name: str, items: Sequence[dict[str, Any]], query: Query) -> dict[str, Any]:
    """Two a page, however many are asked for."""
    begin = int(query.get("page[after]", "0"))
    end = begin + min(2, int(query["page[size]"]))
    return {name: items[begin:end], "meta": {"has_more": end < len(items), "after_cursor": str(end)}, "links": {}}


def ticket(told: story.Told) -> dict[str, Any]:
    return {
        "id": told.id,
        "subject": told.title,
        "raw_subject": told.title,
        "description": told.text,
        "status": "closed",
        "priority": None,
        "type": "incident",
        "group_id": 5001 + story.QUEUES.index(told.queue),
        "assignee_id": JANA,
        "requester_id": ADA,
        "tags": ["vip"] if told.id % 5 == 0 else [],
        "via": {"channel": "email", "source": {"from": {"address": story.ADA}}},
        "custom_fields": [{"id": 3, "value": told.priority}, {"id": 4, "value": None}],
        "created_at": story.written(told.created_at, of="seconds"),
        "updated_at": story.written(told.changed_at, of="seconds"),
    }


def comments(told: story.Told) -> list[dict[str, Any]]:
    first = comment(told, ADA, told.text, minutes=0)
    if told.has_file:
        first["attachments"] = [{"id": 9, "file_name": "screen.txt", "content_url": "https://files.example/9"}]
    if not told.is_answered:
        return [first]
    note = comment(told, JANA, story.SECRET_NOTE, minutes=10) | {"public": False}
    return [first, note, comment(told, JANA, story.ANSWER, minutes=30)]


def comment(told: story.Told, author: int, body: str, *, minutes: int) -> dict[str, Any]:
    return {
        "id": told.id * 100 + minutes,
        "type": "Comment",
        "author_id": author,
        "body": body,
        "html_body": f'<div class="zd-comment"><p>{body}</p></div>' if told.is_html else None,
        "public": True,
        "created_at": story.written(told.created_at + timedelta(minutes=minutes), of="seconds"),
        "attachments": [],
    }


if __name__ == "__main__":
    serve(answers)
