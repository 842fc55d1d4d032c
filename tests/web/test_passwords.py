"""Choosing a password on every page that takes one."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.core import mail

from otai.db import utc_now
from otai.orgs.models import Organisation, User
from otai.orgs.operations import invite
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD, joins, person
from tests.stories import acme
from tests.web.visitors import browser, is_in, link_in_the_last_mail, of, signs_in

pytestmark = pytest.mark.django_db

ALICE = {"organisation": "Rhubarb Works", "name": "Alice Smithson", "email": "alice@acme.example"}

WEAK = {
    "Kx7!qv#9Zrw": "At least 12 characters",
    "Password2026!": "among the commonest passwords",
    "alice@acme.example": "made of your name",
}


def twice(password: str) -> dict[str, str]:
    return {"password1": password, "password2": password}


@pytest.mark.parametrize(
    ("password", "said"),
    [*WEAK.items(), ("Smithson-2026-alice", "made of your name"), ("RhubarbWorks2026", "made of your name")],
)
def test_signing_up_refuses_a_weak_one_and_says_why(password: str, said: str) -> None:
    page = browser().post("/account/signup/", ALICE | {"password1": password}).content.decode()
    assert said in page
    assert page.count(said) == 1 or said == "At least 12 characters", "said once, beside its field"
    assert not Organisation.objects.exists()


def test_whoever_is_invited_does_not_take_the_organisations_name() -> None:
    now = utc_now()
    organisation = acme(now)
    organisation.name = "Rhubarb Works"
    organisation.save()
    made = invite(organisation=organisation, email="bob@acme.example", role=Role.VIEWER, who="alice", now=now)
    bob = browser()
    bob.get(f"/account/join/{made.token}/")
    form = {"name": "Bob", "email": "bob@acme.example"}
    assert "made of your name" in bob.post("/account/signup/", form | {"password1": "rhubarbworks77"}).content.decode()
    assert bob.post("/account/signup/", form | {"password1": PASSWORD}).status_code == 302


@pytest.mark.parametrize(("password", "said"), [*WEAK.items(), ("AcmeAcme-2026", "made of your name")])
def test_so_does_changing_it(now: datetime, password: str, said: str) -> None:
    member = joins(acme(now), person("alice"), Role.OWNER, now)
    alice = of(member)
    form = {"oldpassword": PASSWORD, **twice(password)}
    assert said in alice.post("/account/password/change/", form).content.decode()
    assert User.objects.get().check_password(PASSWORD)
    assert alice.post("/account/password/change/", form | twice("plums eat bobsleighs")).status_code == 302


def test_so_does_choosing_one_by_mail() -> None:
    person("alice")
    alice = browser()
    alice.post("/account/password/reset/", {"email": "alice@acme.example"})
    assert len(mail.outbox) == 1
    page = alice.get(link_in_the_last_mail(), follow=True)
    here = page.redirect_chain[-1][0]
    for password, said in WEAK.items():
        assert said in alice.post(here, twice(password)).content.decode()
    alice.post(here, twice("plums eat bobsleighs"))
    assert User.objects.get().check_password("plums eat bobsleighs")


def test_a_short_one_of_before_still_opens() -> None:
    alice = person("alice")
    alice.set_password("12345678")
    alice.save()
    her = browser()
    signs_in(her, alice.email, "12345678")
    assert is_in(her)


def test_a_reader_of_german_is_told_in_german() -> None:
    page = browser().post("/account/signup/", ALICE | {"password1": "Password2026!"}, headers={"Accept-Language": "de"})
    assert "zu den häufigsten Passwörtern" in page.content.decode()
