"""What docs/security.md says of every answer, of sessions and of passwords, tried where nothing else tries it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.db.backends.utils import CursorWrapper
from django.test import Client
from pytest_django import Settings

from otai.db import utc_now
from otai.orgs.access_events import AccessKind, about_said
from otai.orgs.models import AccessEvent, Organisation, User
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Action as Does
from otai.orgs.permissions import Role, scopes_allow
from tests.orgs.people import joins, person
from tests.web.test_sign_in import _with_an_app, code_of
from tests.web.visitors import browser, is_in, signs_in

pytestmark = pytest.mark.django_db


def test_every_answer_says_what_browsers_may_do_with_it(alice: Client) -> None:
    for path in ("/acme/", "/acme/team/", "/account/login/", "/acme/nothing/", "/api/v1/me", "/api/v1/nothing"):
        said = alice.get(path).headers
        assert said["X-Content-Type-Options"] == "nosniff", path
        assert said["Referrer-Policy"] == "same-origin", path
        policy = said["Content-Security-Policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy, path
        assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "frame-ancestors 'none'" in policy, (
            path
        )
        for device in ("camera=()", "microphone=()", "geolocation=()"):
            assert device in said["Permissions-Policy"], path
        assert "charset=utf-8" in said["Content-Type"] or said["Content-Type"] == "application/json", path
        assert not said.keys() & {"Server", "X-Powered-By", "Access-Control-Allow-Origin"}, path


def test_nothing_of_a_member_is_kept_by_a_browser_or_a_cache(alice: Client) -> None:
    for path in ("/acme/", "/acme/credits/", "/acme/team/keys/", "/api/v1/me", "/api/v1/balance"):
        assert "no-store" in alice.get(path).headers["Cache-Control"], path


def test_no_other_site_is_let_in_by_its_origin(alice: Client) -> None:
    for origin in ("https://evil.example", "null"):
        asked = alice.options("/api/v1/me", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        read = alice.get("/api/v1/me", headers={"Origin": origin})
        for answer in (asked, read):
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_a_parameter_given_twice_counts_once(alice: Client) -> None:
    assert alice.get("/api/v1/runs?limit=0&limit=1").status_code == 200
    assert alice.get("/api/v1/runs?limit=1&limit=0").status_code == 422, "the last one counts, and is checked"


def test_a_field_that_nobody_offered_changes_nothing(alice: Client, acme: Organisation) -> None:
    form = {"name": "Acme", "time_zone": "UTC", "slug": "stolen", "suspended_by": "x", "asks_second_factor": "on"}
    alice.post("/acme/team/organisation/", form)
    body = {"name": "Acme 2", "time_zone": "UTC", "slug": "stolen", "closed_at": "2026-01-01T00:00:00Z"}
    alice.patch("/api/v1/organisation", body, content_type="application/json")
    acme.refresh_from_db()
    assert (acme.slug, acme.suspended_by, acme.asks_second_factor, acme.closed_at) == ("acme", "", False, None)


def test_a_password_counts_to_its_last_sign_whatever_signs_they_are(acme: Organisation, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    user = joins(acme, person("bob"), Role.VIEWER, utc_now()).user
    long = "blanks and \N{PERFORMING ARTS} count " * 6 + "x"
    user.set_password(long)
    user.save()
    assert user.password.startswith("argon2$argon2id$") and len(long) > 100
    for tried, opens in ((long[:-1], False), (long.strip(), True)):
        client = browser()
        signs_in(client, user.email, tried)
        assert is_in(client) is opens
    first = User.objects.get(pk=user.pk).password
    user.set_password(long)
    assert user.password != first, "a salt of its own"


def test_a_session_is_a_long_name_by_chance_in_a_cookie_that_scripts_do_not_see(acme: Organisation) -> None:
    user = joins(acme, person("bob"), Role.VIEWER, utc_now()).user
    client = browser()
    signs_in(client, user.email)
    cookie = client.cookies[configured.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["domain"]
    assert len(cookie.value) == 32 and Session.objects.filter(session_key=cookie.value).exists()
    assert cookie.value not in client.get("/acme/").content.decode()


def test_a_code_of_time_opens_once(acme: Organisation) -> None:
    user = joins(acme, person("bob"), Role.VIEWER, utc_now()).user
    hers = browser()
    signs_in(hers, user.email)
    secret = _with_an_app(hers)
    codes = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    assert len(codes) == 10 and all(len(code) >= 8 for code in codes)
    code = code_of(secret)
    opened = []
    for _ in range(2):
        client = browser()
        signs_in(client, user.email)
        client.post("/account/second-factor/authenticate/", {"code": code})
        opened.append(is_in(client))
    assert opened == [True, False]


def test_what_no_table_names_opens_nothing() -> None:
    assert not any(scopes_allow(["admin", "*", "read "], action) for action in Does)


def test_debugging_is_off_and_an_error_tells_nothing_of_the_inside(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configured.DEBUG is False

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(CursorWrapper, "execute", broken)
    monkeypatch.setattr(CursorWrapper, "executemany", broken)
    alice.raise_request_exception = False
    for path in ("/acme/", "/acme/team/", "/api/v1/me"):
        answer = alice.get(path)
        assert answer.status_code == 500
        assert not re.search(rb"hunter2|RuntimeError|Traceback|\.py|otai[./]\w+[./]|SELECT", answer.content), path


def test_headers_of_safety_are_set() -> None:
    assert configured.SECURE_CONTENT_TYPE_NOSNIFF and configured.SECURE_REFERRER_POLICY == "same-origin"


def test_what_is_refused_is_an_event_and_its_line_cannot_be_forged(alice: Client, acme: Organisation) -> None:
    made = create_api_key(organisation=acme, name="a\u2028b", scopes=["read"], who="alice", now=utc_now())
    sent = {"Authorization": f"Bearer {made.secret}", "User-Agent": "curl/8\r\nforged: 1"}
    assert Client().get("/api/v1/members", headers=sent).status_code == 403
    event = AccessEvent.objects.get(what=AccessKind.REFUSED)
    assert about_said(event) == "read mail addresses of members" and event.at > utc_now() - timedelta(minutes=1)
    lines = alice.get("/api/v1/access-events.jsonl")
    content = b"".join(lines.streaming_content) if lines.streaming else lines.content
    assert content.count(b"\n") == AccessEvent.objects.filter(organisation=acme).count()
    assert b"forged" not in content
