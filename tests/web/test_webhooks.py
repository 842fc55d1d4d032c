"""Webhooks on a page: made, its secret shown once, tested, sent again, turned off, deleted."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from otai.orgs.permissions import Role
from otai.outbound.models import DeliveryState, Endpoint, WebhookDelivery
from tests import stories
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db

LOG = "/acme/team/webhooks/"


def test_alice_makes_a_webhook_tests_it_and_turns_it_off(now: datetime) -> None:
    acme = stories.acme(now)
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    form = {"url": "https://hooks.acme.example/<b>otai</b>", "events": ["run.completed"], "description": "routing"}
    made = alice.post(LOG, form, follow=True)
    assert "whsec_" in made.text and "<b>otai" not in made.text
    assert "whsec_" not in alice.get(LOG).text
    endpoint = Endpoint.objects.get()
    assert endpoint.events == ["run.completed"]

    here = f"{LOG}{endpoint.id}/"
    assert "not tried yet" in alice.post(f"{here}test", follow=True).text
    delivery = WebhookDelivery.objects.get()
    delivery.state, delivery.next_at, delivery.ended_at = DeliveryState.FAILED, None, now
    delivery.save()
    assert "Given up" in alice.get(here).text
    alice.post(f"{LOG}deliveries/{delivery.id}/again")
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING

    alice.post(f"{here}switch", {"enabled": "0"})
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is not None
    assert "whsec_" in alice.post(f"{here}secret", follow=True).text
    alice.post(f"{here}delete")
    assert not Endpoint.objects.exists()


def test_an_address_that_cannot_be_used_is_refused_beside_the_form(now: datetime) -> None:
    alice = of(member_of(stories.acme(now), "alice", Role.OWNER, now))
    for url in ("http://127.0.0.1/", "ftp://acme.example/", "nonsense"):
        answer = alice.post(LOG, {"url": url})
        assert answer.status_code == 422 and not Endpoint.objects.exists(), url


def test_who_only_looks_on_cannot_see_webhooks(now: datetime) -> None:
    assert of(member_of(stories.acme(now), "vera", Role.VIEWER, now)).get(LOG).status_code == 403


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.OWNER, ["Members", "API keys", "Webhooks", "Sign-ins", "Organisation", "Data"]),
        (Role.TRAINER, ["Members", "Webhooks"]),
        (Role.BILLING, ["Members"]),
        (Role.VIEWER, ["Members"]),
    ],
)
def test_the_teams_tabs_lead_where_the_role_may_go_and_nowhere_else(now: datetime, role: Role, sees: list[str]) -> None:
    visitor = of(member_of(stories.acme(now), "tessa", role, now))
    addresses = {}
    for page in ("/acme/team/", LOG) if "Webhooks" in sees else ("/acme/team/",):
        tabs = re.search(r'<nav class="tabs".*?</nav>', visitor.get(page).text, re.DOTALL)
        assert tabs is not None
        found = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', tabs[0])
        assert [word for _, word in found] == sees
        addresses |= dict(found)
    for address in addresses:
        assert visitor.get(address).status_code == 200, address
