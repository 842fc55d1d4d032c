"""What a program is told before it pays, and that its increments grow a data set as the command line's do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.callers import Program, answered
from tests.stories_of_leaks import write_signed

pytestmark = pytest.mark.django_db(transaction=True)


def imported(program: Program, content: bytes, **asked: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in {"name": "support", "filename": "s.csv", **asked}.items())
    status, data_set = answered(program.upload(f"/data-sets?{query}", content, "text/csv"))
    assert status == 201, data_set
    return dict(data_set)


@pytest.fixture
def signed(alice: Program, tmp_path: Path) -> dict[str, Any]:
    return imported(alice, write_signed(tmp_path / "s.csv").read_bytes())


def test_attributes_say_whether_and_why_they_are_proposed(alice: Program, signed: dict[str, Any]) -> None:
    _, found = alice.get(f"/data-sets/{signed['id']}/attributes")
    by_name = {one["name"]: one for one in found["items"]}
    assert {name: one["proposed"] for name, one in by_name.items()} == {
        "queue": True,
        "priority": True,
        "office": False,
    }
    assert by_name["office"]["usable"] and "not proposed" in by_name["office"]["why"]
    _, quote = alice.post("/quotes", {"data_set": signed["id"]})
    assert quote["attributes"] == ["queue", "priority"]


def test_a_quote_says_what_gives_labels_away(alice: Program, signed: dict[str, Any]) -> None:
    _, quote = alice.post("/quotes", {"data_set": signed["id"], "attributes": ["queue"]})
    [warning] = quote["warnings"]
    assert (warning["code"], warning["attribute"]) == ("label_given_away", "queue")
    assert "of 100 would be right" in warning["message"] and "lines" not in warning["values"]
    assert alice.get(f"/quotes/{quote['id']}")[1]["warnings"] == quote["warnings"]
    _, quote = alice.post("/quotes", {"data_set": signed["id"], "attributes": ["office"]})
    assert quote["warnings"] == []


def test_increments_grow_a_data_set(alice: Program) -> None:
    def rows(first: int, last: int) -> bytes:
        lines = [
            f"T{n},The printer in room {n} is broken (ada{n}@example.com),{'it' if n % 2 else 'office'}"
            for n in range(first, last)
        ]
        return "\n".join(["ticket id,text,queue", *lines]).encode()

    imported(alice, rows(0, 40), mask="true")
    made = imported(alice, rows(30, 50), add="true")
    assert (made["version"], made["tickets"]) == (2, 50)
    (since,) = [one for one in made["profile"]["findings"] if one["code"] == "versions_compared"]
    assert {name: since["values"][name] for name in ("came", "changed", "went")} == {
        "came": 10,
        "changed": 0,
        "went": 0,
    }
    _, found = alice.get(f"/data-sets/{made['id']}/tickets?limit=200")
    assert not any("@example" in one["body"] for one in found["items"])
