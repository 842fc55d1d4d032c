"""Signing up: confirming signs in, an invitation's mail confirms, and nothing that was typed is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from otai.db import utc_now
from otai.orgs.models import Consent, Member, Organisation, User
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD
from tests.stories import acme as an_acme
from tests.web.visitors import browser, is_in, link_in_the_last_mail, member_of, of, signs_in

pytestmark = pytest.mark.django_db

ALICE = {"organisation": "Acme Ltd", "name": "Alice", "email": "alice@acme.example", "password1": PASSWORD}
WAITS = "/account/confirm-email/"


@pytest.fixture(autouse=True)
def addresses_are_confirmed_here(settings: Settings) -> None:
    settings.OTAI_VERIFY_MAIL = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False


def test_confirming_signs_in_where_alice_signed_up_and_once() -> None:
    alice = browser()
    assert alice.post("/account/signup/", ALICE)["Location"] == WAITS
    assert "alice@acme.example" in alice.get(WAITS).content.decode()
    link = link_in_the_last_mail()
    assert alice.post(link)["Location"] == "/acme-ltd/"
    assert is_in(alice)
    again = browser()
    assert "too old" in again.get(link).content.decode()
    assert again.post(link).status_code == 404 and not is_in(again), "a link is used once"


def test_elsewhere_the_link_confirms_and_signs_nobody_in_and_the_first_browser_goes_on() -> None:
    alice, phone = browser(), browser()
    alice.post("/account/signup/", ALICE)
    alice.post(WAITS, {"go_on": "1"})
    assert "not confirmed yet" in alice.get(WAITS).content.decode() and not is_in(alice)
    answer = phone.post(link_in_the_last_mail())
    assert answer["Location"] == "/account/login/" and not is_in(phone), "who reads a mail need not know the password"
    assert 'value="alice@acme.example"' in phone.get("/account/login/").content.decode()
    assert alice.post(WAITS, {"go_on": "1"})["Location"] == "/acme-ltd/" and is_in(alice)


def test_the_mail_is_sent_again_but_not_all_the_time() -> None:
    alice = browser()
    alice.post("/account/signup/", ALICE)
    assert len(mail.outbox) == 1
    alice.post(WAITS, {"again": "1"})
    assert len(mail.outbox) == 1 and "a short while ago" in alice.get(WAITS).content.decode()
    cache.clear()
    alice.post(WAITS, {"again": "1"})
    assert len(mail.outbox) == 2 and mail.outbox[1].to == ["alice@acme.example"]
    stranger = browser()
    assert stranger.post(WAITS, {"again": "1"})["Location"] == "/account/login/" and len(mail.outbox) == 2


def test_an_address_with_an_account_waits_on_the_same_page_and_gets_in_by_nothing() -> None:
    alice = browser()
    alice.post("/account/signup/", ALICE)
    alice.post(link_in_the_last_mail())
    cache.clear()
    mallory = browser()
    assert mallory.post("/account/signup/", ALICE | {"organisation": "Other"})["Location"] == WAITS
    page = mallory.get(WAITS).content.decode()
    assert "alice@acme.example" in page and "Send it again" in page
    mallory.post(WAITS, {"go_on": "1"})
    assert not is_in(mallory) and "not confirmed yet" in mallory.get(WAITS).content.decode()


def invited() -> tuple[str, str]:
    """The link that Alice sees, and the one in the mail to Bob."""
    alice = of(member_of(an_acme(utc_now()), "alice", Role.OWNER, utc_now()))
    alice.post("/acme/team/invite/", {"email": "bob@acme.example", "role": "trainer"})
    found = re.search(r"/account/join/[^/]+/", alice.get("/acme/team/").content.decode())
    assert found
    return found.group(), link_in_the_last_mail()


BOB = {"name": "Bob", "email": "bob@acme.example", "password1": PASSWORD}


def test_who_comes_by_the_link_in_the_mail_needs_no_second_mail() -> None:
    shown, mailed = invited()
    assert shown != mailed and mailed.startswith(shown[:-1])
    bob = browser()
    assert "Acme Ltd" in bob.get(mailed).content.decode()
    sent = len(mail.outbox)
    other = bob.post("/account/signup/", BOB | {"email": "mallory@evil.example"})
    assert "The invitation is for bob@acme.example" in other.content.decode(), "forwarded, it is for nobody else"
    assert bob.post("/account/signup/", BOB)["Location"] == "/acme/"
    assert is_in(bob) and len(mail.outbox) == sent
    assert EmailAddress.objects.get(email="bob@acme.example").verified
    assert Member.objects.get(user__email="bob@acme.example").role == "trainer"


@pytest.mark.parametrize("change", ["shown", "forged"])
def test_the_link_that_was_shown_or_a_forged_one_confirms_nothing(change: str) -> None:
    shown, mailed = invited()
    mallory = browser()
    mallory.get(shown if change == "shown" else mailed[:-4] + "AAA/")
    assert mallory.post("/account/signup/", BOB)["Location"] == WAITS
    assert not is_in(mallory) and not Member.objects.filter(user__email="bob@acme.example").exists()


def test_the_invitation_outlives_the_session() -> None:
    _, mailed = invited()
    bob = browser()
    bob.get(mailed)
    page = bob.get("/account/signup/").content.decode()
    brought = re.search(r'name="invited_by" value="([^"]+)"', page)
    assert brought
    bob.cookies.clear()
    assert bob.post("/account/signup/", BOB | {"invited_by": brought.group(1)})["Location"] == "/acme/"
    assert Organisation.objects.count() == 1


def strict() -> Client:
    return Client(headers={"host": "localhost"}, enforce_csrf_checks=True)


def test_a_form_that_was_open_too_long_comes_back_filled_in_without_its_secrets() -> None:
    visitor = strict()
    refused = visitor.post("/account/signup/", ALICE | {"csrfmiddlewaretoken": "x" * 64})
    page = refused.content.decode()
    assert refused.status_code == 403 and "Nothing was done" in page
    assert 'value="Acme Ltd"' in page and 'value="alice@acme.example"' in page and PASSWORD not in page
    assert not User.objects.exists() and not mail.outbox
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    sent = visitor.post("/account/signup/", ALICE | {"csrfmiddlewaretoken": token.group(1)})
    assert sent["Location"] == WAITS, "sent once more it does its work"
    refused = strict().post("/account/login/", {"login": "alice@acme.example", "password": PASSWORD})
    assert 'value="alice@acme.example"' in refused.content.decode() and PASSWORD not in refused.content.decode()
    refused = strict().post("/account/password/reset/", {"email": "alice@acme.example"})
    assert 'value="alice@acme.example"' in refused.content.decode() and len(mail.outbox) == 1


def test_too_many_attempts_and_a_refusal_keep_what_was_typed(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/h/ip"}
    visitor = browser()
    assert visitor.post("/account/signup/", ALICE | {"email": "wrong"}).status_code == 200
    late = visitor.post("/account/signup/", ALICE)
    assert late.status_code == 429 and 'value="Alice"' in late.content.decode() and not User.objects.exists()


def test_terms_are_accepted_in_the_version_that_was_read(settings: Settings, tmp_path: Path) -> None:
    terms, agb = tmp_path / "terms.md", tmp_path / "agb.md"
    terms.write_text("# Terms\n\nBe **kind**. <script>alert(1)</script> [Us](javascript:alert(1))\n\n- one\n- two\n")
    agb.write_text("Seien Sie *freundlich*.")
    settings.OTAI_LEGAL = {
        "terms": {"en": str(terms), "de": str(agb)},
        "privacy": {"": "https://vendor.example/privacy"},
        "imprint": {},
    }
    alice = browser()
    page = alice.get("/account/signup/").content.decode()
    assert page.count('href="https://vendor.example/privacy"') == 2 and 'href="/studio/legal/terms/"' in page
    assert "Imprint" not in page
    version = re.search(r'name="terms_version" value="([^"]+)"', page)
    assert version
    text = browser().get("/studio/legal/terms/").content.decode()
    assert "<strong>kind</strong>" in text and "<li>one</li>" in text and "<script>alert" not in text
    assert 'href="javascript' not in text and version.group(1) in text
    german = browser()
    german.cookies["otai_language"] = "de"
    assert "<em>freundlich</em>" in german.get("/studio/legal/terms/").content.decode()
    assert german.get("/studio/legal/imprint/").status_code == 404
    assert german.get("/studio/legal/nothing/").status_code == 404
    assert german.get("/studio/legal/privacy/")["Location"] == "https://vendor.example/privacy"

    form = ALICE | {"terms_version": version.group(1)}
    assert "no account" in alice.post("/account/signup/", form).content.decode()
    agb.write_text("Anders.")
    stale = alice.post("/account/signup/", form | {"terms": "on"}).content.decode()
    assert "changed meanwhile" in stale and not User.objects.exists()
    settings.OTAI_TERMS_VERSION = "2026-11"
    alice.post("/account/signup/", form | {"terms": "on", "terms_version": "2026-11"})
    given = Consent.objects.get()
    assert (given.user.email, given.version, given.language) == ("alice@acme.example", "2026-11", "en")
    assert given.accepted_at <= utc_now()
    alice.post(link_in_the_last_mail())
    assert 'href="/studio/legal/terms/"' in alice.get("/acme-ltd/").content.decode(), "in the footer of every page"
    terms.unlink()
    assert browser().get("/studio/legal/terms/").status_code == 503
    assert signs_in(browser(), "alice@acme.example").status_code == 302, "nobody is kept out by a lost file"
