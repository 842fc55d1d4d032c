"""An organisation asks its people for a second factor."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from typer.testing import CliRunner

from otai.cli.main import app
from otai.orgs.models import Organisation, TeamEvent
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD
from tests.stories import globex
from tests.web.test_sign_in import _with_an_app
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db


def asks(client: Client, asked: str = "yes") -> str:
    answer = client.post("/acme/team/organisation/second-factor/", {"asked": asked}, follow=True)
    return answer.content.decode()


def test_members_without_one_are_led_to_set_it_up_and_then_come_in(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    assert "Set up your own second factor first" in asks(alice)
    _with_an_app(alice)
    assert "Everybody here needs a second factor now" in asks(alice)
    assert TeamEvent.objects.filter(what="second_factor_asked").count() == 1
    asks(alice)
    assert TeamEvent.objects.filter(what="second_factor_asked").count() == 1, "the same choice again changes nothing"
    assert alice.get("/acme/").status_code == 200
    bob = of(member_of(acme, "bob", Role.TRAINER, now))
    led = bob.get("/acme/tickets/", follow=True)
    assert led.redirect_chain == [("/account/second-factor/", 302)]
    assert "A second factor is asked of everybody in Acme Ltd" in led.content.decode()
    part = bob.get("/acme/now", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (403, "/account/second-factor/")
    refused = bob.get("/api/v1/runs")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "second_factor_needed")
    assert "1 of 2 people here have one" in alice.get("/acme/team/organisation/").content.decode()
    _with_an_app(bob)
    assert bob.get("/acme/tickets/").status_code == bob.get("/api/v1/runs").status_code == 200
    bob.post("/account/reauthenticate/", {"password": PASSWORD})
    bob.post("/account/second-factor/totp/deactivate/")
    assert bob.get("/acme/tickets/").status_code == 302


def test_keys_and_other_organisations_go_on(acme: Organisation, now: datetime) -> None:
    Organisation.objects.update(asks_second_factor=True)
    made = create_api_key(organisation=acme, name="Helpdesk", scopes=["read"], who="alice", now=now)
    program = Client(headers={"host": "localhost", "Authorization": f"Bearer {made.secret}"})
    assert program.get("/api/v1/runs").status_code == 200
    assert of(member_of(globex(now), "carol", Role.OWNER, now)).get("/globex/").status_code == 200


def test_only_owners_choose(acme: Organisation, now: datetime) -> None:
    bob = of(member_of(acme, "bob", Role.TRAINER, now))
    assert bob.post("/acme/team/organisation/second-factor/", {"asked": "yes"}).status_code == 403
    carol = of(member_of(globex(now), "carol", Role.OWNER, now))
    assert carol.post("/acme/team/organisation/second-factor/", {"asked": "yes"}).status_code == 404
    assert not Organisation.objects.filter(asks_second_factor=True).exists()


def test_operators_choose_for_them_on_the_command_line(acme: Organisation, now: datetime) -> None:
    member_of(acme, "bob", Role.TRAINER, now)
    said = CliRunner().invoke(app, ["org", "second-factor", "yes"]).output
    assert "asks everybody for a second factor; 0 of 1 member have one" in said
    assert Organisation.objects.get().asks_second_factor
    CliRunner().invoke(app, ["org", "second-factor", "no"])
    assert not Organisation.objects.get().asks_second_factor
