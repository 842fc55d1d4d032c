from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from otai.cli.housekeeping import HousekeepingThreads, tidy
from otai.ledger import queries as ledger
from otai.orgs.models import User
from tests import stories


@pytest.mark.django_db(transaction=True)
def test_a_round_makes_what_is_due_once(now: datetime) -> None:
    acme = stories.acme(now)
    later = now + timedelta(days=63)
    tidy(now=later)
    tidy(now=later)
    # Six at sign-up, two for each of the two months since.
    assert ledger.balance(acme.id).available == 10


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
