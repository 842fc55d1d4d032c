"""Request Tracker 5: REST 2.0 with its collections, as 5.0.3 answers."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.helpdesks import story
from tests.helpdesks.fakes.serving import Query, serve

ROOT = "/REST/2.0/"
WHAT = ("Create", "EmailRecord", "Comment", "Correspond", "Status")
MINUTES = {"Create": 0, "EmailRecord": 1, "Comment": 10, "Correspond": 30, "Status": 31}
CONDITION = re.compile(r"(Queue|Created|LastUpdated) (=|>=) '([^']*)'")


def answers(path: str, query: Query, headers: Mapping[str, str]) -> tuple[int, Any]:
    if headers.get("authorization") != f"token {story.TOKEN}":
        return 401, {"message": "Unauthorized"}
    path = path.removeprefix(ROOT)
    if path == "queues/all":
        return 200, collection([{"id": str(n), "Name": name, "Disabled": "0"} for n, name in named()], query)
    if path == "tickets":
        return 200, collection([ticket(one) for one in story.tickets() if asked_for(one, query["query"])], query)
    if found := re.fullmatch(r"ticket/(\d+)(/history)?", path):
        told = story.Told(int(found[1]))
        if told.id > story.TICKETS:
            return 404, {"message": "Not Found"}
        return 200, collection(history(told), query) if found[2] else ticket(told)
    if found := re.fullmatch(r"transaction/(\d+)/attachments", path):
        listed = [{name: one[name] for name in ("id", "ContentType", "Filename", "Subject")} for one in parts(found[1])]
        return 200, collection(listed, query)
    if found := re.fullmatch(r"attachment/(\d+)(\d)", path):
        one = parts(found[1])[int(found[2])]
        content = None if one["Content"] is None else base64.encodebytes(one["Content"].encode()).decode()
        return 200, {**one, "Content": content}
    return 404, {"message": "Not Found"}


def named() -> list[tuple[int, str]]:
    return [*enumerate(story.QUEUES, start=1)]


def asked_for(told: story.Told, ticket_sql: str) -> bool:
    has = {"Created": told.created_at, "LastUpdated": told.changed_at}
    queues = []
    for name, _, value in CONDITION.findall(ticket_sql):
        if name == "Queue":
            queues.append(value)
        elif name in has and has[name].replace(tzinfo=None) < datetime.fromisoformat(value):
            return False
    return not queues or told.queue in queues


def collection(items: Sequence[dict[str, Any]], query: Query) -> dict[str, Any]:
    size, page = min(int(query.get("per_page", "20")), 100), int(query.get("page", "1"))
    shown = items[(page - 1) * size : page * size]
    pages = math.ceil(len(items) / size)
    return {
        "count": len(shown),
        "total": len(items),
        "per_page": size,
        "page": page,
        # As Perl divides nothing by something.
        "pages": pages or 0.0,
        "items": [{"type": "thing", "_url": "", **one} for one in shown],
    }


def user(id: str) -> dict[str, str]:
    return {"type": "user", "id": id, "_url": f"{ROOT}user/{id}"}


def ticket(told: story.Told) -> dict[str, Any]:
    owner = story.JANA if told.is_answered else "Nobody"
    return {
        "id": told.id,
        "Subject": told.title,
        "Status": "resolved",
        "Priority": "50",
        "Queue": {"type": "queue", "id": str(story.QUEUES.index(told.queue) + 1), "Name": told.queue},
        "Owner": {**user(owner), "Name": owner},
        "Requestor": [user(story.ADA)],
        "CustomFields": [
            {"type": "customfield", "id": "2", "name": "Severity", "values": [told.priority]},
            {"type": "customfield", "id": "3", "name": "Site", "values": []},
        ],
        "Created": story.written(told.created_at, of="seconds"),
        "LastUpdated": story.written(told.changed_at, of="seconds"),
    }


def history(told: story.Told) -> list[dict[str, Any]]:
    # An agent wrote down what the customer of ticket 3 said on the telephone.
    by = {"Create": story.JANA if told.id == 3 else story.ADA, "EmailRecord": "RT_System"}
    return [
        {
            "id": str(told.id * 10 + number),
            "Type": what,
            "Creator": user(by.get(what, story.JANA)),
            "Created": story.written(told.created_at + timedelta(minutes=MINUTES[what]), of="seconds"),
        }
        for number, what in enumerate(WHAT)
        if told.is_answered or what in ("Create", "EmailRecord")
    ]


def parts(transaction: str) -> list[dict[str, Any]]:
    told, what = story.Told(int(transaction) // 10), WHAT[int(transaction) % 10]
    if what == "Status":
        return []
    texts = {"Create": told.text, "Comment": story.SECRET_NOTE, "Correspond": story.ANSWER}
    text = texts.get(what, "Your request was received")
    made: list[tuple[str, str | None, str]]
    if told.is_html and what == "Create":
        made = [("text/html", f"<p>{text}</p><br>", "")]
    elif told.has_file and what == "Create":
        made = [("multipart/mixed", None, ""), ("text/plain", story.FILE, "screen.txt"), ("text/plain", text, "")]
    else:
        made = [("text/plain", text, "")]
    return [
        {"id": f"{transaction}{n}", "ContentType": kind, "Content": content, "Filename": name, "Subject": told.title}
        for n, (kind, content, name) in enumerate(made)
    ]


if __name__ == "__main__":
    serve(answers)
