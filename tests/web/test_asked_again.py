"""Who signed in a while ago says who they are once more, before what concerns safety; and their form is done then."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from otai.billing.models import VendorKey
from otai.db import utc_now
from otai.orgs.models import ApiKey, Invitation, Member, Organisation, User
from otai.orgs.operations import create_api_key, invite
from otai.orgs.permissions import Role
from otai.orgs.queries import open_invitations
from otai.privacy import exports
from otai.privacy.models import Export
from otai.privacy.retention import periods
from tests.orgs.people import PASSWORD
from tests.web.test_sign_in import _with_an_app, code_of
from tests.web.visitors import is_in, member_of

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


def test_shortening_how_long_data_is_kept_asks_at_both_doors_and_is_done_then(
    alice: Client, acme: Organisation
) -> None:
    signed_in_long_ago(alice)
    page, wanted = "/acme/team/data/", {"tickets_days": 1}
    asked = alice.post(page, wanted)
    assert asked["Location"].startswith("/account/reauthenticate/") and periods(acme).tickets_days is None
    over_the_api = {**asdict(periods(acme)), **wanted}
    refused = alice.put("/api/v1/organisation/retention", over_the_api, content_type="application/json")
    assert refused.json()["error"]["code"] == "sign_in_again" and periods(acme).tickets_days is None
    alice.post("/account/reauthenticate/", {"password": PASSWORD, "next": page})
    assert periods(acme).tickets_days == 1


def test_sending_news_or_invoices_elsewhere_asks_at_both_doors(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    hears = {"url": "https://hooks.acme.example/otai", "events": ["run.completed"]}
    made = alice.post("/api/v1/webhooks/endpoints", hears, content_type="application/json").json()
    one, page = f"/api/v1/webhooks/endpoints/{made['id']}", f"/acme/team/webhooks/{made['id']}/"
    invoiced = {"name": "Acme Ltd", "street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    to_alice = invoiced | {"email": "alice@acme.example"}
    signed_in_long_ago(alice)

    def refused(method: str, path: str, body: object) -> bool:
        answer = alice.generic(method, f"/api/v1{path}", json.dumps(body), content_type="application/json")
        return answer.status_code == 403 and answer.json()["error"]["code"] == "sign_in_again"

    def asked(path: str, form: dict[str, object]) -> bool:
        return alice.post(path, form).headers.get("Location", "").startswith("/account/reauthenticate/")

    assert asked("/acme/team/webhooks/", hears) and refused("POST", "/webhooks/endpoints", hears)
    assert asked(f"{page}secret", {}) and refused("POST", f"/webhooks/endpoints/{made['id']}/rotate", {})
    for change in ({"url": "https://evil.example/"}, {"enabled": True}):
        assert refused("PATCH", f"/webhooks/endpoints/{made['id']}", change), change
    assert asked("/acme/credits/details/", invoiced | {"email": "mallory@evil.example"})
    assert refused("PUT", "/billing-details", invoiced | {"email": "mallory@evil.example"})
    # What stays where it is asks for nothing, nor does turning one off; turning it on again does.
    assert alice.put("/api/v1/billing-details", to_alice, content_type="application/json").status_code == 200
    assert not asked("/acme/credits/details/", to_alice)
    assert not asked(f"{page}switch", {"enabled": "0"}) and asked(f"{page}switch", {"enabled": "1"})
    [kept] = alice.get("/api/v1/webhooks/endpoints").json()["items"]
    assert kept["disabled_at"] and kept["url"] == hears["url"]
    alice.post("/account/reauthenticate/", {"password": PASSWORD, "next": f"{page}switch"})
    assert alice.get(one).json()["disabled_at"] is None, "and is done then"
    assert not refused("PATCH", f"/webhooks/endpoints/{made['id']}", {"enabled": False})


def test_what_lessens_access_or_keeps_asks_at_neither_door(alice: Client, acme: Organisation, now: datetime) -> None:
    keys = [create_api_key(organisation=acme, name=f"{n}", scopes=["read"], who="a", now=now).key for n in range(2)]
    invited = [
        invite(organisation=acme, email=f"{name}@acme.example", role=Role.VIEWER, who="a", now=now).invitation
        for name in ("eve", "bob")
    ]
    signed_in_long_ago(alice)
    alice.post(f"/acme/team/keys/{keys[0].id}/revoke/")
    alice.post(f"/acme/team/invitations/{invited[0].id}/withdraw/")
    assert alice.delete(f"/api/v1/api-keys/{keys[1].id}").status_code == 204
    assert alice.delete(f"/api/v1/invitations/{invited[1].id}").status_code == 204
    assert alice.delete("/api/v1/organisation/deletion").status_code == 204
    assert not ApiKey.objects.filter(revoked_at=None).exists()
    assert not open_invitations(acme, now=utc_now()).exists()
    bob = member_of(acme, "bob", Role.VIEWER, now)
    for more in (f"members/{bob.id}", f"data-sets/{bob.id}", "models/helpdesk"):
        refused = alice.delete(f"/api/v1/{more}")
        assert refused.json()["error"]["code"] == "sign_in_again", more


def test_the_desk_asks_before_anything_is_done_there_and_does_it_then(client: Client, acme: Organisation) -> None:
    client.force_login(User.objects.create_superuser("olga", "olga@vendor.example", PASSWORD))
    signed_in_long_ago(client)
    making = "/desk/billing/vendorkey/make/"
    assert client.get(making).status_code == 200, "looking asks for nothing"
    form = {"name": "CRM", "scopes": ["organisations:read"], "why": "the CRM shows it"}
    asked = client.post(making, form)
    assert asked["Location"].startswith("/account/reauthenticate/") and not VendorKey.objects.exists()
    goodwill = f"/desk/orgs/organisation/{acme.pk}/act/goodwill/"
    assert client.post(goodwill, {"credits": "5", "why": "an outage"})["Location"].startswith("/account/reauthent")
    client.post(making, form)
    client.post("/account/reauthenticate/", {"password": PASSWORD, "next": making})
    assert [key.name for key in VendorKey.objects.all()] == ["CRM"]
    signed_in_long_ago(client)
    client.post("/desk/logout/")
    assert not is_in(client), "who leaves is not asked"


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
