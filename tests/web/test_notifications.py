"""The page of notifications: what Alice was told, what she wants to hear, and that she may close a run's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.cli.housekeeping import tell
from otai.orgs.models import Member
from otai.orgs.permissions import Role
from otai.outbound.models import NotificationChoice, NotificationKind
from otai.outbound.notifications import choices_of
from otai.outbound.operations import choose
from tests import stories
from tests.outbound.test_notifications import happens, ordered_by
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db

PAGE = "/acme/notifications/"


@pytest.fixture
def alice(now: datetime) -> Member:
    return member_of(stories.acme(now), "alice", Role.OWNER, now)


def as_shown(member: Member, **changed: str) -> dict[str, str]:
    """What the form of the page sends."""
    sent = {}
    for kind, chosen in choices_of([member])[member.id].items():
        sent[f"{kind}-mail"] = chosen.mail.value
        if chosen.in_browser:
            sent[f"{kind}-in_browser"] = "on"
    return sent | {"order_above_limit-above_credits": "10"} | changed


def test_alice_chooses_what_she_hears_and_how(alice: Member, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.acme.example"
    browser = of(alice)
    page = browser.get(PAGE).text
    assert "A training of mine is ready" in page and "A model goes live" in page
    assert "sends no mail" not in page
    changed = {"training_late-mail": "daily", "model_live-mail": "at_once", "order_above_limit-above_credits": "25"}
    assert "Saved." in browser.post(f"{PAGE}choices", as_shown(alice, **changed), follow=True).text
    kept = choices_of([alice])[alice.id]
    assert kept[NotificationKind.TRAINING_LATE].mail == "daily"
    assert kept[NotificationKind.MODEL_LIVE].mail == "at_once" and not kept[NotificationKind.MODEL_LIVE].in_browser
    assert kept[NotificationKind.ORDER_ABOVE_LIMIT].above_credits == 25
    refused = browser.post(f"{PAGE}choices", as_shown(alice, **{"training_late-mail": "hourly"}))
    assert refused.status_code == 422
    assert NotificationChoice.objects.count() == len(NotificationKind)


def test_whoever_only_looks_on_chooses_as_well(now: datetime) -> None:
    vera = member_of(stories.acme(now), "vera", Role.VIEWER, now)
    assert of(vera).post(f"{PAGE}choices", as_shown(vera)).status_code == 302


def test_what_was_told_is_listed_and_handed_to_the_browser_once(alice: Member, now: datetime, tmp_path: Path) -> None:
    browser = of(alice)
    begun = browser.get(f"{PAGE}fresh").json()
    assert begun["items"] == []
    run = ordered_by(alice, tmp_path, now)
    happens(run, "completed", now)
    tell(now=now)
    fresh = browser.get(f"{PAGE}fresh", {"after": begun["last"]}).json()
    [shown] = fresh["items"]
    assert shown["title"] == "Your training is ready: support, training 1" and shown["page"] == "/acme/runs/1/"
    assert browser.get(f"{PAGE}fresh", {"after": fresh["last"]}).json()["items"] == []
    assert browser.get(f"{PAGE}fresh", {"after": "x"}).status_code == 404
    assert shown["title"] in browser.get(PAGE).text
    carol = member_of(stories.globex(now), "carol", Role.OWNER, now)
    assert of(carol).get(PAGE).status_code == 404
    assert shown["title"] not in of(carol).get("/globex/notifications/").text


def test_a_runs_page_may_be_closed_only_where_a_mail_comes(
    alice: Member, now: datetime, tmp_path: Path, settings: Any
) -> None:
    bob = member_of(alice.organisation, "bob", Role.TRAINER, now)
    ordered_by(alice, tmp_path, now)
    said = "You can close this page: we mail you at alice@acme.example"
    assert said not in of(alice).get("/acme/runs/1/").text, "no mail server is set up"
    settings.EMAIL_HOST = "mail.acme.example"
    assert said in of(alice).get("/acme/runs/1/").text
    assert "You can close this page" not in of(bob).get("/acme/runs/1/").text, "it is not his"
    choose(member=alice, kind="training_failed", mail="off", now=now)
    assert "You can close this page" not in of(alice).get("/acme/runs/1/").text
    choose(member=alice, kind="training_failed", mail="daily", now=now)
    assert said in of(alice).get("/acme/runs/1/now").text


def test_the_tab_says_how_it_stands_and_how_it_ended(alice: Member, now: datetime, tmp_path: Path) -> None:
    from otai.runs.operations import cancel_run

    ordered_by(alice, tmp_path, now)
    assert "<title>Waiting · Training 1, support" in of(alice).get("/acme/runs/1/").text
    cancel_run(organisation=alice.organisation, number=1, who="alice", now=now + timedelta(minutes=1))
    assert "<title>Cancelled · Training 1, support" in of(alice).get("/acme/runs/1/").text
