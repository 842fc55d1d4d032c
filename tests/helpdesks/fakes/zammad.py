"""Zammad: tickets by id, articles and tags of one, groups, priorities, states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.helpdesks import story
from tests.helpdesks.fakes.serving import Query, serve

MOST_PER_PAGE = 100


def answers(path: str, query: Query, headers: Mapping[str, str]) -> tuple[int, Any]:
    if headers.get("authorization") != f"Token token={story.TOKEN}":
        return 401, {"error": "Authentication required", "error_human": "Authentication required"}
    if path == "/api/v1/tickets":
        size = min(int(query.get("per_page", "100")), MOST_PER_PAGE)
        begin = (int(query.get("page", "1")) - 1) * size
        return 200, [ticket(one) for one in story.tickets()[begin : begin + size]]
    if path == "/api/v1/tags":
        return 200, {"tags": ["vip", "onsite"] if int(query["o_id"]) % 5 == 0 else []}
    if path in LISTS:
        return 200, [{"id": number, "name": name, "active": True} for number, name in enumerate(LISTS[path], start=1)]
    if path == "/api/v1/ticket_states":
        return 403, {"error": "Not authorized", "error_human": "Not authorized"}
    if found := re.fullmatch(r"/api/v1/(tickets|ticket_articles/by_ticket)/(\d+)", path):
        told = story.Told(int(found[2]))
        if told.id > story.TICKETS:
            return 404, {"error": "Couldn't find Ticket with 'id'"}
        return 200, ticket(told) if found[1] == "tickets" else articles(told)
    return 404, {"error": "No route matches [GET] " + path}


LISTS = {"/api/v1/groups": story.QUEUES, "/api/v1/ticket_priorities": story.PRIORITIES}


def ticket(told: story.Told) -> dict[str, Any]:
    return {
        "id": told.id,
        "number": str(31_000 + told.id),
        "title": told.title,
        "group": told.queue,
        "group_id": story.QUEUES.index(told.queue) + 1,
        "priority": told.priority,
        "priority_id": story.PRIORITIES.index(told.priority) + 1,
        "state": "closed",
        "state_id": 4,
        "owner": story.JANA if told.is_answered else "-",
        "owner_id": 3,
        "customer": story.ADA,
        "customer_id": 7,
        "note": None,
        "organization": None,
        "article_count": 2,
        "preferences": {},
        "create_article_type": "email",
        "create_article_sender": "Customer",
        "created_at": story.written(told.created_at),
        "updated_at": story.written(told.changed_at),
        "updated_by": story.JANA,
        "created_by": story.ADA,
    }


def articles(told: story.Told) -> list[dict[str, Any]]:
    first = article(told, "Customer", told.text, minutes=0)
    if told.is_html:
        first |= {"body": f"<p>{told.text}</p><br>", "content_type": "text/html"}
    if told.has_file:
        first["attachments"] = [{"id": 9, "filename": "screen.txt", "size": "39"}]
    if not told.is_answered:
        return [first]
    # Not in the order in which they were written.
    return [
        article(told, "Agent", story.ANSWER, minutes=30),
        first,
        article(told, "Agent", story.SECRET_NOTE, minutes=10) | {"internal": True, "type": "note"},
        article(told, "System", "Your request was received", minutes=1),
    ]


def article(told: story.Told, sender: str, body: str, *, minutes: int) -> dict[str, Any]:
    return {
        "id": told.id * 10 + minutes,
        "ticket_id": told.id,
        "sender": sender,
        "type": "email",
        "internal": False,
        "from": story.ADA if sender == "Customer" else story.JANA,
        "subject": told.title,
        "body": body,
        "content_type": "text/plain",
        "created_at": story.written(told.created_at + timedelta(minutes=minutes)),
        "attachments": [],
    }


if __name__ == "__main__":
    serve(answers)
