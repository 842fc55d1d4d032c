"""Guessing, planted sessions, false links, forged forms, and people who try doors that are not theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from otai.db import utc_now
from otai.orgs.models import ApiKey, Invitation, Member, Organisation, TeamEvent, User
from otai.orgs.operations import create_api_key, invite
from otai.orgs.permissions import Action, Role, allowed
from tests.orgs.people import PASSWORD, person
from tests.stories import acme, globex
from tests.web.visitors import browser, is_in, link_in_the_last_mail, member_of, of, signs_in

pytestmark = pytest.mark.django_db


# --- Guessing


def test_after_five_wrong_passwords_even_the_right_one_waits() -> None:
    alice, bob = person("alice"), person("bob")
    for guess in range(5):
        assert "not right" in signs_in(browser(), alice.email, f"guess {guess}").content.decode()
    right = browser()
    assert "Too many attempts" in signs_in(right, alice.email).content.decode()
    assert not is_in(right)
    by_another_name = Client(headers={"host": "127.0.0.1"})
    assert "Too many attempts" in signs_in(by_another_name, alice.email).content.decode()
    other = browser()
    signs_in(other, bob.email)
    assert is_in(other), "Bob is not kept out by somebody who guesses at Alice"


def test_one_machine_cannot_try_one_password_on_many_people() -> None:
    people = [person(f"person{number}") for number in range(35)]
    said = [signs_in(browser(), someone.email, "Summer2026!").content.decode() for someone in people]
    assert sum("Too many attempts" in page for page in said) == 5


def test_nobody_has_the_studio_write_to_a_stranger_again_and_again(now: datetime) -> None:
    """Mallory founded an organisation for it, invites, withdraws, and invites again."""
    mallory = member_of(acme(now), "mallory", Role.OWNER, now)
    inviting = of(mallory)
    for number in range(8):
        answer = inviting.post(
            "/acme/team/invite/", {"email": f"{'V' if number % 2 else 'v'}ictim@else.example", "role": "viewer"}
        )
        Invitation.objects.update(withdrawn_at=utc_now())
    assert answer.status_code == 409 and "invited 5 times within a day" in answer.content.decode()
    assert len([one for one in mail.outbox if one.to == ["victim@else.example"]]) == 5
    Invitation.objects.bulk_create(
        Invitation(organisation=mallory.organisation, email=f"v{number}@else.example", role="viewer",
            token_sha256=f"{number:064}", invited_by="m", invited_at=utc_now(),
            expires_at=utc_now() + timedelta(days=7), withdrawn_at=utc_now())
        for number in range(95)
    )  # fmt: skip
    answer = inviting.post("/acme/team/invite/", {"email": "another@else.example", "role": "viewer"})
    assert "100 invitations were made within a day" in answer.content.decode()


def test_the_desk_is_guessed_at_no_faster() -> None:
    olga = person("olga")
    olga.is_staff = olga.is_superuser = True
    olga.save()
    visitor = browser()
    answer = visitor.post("/desk/login/?next=/desk/", {"username": olga.username, "password": PASSWORD})
    assert answer.headers["Location"].startswith("/account/login/")
    answer = visitor.post("/desk/login/", {"username": olga.email, "password": PASSWORD})
    assert not is_in(visitor)


def test_the_count_of_attempts_is_kept_where_all_processes_see_it() -> None:
    from django.core.cache import cache
    from django.core.cache.backends.db import DatabaseCache
    from django.db import connection

    person("alice")
    signs_in(browser(), "alice@acme.example", "wrong")
    assert isinstance(cache._connections["default"], DatabaseCache)  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM otai_cache WHERE cache_key LIKE '%login_failed%'")
        assert cursor.fetchone()[0] == 2, "one for the machine, one for the mail address"


def test_codes_of_a_second_factor_are_not_guessed_either() -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    alice = person("alice")
    TOTP.activate(alice, generate_totp_secret())
    thief = browser()
    signs_in(thief, alice.email)
    said = [
        thief.post("/account/second-factor/authenticate/", {"code": f"{code:06}"}).content.decode() for code in range(8)
    ]
    assert sum("Too many attempts" in page for page in said) >= 2
    assert not is_in(thief)


def test_floods_of_sign_ups_resets_and_links_are_stopped() -> None:
    person("alice")
    flood = browser()
    resets = [flood.post("/account/password/reset/", {"email": "alice@acme.example"}).status_code for _ in range(7)]
    assert resets == [302] * 5 + [429] * 2
    assert len(mail.outbox) == 5
    last = [flood.post("/account/signup/", {"email": "x"}).status_code for _ in range(22)][-2:]
    assert last == [429, 429]
    assert "Too many attempts" in flood.post("/account/signup/", {"email": "x"}).content.decode()
    assert not Organisation.objects.exists()


def test_nobody_learns_who_has_an_account(settings: Settings) -> None:
    alice = person("alice")
    pages = []
    for email in (alice.email, "nobody@acme.example"):
        wrong = signs_in(browser(), email, "wrong").content.decode()
        reset = browser().post("/account/password/reset/", {"email": email}, follow=True).content.decode()
        pages.append(re.sub(r'value="[^"]*"|x-csrftoken[^}]*', "", wrong + reset).replace(email, ""))
    assert pages[0] == pages[1]
    # Where addresses are verified, signing up tells nothing either: who has an account gets a mail instead.
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    form = {"organisation": "Acme", "name": "A", "password1": PASSWORD}
    answers = [
        browser().post("/account/signup/", form | {"email": email}) for email in (alice.email, "new@acme.example")
    ]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]


# --- Sessions and links


def test_a_planted_session_is_worth_nothing_after_signing_in() -> None:
    alice = person("alice")
    planted = browser()
    planted.get("/account/login/")
    planted.session["invitation"] = "x"
    session = planted.session
    session["marked"] = "by the thief"
    session.save()
    planted.cookies["otai"] = "x"
    victim = browser()
    victim.cookies["sessionid"] = str(session.session_key)
    signs_in(victim, alice.email)
    assert is_in(victim)
    assert victim.cookies["sessionid"].value != session.session_key
    thief = browser()
    thief.cookies["sessionid"] = str(session.session_key)
    assert thief.get("/account/organisations/").status_code == 302
    made_up = browser()
    made_up.cookies["sessionid"] = "a" * 32
    signs_in(made_up, alice.email)
    assert made_up.cookies["sessionid"].value != "a" * 32
    assert not Session.objects.filter(session_key="a" * 32).exists()


def test_signing_out_ends_the_session_on_the_server() -> None:
    alice = person("alice")
    her = browser()
    signs_in(her, alice.email)
    stolen = her.cookies["sessionid"].value
    assert her.cookies["sessionid"]["httponly"] and her.cookies["sessionid"]["samesite"] == "Lax"
    her.post("/account/logout/")
    thief = browser()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/account/organisations/").status_code == 302


def test_a_new_password_ends_all_other_sessions() -> None:
    alice = person("alice")
    here, elsewhere = browser(), browser()
    signs_in(here, alice.email)
    signs_in(elsewhere, alice.email)
    new = "another good phrase 9"
    here.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert here.get("/account/organisations/").status_code == 200
    assert elsewhere.get("/account/organisations/").status_code == 302
    assert mail.outbox[-1].subject == "Your password was changed"


AWAY = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    r"\\evil.example",
    r"/\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://localhost@evil.example/",
    "https://localhost.evil.example/",
    "\thttps://evil.example",
    "/\t/evil.example",
]


@pytest.mark.parametrize("away", AWAY)
def test_no_link_leads_away(away: str) -> None:
    alice = person("alice")
    her = browser()
    answers = [
        signs_in(her, alice.email, next=away),
        her.get("/account/login/", {"next": away}),
        her.post("/account/logout/", {"next": away}),
        her.post("/i18n/language", {"language": "de", "next": away}),
        her.post("/studio/theme", {"theme": "dark", "next": away}),
        browser().post(
            "/account/signup/?next=" + away,
            {"organisation": "A", "name": "A", "email": "a@b.example", "password1": PASSWORD, "next": away},
        ),
    ]
    for answer in answers:
        assert answer.status_code in (302, 200, 204)
        assert "evil" not in answer.headers.get("Location", "")
        assert not answer.headers.get("Location", "").lower().startswith(("javascript", "data"))
    page = browser().get("/account/login/", {"next": away}).content.decode()
    targets = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    assert targets
    assert all(re.match(r"/(?![/\\\\\t])", target) for target in targets), targets


def test_a_false_host_is_refused_and_mails_carry_ours() -> None:
    person("alice")
    assert Client(headers={"host": "evil.example"}).get("/account/login/").status_code == 400
    false = {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}
    browser().post("/account/password/reset/", {"email": "alice@acme.example"}, **false)  # type: ignore[arg-type]
    assert "evil" not in mail.outbox[-1].body
    assert "http://localhost:8000/account/password/reset/key/" in mail.outbox[-1].body


def test_who_counts_attempts_does_not_believe_a_forwarded_address() -> None:
    alice = person("alice")
    for guess in range(31):
        forged = {"HTTP_X_FORWARDED_FOR": f"10.0.0.{guess}"}
        browser().post("/account/login/", {"login": f"x{guess}@acme.example", "password": ("y")}, **forged)  # type: ignore[arg-type]
    assert "Too many attempts" in signs_in(browser(), alice.email).content.decode()


# --- Forms and pages


@dataclass(frozen=True)
class Address:
    path: str
    action: Action | None
    name: str
    has_slug: bool
    is_page: bool
    asks_again: bool
    downloads: bool


UUIDS = "00000000-0000-7000-8000-000000000000"
SAMPLES = {"slug": "acme", "uuid": UUIDS, "int": "1", "str": "x", "path": "x"}


def addresses(patterns: Any = None, prefix: str = "") -> Iterator[Address]:
    """Every address of the pages, from the URL table: a new page is tested as soon as it is there."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not route.startswith(("desk/", "api/")):
                yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and "(?P" not in route:
            path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found.group(1) or "str", "x"), route)
            yield Address(
                path="/" + path.rstrip("$").lstrip("^"),
                action=getattr(pattern.callback, "page_action", None),
                name=str(pattern.name),
                has_slug="<slug:slug>/" in route,
                is_page=hasattr(pattern.callback, "page_action"),
                asks_again=getattr(pattern.callback, "asks_again", False),
                downloads=getattr(pattern.callback, "downloads", False),
            )


def tries(client: Client, path: str) -> Any:
    answer = client.get(path)
    return client.post(path) if answer.status_code == 405 else answer


def state() -> dict[str, Any]:
    return {
        table.__name__: sorted(map(str, table.objects.values_list()))
        for table in (Organisation, Member, Invitation, ApiKey, TeamEvent)
    }


def test_every_page_of_an_organisation_says_which_action_it_needs() -> None:
    unguarded = [address.path for address in addresses() if address.has_slug and not address.is_page]
    assert not unguarded
    assert sum(address.has_slug for address in addresses()) > 10


def test_carol_finds_nothing_of_acme_and_changes_nothing(now: datetime) -> None:
    member_of(acme(now), "alice", Role.OWNER, now)
    carol = of(member_of(globex(now), "carol", Role.OWNER, now))
    before = state()
    for address in addresses():
        if address.has_slug:
            assert tries(carol, address.path).status_code == 404, address
            assert carol.post(address.path).status_code in (404, 405), address
    assert state() == before


@pytest.mark.pure
def test_who_is_not_signed_in_is_sent_to_sign_in(now: datetime) -> None:
    acme(now)
    for address in addresses():
        if address.is_page:
            answer = tries(browser(), address.path)
            assert answer.status_code == 302, address
            assert answer.headers["Location"].startswith("/account/login/"), address


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING, Role.TRAINER])
def test_a_role_opens_what_it_may_and_nothing_else(role: Role, now: datetime) -> None:
    organisation = acme(now)
    member_of(organisation, "alice", Role.OWNER, now)
    bob = of(member_of(organisation, "bob", role, now))
    before = state()
    refused = 0
    for address in addresses():
        if address.has_slug and address.action is not None and not allowed(role, address.action):
            assert tries(bob, address.path).status_code == 403, address
            refused += 1
    assert refused >= 7
    assert state() == before


def test_a_viewer_takes_no_part_in_running_the_team(now: datetime) -> None:
    organisation = acme(now)
    alice = member_of(organisation, "alice", Role.OWNER, now)
    bob = member_of(organisation, "bob", Role.VIEWER, now)
    made = invite(organisation=organisation, email="dora@acme.example", role="viewer", who="alice", now=now)
    key = create_api_key(organisation=organisation, name="Key", scopes=["read"], who="alice", now=now).key
    his = of(bob)
    before = state()
    for path, form in {
        f"team/members/{bob.id}/role/": {"role": "owner"},
        f"team/members/{alice.id}/role/": {"role": "viewer"},
        f"team/members/{alice.id}/remove/": {},
        "team/invite/": {"email": "friend@evil.example", "role": "owner"},
        f"team/invitations/{made.invitation.id}/withdraw/": {},
        "team/keys/": {"name": "mine", "scopes": ["read"], "expires": ""},
        f"team/keys/{key.id}/revoke/": {},
        "team/organisation/": {"name": "Bobs", "time_zone": "UTC"},
    }.items():
        assert his.post(f"/acme/{path}", form).status_code == 403, path
    assert state() == before
    assert not mail.outbox


def test_an_owner_of_another_organisation_cannot_name_ours_rows_in_their_address(now: datetime) -> None:
    organisation = acme(now)
    alice = member_of(organisation, "alice", Role.OWNER, now)
    member_of(organisation, "bob", Role.OWNER, now)
    made = invite(organisation=organisation, email="dora@acme.example", role="viewer", who="alice", now=now)
    key = create_api_key(organisation=organisation, name="Key", scopes=["read"], who="alice", now=now).key
    carol = of(member_of(globex(now), "carol", Role.OWNER, now))
    before = state()
    for path in (
        f"members/{alice.id}/role/",
        f"members/{alice.id}/remove/",
        f"invitations/{made.invitation.id}/withdraw/",
        f"keys/{key.id}/revoke/",
        f"keys/{uuid4()}/revoke/",
    ):
        assert carol.post(f"/globex/team/{path}", {"role": "viewer"}).status_code == 404, path
    assert state() == before


def test_a_member_who_is_removed_is_out_at_once(now: datetime) -> None:
    organisation = acme(now)
    alice = of(member_of(organisation, "alice", Role.OWNER, now))
    bob = member_of(organisation, "bob", Role.OWNER, now)
    his = of(bob)
    assert his.get("/acme/team/").status_code == 200
    alice.post(f"/acme/team/members/{bob.id}/remove/")
    assert his.get("/acme/team/").status_code == 404
    User.objects.filter(id=bob.user_id).update(is_active=False)
    assert his.get("/account/organisations/").status_code == 302


def test_no_form_is_taken_from_another_site(now: datetime) -> None:
    organisation = acme(now)
    owner = member_of(organisation, "alice", Role.OWNER, now)
    forged = browser(enforce_csrf_checks=True)
    forged.force_login(owner.user)
    before = state()
    checked = 0
    for address in addresses():
        # The link to unsubscribe is a mail program's to send, and signed.
        if address.name in ("stripe-webhook", "unsubscribe") or address.path.startswith(("/health", "/metrics")):
            continue
        answer = forged.post(address.path)
        assert answer.status_code in (403, 405, 302), address
        if answer.status_code == 302:
            # Not acted upon: allauth asks who you are before it looks at the form.
            assert "login" in answer.headers["Location"] or "reauthenticate" in answer.headers["Location"], address
        checked += answer.status_code == 403
    assert checked > 20
    assert state() == before
    assert is_in(forged)


def test_pages_of_accounts_have_nothing_inline_and_nothing_from_elsewhere(now: datetime) -> None:
    organisation = acme(now)
    owner = member_of(organisation, "alice", Role.OWNER, now)
    create_api_key(organisation=organisation, name="Key", scopes=["read"], who="alice", now=now)
    made = invite(
        organisation=organisation, email="d@acme.example", role="viewer", who="a", now=datetime.now(now.tzinfo)
    )
    alice = of(owner)
    alice.post("/account/reauthenticate/", {"password": PASSWORD})
    anybodys = (
        "login/ signup/ password/reset/ password/reset/done/ password/reset/key/1-x/ confirm-email/ confirm-email/x/"
    )
    anybodys += f" inactive/ join/x/ join/{made.token}/ password/reset/key/done/"
    alices = f"logout/ email/ password/change/ reauthenticate/ organisations/ join/{made.token}/ second-factor/"
    alices += " second-factor/totp/activate/ second-factor/webauthn/ second-factor/webauthn/add/"
    alices += " second-factor/recovery-codes/generate/"
    pages = [(browser(), f"/account/{path}") for path in anybodys.split()]
    pages += [(alice, f"/account/{path}") for path in alices.split()]
    pages += [(alice, f"/acme/{path}") for path in ("team/", "team/keys/", "team/organisation/", "account/")]
    for who, path in pages:
        name = path
        answer = who.get(path, follow=True)
        page = answer.content.decode()
        assert answer.status_code in (200, 404, 409), name
        assert "lang=" in page, name
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        for script in re.findall(r"<script\b[^>]*>", page):
            assert 'src="/static/' in script or 'type="application/json"' in script, (name, script)
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page), name
        assert "<style" not in page, name
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page), name


EVIL = "<script>alert(1)</script>"


def test_names_that_people_choose_are_shown_as_text(now: datetime) -> None:
    alice = browser()
    alice.post(
        "/account/signup/",
        {"organisation": EVIL, "name": f"{EVIL} Alice", "email": "alice@acme.example", "password1": PASSWORD},
    )
    organisation = Organisation.objects.get()
    assert organisation.name == EVIL
    slug = organisation.slug
    alice.post(f"/{slug}/team/keys/", {"name": EVIL, "scopes": ["read"], "expires": ""})
    alice.post(f"/{slug}/team/invite/", {"email": "bob@acme.example", "role": "viewer"})
    invited = link_in_the_last_mail()
    assert mail.outbox[-1].content_subtype == "plain"
    for path in (
        f"/{slug}/",
        f"/{slug}/team/",
        f"/{slug}/team/keys/",
        f"/{slug}/team/organisation/",
        f"/{slug}/account/",
    ):
        assert EVIL not in alice.get(path).content.decode(), path
    assert EVIL not in browser().get(invited).content.decode()


def test_a_header_cannot_be_smuggled_into_an_invitation(now: datetime) -> None:
    owner = member_of(acme(now), "alice", Role.OWNER, now)
    owner.user.first_name = "Alice\r\nBcc: all@evil.example"
    owner.user.save()
    alice = of(owner)
    assert alice.post("/acme/team/invite/", {"email": "bob@acme.example", "role": "viewer"}).status_code == 302
    sent = mail.outbox[-1]
    assert sent.recipients() == ["bob@acme.example"]
    assert "\n" not in sent.subject
    assert (
        alice.post("/acme/team/invite/", {"email": "b@c.example\nBcc: x@y.example", "role": "viewer"}).status_code
        == 422
    )


def test_a_secret_is_in_no_page_but_the_one_that_makes_it(now: datetime) -> None:
    alice = of(member_of(acme(now), "alice", Role.OWNER, now))
    made = alice.post(
        "/acme/team/keys/", {"name": "Helpdesk", "scopes": ["read", "predict"], "expires": "90"}, follow=True
    )
    found = re.search(r'id="new-key">(otai_\w{8}_[\w-]{43})<', made.content.decode())
    assert found
    assert "no-store" in made.headers["Cache-Control"]
    assert found.group(1).split("_", 2)[2] not in alice.get("/acme/team/keys/").content.decode()
    assert not any(found.group(1) in json.dumps(session.get_decoded()) for session in Session.objects.all())


def test_the_secret_of_a_second_factor_is_not_readable_in_the_table(now: datetime) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    secret = generate_totp_secret()
    TOTP.activate(person("alice"), secret)
    assert secret not in json.dumps(Authenticator.objects.get().data)
