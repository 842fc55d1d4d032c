from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from otai.cli.housekeeping import HousekeepingThreads, tidy
from otai.ledger import checkpoint
from otai.ledger import queries as ledger
from otai.ledger.models import Account
from otai.orgs.models import User
from tests import stories


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    """A home of its own: checkpoints of one test would accuse the ledger of the next."""
    settings.OTAI_HOME = tmp_path
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_a_round_makes_what_is_due_once(now: datetime) -> None:
    acme = stories.acme(now)
    later = now + timedelta(days=63)
    tidy(now=later)
    tidy(now=later)
    # Six at sign-up, two for each of the two months since.
    assert ledger.balance(acme.id).available == 10


@pytest.mark.django_db
def test_the_days_checkpoint_is_kept_once_and_shows_what_is_gone_since(now: datetime, home: Path) -> None:
    acme = stories.acme(now)
    kept = checkpoint.keep_daily(now=now)
    assert kept is not None and kept == checkpoint.newest_kept()
    assert checkpoint.keep_daily(now=now + timedelta(hours=2)) is None
    assert [path.name for path in (home / "checkpoints").iterdir()] == ["2026-11-02.json"]
    assert checkpoint.verify_checkpoint(kept.read_text()).clean
    told = json.loads(kept.read_text())["organisations"]
    assert [end["organisation"] for end in told] == [str(acme.id)]
    with transaction.atomic():
        Account.objects.filter(organisation=acme.id).update(last_seq=9)
        later = checkpoint.keep_daily(now=now + timedelta(days=1))
        assert later is not None and later == checkpoint.newest_kept()
        assert not checkpoint.verify_checkpoint(later.read_text()).clean, "what it names is not there"
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_rounds_go_on_beside_the_work_and_end_with_it(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otai.cli.housekeeping.seconds_between", 0.01)
    monkeypatch.setattr("otai.cli.housekeeping.utc_now", lambda: now + timedelta(days=63))
    acme = stories.acme(now)
    with HousekeepingThreads() as rounds:
        for _ in range(500):
            if ledger.balance(acme.id).available == 10:
                break
            rounds._stop.wait(0.02)
    assert ledger.balance(acme.id).available == 10
    assert not rounds._thread.is_alive()


@pytest.mark.django_db
def test_the_desk_is_for_operators_alone() -> None:
    alice = User.objects.create_user(username="alice", email="alice@acme.example", password="correct-horse-battery")
    browser = Client()
    assert browser.get("/desk/").status_code == 302
    browser.force_login(alice)
    assert browser.get("/desk/").status_code == 302
    olga = User.objects.create_superuser(username="olga", email="olga@vendor.example", password="correct-horse-battery")
    browser.force_login(olga)
    page = browser.get("/desk/")
    assert page.status_code == 200
    assert "This month&#x27;s figures" in page.content.decode() or "This month's figures" in page.content.decode()
    assert browser.get("/static/admin/css/base.css").status_code == 200
