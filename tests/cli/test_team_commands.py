from __future__ import annotations

import json
from datetime import datetime

import pytest
from allauth.account.models import EmailAddress
from typer.testing import CliRunner

from otai.billing.operations.vendor_keys import vendor_key_of
from otai.cli.main import app
from otai.db import utc_now
from otai.errors import NotFound
from otai.orgs import queries
from otai.orgs.models import User
from otai.orgs.operations import LastOwner
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD
from tests.stories import acme, globex
from tests.web.visitors import browser, member_of, signs_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTAI_ACTOR", "olga")


def otai(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_first_owner_of_an_organisation_made_on_the_command_line_comes_by_invitation(now: datetime) -> None:
    acme(now)
    link = json.loads(otai("org", "invite", "alice@acme.example", "--role", "owner", "--json"))["link"]
    alice = browser()
    path = link.removeprefix("http://localhost:8000")
    assert alice.get(path).status_code == 200
    alice.post("/account/signup/", {"name": "Alice", "email": "alice@acme.example", "password1": PASSWORD})
    assert queries.member(User.objects.get(), "acme").role == Role.OWNER
    assert json.loads(otai("org", "members", "--json"))[0]["email"] == "alice@acme.example"
    with pytest.raises(LastOwner):
        otai("org", "remove", "alice@acme.example")
    with pytest.raises(LastOwner):
        otai("org", "role", "ALICE@acme.example", "viewer")


def test_keys_are_made_listed_and_revoked(now: datetime) -> None:
    acme(now)
    globex(now)
    made = json.loads(otai("org", "keys", "create", "Helpdesk", "--scope", "predict", "--org", "acme", "--json"))
    assert queries.key_of(made["key"], now=datetime.now(now.tzinfo)).organisation.slug == "acme"
    assert made["key"] not in otai("org", "keys", "list", "--org", "acme")
    with pytest.raises(NotFound):
        otai("org", "keys", "revoke", made["prefix"], "--org", "globex")
    otai("org", "keys", "revoke", made["prefix"], "--org", "acme")
    assert json.loads(otai("org", "keys", "list", "--org", "acme", "--json"))[0]["state"] == "revoked"


def test_vendor_keys_are_made_listed_and_revoked(db: None) -> None:
    make = ("vendor-keys", "create", "CRM", "--scope", "organisations:read", "--why", "the CRM shows it")
    made = json.loads(otai(*make, "--days", "30", "--json"))
    assert vendor_key_of(made["key"], now=utc_now()).name == "CRM"
    assert made["key"] not in otai("vendor-keys", "list")
    with pytest.raises(NotFound, match="There is no vendor key"):
        otai("vendor-keys", "revoke", "x", "--why", "a mistake")
    otai("vendor-keys", "revoke", made["prefix"], "--why", "the CRM is gone")
    [row] = json.loads(otai("vendor-keys", "list", "--json"))
    assert (row["state"], row["scopes"], row["last_used_at"]) == ("revoked", ["organisations:read"], None)


def test_an_organisation_is_suspended_and_resumed(now: datetime) -> None:
    acme(now)
    otai("org", "suspend", "--why", "to be settled", "--org", "acme")
    assert "SUSPENDED since" in otai("org", "show", "--org", "acme")
    otai("org", "resume", "--why", "settled", "--org", "acme")
    assert "SUSPENDED" not in otai("org", "show", "--org", "acme")


def test_a_member_gets_another_role_and_is_removed(now: datetime) -> None:
    organisation = acme(now)
    bob = member_of(organisation, "bob", Role.VIEWER, now)
    otai("org", "role", bob.user.email, "trainer")
    assert queries.member(bob.user, "acme").role == Role.TRAINER
    otai("org", "remove", bob.user.email)
    assert [event.who for event in queries.team_events(organisation)[:2]] == ["olga", "olga"]
    assert not queries.memberships(bob.user)


def test_an_operator_made_here_signs_in_by_mail_address(settings: object) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # type: ignore[attr-defined]
    for _ in range(2):
        otai("operator", "olga", "--email", "Olga@vendor.example", "--password", PASSWORD)
    assert EmailAddress.objects.filter(verified=True).count() == 1
    olga = browser()
    signs_in(olga, "olga@vendor.example")
    assert olga.get("/desk/").status_code == 200
