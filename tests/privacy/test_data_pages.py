"""Alice erases her account, and deletes acme, in her browser."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation, User
from otai.orgs.permissions import Role
from otai.privacy import exports
from otai.privacy.models import Export
from otai.privacy.retention import Periods, periods
from tests import stories
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


def content(answer: object) -> bytes:
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_her_account_is_erased_once_somebody_else_owns_acme(acme: Organisation, alice: Client, now: datetime) -> None:
    assert b"/account/erase/" in alice.get("/acme/account/").content
    whole = zipfile.ZipFile(io.BytesIO(content(alice.get("/account/export.zip"))))
    assert b"alice@acme.example" in whole.read("account.json")
    assert b"Acme Ltd" in alice.get("/account/erase/").content
    assert alice.post("/account/erase/", {"typed": "alice@acme.example"}).status_code == 422
    member_of(acme, "bob", Role.OWNER, now)
    assert alice.post("/account/erase/", {"typed": "bob@acme.example"}).status_code == 422
    assert User.objects.filter(email="alice@acme.example").exists()
    gone = alice.post("/account/erase/", {"typed": "Alice@acme.example"}, follow=True)
    assert b"is erased" in gone.content
    assert not User.objects.filter(email="alice@acme.example").exists()
    assert alice.get("/acme/").status_code == 302


def test_acme_is_deleted_and_taken_back(acme: Organisation, alice: Client, now: datetime) -> None:
    trainer = of(member_of(acme, "bob", Role.TRAINER, now))
    assert trainer.get("/acme/team/data/").status_code == 403
    assert trainer.post("/acme/team/data/delete/", {"typed": "acme"}).status_code == 403
    assert alice.post("/acme/team/data/delete/", {"typed": "globex"}).status_code == 422
    asked = alice.post("/acme/team/data/delete/", {"typed": "acme"}, follow=True)
    assert b"Keep the organisation" in asked.content
    acme.refresh_from_db()
    assert acme.closing_at is not None
    assert "Until then it only reads" in alice.get("/acme/").content.decode(), "it is said on every page"
    assert alice.post("/acme/team/data/keep/").status_code == 302
    acme.refresh_from_db()
    assert acme.closing_at is None
    assert "Until then it only reads" not in alice.get("/acme/").content.decode()
    said = alice.get("/acme/team/organisation/").content
    assert b"Deletion of the organisation asked for" in said
    assert b"Deletion of the organisation taken back" in said


def test_she_takes_all_of_it_and_carol_nothing(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime
) -> None:
    stories.tickets_of(acme, tmp_path, now)
    assert alice.post("/acme/team/data/export/").status_code == 302
    assert b"being made" in alice.get("/acme/team/data/").content
    exports.make_exports(now=now)
    address = f"/acme/team/data/exports/{Export.objects.get().id}.zip"
    assert address.encode() in alice.get("/acme/team/data/").content
    assert zipfile.ZipFile(io.BytesIO(content(alice.get(address)))).testzip() is None
    carol = of(member_of(stories.globex(now), "carol", Role.OWNER, now))
    assert carol.get(address).status_code == 404
    assert carol.get(address.replace("/acme/", "/globex/")).status_code == 404
    assert of(member_of(acme, "bob", Role.TRAINER, now)).get(address).status_code == 403


def test_she_says_how_long_tickets_are_kept(acme: Organisation, alice: Client) -> None:
    assert alice.post("/acme/team/data/", {"tickets_days": "90"}).status_code == 302
    assert periods(acme) == Periods(tickets_days=90)
    assert alice.post("/acme/team/data/", {"tickets_days": "0"}).status_code == 422
    assert b'value="90"' in alice.get("/acme/team/data/").content
