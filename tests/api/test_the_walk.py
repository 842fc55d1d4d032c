"""Acme's program walks from a file of tickets to a model, and buys credits on the way."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otai.pricing.price_book import Tier
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from tests import stories
from tests.api.callers import Program, answered

pytestmark = pytest.mark.django_db(transaction=True)


def imported(program: Program, tickets: Path, name: str = "support") -> dict[str, Any]:
    status, data_set = answered(
        program.upload(f"/data-sets?name={name}&filename={tickets.name}", tickets.read_bytes(), "text/csv")
    )
    assert status == 201, data_set
    return dict(data_set)


def quoted(program: Program, data_set: dict[str, Any], **asked: Any) -> dict[str, Any]:
    status, quote = program.post("/quotes", {"data_set": data_set["id"], **asked})
    assert status == 201, quote
    return dict(quote)


def test_from_tickets_to_a_prediction(alice: Program, tickets: Path) -> None:
    data_set = imported(alice, tickets)
    assert data_set["tickets"] == 150 and data_set["version"] == 1
    assert [a["name"] for a in data_set["profile"]["attributes"]] == ["queue", "priority"]

    status, price = alice.get("/price?mode=basic&attributes=2")
    assert status == 200 and price["credits"] == 1 and price["balance"] == 100 and len(price["offers"]) == 6
    # No encoder is here: Business is Pro's, and is not sold here.
    assert {one["mode"] for one in price["offers"] if one["installed"] and one["available"]} == {"basic"}
    assert {modes for one in alice.get("/tiers")[1]["items"] for modes in one["modes"]} == {"basic"}

    quote = quoted(alice, data_set, mode="basic", delivery="standard")
    assert quote["credits"] == 1 and quote["balance_after"] == 99 and quote["attributes"] == ["queue", "priority"]

    status, run = alice.post("/runs", {"quote": quote["id"]})
    assert status == 201 and run["status"] == "queued" and run["held"] == 1 and run["charged"] == 0
    assert alice.post("/runs", {"quote": quote["id"]})[1]["number"] == run["number"], "a quote becomes one run"
    assert alice.get("/balance")[1] == {"available": 99, "held": 1, "spent": 0}

    assert Worker(FakeExecutor()).work_once() is not None
    status, run = alice.get("/runs/1")
    assert run["status"] == "completed" and run["charged"] == 1 and run["held"] == 0
    assert alice.get("/balance")[1] == {"available": 99, "held": 0, "spent": 1}

    status, events = alice.get("/runs/1/events")
    assert events["moves"][0]["move"] == "-> queued" and events["progress"]["ended"]
    assert alice.get(f"/runs/1/events?after={events['next_after']}")[1]["moves"] == []
    [attempt] = alice.get("/runs/1/attempts")[1]["items"]
    assert (attempt["outcome"], attempt["devices"]) == ("completed", [])
    assert alice.get("/runs/1/report-card")[0] == 200
    assert [line["kind"] for line in alice.get("/statement")[1]["items"]] == ["capture", "hold", "grant"]
    assert alice.get("/quotes/" + quote["id"])[1]["run"] == 1


def test_a_maximum_that_is_not_expected_to_gain_is_told_with_its_quote_and_asked_about_once(
    moment: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    globex = stories.globex(moment, tier=Tier.ENTERPRISE)
    carol, support = Program(globex), stories.tickets_of(globex, tmp_path, moment)
    stories.maximum_tried(support, moment, queue=0.002)
    _, expected = carol.get(f"/data-sets/{support.id}/expected-quality?maximum=true")
    queue = next(one for one in expected["items"] if one["attribute"] == "queue")
    assert queue["gain_of_maximum"]["gain"] == 0.002 and queue["modes"]["maximum"]["accuracy"]["value"] == 0.802

    quote = quoted(carol, {"id": str(support.id)}, mode="maximum")
    assert [(one["code"], one["attribute"]) for one in quote["warnings"]] == [("no_gain_expected", "")]
    status, refused = carol.post("/runs", {"quote": quote["id"]})
    assert (status, refused["error"]["code"]) == (409, "no_gain_expected")
    status, run = carol.post("/runs", {"quote": quote["id"], "accept_no_gain": True})
    assert (status, run["held"]) == (201, quote["credits"])
    assert quoted(carol, {"id": str(support.id)}, mode="business")["warnings"] == []
