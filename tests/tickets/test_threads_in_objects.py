"""Threads whose messages lie deeper: in an object of their own, or below the events of a ticket; and fields that an
object describes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tickets.test_other_helpdesks import team
from tests.tickets.test_threads import answer, read, request

pytestmark = pytest.mark.pure

Make = Callable[[int], dict[str, Any]]


def of_events(n: int) -> dict[str, Any]:
    events = [
        {"at": "2026-01-05T10:00:00Z", "comments": [{"role": "agent", "text": answer(n)}]},
        {"at": "2026-01-05T08:00:00Z", "comments": [{"role": "requester", "text": request(n)}]},
    ]
    return {"key": f"K-{n}", "title": f"matter {n}", "team": team(n), "history": events}


def of_resources(n: int) -> dict[str, Any]:
    def message(direction: str, text: str, hour: int) -> dict[str, Any]:
        said = {"direction": direction, "preview": text, "sentAt": f"2026-01-05T{hour:02}:00:00Z"}
        return {"type": "message", "attributes": said}

    messages = {"data": [message("out", answer(n), 10), message("in", request(n), 8)]}
    own = {"name": f"matter {n}", "team": {"name": team(n)}}
    return {"id": f"c{n}", "attributes": own, "relationships": {"messages": messages}}


def of_nodes(n: int) -> dict[str, Any]:
    nodes = [{"node": {"sender": "agent", "body": answer(n)}}, {"node": {"sender": "customer", "body": request(n)}}]
    return {"id": f"c{n}", "title": f"matter {n}", "team": team(n), "messages": {"edges": nodes}}


@pytest.mark.parametrize("make", [of_events, of_resources, of_nodes])
def test_the_customers_first_message_is_found_wherever_it_lies(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"data": [make(n) for n in range(40)]}), encoding="utf-8")
    found, stored = read(path)
    assert [one["body"] for one in stored] == [request(n) for n in range(40)]
    assert any(one.proposed and "team" in one.name for one in found.roles.attributes)


def test_messages_that_name_no_ticket_are_told(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    rows = [f"matter {n // 2},{100 + n},Author {n % 5},{(request, answer)[n % 2](n // 2)!r},{team(n // 2)}"
            for n in range(80)]  # fmt: skip
    path.write_text("\n".join(["Ticket subject,Comment ID,Author,Comment,Group", *rows]).replace("'", '"'))
    found, stored = read(path)
    told = [one.values for one in found.profile.findings if one.code == "messages_without_ticket"]
    assert len(stored) == 80 and told == [{"column": "Comment ID"}]


def test_fields_and_labels_are_called_what_their_objects_call_them(tmp_path: Path) -> None:
    documents = [
        {
            "id": f"c{n}",
            "subject": f"matter {n}",
            "description": request(n),
            "custom_fields": [{"field": {"id": 7, "name": "Department"}, "value": team(n)}],
            "labels": {"nodes": [{"name": ("vip", "eu")[n % 2]}]},
        }
        for n in range(40)
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"requests": documents}), encoding="utf-8")
    found, stored = read(path)
    assert {one.name for one in found.roles.attributes if one.proposed} == {"custom_fields.Department", "labels.nodes"}
    assert [one["attribute:labels.nodes"] for one in stored[:2]] == [["vip"], ["eu"]]
