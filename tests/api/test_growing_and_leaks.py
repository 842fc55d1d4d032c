"""What a program is told before it pays, and that its increments grow a data set as the command line's do."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
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


def test_a_quote_says_what_no_text_tells(alice: Program, tmp_path: Path) -> None:
    """Once the expected quality was tried: the office of a ticket was drawn at random."""
    signed = imported(alice, write_signed(tmp_path / "s.csv", tickets=900).read_bytes())
    _, before = alice.post("/quotes", {"data_set": signed["id"], "attributes": ["office"]})
    assert (before["quality_is_tried"], before["warnings"]) == (False, [])
    _, found = alice.get(f"/data-sets/{signed['id']}/expected-quality")
    assert {one["attribute"]: one["no_signal"] for one in found["items"]}["office"]
    _, quote = alice.post("/quotes", {"data_set": signed["id"], "attributes": ["office"]})
    [warning] = quote["warnings"]
    assert (warning["code"], warning["attribute"]) == ("no_signal", "office")
    assert "nothing in these texts tells it" in warning["message"] and "Do not buy" in warning["advice"]
    assert quote["quality_is_tried"] and alice.get(f"/quotes/{before['id']}")[1]["warnings"] == [warning]
    # Who reads the quote knows: a program is not asked again.
    assert alice.post("/runs", {"quote": quote["id"]})[0] == 201


def test_a_quote_says_which_labels_are_personal_data(alice: Program) -> None:
    rows = [f"Case {n} of the printer makes trouble,{('anna.bell', 'bo.carr')[n % 2]}@acme.example" for n in range(40)]
    made = imported(alice, "\n".join(["text,assignee", *rows]).encode(), mask="true")
    _, quote = alice.post("/quotes", {"data_set": made["id"], "attributes": ["assignee"]})
    assert {one["code"]: one["values"].get("labels") for one in quote["warnings"]}["labels_are_personal"] == 2


def test_increments_grow_a_data_set(alice: Program) -> None:
    def rows(first: int, last: int, column: str = "queue") -> bytes:
        lines = [
            f"T{n},The printer in room {n} is broken (ada{n}@example.com),{'it' if n % 2 else 'office'}"
            for n in range(first, last)
        ]
        return "\n".join([f"ticket id,text,{column}", *lines]).encode()

    imported(alice, rows(0, 40), mask="true")
    made = imported(alice, rows(30, 50), add="true")
    assert (made["version"], made["tickets"]) == (2, 50)
    values = {one["code"]: one["values"] for one in made["profile"]["findings"]}
    since = values["versions_compared"]
    assert {name: since[name] for name in ("came", "changed", "went")} == {"came": 10, "changed": 0, "went": 0}
    assert "columns_came" not in values
    other = imported(alice, rows(50, 60, "category"), add="true")
    values = {one["code"]: one["values"] for one in other["profile"]["findings"]}
    assert (values["columns_came"]["columns"], values["columns_lacking"]["columns"]) == (["category"], ["queue"])
    _, found = alice.get(f"/data-sets/{made['id']}/tickets?limit=200")
    assert not any("@example" in one["body"] for one in found["items"])


def test_labels_are_renamed_joined_and_left_out(alice: Program, signed: dict[str, Any]) -> None:
    changes = {"labels": {"queue": {"billing": "money", "accounts": "network"}, "priority": {"low": None}}}
    status, found = alice.post(f"/data-sets/{signed['id']}/labels/preview", changes)
    assert status == 200
    queue, priority = found["items"]
    assert {edit["label"]: edit["becomes"] for edit in queue["edits"]} == {"billing": "money", "accounts": "network"}
    assert (queue["learnable_before"], queue["learnable_after"], queue["at_most"]) == (3, 2, False)
    assert priority["left_without"] == next(edit["tickets"] for edit in queue["edits"] if edit["label"] == "billing")
    status, made = alice.post(f"/data-sets/{signed['id']}/labels", changes, Prefer="wait=60")
    assert status == 201 and made["data_set"]["version"] == 2
    assert made["changed"] == sum(edit["tickets"] for one in found["items"] for edit in one["edits"])
    _, after = alice.get(f"/data-sets/{made['data_set']['id']}/attributes")
    by_name = {one["name"]: {label["name"]: label["count"] for label in one["labels"]} for one in after["items"]}
    assert by_name["queue"] == {one["label"]: one["tickets"] for one in queue["after"]}
    assert "low" not in by_name["priority"]


def test_labels_that_are_not_there_are_refused_by_name(alice: Program, carol: Program, signed: dict[str, Any]) -> None:
    address = f"/data-sets/{signed['id']}/labels"
    for labels, named in (({"queue": {"fax": "x"}}, "fax"), ({"colour": {"red": "x"}}, "colour")):
        for path in (address, f"{address}/preview"):
            status, refused = alice.post(path, {"labels": labels})
            assert (status, refused["error"]["code"]) == (422, "change_invalid") and named in refused["error"][
                "message"
            ]
    assert carol.post(address, {"labels": {"queue": {"billing": "x"}}})[0] == 404


def test_what_gives_labels_away_is_cut(alice: Program, signed: dict[str, Any]) -> None:
    status, made = alice.post(f"/data-sets/{signed['id']}/cut", {}, Prefer="wait=60")
    assert status == 201 and made["version"] == 2, made
    _, quote = alice.post("/quotes", {"data_set": made["id"], "attributes": ["queue"]})
    assert quote["warnings"] == []
    status, refused = alice.post(f"/data-sets/{made['id']}/cut", {}, Prefer="wait=60")
    assert (status, refused["error"]["code"]) == (422, "change_invalid")


def test_cuts_of_the_import_are_undone(alice: Program, carol: Program) -> None:
    quote = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana wrote:\n> The earlier words"
    rows = "".join(
        f'T{n},"The {"printer router"[n % 2 * 8 :][:7]} number {n} fails{quote}",{"ab"[n % 2]}\n' for n in range(60)
    )
    found = imported(alice, f"ticket id,text,queue\n{rows}".encode())
    assert carol.post(f"/data-sets/{found['id']}/uncut", {})[0] == 404
    status, made = alice.post(f"/data-sets/{found['id']}/uncut", {}, Prefer="wait=60")
    assert status == 201 and made["version"] == 2, made
    assert (found["made_as"], made["source_filename"]) == (None, "")
    assert made["made_as"] == {"code": "made_as.texts_uncut", "values": {}, "said": "texts as they came, uncut"}
    assert "text_was_cut" not in {one["code"] for one in made["profile"]["findings"]}
    status, refused = alice.post(f"/data-sets/{made['id']}/uncut", {}, Prefer="wait=60")
    assert (status, refused["error"]["code"]) == (422, "change_invalid")


def test_numbers_of_a_queue_and_a_sentence_of_its_desk_are_told_and_cut_as_well(alice: Program, tmp_path: Path) -> None:
    """The desk counts by queue, and writes into what the customer said."""
    begins = {"billing": "4711", "network": "4823", "accounts": "5190"}
    desks = {"billing": "northern", "network": "southern", "accounts": "eastern"}
    with write_signed(tmp_path / "s.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    text = "ticket id,subject,body,queue\n" + "".join(
        f'{row["ticket id"]},Case {begins[row["queue"]]}-{number:06d},"{row["body"].partition(".")[0]}, which the '
        f'{desks[row["queue"]]} bench is looking into now",{row["queue"]}\n'
        for number, row in enumerate(rows)
    )
    found = imported(alice, text.encode())
    [told] = [one for one in found["profile"]["findings"] if one["code"] == "label_given_away"]
    assert "4711-…" in told["values"]["examples"] or "4823-…" in told["values"]["examples"], told
    _, quote = alice.post("/quotes", {"data_set": found["id"], "attributes": ["queue"]})
    assert [one["code"] for one in quote["warnings"]] == ["label_given_away"]
    status, made = alice.post(f"/data-sets/{found['id']}/cut", {}, Prefer="wait=60")
    assert status == 201, made
    assert "label_given_away" not in {one["code"] for one in made["profile"]["findings"]}
    kept = tickets.tickets(DataSet.objects.get(id=made["id"]))
    assert not [row for row in kept if any(part in f"{row['subject']}{row['body']}" for part in ("4711", "northern"))]
    assert all(row["body"].startswith("Hello, ") and "reference" in row["body"] for row in kept)
