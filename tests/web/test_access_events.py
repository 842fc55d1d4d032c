"""Who came in and who tried to: what owners see, on the page, over the API and on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from typer.testing import CliRunner

from otai.cli.main import app
from otai.db import utc_now
from otai.orgs import access_events
from otai.orgs.access_events import AccessKind, about_said, most_in_an_hour, note
from otai.orgs.models import AccessEvent, Member, Organisation
from otai.orgs.operations import create_api_key, revoke_api_key
from otai.orgs.permissions import Action, Role
from otai.words.catalogue import say_actor
from otai.words.kept_facts import read_fact, stored_fact
from otai.words.named import WORDS
from otai.words.sentences import Fact
from tests.orgs.people import PASSWORD
from tests.stories import globex
from tests.web.test_sign_in import _with_an_app
from tests.web.visitors import browser, member_of, of, signs_in
from tests.words.book import languages

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def bob(acme: Organisation) -> Member:
    return member_of(acme, "bob", Role.VIEWER, utc_now())


def visitor(address: str = "198.51.100.7") -> Client:
    return Client(headers={"host": "localhost", "User-Agent": FIREFOX}, REMOTE_ADDR=address)


def told(organisation: str = "acme") -> list[tuple[str, str, str, int]]:
    found = AccessEvent.objects.filter(organisation__slug=organisation).order_by("first_at", "id")
    return [(event.what, event.who, event.address, event.times) for event in found]


def an_event(code: str, **values: object) -> AccessEvent:
    return AccessEvent(about=stored_fact(Fact(code, values)))


@pytest.mark.pure
@pytest.mark.parametrize("language", languages())
def test_every_table_of_the_desk_and_every_action_has_a_word_for_owners(language: str) -> None:
    for model in admin.site._registry:
        table = model._meta.model_name
        assert table in WORDS["table"]
        listed = an_event("access.list_read", table=table)
        assert about_said(listed).endswith(", a list") and about_said(listed, language=language) != about_said(listed)
        assert about_said(an_event("access.row_read", table=table, row="7")).endswith(": 7")
    assert set(WORDS["action"]) == set(Action)
    for action in Action:
        refused = an_event("access.refused", action=action.value)
        assert about_said(refused) != action.value and about_said(refused, language=language) != about_said(refused)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("what", "stored", "german"),
    [
        ("signed_in", "password mfa", "mit Passwort und zweitem Faktor"),
        ("access_refused", "manage_keys", "API-Schlüssel verwalten"),
        ("operator_read", "list of invoice", "Rechnungen, eine Liste"),
        ("operator_read", "invoice R-2026-7 as pdf", "Rechnung R-2026-7 als PDF"),
        ("operator_read", "invoice R-2026-7", "Rechnungen: R-2026-7"),
        ("operator_read", "accountant zm 2026-11", "Eine Datei für die Buchhaltung"),
        ("operator_read", "vendor API", "über die API des Anbieters"),
        ("impersonation_begun", "bob@acme.example: card: empty", "als bob@acme.example: card: empty"),
    ],
)
def test_what_a_release_before_kept_in_english_became_facts(what: str, stored: str, german: str) -> None:
    became = import_module("otai.orgs.migrations.0018_access_events_hold_facts").as_fact(what, stored)
    assert about_said(an_event(became["code"], **became["values"]), language="de").startswith(german)
    # A server of that release may still write beside the new one.
    assert about_said(AccessEvent(what=what, about=stored), language="de") == stored


def test_good_failed_and_locked_sign_ins_with_their_address(bob: Member) -> None:
    for _ in range(5):
        signs_in(visitor(), "BOB@acme.example", "wrong and long enough")
    signs_in(visitor("203.0.113.9"), "bob@acme.example")
    signs_in(visitor(), "nobody@acme.example", "wrong")
    cache.clear()
    signs_in(visitor(), "bob@acme.example")
    assert told() == [
        ("sign_in_failed", "bob@acme.example", "198.51.100.7", 5),
        ("sign_in_locked", "bob@acme.example", "203.0.113.9", 1),
        ("signed_in", "bob@acme.example", "198.51.100.7", 1),
    ]
    assert read_fact(AccessEvent.objects.get(what="signed_in").about) == Fact("access.by_password")
    assert AccessEvent.objects.get(what="signed_in").browser == "Firefox Linux"


def test_behind_proxies_it_is_the_visitors_address(bob: Member, settings: Settings) -> None:
    settings.OTAI_TRUSTED_PROXIES = 1
    claimed = Client(
        headers={"host": "localhost", "X-Forwarded-For": "192.0.2.66, 198.51.100.8"}, REMOTE_ADDR="10.0.0.1"
    )
    signs_in(claimed, "bob@acme.example", "wrong")
    assert [address for _what, _who, address, _times in told()] == ["198.51.100.8"]


def test_a_wrong_second_factor(bob: Member) -> None:
    _with_an_app(of(bob))
    her = visitor()
    signs_in(her, "bob@acme.example")
    her.post("/account/second-factor/authenticate/", {"code": "000000"})
    assert ("second_factor_failed", "bob@acme.example", "198.51.100.7", 1) in told()
    assert AccessEvent.objects.filter(what="signed_in").count() == 1, "only by the test's own hand"


def test_refused_access_of_a_member_and_of_a_key(acme: Organisation, bob: Member) -> None:
    his = of(bob)
    assert his.get("/acme/team/keys/").status_code == his.get("/acme/team/keys/").status_code == 403
    made = create_api_key(organisation=acme, name="Helpdesk", scopes=["read"], who="alice", now=utc_now())
    program = Client(headers={"host": "localhost", "Authorization": f"Bearer {made.secret}"})
    assert program.get("/api/v1/members").status_code == 403
    refused = AccessEvent.objects.filter(what="access_refused").order_by("first_at")
    assert [(say_actor(event.who), about_said(event), event.times) for event in refused] == [
        ("bob@acme.example", "manage API keys", 2),
        (f"Helpdesk (API key {made.key.prefix})", "read mail addresses of members", 1),
    ]


def test_misuse_of_keys_and_no_secret_is_kept(acme: Organisation) -> None:
    now = utc_now()
    made = create_api_key(organisation=acme, name="Old", scopes=["read"], who="alice", now=now)
    short = create_api_key(
        organisation=acme, name="Short", scopes=["read"], who="a", now=now - timedelta(days=2),
        expires_at=now - timedelta(days=1),
    )  # fmt: skip
    wrong = f"otai_{short.key.prefix}_guessed-and-wrong"
    revoke_api_key(organisation=acme, key=made.key.id, who="alice", now=now)
    for secret in (made.secret, short.secret, wrong, "otai_unknown_x", "nonsense"):
        headers = {"host": "localhost", "Authorization": f"Bearer {secret}"}
        assert Client(headers=headers).get("/api/v1/runs").status_code == 401
    assert [(what, say_actor(who)) for what, who, _address, _times in told()] == [
        ("key_revoked_used", f"Old (API key {made.key.prefix})"),
        ("key_expired_used", f"Short (API key {short.key.prefix})"),
        ("key_wrong", f"Short (API key {short.key.prefix})"),
    ]
    kept = json.dumps(list(AccessEvent.objects.values()), default=str)
    assert "guessed" not in kept and made.secret[-20:] not in kept and PASSWORD not in kept


def test_a_flood_does_not_fill_the_table(acme: Organisation) -> None:
    now = utc_now().replace(minute=10)
    for number in range(most_in_an_hour + 50):
        note(acme, AccessKind.SIGN_IN_FAILED, who="bob@acme.example", now=now, address=f"2001:db8::{number:x}")
    assert AccessEvent.objects.count() == most_in_an_hour + 1
    flood = AccessEvent.objects.get(who="")
    assert (flood.what, flood.address, flood.times) == ("sign_in_failed", "", 50)
    note(acme, AccessKind.SIGN_IN_FAILED, who="bob@acme.example", now=now + timedelta(hours=1), address="2001:db8::1")
    assert AccessEvent.objects.count() == most_in_an_hour + 2, "the next hour is told again"


def test_a_flood_hides_nobody_who_came_in_or_looked_and_the_log_has_its_rest(
    acme: Organisation, caplog: pytest.LogCaptureFixture
) -> None:
    now = utc_now().replace(minute=10)
    for number in range(most_in_an_hour + 2):
        note(acme, AccessKind.SIGN_IN_FAILED, who="bob@acme.example", now=now, address=f"2001:db8::{number:x}")
    [first, _second] = [record.getMessage() for record in caplog.records if record.name == access_events.__name__]
    assert f"2001:db8::{most_in_an_hour:x}" in first and "bob@acme.example" in first and "sign_in_failed" in first
    note(acme, AccessKind.KEY_WRONG, who="Old (API key x)", now=now, address="198.51.100.7")
    hers = AccessEvent.objects.exclude(what=AccessKind.SIGN_IN_FAILED)
    assert [(one.who, one.address) for one in hers] == [("Old (API key x)", "198.51.100.7")], "each kind has its own"
    never = [AccessKind.SIGNED_IN, AccessKind.OPERATOR_READ, AccessKind.IMPERSONATION_BEGUN]
    AccessEvent.objects.all().delete()
    for kind in never:
        rows = (
            AccessEvent(
                organisation=acme, what=kind, who="x", about=f"{number}", at=now, first_at=now,
                hour=now.replace(minute=0, second=0, microsecond=0),
            )
            for number in range(most_in_an_hour)
        )  # fmt: skip
        AccessEvent.objects.bulk_create(rows)
        note(acme, kind, who="mallory", now=now, address="203.0.113.9", about=Fact("access.by_passkey"))
    orders = Fact("access.list_read", {"table": "purchase"})
    access_events.note_all([acme.id], AccessKind.OPERATOR_READ, who="olga", now=now, about=orders)
    told = AccessEvent.objects.filter(who__in=["mallory", "olga"]).order_by("id")
    assert [(one.what, one.who, about_said(one)) for one in told] == [
        *((kind.value, "mallory", "by passkey") for kind in never),
        ("operator_read", "olga", "Orders, a list"),
    ]


def test_old_ones_go(acme: Organisation, settings: Settings) -> None:
    now = utc_now()
    for days in (0, 29, 31):
        note(acme, AccessKind.SIGNED_IN, who=f"{days}@acme.example", now=now - timedelta(days=days))
    settings.OTAI_ACCESS_EVENTS_DAYS = 30
    access_events.forget_old(now=now)
    assert {who for _what, who, _address, _times in told()} == {"0@acme.example", "29@acme.example"}


def test_owners_see_them_on_the_page_as_json_lines_over_the_api_and_operators_on_the_command_line(
    acme: Organisation, alice: Client, bob: Member
) -> None:
    signs_in(visitor(), "bob@acme.example", "wrong and long enough")
    page = alice.get("/acme/team/access/").content.decode()
    for words in ("Wrong password", "bob@acme.example", "198.51.100.7", "Firefox Linux"):
        assert words in page, words
    assert "bob@acme.example" not in alice.get("/acme/team/access/?what=key_wrong").content.decode().split("<main")[1]
    lines = b"".join(alice.get("/acme/team/access.jsonl").streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    [failed] = [event for event in map(json.loads, lines) if event["what"] == "sign_in_failed"]
    assert (failed["who"], failed["address"], failed["times"]) == ("bob@acme.example", "198.51.100.7", 1)
    made = create_api_key(organisation=acme, name="SIEM", scopes=["access:read"], who="alice", now=utc_now())
    program = Client(headers={"host": "localhost", "Authorization": f"Bearer {made.secret}"})
    items = program.get("/api/v1/access-events").json()["items"]
    assert "sign_in_failed" in {item["what"] for item in items}
    same = b"".join(program.get("/api/v1/access-events.jsonl").streaming_content).decode()  # type: ignore[attr-defined]
    assert failed in [json.loads(line) for line in same.splitlines()]
    said = CliRunner().invoke(app, ["org", "access", "--lines"]).output
    assert failed in [json.loads(line) for line in said.splitlines()]
    assert "sign_in_failed" in CliRunner().invoke(app, ["org", "access"], env={"COLUMNS": "200"}).output


def test_nobody_else_sees_them(acme: Organisation, bob: Member) -> None:
    carol = of(member_of(globex(utc_now()), "carol", Role.OWNER, utc_now()))
    assert of(bob).get("/acme/team/access/").status_code == 403
    assert carol.get("/acme/team/access/").status_code == 404
    assert of(bob).get("/api/v1/access-events").status_code == 403
    signs_in(browser(), "bob@acme.example", "wrong")
    assert "bob@acme.example" not in carol.get("/globex/team/access/").content.decode()
    made = create_api_key(organisation=acme, name="x", scopes=["read", "members:read"], who="a", now=utc_now())
    program = Client(headers={"host": "localhost", "Authorization": f"Bearer {made.secret}"})
    assert program.get("/api/v1/access-events").status_code == 403
