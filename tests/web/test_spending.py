"""Who ordered what for how much on one page, and an order that waits for approval on its own."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from otai.cli.actor import actor
from otai.db import utc_now
from otai.orgs.actors import by_key
from otai.orgs.models import TeamEvent
from otai.runs import approval, spending
from otai.runs.models import Run
from otai.web.words import who_words
from tests import stories
from tests.orgs.people import joins, person
from tests.runs.test_approvals import Team, email

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None, tmp_path: Path) -> Team:
    return Team(utc_now(), tmp_path)


def browser(name: str, **more: Any) -> Client:
    from otai.orgs.models import User

    client = Client(**more)
    client.force_login(User.objects.get(email=email(name)))
    return client


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_the_page_says_who_ordered_what_for_how_much(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    run = team.orders()
    team.declines(team.orders(), "alice")
    shown = text(browser("olivia"), "/acme/credits/spending/")
    assert f"{run.credits} credit" in shown and email("bob") in shown
    assert "Waits for approval" in shown and "/acme/runs/1/" in shown
    before = text(browser("olivia"), "/acme/credits/spending/?month=2020-01")
    assert "Nothing was ordered in this month" in before
    assert "Trainings for 0 credits in January 2020" in before and "Back to December 2019" in before
    monkeypatch.delenv("OTAI_ACTOR", raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: "olga")
    with translation.override("de"):
        assert [who_words(who) for who in (actor(), by_key("nightly (new)", "k3m9pq2x"), email("bob"))] == [
            "olga (Kommandozeile)",
            "nightly (new) (API-Schlüssel k3m9pq2x)",
            email("bob"),
        ]
    rows = list(csv.DictReader(io.StringIO(text(browser("olivia"), "/acme/credits/spending.csv"))))
    assert [(row["run"], row["ordered_by"], row["state"], row["counted"]) for row in rows] == [
        ("2", email("bob"), "cancelled", "0"),
        ("1", email("bob"), "awaiting_approval", str(run.credits)),
    ]


def test_limits_are_changed_in_place_by_those_who_may(team: Team) -> None:
    limits = "/acme/credits/spending/limits"
    asked = {"member": email("bob"), "monthly_credits": "20"}
    assert browser("bob").post(limits, asked).status_code == 403
    olivia = browser("olivia")
    olivia.post(limits, asked)
    assert spending.limit_of(team.acme, email("bob")) == 20
    assert "Limit of bob@acme.example: from none to 20 credits" in text(olivia, "/acme/credits/spending/")
    assert "Limit of bob@acme.example: from none to 20 credits" in text(browser("alice"), "/acme/team/organisation/")
    wrong = olivia.post(limits, asked | {"monthly_credits": "-1"}, follow=True).content.decode()
    assert "Limit in a month" in wrong and spending.limit_of(team.acme, email("bob")) == 20
    olivia.post(limits, asked | {"monthly_credits": ""})
    assert spending.limit_of(team.acme, email("bob")) is None
    assert 'name="monthly_credits"' not in text(browser("bob"), "/acme/credits/spending/")


def test_a_months_limit_is_told_before_the_order_and_refuses_it(team: Team) -> None:
    bob = browser("bob")
    page = text(bob, "/acme/train/")
    order = dict(
        re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.partition('class="order-bar"')[2])
    )
    assert 'id="order-button"' in page
    spending.set_limit(organisation=team.acme, member=email("bob"), monthly_credits=0, who="alice", now=utc_now())
    page = text(bob, "/acme/train/")
    assert "This month you may still order for 0 credits." in page and 'id="order-button"' not in page
    refused = bob.post("/acme/train/order", order)
    begins = re.search(r"wait until ([^<]*)\.<", refused.content.decode())
    assert refused.status_code == 409 and begins and re.fullmatch(r"\d+ \w+ \d{4}", begins[1]), "a day as people say it"


def test_an_owner_alone_says_what_waits(team: Team) -> None:
    address = "/acme/credits/spending/approval"
    assert browser("olivia").post(address, {"above_credits": "500"}).status_code == 403
    alice = browser("alice")
    alice.post(address, {"above_credits": "12", "days": "3"})
    found = approval.rule(team.acme)
    assert found is not None and (found.above_credits, found.days) == (12, 3)
    alice.post(address, {"above_credits": "12", "days": "90"})
    alice.post(address, {"above_credits": "", "days": "3"})
    assert approval.rule(team.acme) is None
    assert TeamEvent.objects.filter(what="approval_rule_changed").count() == 3


def test_another_organisation_sees_no_spending(team: Team, now: datetime) -> None:
    joins(stories.globex(now), person("carol"), "owner", now)  # type: ignore[arg-type]
    for address in ("/acme/credits/spending/", "/acme/credits/spending.csv"):
        assert browser("carol").get(address).status_code == 404


def test_an_order_is_approved_on_its_page(team: Team) -> None:
    run = team.orders()
    address = f"/acme/runs/{run.number}/"
    bob, olivia = browser("bob"), browser("olivia")
    waiting = text(bob, address)
    assert "It waits for the approval" in waiting and "Approve:" not in waiting
    assert bob.post(f"{address}approve").status_code == 403
    assert "Waits for approval" in text(bob, "/acme/runs/?status=awaiting_approval")
    assert "Can be approved until" in text(bob, "/acme/")
    assert "Approve:" in text(olivia, address)
    after = olivia.post(f"{address}approve", follow=True).content.decode()
    assert "is approved" in after and f"Approved by {email('olivia')}" in after
    assert Run.objects.get().status == "queued"


def test_a_declined_order_says_why(team: Team) -> None:
    run = team.orders()
    address = f"/acme/runs/{run.number}/"
    olivia = browser("olivia")
    refused = olivia.post(f"{address}decline", {"why": " "}, follow=True)
    assert "Say why" in refused.content.decode() and Run.objects.get().status == "awaiting_approval"
    olivia.post(f"{address}decline", {"why": "wait for <b>new</b> queues"})
    shown = text(browser("bob"), address)
    assert "This training was declined" in shown and "wait for &lt;b&gt;new&lt;/b&gt; queues" in shown


def test_whoever_ordered_is_not_offered_to_approve(team: Team) -> None:
    joins(team.acme, person("zoe"), "owner", team.now)  # type: ignore[arg-type]
    run = team.orders("alice")
    shown = text(browser("alice"), f"/acme/runs/{run.number}/")
    assert "somebody else approves it" in shown and "Approve:" not in shown
    refused = browser("alice").post(f"/acme/runs/{run.number}/approve", follow=True)
    assert "Somebody else approves it" in refused.content.decode()


def test_the_order_page_says_that_it_will_wait(team: Team) -> None:
    assert "wait for an owner or a member for billing" in text(browser("bob"), "/acme/train/")
    team.sets_rule(None)
    assert "wait for an owner or a member for billing" not in text(browser("bob"), "/acme/train/")
