"""Alice hears by mail what becomes of her training; Bob of what he chose to hear; Carol of globex of nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client

from otai.billing.models import Notice
from otai.billing.operations.notices import send_notices
from otai.cli.housekeeping import tell
from otai.db import utc_now
from otai.orgs.models import Member, Organisation
from otai.orgs.operations import remove_member
from otai.orgs.permissions import Role
from otai.outbound import operations
from otai.outbound.models import Notification, NotificationChoice
from otai.runs import expectations
from otai.runs.approval import Approver, set_rule
from otai.runs.events import record
from otai.runs.models import Run
from otai.runs.operations import approve_run, order_run
from otai.words.explained import arrow
from tests import stories
from tests.api.callers import Program
from tests.api.everything import advice_on, completed
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Member:
    return joins(acme, person("alice"), Role.OWNER, now)


@pytest.fixture
def bob(acme: Organisation, now: datetime) -> Member:
    return joins(acme, person("bob"), Role.TRAINER, now)


def ordered_by(member: Member, folder: Path, now: datetime) -> Run:
    data_set = stories.tickets_of(member.organisation, folder, now)
    offered = stories.quote_for(member.organisation, data_set, now)
    return order_run(organisation=member.organisation, quote=offered.id, who=member.user.email, now=now)


def subjects(person: Member) -> list[str]:
    return [one.subject for one in mail.outbox if one.to == [person.user.email]]


def test_alice_is_mailed_once_when_her_training_is_ready(
    alice: Member, bob: Member, globex: Organisation, now: datetime, tmp_path: Path
) -> None:
    carol = joins(globex, person("carol", at="globex.example"), Role.OWNER, now)
    run = completed(ordered_by(alice, tmp_path, now), now)
    happens(run, "completed", now)
    for _ in range(3):
        tell(now=now)
        send_notices(now=now)
    assert subjects(alice) == [f"Your training is ready: support, training {run.number}"]
    assert subjects(bob) == [] and subjects(carol) == []
    [sent] = [one for one in mail.outbox if one.to == [alice.user.email]]
    assert "http://localhost:8000/acme/runs/1/" in sent.body
    assert "/acme/notifications/" in sent.body


def test_a_failed_training_is_told_in_the_language_of_whoever_ordered(
    alice: Member, now: datetime, tmp_path: Path
) -> None:
    alice.user.language = "de"
    alice.user.save()
    ordered_by(alice, tmp_path, now)

    happens(Run.objects.get(), "failed", now)
    tell(now=now)
    assert subjects(alice) == ["Ihr Training 1 ist fehlgeschlagen: support"]


def test_a_training_that_will_be_late_is_told_once_and_before_it_is(
    alice: Member, bob: Member, now: datetime, tmp_path: Path
) -> None:
    run = ordered_by(alice, tmp_path, now)
    Run.objects.update(expected_seconds=5 * 60)
    shortly_before = run.due_at - timedelta(minutes=1)
    for minute in range(2):
        at = shortly_before + timedelta(seconds=20 * minute)
        expectations.refresh(now=at)
        tell(now=at)
        send_notices(now=at)
    assert subjects(alice) == [f"Your training will be late: support, training {run.number}"]
    assert subjects(bob) == []
    [sent] = [one for one in mail.outbox if one.to == [alice.user.email]]
    assert "promised" in sent.body and "http://localhost:8000/acme/runs/1/" in sent.body


def test_a_link_ends_mails_of_its_kind_with_one_click_and_no_others(
    alice: Member, now: datetime, tmp_path: Path
) -> None:
    run = ordered_by(alice, tmp_path, now)
    happens(run, "completed", now)
    tell(now=now)
    [sent] = mail.outbox
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = sent.extra_headers["List-Unsubscribe"].strip("<>")
    assert link in sent.body
    path = urlsplit(link).path
    nobody = Client(enforce_csrf_checks=True)
    assert "A training of mine is ready" in nobody.get(path).text
    assert not NotificationChoice.objects.exists(), "programs that follow links change nothing"
    assert nobody.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert nobody.post(path).status_code == 200, "twice is no mistake"
    happens(run, "completed", now + timedelta(seconds=1))
    happens(run, "failed", now + timedelta(seconds=2))
    tell(now=now + timedelta(seconds=3))
    assert subjects(alice) == [sent.subject, "Your training failed: support, training 1"]
    for changed in (path.replace("unsubscribe/", "unsubscribe/x"), "/account/unsubscribe/nonsense/"):
        assert nobody.post(changed).status_code == 404


def happens(run: Run, reached: str, now: datetime) -> None:
    record(run, move=arrow("evaluating", reached), who="w", why="", now=now, to=reached)


def test_the_daily_mail_holds_a_days_news_and_comes_in_the_morning(
    alice: Member, tmp_path: Path, now: datetime
) -> None:
    """Acme is in Berlin: seven o'clock there is six in UTC."""
    run = ordered_by(alice, tmp_path, now)
    for kind in ("training_ready", "training_failed"):
        operations.choose(member=alice, kind=kind, mail="daily", now=now)
    nine = now.replace(hour=9, minute=0) + timedelta(hours=24)
    happens(run, "failed", nine)
    happens(run, "completed", nine + timedelta(hours=1))
    tell(now=nine + timedelta(hours=1))
    tell(now=nine + timedelta(hours=20, minutes=59))
    assert [one.subject for one in mail.outbox] == []
    for minutes in (0, 1, 60):
        tell(now=nine + timedelta(hours=21, minutes=minutes))
    [sent] = mail.outbox
    assert sent.subject == "Acme Ltd: 2 pieces of news"
    assert "Your training failed" in sent.body and "Your training is ready" in sent.body
    operations.unsubscribe(member=alice, what=operations.DIGEST, now=now)
    assert set(NotificationChoice.objects.values_list("mail", flat=True)) == {"off"}


def test_what_waits_for_the_daily_mail_is_not_sent_after_the_end_of_it(
    alice: Member, tmp_path: Path, now: datetime
) -> None:
    run = ordered_by(alice, tmp_path, now)
    operations.choose(member=alice, kind="training_ready", mail="daily", now=now)
    happens(run, "completed", now)
    tell(now=now)
    operations.choose(member=alice, kind="training_ready", mail="off", now=now)
    tell(now=now + timedelta(days=2))
    assert mail.outbox == []


def test_a_colleagues_order_above_the_limit_is_told_to_whoever_asked_for_it(
    alice: Member, bob: Member, now: datetime, tmp_path: Path
) -> None:
    for member in (alice, bob):
        operations.choose(member=member, kind="order_above_limit", mail="at_once", above_credits=0, now=now)
    ordered_by(bob, tmp_path, now)
    tell(now=now)
    assert subjects(alice) == ["A colleague ordered a training for 1 credit: support, training 1"]
    assert subjects(bob) == [], "he knows"


def test_who_is_asked_to_approve_an_order_is_not_told_of_it_besides(
    acme: Organisation, alice: Member, bob: Member, now: datetime, tmp_path: Path
) -> None:
    vera = joins(acme, person("vera"), Role.VIEWER, now)
    for member in (alice, vera):
        operations.choose(member=member, kind="order_above_limit", mail="at_once", above_credits=0, now=now)
    set_rule(organisation=acme, above_credits=0, who="alice", now=now)
    run = ordered_by(bob, tmp_path, now)
    tell(now=now)
    send_notices(now=now)
    approve_run(organisation=acme, number=run.number, by=Approver("alice@acme.example", member=alice.id), now=now)
    tell(now=now)
    assert [subject for subject in subjects(alice) if "waits for your approval" in subject] == subjects(alice)
    assert subjects(vera) == [
        "A colleague ordered a training for 1 credit, which waits for approval: support, training 1"
    ]


def test_imports_live_versions_and_advice_are_told_to_whoever_wants_them(
    acme: Organisation, alice: Member, bob: Member, now: datetime, tmp_path: Path
) -> None:
    for kind in ("import_ended", "model_live", "model_drifts"):
        operations.choose(member=alice, kind=kind, mail="at_once", now=now)
    source = stories.write_tickets(tmp_path / "some.csv")
    program = Program(acme)
    answer = program.upload("/data-sets?name=support&filename=some.csv", source.read_bytes(), "text/csv")
    assert answer.status_code == 201, answer.text
    tell(now=utc_now())
    run = completed(ordered_by(bob, tmp_path, now), now)
    advice_on(run, now)
    tell(now=utc_now())
    send_notices(now=utc_now())
    assert sorted(subjects(alice)) == [
        "Your tickets are imported: support v1, 150 tickets",
        "support v1 is live",
        "support: Tickets have changed",
    ]


def test_a_program_orders_and_whoever_made_its_key_is_told(
    acme: Organisation, alice: Member, now: datetime, tmp_path: Path
) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    program = Program(acme)
    _, offered = program.post("/quotes", {"data_set": str(data_set.id), "attributes": ["queue"]})
    program.post("/runs", {"quote": offered["id"]})
    run = Run.objects.get()
    happens(run, "completed", run.ordered_at + timedelta(seconds=1))
    tell(now=run.ordered_at + timedelta(seconds=2))
    assert subjects(alice) == ["Your training is ready: support, training 1"]
    status, told = program.get("/notifications")
    assert status == 200 and [one["title"] for one in told["items"]] == subjects(alice)
    assert told["items"][0]["mailed_at"] is not None
    _, choices = program.get("/notifications/choices")
    assert [one["kind"] for one in choices["items"] if one["mail"] == "at_once"] == [
        "training_ready",
        "training_failed",
        "training_late",
    ]
    answer = program.call("PUT", "/notifications/choices/training_ready", {"mail": "daily"})
    assert answer.status_code == 200 and answer.json()["mail"] == "daily"
    assert program.call("PUT", "/notifications/choices/weather", {"mail": "daily"}).status_code == 422
    assert program.call("PUT", "/notifications/choices/training_ready", {"mail": "hourly"}).status_code == 422


def test_who_left_is_told_nothing_more(
    acme: Organisation, alice: Member, bob: Member, now: datetime, tmp_path: Path
) -> None:
    run = ordered_by(bob, tmp_path, now)

    remove_member(organisation=acme, member=bob.id, who="alice", now=now)
    happens(run, "completed", now)
    tell(now=now)
    assert subjects(bob) == [] and not Notification.objects.exists()


def test_a_sender_that_dies_after_writing_the_mail_sends_it_no_second_time(
    alice: Member, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(ordered_by(alice, tmp_path, now), "completed", now)
    operations.collect(now=now)
    for _ in range(2):
        operations.mail_due(now=now)
    assert Notice.objects.filter(template="news").count() == 1
    for _ in range(2):
        send_notices(now=now)
    assert len(mail.outbox) == 1


def test_news_from_before_somebody_joined_is_none(acme: Organisation, now: datetime, tmp_path: Path) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    offered = stories.quote_for(acme, data_set, now)
    run = order_run(organisation=acme, quote=offered.id, who="dora@acme.example", now=now)
    happens(run, "completed", now)
    joins(acme, person("dora"), Role.TRAINER, now + timedelta(hours=1))
    tell(now=now + timedelta(hours=1))
    assert mail.outbox == []
