"""Spending and approvals over the API: who sees them, who sets them, and what waits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otai.db import utc_now
from otai.orgs.permissions import Role, Scope
from otai.runs import approval
from tests import stories
from tests.api.callers import Program, answered
from tests.api.test_team import Person
from tests.runs.test_approvals import Team, email

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None, tmp_path: Path) -> Team:
    return Team(utc_now(), tmp_path)


def test_spending_is_told_by_month_and_a_person_once(team: Team) -> None:
    price = team.orders(email("bob")).credits
    team.orders(email("bob").upper())
    team.declines(team.orders(email("bob")), "alice")
    reader = Program(team.acme, [Scope.READ, Scope.MEMBERS_READ])
    status, told = reader.get("/spending")
    assert (status, told["month"]) == (200, f"{team.now:%Y-%m}")
    assert told["items"] == [{"who": email("bob"), "runs": 2, "credits": 2 * price, "limit": None}]
    assert told["approval"] == {"above_credits": 0, "days": 7}
    assert reader.get("/spending?month=2020-02")[1]["items"] == []
    assert reader.get("/spending?month=last")[0] == 422


def test_a_limit_is_set_holds_and_says_who_set_it(team: Team) -> None:
    buys, orders = Program(team.acme, [Scope.BILLING_BUY]), Program(team.acme, [Scope.RUNS_ORDER, Scope.READ])
    quotes = [str(stories.quote_for(team.acme, team.support, team.now).id) for _ in range(2)]
    price = team.orders(email("alice")).credits
    limit = {"member": None, "monthly_credits": price}
    assert orders.call("PUT", "/spending/limits", limit).status_code == 403
    status, told = answered(buys.call("PUT", "/spending/limits", limit))
    assert (status, told["limits"]) == (200, [{"member": "", "monthly_credits": price}])
    [changed] = [change for change in told["changes"] if change["what"] == "spend_limit_changed"]
    assert (changed["who"], changed["before"], changed["after"]) == (
        f"program (API key {buys.key.prefix})",
        None,
        price,
    )
    assert orders.post("/runs", {"quote": quotes[0], "again": True})[0] == 201, "a key has the limit for everybody"
    status, refused = orders.post("/runs", {"quote": quotes[1], "again": True})
    assert (status, refused["error"]["code"], refused["error"]["values"]["left"]) == (409, "spend_limit_reached", 0)
    assert answered(buys.call("PUT", "/spending/limits", {"monthly_credits": None}))[1]["limits"] == []
    assert orders.post("/runs", {"quote": quotes[1], "again": True})[0] == 201
    assert answered(buys.call("PUT", "/spending/limits", {"member": "x@y.example", "monthly_credits": 1}))[0] == 422


def test_who_may_not_read_sees_no_spending(team: Team, now: datetime) -> None:
    assert Program(team.acme, [Scope.PREDICT]).get("/spending")[0] == 403
    globex = stories.globex(now)
    carol = Person("carol", globex, Role.OWNER, now)
    assert carol("GET", "/spending")[1]["items"] == []
    for method, path, body in (
        ("GET", "/spending", None),
        ("PUT", "/spending/limits", {"monthly_credits": 1}),
        ("PUT", "/spending/approval", {"above_credits": 1}),
        ("POST", f"/runs/{team.orders().number}/approve", {}),
    ):
        assert carol(method, path, body, **{"Otai-Organisation": "acme"})[0] == 404
    assert Program(globex).post("/runs/1/approve")[0] == 404


def test_an_owner_in_person_says_what_waits_and_no_key_does(team: Team) -> None:
    rule = {"above_credits": 3, "days": 5}
    for program in (Program(team.acme), Program(team.acme, [Scope.BILLING_BUY])):
        assert program.call("PUT", "/spending/approval", rule).status_code == 403
    zoe = Person("zoe", team.acme, Role.OWNER, team.now)
    status, told = zoe("PUT", "/spending/approval", rule)
    assert (status, told["approval"]) == (200, rule)
    assert told["changes"][0] | {"at": ""} == {
        "at": "",
        "who": "zoe@acme.example",
        "what": "approval_rule_changed",
        "member": "",
        "before": {"above_credits": 0, "days": 7},
        "after": rule,
    }
    assert zoe("GET", "/team-events")[1]["items"][0]["details"] == {
        "before": {"above_credits": 0, "days": 7},
        "after": rule,
    }
    assert zoe("PUT", "/spending/approval", {"above_credits": None})[1]["approval"] is None
    assert zoe("PUT", "/spending/approval", {"above_credits": 3, "days": 31})[0] == 422
    assert approval.rule(team.acme) is None


def test_an_order_waits_and_is_decided_by_a_key_of_somebody_else(team: Team) -> None:
    orders = Program(team.acme, [Scope.RUNS_ORDER, Scope.READ])
    # A key is its maker: this one is Alice's too.
    approves = Program(team.acme, [Scope.RUNS_APPROVE])
    type(approves.key).objects.filter(id=approves.key.id).update(created_by=email("olivia"))
    quote = stories.quote_for(team.acme, team.support, team.now)
    status, ordered = orders.post("/runs", {"quote": str(quote.id)})
    assert (status, ordered["status"], ordered["held"]) == (201, "awaiting_approval", quote.credits)
    waiting: dict[str, Any] = ordered["approval"]
    assert (waiting["state"], waiting["by"], waiting["why"]) == ("waiting", "", "")
    number = ordered["number"]
    assert orders.post(f"/runs/{number}/approve")[0] == 403
    assert orders.get("/runs?status=awaiting_approval")[1]["items"][0]["number"] == number
    status, approved = approves.post(f"/runs/{number}/approve")
    assert (status, approved["status"], approved["approval"]["state"]) == (200, "queued", "approved")
    assert approves.post(f"/runs/{number}/decline", {"why": "too late"})[1]["error"]["code"] == "approval_decided"
    assert approves.post(f"/runs/{number}/decline", {"why": ""})[0] == 422


def test_a_declined_order_says_why_and_by_whom(team: Team) -> None:
    run = team.orders()
    olivia = Program(team.acme, [Scope.RUNS_APPROVE, Scope.READ])
    status, declined = olivia.post(f"/runs/{run.number}/decline", {"why": "wait for new queues"})
    assert (status, declined["status"], declined["held"]) == (200, "cancelled", 0)
    assert (declined["approval"]["state"], declined["approval"]["why"]) == ("declined", "wait for new queues")
    told = olivia.get(f"/runs/{run.number}/events")[1]["moves"][-1]
    assert (told["fact"]["code"], "wait for new queues" in told["why"]) == ("run.declined", True)
