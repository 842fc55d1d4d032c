"""Organisations by the hundred for one person, and labels by chance that no model could learn: neither brings credits.
Through TLS, by the forms and requests that a customer has."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest

from otai.client import Studio
from tests.attack.scene import Browser, Scene
from tests.doors.conftest import Opens
from tests.doors.production import Production
from tests.orgs.people import PASSWORD
from tests.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.torture]

GIVEN = """
import django, json

django.setup()
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.runs.models import Guarantee

print(json.dumps({
    "credits": [ledger.balance(one.id).available for one in Organisation.objects.order_by("created_at")],
    "guarantees": Guarantee.objects.count(),
}))
"""
A_DAY = 3
"""So many may one person found in a day; the price book says it."""


def given(studio: Production) -> dict[str, Any]:
    found: dict[str, Any] = studio.installation.python(GIVEN)
    return found


def test_a_hundred_and_twenty_organisations_of_one_person_bring_one_gift(open_studio: Opens) -> None:
    with open_studio(settings={"OTAI_VERIFY_MAIL": "1"}) as studio, studio.http() as client:
        page = client.get("/account/signup/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        mallory = {"organisation": "First", "name": "Mallory", "email": "mallory@throwaway.example",
            "password1": PASSWORD, "csrfmiddlewaretoken": token.group(1)}  # fmt: skip
        headers = {"Referer": f"{studio.url}/account/signup/"}
        assert client.post("/account/signup/", data=mallory, headers=headers).status_code == 302
        # Before the address is confirmed she is nobody, however often she asks.
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/account/login/").text)
        assert token
        for number in range(120):
            form = {"organisation": f"Unconfirmed {number}", "time_zone": "UTC", "csrfmiddlewaretoken": token.group(1)}
            asked = client.post("/account/organisations/", data=form, headers={"Referer": studio.url + "/"})
            assert asked.status_code in (302, 403) and "/account/" in asked.headers.get("Location", "/account/")
        assert given(studio) == {"credits": [0], "guarantees": 0}
        # Then she confirms, and goes on.
        link = re.search(r"https://[^/\s]+(/account/confirm-email/\S+)", studio.mails()[-1])
        assert link, studio.mails()[-1]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(link.group(1)).text)
        assert token
        form = {"csrfmiddlewaretoken": token.group(1)}
        assert client.post(link.group(1), data=form, headers={"Referer": studio.url + "/"}).status_code == 302
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/account/login/").text)
        if token:
            form = {"login": mallory["email"], "password": PASSWORD, "csrfmiddlewaretoken": token.group(1)}
            assert client.post("/account/login/", data=form, headers={"Referer": studio.url + "/"}).status_code == 302
        browser = Browser(client, studio.url)
        for number in range(120):
            browser.post("/account/organisations/", {"organisation": f"Org {number}", "time_zone": "UTC"})
        found = given(studio)
        assert len(found["credits"]) <= A_DAY and sum(found["credits"]) == 6, found
        studio.installation.otai("billing", "audit")


def test_labels_by_chance_bring_no_fee(attacked: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = attacked.studio
    monkeypatch.setenv("SSL_CERT_FILE", str(studio.certificate))
    mallory = studio.customer("by-chance", tier="community")
    file = labels_by_chance(tmp_path / "noise.csv")
    with (
        Studio(studio.url, mallory.key) as program,
        studio.http(headers={**mallory.authorization, "Prefer": "wait=60"}) as caller,
    ):
        tickets = program.import_tickets(file, name="noise")
        asked = {"data_set": str(tickets.id), "criteria": ["queue accuracy 70%"]}
        proposed = caller.post("/api/v1/guarantee/criteria", json=asked)
        assert proposed.status_code == 200, proposed.text
        assert (proposed.json()["status"], proposed.json()["waits_for_operator"]) == ("open", True), proposed.text
        quote = program.quote(tickets.id, attributes=["queue"], model="noise")
        order = {"quote": str(quote.id), "kind": "included"}
        assert caller.post("/api/v1/guarantee/runs", json=order).status_code == 409
        # An operator is talked into it. Both runs miss, and the fee waits for a second look.
        studio.installation.otai("guarantee", "agree", "--org", "by-chance", "--why", "talked into it")
        for kind in ("included", "improvement"):
            quote = program.quote(tickets.id, attributes=["queue"], model="noise")
            ordered = caller.post("/api/v1/guarantee/runs", json={"quote": str(quote.id), "kind": kind})
            assert ordered.status_code == 201, ordered.text
            assert program.wait_for_run(ordered.json()["number"], timeout=200).status == "completed"
        found = until(
            lambda: caller.get("/api/v1/guarantees").json()["items"][0],
            lambda one: one["improvement_verdict"] is not None,
        )
        assert found["status"] == "in_review" and not found["fee_credits"], found
        balance = caller.get("/api/v1/balance").json()
        assert (balance["available"], balance["held"]) == (6, 0)


def labels_by_chance(path: Path) -> Path:
    """Tickets whose queue has nothing to do with their words."""
    chance = random.Random(7)
    words = ["printer", "vpn", "invoice", "password", "refund", "router", "login", "bill", "wifi", "account"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "queue"])
        for number in range(500):
            writer.writerow([f"{' '.join(chance.sample(words, 5))} {number}", chance.choice(["red", "green", "blue"])])
    return path
