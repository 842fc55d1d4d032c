"""Pages have a bound for a person, for an address, and a smaller one for what costs more; the refusal says which, and
what lifts it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from django.test import Client
from pytest_django import Settings

from otai.orgs import rates
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def within_one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "time", SimpleNamespace(time=lambda: 60_000_000.0, monotonic=time.monotonic))


def statuses(client: Client, path: str, times: int) -> list[int]:
    return [client.get(path).status_code for _ in range(times)]


def test_a_person_asks_for_so_many_pages_and_is_told_the_bound(
    alice: Client, acme: Organisation, settings: Settings, now: object
) -> None:
    settings.OTAI_PAGES_PER_MINUTE = 3
    assert statuses(alice, "/acme/", 4) == [200, 200, 200, 429]
    refused = alice.post("/acme/team/keys/", {"name": "x", "scopes": ["read"]})
    page = refused.content.decode()
    assert refused.status_code == 429 and refused["Retry-After"] == "60" and "no-store" in refused["Cache-Control"]
    assert (
        "than may be (3)" in page
        and "Whoever runs this Studio can allow more" in page
        and "Wait until the minute is over" in page
    )
    part = alice.get("/acme/now", headers={"HX-Request": "true"})
    assert (
        part.status_code == 429 and "<html" not in part.content.decode() and "than may be (3)" in part.content.decode()
    )
    alice.cookies["otai_language"] = "de"
    assert "Warten Sie" in alice.get("/acme/").content.decode()
    bob = of(member_of(acme, "bob", Role.VIEWER, now))  # type: ignore[arg-type]
    assert bob.get("/acme/").status_code == 200, "the bound is a person's"
    assert alice.get("/api/v1/me").status_code == 200, "the API has bounds of its own"


def test_what_costs_more_has_a_smaller_bound(alice: Client, settings: Settings) -> None:
    settings.OTAI_COSTLY_PAGES_PER_MINUTE = 2
    assert statuses(alice, "/acme/find/?q=invoice", 2) == [200, 200]
    refused = alice.get("/acme/credits/ledger.csv")
    assert refused.status_code == 429, "searching and taking along count together"
    assert "than may be (2)" in refused.content.decode() and "API key" in refused.content.decode()
    assert alice.get("/account/export.zip").status_code == 429
    assert alice.get("/acme/").status_code == 200


def test_everybody_at_one_address_counts_together_behind_proxies_by_the_visitors(settings: Settings) -> None:
    settings.OTAI_PAGES_PER_MINUTE_OF_ADDRESS, settings.OTAI_TRUSTED_PROXIES = 2, 1

    def at(address: str) -> int:
        headers = {"host": "localhost", "X-Forwarded-For": f"192.0.2.66, {address}"}
        return Client(headers=headers, REMOTE_ADDR="10.0.0.1").get("/account/login/").status_code

    assert [at("198.51.100.8") for _ in range(3)] == [200, 200, 429]
    assert at("198.51.100.9") == 200
    assert [at(f"2001:db8:0:7::{number}") for number in range(1, 4)] == [200, 200, 429], "a network of IPv6 is one"
