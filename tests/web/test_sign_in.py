from __future__ import annotations

import importlib
import json
import re
from datetime import datetime
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings as configured
from django.core import mail
from django.test import Client
from django.utils.module_loading import import_string
from pytest_django import Settings

from otai.ledger import queries as ledger
from otai.orgs import queries
from otai.orgs.models import Organisation, User
from otai.orgs.operations import invite
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD, person
from tests.stories import acme, globex
from tests.web.soft_passkey import SoftPasskey
from tests.web.visitors import browser, is_in, link_in_the_last_mail, member_of, of, signs_in

pytestmark = pytest.mark.django_db

ALICE = {
    "organisation": "Acme Ltd",
    "name": "Alice Smith",
    "email": "alice@acme.example",
    "password1": PASSWORD,
    "time_zone": "Europe/Berlin",
}


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def data_in(page: Any, id: str = "js_data") -> Any:
    found = re.search(rf'<script id="{id}" type="application/json">(.*?)</script>', page.content.decode(), re.S)
    assert found
    return json.loads(found.group(1))


def test_alice_signs_up_and_has_an_organisation_with_its_first_credits() -> None:
    alice = browser()
    answer = alice.post("/account/signup/", ALICE)
    assert answer.headers["Location"] == "/acme-ltd/"
    assert alice.get("/acme-ltd/").status_code == 200
    member = queries.member(User.objects.get(email="alice@acme.example"), "acme-ltd")
    assert (member.role, member.user.get_full_name()) == (Role.OWNER, "Alice Smith")
    assert (member.organisation.name, member.organisation.time_zone) == ("Acme Ltd", "Europe/Berlin")
    assert ledger.balance(member.organisation.id).available == 6


def test_two_organisations_of_one_name_get_two_addresses() -> None:
    assert browser().post("/account/signup/", ALICE).headers["Location"] == "/acme-ltd/"
    other = ALICE | {"email": "anna@other.example", "time_zone": "Mars/Olympus"}
    assert browser().post("/account/signup/", other).headers["Location"] == "/acme-ltd-2/"
    assert queries.organisation("acme-ltd-2").time_zone == "UTC", "the browser's time zone does not exist"


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "alice"},
        {"email": "taken@acme.example"},
        {"password1": "12345678"},
        {"password1": "short"},
        {"password1": "alice@acme.example"},
        {"organisation": "  "},
        {"organisation": "a\x07b"},
        {"name": ""},
        {"organisation": "x" * 201},
    ],
)
def test_a_sign_up_with_something_wrong_makes_nothing(wrong: dict[str, str]) -> None:
    person("taken")
    answer = browser().post("/account/signup/", ALICE | wrong)
    assert answer.status_code == 200
    assert "errors" in answer.content.decode()
    assert not Organisation.objects.exists()
    assert User.objects.count() == 1


def test_alice_signs_in_and_out() -> None:
    person("alice")
    alice = browser()
    assert alice.get("/acme/").headers["Location"] == "/account/login/?next=%2Facme%2F"
    assert signs_in(alice, "Alice@ACME.example", next="/account/organisations/").headers["Location"] == (
        "/account/organisations/"
    )
    assert is_in(alice)
    assert alice.get("/account/logout/").status_code == 200
    assert is_in(alice), "looking at the page signs nobody out"
    alice.post("/account/logout/")
    assert not is_in(alice)


def test_a_form_that_came_after_the_session_had_ended_says_so_and_leads_back() -> None:
    person("alice")
    alice = browser()
    answer = alice.post("/acme/team/invite/", {"email": "x"}, headers={"referer": "http://localhost/acme/team/?tab=1"})
    assert answer.headers["Location"] == "/account/login/?next=%2Facme%2Fteam%2F%3Ftab%3D1"
    assert "nothing was done" in alice.get(answer.headers["Location"]).content.decode()
    assert configured.SESSION_COOKIE_NAME not in alice.cookies, "a stranger's form makes no session"
    elsewhere = alice.post("/acme/team/invite/", headers={"referer": "https://evil.example/acme/"})
    assert elsewhere.headers["Location"] == "/account/login/"


def test_passwords_are_kept_as_argon2() -> None:
    # The tests themselves run with a fast hash (tests/conftest.py).
    product = importlib.import_module("otai.config.settings")
    preferred = import_string(product.PASSWORD_HASHERS[0])()
    kept = preferred.encode(PASSWORD, preferred.salt())
    assert kept.startswith("argon2$argon2id$")
    assert preferred.verify(PASSWORD, kept)


def test_an_operator_signs_in_where_everybody_does() -> None:
    operator = person("olga", at="vendor.example")
    operator.is_staff = operator.is_superuser = True
    operator.save()
    olga = browser()
    assert olga.get("/desk/", follow=True).redirect_chain[-1][0].startswith("/account/login/?next=")
    signs_in(olga, operator.email)
    assert olga.get("/desk/").status_code == 200
    bob = browser()
    bob.force_login(person("bob"))
    assert bob.get("/desk/", follow=True).status_code == 403


def test_where_the_desk_asks_for_a_second_factor_a_password_is_not_enough(settings: Settings) -> None:
    settings.OTAI_DESK_SECOND_FACTOR = True
    olga = person("olga", at="vendor.example")
    olga.is_staff = olga.is_superuser = True
    olga.save()
    hers = browser()
    signs_in(hers, olga.email)
    assert hers.get("/desk/orgs/", follow=True).redirect_chain[-1][0] == "/account/second-factor/"
    assert "Go on where" not in hers.get("/account/second-factor/").content.decode()
    _with_an_app(hers)
    assert 'href="/desk/orgs/">Go on where you wanted to go' in hers.get("/account/second-factor/").content.decode()
    assert hers.get("/desk/").status_code == 200


def test_after_a_second_factor_nobody_is_led_to_another_site(settings: Settings) -> None:
    settings.OTAI_DESK_SECOND_FACTOR = True
    olga = person("olga", at="vendor.example")
    olga.is_staff = True
    olga.save()
    hers = browser()
    signs_in(hers, olga.email)
    hers.get("/desk/login/", {"next": "https://evil.example/desk/"})
    _with_an_app(hers)
    assert "Go on where" not in hers.get("/account/second-factor/").content.decode()


def test_bob_signs_up_by_his_invitation_and_is_in_acme_and_nowhere_else(now: datetime) -> None:
    organisation = acme(now)
    alice = of(member_of(organisation, "alice", Role.OWNER, now))
    alice.post("/acme/team/invite/", {"email": "bob@acme.example", "role": "trainer"})
    link = link_in_the_last_mail()
    assert mail.outbox[-1].to == ["bob@acme.example"]
    bob = browser()
    assert "Acme Ltd" in bob.get(link).content.decode()
    page = bob.get("/account/signup/").content.decode()
    assert 'value="bob@acme.example"' in page
    assert 'name="organisation"' not in page
    other = {"name": "Bob", "email": "mallory@evil.example", "password1": PASSWORD}
    assert "bob@acme.example" in bob.post("/account/signup/", other).content.decode()
    assert bob.post("/account/signup/", other | {"email": "bob@acme.example"}).headers["Location"] == "/acme/"
    assert [member.role for member in queries.memberships(User.objects.get(email="bob@acme.example"))] == ["trainer"]
    assert Organisation.objects.count() == 1
    assert "was used already" in browser().get(link).content.decode()


def test_carol_who_has_an_account_joins_by_the_link_after_signing_in(now: datetime) -> None:
    carol = member_of(globex(now), "carol", Role.OWNER, now)
    made = invite(
        organisation=acme(now), email=carol.user.email, role=Role.VIEWER, who="alice", now=datetime.now(now.tzinfo)
    )
    her = browser()
    link = f"/account/join/{made.token}/"
    assert f"/account/login/?next={link}" in her.get(link).content.decode()
    assert signs_in(her, carol.user.email, next=link).headers["Location"] == link
    assert queries.memberships(carol.user).count() == 1, "looking at the link joins nothing"
    assert her.post(link).headers["Location"] == "/acme/"
    assert her.get("/acme/").status_code == 200
    assert her.post(link).headers["Location"] == "/acme/", "twice is once"


def test_an_invitation_opens_nothing_for_another_address(now: datetime) -> None:
    carol = of(member_of(globex(now), "carol", Role.OWNER, now))
    made = invite(
        organisation=acme(now), email="bob@acme.example", role=Role.OWNER, who="alice", now=datetime.now(now.tzinfo)
    )
    link = f"/account/join/{made.token}/"
    assert "signed in as carol@globex.example" in carol.get(link).content.decode()
    assert carol.post(link).status_code == 403
    assert carol.post("/account/join/nonsense/").status_code == 404
    assert carol.get("/acme/").status_code == 404


def test_a_forgotten_password_is_replaced_once_and_ends_other_sessions() -> None:
    alice = person("alice")
    elsewhere = browser()
    signs_in(elsewhere, alice.email)
    browser().post("/account/password/reset/", {"email": alice.email})
    link = link_in_the_last_mail()
    her = browser()
    form = her.get(link).headers["Location"]
    assert link not in form, "the key does not stay in the address"
    fresh = {"password1": "another good phrase 9", "password2": "another good phrase 9"}
    assert her.post(form, fresh).status_code == 302
    signs_in(her, alice.email, "another good phrase 9")
    assert is_in(her)
    assert elsewhere.get("/account/organisations/").status_code == 302
    assert "too old" in browser().get(link, follow=True).content.decode()


def test_with_mail_verification_nobody_gets_in_before_the_link(settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION, settings.OTAI_VERIFY_MAIL = "mandatory", True
    alice = browser()
    alice.post("/account/signup/", ALICE)
    assert not is_in(alice)
    organisation = queries.organisation("acme-ltd")
    assert ledger.balance(organisation.id).available == 0, "nothing is given to an address that may be anybody's"
    signs_in(alice, ALICE["email"])
    assert not is_in(alice)
    link = link_in_the_last_mail()
    assert alice.get(link).status_code == 200
    assert not is_in(alice), "a mail scanner that follows links confirms nothing"
    alice.post(link)
    if not is_in(alice):
        signs_in(alice, ALICE["email"])
    assert alice.get("/", follow=True).redirect_chain[-1][0] == "/acme-ltd/"
    assert ledger.balance(organisation.id).available == 6


def test_further_organisations_begin_without_gifts_and_their_pages_say_so() -> None:
    alice = browser()
    alice.post("/account/signup/", ALICE)
    alice.get("/acme-ltd/guarantee/")
    further = {"organisation": "Acme Labs", "time_zone": "UTC"}
    assert "once for each person" in alice.get("/account/organisations/").content.decode()
    assert alice.post("/account/organisations/", further).headers["Location"] == "/acme-labs/"
    assert ledger.balance(queries.organisation("acme-labs").id).available == 0
    assert "another organisation had it" in alice.get("/acme-labs/guarantee/").content.decode()
    tiers = alice.get("/acme-labs/credits/tier/").content.decode()
    assert "another organisation had 6 credits" in tiers and "(94 more for you)" in tiers
    alice.post("/account/organisations/", further)
    refused = alice.post("/account/organisations/", further)
    assert refused.status_code == 422 and "3 organisations within a day" in refused.content.decode()


def _with_an_app(client: Client) -> str:
    """Sets up an authenticator app and returns its secret."""
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get("/account/second-factor/totp/activate/").content.decode()
    found = re.search(r'id="authenticator_secret">(\w+)<', page)
    assert found
    assert 'src="data:image/svg+xml' in page
    answer = client.post("/account/second-factor/totp/activate/", {"code": code_of(found.group(1))})
    assert answer.status_code == 302, answer.content.decode()
    return found.group(1)


def test_with_an_authenticator_app_the_password_alone_opens_nothing() -> None:
    alice = person("alice")
    her = browser()
    signs_in(her, alice.email)
    secret = _with_an_app(her)
    stored = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert secret not in json.dumps(stored.data), "kept encrypted"
    codes = re.findall(r"\b\d{8}\b", her.get("/account/second-factor/recovery-codes/").content.decode())
    assert len(codes) == 10

    thief = browser()
    assert signs_in(thief, alice.email).headers["Location"].startswith("/account/second-factor/authenticate/")
    assert thief.get("/account/organisations/").status_code == 302
    assert "not right" in thief.post("/account/second-factor/authenticate/", {"code": "000000"}).content.decode()
    assert not is_in(thief)

    for attempt, enters in ((codes[0], True), (codes[0], False), (codes[1], True)):
        phone_lost = browser()
        signs_in(phone_lost, alice.email)
        phone_lost.post("/account/second-factor/authenticate/", {"code": attempt})
        assert is_in(phone_lost) is enters, "a recovery code opens once"


def test_a_passkey_signs_in_alone_and_only_where_it_belongs() -> None:
    alice = person("alice")
    her = browser()
    signs_in(her, alice.email)
    her.post("/account/reauthenticate/", {"password": PASSWORD})
    passkey = SoftPasskey()
    options = data_in(her.get("/account/second-factor/webauthn/add/"))["creation_options"]
    answer = her.post(
        "/account/second-factor/webauthn/add/",
        {"name": "Phone", "credential": json.dumps(passkey.register(options)), "passwordless": "on"},
    )
    assert answer.status_code == 302, answer.content.decode()
    assert "Phone" in her.get("/account/second-factor/webauthn/").content.decode()

    def with_passkey(key: SoftPasskey) -> Client:
        somewhere = browser()
        asked = somewhere.get("/account/second-factor/webauthn/login/", headers={"accept": "application/json"}).json()
        somewhere.post(
            "/account/second-factor/webauthn/login/", {"credential": json.dumps(key.sign(asked["request_options"]))}
        )
        return somewhere

    assert is_in(with_passkey(passkey))
    stranger = SoftPasskey()
    stranger.user_handle = passkey.user_handle
    assert not is_in(with_passkey(stranger))
    stranger.id = passkey.id
    assert not is_in(with_passkey(stranger)), "the signature is another's"
    phished = SoftPasskey(origin="https://localhost.evil.example")
    phished.__dict__.update({k: v for k, v in passkey.__dict__.items() if k != "_origin"})
    assert not is_in(with_passkey(phished)), "signed for another site"


def test_the_language_of_a_person_goes_with_them(now: datetime) -> None:
    member = member_of(acme(now), "alice", Role.OWNER, now)
    alice = of(member)
    assert alice.get("/acme/account/").headers["Content-Language"] == "en"
    alice.post("/acme/account/", {"name": "Alice", "language": "de"})
    assert of(member).get("/acme/account/").headers["Content-Language"] == "de", "on another device"
    elsewhere = of(member)
    elsewhere.cookies["otai_language"] = "en"
    assert elsewhere.get("/acme/account/").headers["Content-Language"] == "en", "unless this browser says another"


def test_whoever_is_in_no_organisation_can_begin_one() -> None:
    alice = browser()
    alice.force_login(person("alice"))
    assert alice.get("/", follow=True).redirect_chain[-1][0] == "/account/organisations/"
    assert alice.post("/account/organisations/", {"organisation": "Second Ltd"}).headers["Location"] == "/second-ltd/"
    assert ledger.balance(queries.organisation("second-ltd").id).available == 6


def test_a_name_holds_only_what_others_see(now: datetime) -> None:
    member = member_of(acme(now), "alice", Role.OWNER, now)
    alice = of(member)
    for name, said in {"Alice \u202egpj": 422, "Al\u200bice": 422, "Ali\u200cReza": 302, "Zoë  Ångström": 302}.items():
        assert alice.post("/acme/account/", {"name": name, "language": "en"}).status_code == said, name
    member.user.refresh_from_db()
    assert member.user.first_name == "Zoë Ångström"
    form = {"organisation": "Globex", "name": "Carol\u202e", "email": "carol@globex.example", "password1": PASSWORD}
    assert "that can be seen" in browser().post("/account/signup/", form).content.decode()
