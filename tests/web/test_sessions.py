"""How long sessions last, where somebody is signed in, and being signed out elsewhere."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from typer.testing import CliRunner

from otai.cli import housekeeping
from otai.cli.main import app
from otai.db import utc_now
from otai.orgs.models import User
from otai.orgs.permissions import Action, Role
from otai.orgs.persons import addresses_of
from otai.orgs.sessions import end_sessions
from otai.orgs.standing import Standing, still_standing
from otai.web.accounts import session_limits
from tests.orgs.people import PASSWORD, joins, person
from tests.stories import acme
from tests.web.test_sign_in import code_of
from tests.web.visitors import browser, is_in, signs_in

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"


class Clock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(session_limits, "utc_now", clock)
    return clock


@pytest.fixture
def alice(now: datetime) -> User:
    return joins(acme(now), person("alice"), Role.OWNER, now).user


def at(user: User, agent: str = FIREFOX, address: str = "198.51.100.7") -> Client:
    client = Client(headers={"host": "localhost", "User-Agent": agent}, REMOTE_ADDR=address)
    signs_in(client, user.email)
    assert client.get("/acme/").status_code == 200
    return client


def test_a_session_ends_without_requests_and_some_time_after_signing_in(alice: User, clock: Clock) -> None:
    her = at(alice)
    for _ in range(10):
        clock.now += timedelta(minutes=25)
        assert her.get("/acme/").status_code == 200, "she comes every twenty-five minutes"
    clock.now += timedelta(minutes=30)
    assert her.get("/acme/")["Location"] == "/account/login/?next=%2Facme%2F", "half an hour without her"
    her = at(alice)
    for _ in range(28):
        clock.now += timedelta(minutes=25)
        assert her.get("/acme/").status_code == 200
    clock.now += timedelta(minutes=25)
    assert not is_in(her) or her.get("/acme/").status_code == 302, "twelve hours after signing in"


def test_what_an_open_page_asks_for_by_itself_keeps_no_session_alive(alice: User, clock: Clock) -> None:
    her = at(alice)
    for path in ("/acme/now", "/acme/notifications/fresh"):
        clock.now += timedelta(minutes=14)
        assert her.get(path).status_code == 200
    clock.now += timedelta(minutes=14)
    assert her.get("/acme/now").status_code in (302, 401) and her.get("/acme/").status_code == 302


def test_an_operators_is_shorter_and_a_limit_that_is_set_lower_holds_at_once(
    alice: User, clock: Clock, settings: Settings
) -> None:
    settings.OTAI_SESSION_IDLE_MINUTES = 720
    her = at(alice)
    clock.now += timedelta(minutes=31)
    assert her.get("/acme/").status_code == 200
    settings.OTAI_SESSION_IDLE_MINUTES = 10
    clock.now += timedelta(minutes=11)
    assert her.get("/acme/").status_code == 302
    alice.is_staff = True
    alice.save()
    settings.OTAI_SESSION_IDLE_MINUTES = 720
    her = at(alice)
    clock.now += timedelta(minutes=31)
    assert her.get("/acme/").status_code == 302


def test_what_lasts_ends_with_the_session(alice: User, clock: Clock) -> None:
    her = at(alice)
    member = alice.memberships.get()
    mine = Standing(member.organisation_id, Action.VIEW, user=alice.pk, session=her.session.session_key or "")
    assert still_standing([mine], now=clock.now + timedelta(minutes=29)) == {mine}
    assert still_standing([mine], now=clock.now + timedelta(minutes=31)) == set()


def test_a_session_of_the_version_before_goes_on_and_is_shown(alice: User, clock: Clock) -> None:
    her = browser()
    her.force_login(alice)
    session = her.session
    for name in ("signed_in_at", "seen_at"):
        session.pop(name, None)
    session.save()
    assert her.get("/acme/").status_code == 200
    assert UserSession.objects.filter(user=alice).count() == 1
    assert her.session["signed_in_at"]


def test_a_request_a_minute_is_written_down(alice: User, clock: Clock) -> None:
    her = at(alice)
    seen = UserSession.objects.get().last_seen_at
    clock.now += timedelta(seconds=50)
    her.get("/acme/")
    assert UserSession.objects.get().last_seen_at == seen
    clock.now += timedelta(seconds=20)
    her.get("/acme/")
    assert UserSession.objects.get().last_seen_at == clock.now


def test_she_sees_where_she_is_signed_in_and_ends_one(alice: User) -> None:
    here, phone = at(alice), at(alice, IPHONE, "2001:db8::9")
    page = here.get("/account/sessions/").content.decode()
    for words in ("Firefox", "Linux", "198.51.100.7", "Safari", "iPhone", "2001:db8::9", "30 minutes", "12 hours"):
        assert words in page, words
    assert page.count("This one") == 1
    assert str(here.session.session_key) not in page and str(phone.session.session_key) not in page
    [end] = re.findall(r'action="(/account/sessions/\d+/end)"', page)
    assert here.post(end, follow=True).content.decode().count("Signed out there") == 1
    assert phone.get("/acme/").status_code == 302
    assert here.get("/acme/").status_code == 200
    assert "over already" in here.post(end, follow=True).content.decode()


def test_nobody_ends_another_persons(alice: User, now: datetime) -> None:
    hers = at(alice)
    carol = browser()
    signs_in(carol, person("carol").email)
    carol.post(f"/account/sessions/{UserSession.objects.get(user=alice).pk}/end")
    carol.post("/account/sessions/others/end")
    assert hers.get("/acme/").status_code == 200
    assert browser().post("/account/sessions/others/end").status_code == 302


def test_one_button_ends_all_others_also_those_that_were_never_noted(alice: User) -> None:
    here, other, unnoted = at(alice), at(alice, IPHONE), browser()
    unnoted.force_login(alice)
    bob = browser()
    bob.force_login(person("bob"))
    answer = here.post("/account/sessions/others/end", follow=True).content.decode()
    assert "2 other sessions ended" in answer and "Sign out everywhere else" not in answer
    assert not Session.objects.filter(session_key__in=[other.session.session_key]).exists() or not is_in(other)
    assert other.get("/acme/").status_code == unnoted.get("/acme/").status_code == 302
    assert here.get("/acme/").status_code == 200 and is_in(bob)


def test_another_password_ends_the_others_and_keeps_this_one(alice: User) -> None:
    here, other = at(alice), at(alice, IPHONE)
    new = {"password1": "plums eat bobsleighs", "password2": "plums eat bobsleighs"}
    assert here.post("/account/password/change/", {"oldpassword": PASSWORD, **new}).status_code == 302
    assert here.get("/acme/").status_code == 200
    assert other.get("/acme/").status_code == 302
    assert here.get("/account/sessions/").content.decode().count("Firefox") == 1
    assert "iPhone" not in here.get("/account/sessions/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_new_second_factor_ends_the_others_and_so_does_one_less(alice: User) -> None:
    here, other = at(alice), at(alice, IPHONE)
    here.post("/account/reauthenticate/", {"password": PASSWORD})
    page = here.get("/account/second-factor/totp/activate/").content.decode()
    secret = re.search(r"\b([A-Z2-7]{32})\b", page)
    assert secret
    here.post("/account/second-factor/totp/activate/", {"code": code_of(secret[1])})
    assert Authenticator.objects.filter(type="totp").exists()
    assert here.get("/acme/").status_code == 200
    assert other.get("/acme/").status_code == 302
    other = browser()
    other.force_login(alice)
    assert here.post("/account/second-factor/totp/deactivate/").status_code == 302
    assert here.get("/acme/").status_code == 200
    assert other.get("/acme/").status_code == 302
    assert [one.subject for one in mail.outbox] == ["Authenticator app set up", "Authenticator app switched off"]


def test_a_changed_password_or_address_is_told_by_mail_to_the_address_before(alice: User, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    here = at(alice)
    new = {"password1": "plums eat bobsleighs", "password2": "plums eat bobsleighs"}
    here.post("/account/password/change/", {"oldpassword": PASSWORD, **new})
    here.post("/account/reauthenticate/", {"password": new["password1"]})
    here.post("/account/email/", {"email": "new@else.example", "action_add": ""})
    confirm = re.search(r"/account/confirm-email/\S+", mail.outbox[-1].body)
    assert confirm and mail.outbox[-1].to == ["new@else.example"]
    here.post(confirm[0])
    told = [(one.to[0], one.subject) for one in mail.outbox if one.subject != "Confirm your mail address"]
    assert told == [
        ("alice@acme.example", "Your password was changed"),
        ("alice@acme.example", "Your mail address was changed"),
    ]


def test_an_address_that_nobody_confirmed_stays_until_the_new_one_is_and_is_told(alice: User) -> None:
    """Where addresses need no confirming: a slip of the keyboard must not take somebody's account, and who holds a
    session must not take the address unseen."""
    here, new = at(alice), {"email": "new@else.example"}
    here.post("/account/email/", {**new, "action_add": ""})
    for taken in ({**new, "action_primary": ""}, {"email": alice.email, "action_remove": ""}):
        here.post("/account/email/", taken)
    alice.refresh_from_db()
    assert alice.email == "alice@acme.example" and is_in(at(alice))
    confirm = re.search(r"/account/confirm-email/\S+", mail.outbox[-1].body)
    assert confirm and "Keep the present one" in here.get("/account/email/").content.decode()
    here.post(confirm[0])
    alice.refresh_from_db()
    assert alice.email == "new@else.example" and addresses_of(alice.email) == ("new@else.example", "alice@acme.example")
    told = [(one.to[0], one.subject) for one in mail.outbox[1:]]
    assert told == [("alice@acme.example", "Your mail address was changed")]


def test_nobody_makes_the_studio_write_to_one_address_after_the_other(alice: User) -> None:
    her = at(alice)
    asked = [her.post("/account/email/", {"email": f"{n}@victim.example", "action_add": ""}) for n in range(12)]
    assert [one.status_code for one in asked] == [302] * 10 + [429] * 2 and len(mail.outbox) == 10
    assert alice.emailaddress_set.count() == 2, "the last one waits beside hers"


def test_rows_of_ended_sessions_go(alice: User) -> None:
    her = at(alice)
    her.post("/account/logout/")
    at(alice)
    housekeeping.forget_ended(now=utc_now())
    assert UserSession.objects.count() == 1
    housekeeping.forget_ended(now=utc_now() + timedelta(days=8))
    assert not UserSession.objects.exists() and not Session.objects.exists()


def test_operators_sign_somebody_out_on_the_command_line(alice: User) -> None:
    her = at(alice)

    def said(*words: str) -> str:
        result = CliRunner().invoke(app, ["sessions", *words])
        assert result.exit_code == 0, result.output
        return result.output

    assert "Firefox Linux" in said("list", "Alice@acme.example")
    assert "1 session ended" in said("end", "alice@acme.example")
    assert her.get("/acme/").status_code == 302


def test_a_session_is_found_by_its_person_without_looking_through_all(alice: User) -> None:
    """However many others are signed in: ending hers opens none of theirs."""
    bob = person("bob")
    for user in (alice, alice, bob):
        browser().force_login(user)
    assert UserSession.objects.filter(user=alice).count() == 2, "from its first moment, not from its first page"
    with CaptureQueriesContext(connection) as asked:
        assert end_sessions(alice) == 2
    assert len(asked) <= 6
    assert all("session_key" in one["sql"] for one in asked if 'FROM "django_session"' in one["sql"])
    assert Session.objects.count() == UserSession.objects.count() == 1


def test_sessions_of_before_are_given_their_person(alice: User) -> None:
    browser().force_login(alice)
    UserSession.objects.all().delete()
    migration = import_module("otai.web.accounts.migrations.0002_every_session_has_its_person")
    for _ in range(2):
        migration.note(apps, None)
    assert end_sessions(alice) == 1
    assert not Session.objects.exists()
