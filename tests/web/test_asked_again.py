"""Who signed in a while ago says who they are once more, before what concerns safety; and their form is done then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from otai.db import utc_now
from otai.orgs.models import ApiKey, Invitation, Member, Organisation
from otai.orgs.permissions import Role
from otai.privacy import exports
from otai.privacy.models import Export
from tests.orgs.people import PASSWORD
from tests.web.test_sign_in import _with_an_app, code_of
from tests.web.visitors import member_of

pytestmark = pytest.mark.django_db

KEY = {"name": "Helpdesk", "scopes": ["read"], "expires": "90"}


def signed_in_long_ago(client: Client) -> None:
    session = client.session
    session["signed_in_at"] -= timedelta(minutes=16).total_seconds()
    for record in session.get("account_authentication_methods", []):
        record["at"] -= timedelta(minutes=16).total_seconds()
    session.save()


def test_a_key_is_made_without_a_question_soon_after_signing_in(alice: Client) -> None:
    assert alice.post("/acme/team/keys/", KEY)["Location"] == "/acme/team/keys/"
    assert ApiKey.objects.count() == 1


def test_later_the_password_is_asked_and_the_form_is_not_lost(alice: Client) -> None:
    signed_in_long_ago(alice)
    assert alice.get("/acme/team/keys/").status_code == 200, "looking asks for nothing"
    asked = alice.post("/acme/team/keys/", KEY)
    assert asked["Location"] == "/account/reauthenticate/?next=%2Facme%2Fteam%2Fkeys%2F"
    assert not ApiKey.objects.exists()
    page = alice.get(asked["Location"]).content.decode()
    assert "Is it you?" in page and 'value="/acme/team/keys/"' in page
    wrong = alice.post("/account/reauthenticate/", {"password": "x", "next": "/acme/team/keys/"})
    assert wrong.status_code == 200 and not ApiKey.objects.exists()
    done = alice.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/acme/team/keys/"})
    assert done["Location"] == "/acme/team/keys/"
    assert [key.name for key in ApiKey.objects.all()] == ["Helpdesk"]
    assert "shown only now" in alice.get("/acme/team/keys/").content.decode()
    # The answer counts for the next quarter of an hour.
    alice.post("/acme/team/invite/", {"email": "eve@acme.example", "role": "viewer"})
    assert Invitation.objects.count() == 1


def test_members_and_roles_ask_and_do_it_after_the_second_factor(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    bob = member_of(acme, "bob", Role.VIEWER, now)
    secret = _with_an_app(alice)
    signed_in_long_ago(alice)
    here = f"/acme/team/members/{bob.id}/role/"
    asked = alice.post(here, {"role": "trainer"})
    assert asked.status_code == 302 and "next=" in asked["Location"]
    way = "/account/second-factor/reauthenticate/"
    assert way in alice.get(asked["Location"]).content.decode(), "either is enough"
    alice.post(way, {"code": code_of(secret), "next": here})
    assert Member.objects.get(id=bob.id).role == "trainer"
    signed_in_long_ago(alice)
    alice.post(f"/acme/team/members/{bob.id}/remove/")
    assert Member.objects.filter(id=bob.id).exists()


def test_who_may_not_do_it_is_not_asked(acme: Organisation, now: datetime) -> None:
    from tests.web.visitors import of

    bob = of(member_of(acme, "bob", Role.VIEWER, now))
    signed_in_long_ago(bob)
    assert bob.post("/acme/team/keys/", KEY).status_code == 403


def test_the_api_asks_a_browser_too_and_no_program(alice: Client, acme: Organisation, now: datetime) -> None:
    made = {"name": "nightly", "scopes": ["read"]}
    assert alice.post("/api/v1/api-keys", made, content_type="application/json").status_code == 201
    signed_in_long_ago(alice)
    refused = alice.post("/api/v1/api-keys", made | {"name": "second"}, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "sign_in_again")
    assert ApiKey.objects.count() == 1 and alice.get("/api/v1/api-keys").status_code == 200


def test_taking_everything_along_asks_too_and_goes_on(alice: Client, acme: Organisation) -> None:
    alice.post("/acme/team/data/export/")
    exports.make_exports(now=utc_now())
    file = f"/acme/team/data/exports/{Export.objects.get().id}.zip"
    signed_in_long_ago(alice)
    for here in ("/account/export.zip", file):
        asked = alice.get(here)
        assert asked["Location"].startswith("/account/reauthenticate/?next=")
    asked = alice.post("/acme/team/data/export/")
    assert asked.status_code == 302 and Export.objects.count() == 1
    for here in ("/api/v1/account/export", f"/api/v1/organisation/exports/{Export.objects.get().id}/file"):
        assert alice.get(here).json()["error"]["code"] == "sign_in_again"
    asked = alice.get(file)
    alice.get(asked["Location"])
    done = alice.post("/account/reauthenticate/", {"password": PASSWORD, "next": file}, follow=True)
    assert done["Content-Type"] == "application/zip"
    assert alice.get("/account/export.zip")["Content-Type"] == "application/zip"


@pytest.mark.parametrize(
    "path", ["/account/second-factor/totp/activate/", "/account/second-factor/webauthn/add/", "/account/email/"]
)
def test_second_factor_and_mail_address_ask_too(alice: Client, path: str, settings: Settings) -> None:
    assert alice.get(path).status_code == 200
    signed_in_long_ago(alice)
    answer = alice.get(path)
    if answer.status_code == 200:
        answer = alice.post(path, {"action_add": "", "email": "mallory@evil.example"})
    assert answer.status_code == 302 and answer["Location"].startswith("/account/reauthenticate/")
