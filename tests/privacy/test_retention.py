"""Acme keeps tickets for thirty days and no longer, and reads what went."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from otai.billing.models import Notice
from otai.db import utc_now
from otai.orgs.access_events import AccessKind, note
from otai.orgs.models import AccessEvent, TeamEvent
from otai.orgs.permissions import Role
from otai.privacy.models import Erasure, Retention
from otai.privacy.retention import InvalidRetention, Periods, periods, set_periods, sweep_retention, sweep_uploads
from otai.runs.models import Attempt
from otai.tickets import waiting_uploads
from otai.tickets.models import DataSet
from tests import stories
from tests.api.everything import completed
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    return utc_now().replace(microsecond=0)


def test_what_is_over_goes_and_an_event_says_what(tmp_path: Path, now: datetime) -> None:
    acme, globex = stories.acme(now), stories.globex(now)
    support = stories.tickets_of(acme, tmp_path, now)
    theirs = stories.tickets_of(globex, tmp_path, now, name="theirs")
    completed(stories.ordered(acme, support, now), now)
    assert periods(acme) == Periods()
    assert sweep_retention(now=now + timedelta(days=4000)) == 0
    set_periods(organisation=acme, wanted=Periods(tickets_days=30, logs_days=30), who="alice", now=now)
    assert sweep_retention(now=now + timedelta(days=30)) == 0
    then = now + timedelta(days=31)
    assert sweep_retention(now=then) == 1
    assert DataSet.objects.get(id=support.id).deleted_at == then
    assert DataSet.objects.get(id=theirs.id).deleted_at is None
    assert set(Attempt.objects.values_list("log", flat=True)) == {""}
    told = TeamEvent.objects.get(organisation=acme, what="retention_deleted")
    assert told.details["tickets"] == support.tickets
    assert Erasure.objects.get().went == told.details
    assert sweep_retention(now=then) == 0


def test_tickets_that_a_run_needs_wait_for_its_end(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    support = stories.tickets_of(acme, tmp_path, now)
    stories.ordered(acme, support, now)
    set_periods(organisation=acme, wanted=Periods(tickets_days=1), who="alice", now=now)
    assert sweep_retention(now=now + timedelta(days=3)) == 0
    assert DataSet.objects.get(id=support.id).deleted_at is None


def test_owners_are_written_to_when_data_is_kept_for_a_shorter_time_and_not_for_longer(now: datetime) -> None:
    acme = stories.acme(now)
    for name, role in (("alice", Role.OWNER), ("otto", Role.OWNER), ("bob", Role.TRAINER)):
        joins(acme, person(name), role, now)
    for minute, (days, letters) in enumerate(((30, 2), (60, 2), (None, 2), (7, 4))):
        at = now + timedelta(minutes=minute)
        set_periods(organisation=acme, wanted=Periods(tickets_days=days), who="alice", now=at)
        assert Notice.objects.filter(template="retention_shorter").count() == letters, days
    assert set(Notice.objects.values_list("recipient", flat=True)) == {"alice@acme.example", "otto@acme.example"}


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_periods_have_bounds(days: int, now: datetime) -> None:
    acme = stories.acme(now)
    with pytest.raises(InvalidRetention):
        set_periods(organisation=acme, wanted=Periods(feedback_days=days), who="alice", now=now)
    assert periods(acme) == Periods()


def test_addresses_of_sign_ins_stay_no_longer_than_an_organisation_wants(now: datetime) -> None:
    acme, globex = stories.acme(now), stories.globex(now)
    for organisation in (acme, globex):
        note(organisation, AccessKind.SIGNED_IN, who="alice@acme.example", now=now, address="198.51.100.7")
    set_periods(organisation=acme, wanted=Periods(logs_days=7), who="alice", now=now)
    sweep_retention(now=now + timedelta(days=7))
    assert AccessEvent.objects.count() == 2
    sweep_retention(now=now + timedelta(days=8))
    assert list(AccessEvent.objects.values_list("organisation", flat=True)) == [globex.id]
    assert TeamEvent.objects.filter(organisation=acme, what="retention_deleted").latest("at").details == {
        "access_events": 1, "team_events": 1
    }  # fmt: skip


def test_files_wait_no_longer_than_an_organisation_wants(tmp_path: Path, settings: Any) -> None:
    settings.OTAI_HOME = tmp_path / "home"
    now = utc_now()
    acme, globex = stories.acme(now), stories.globex(now)
    with pytest.raises(InvalidRetention):
        set_periods(organisation=acme, wanted=Periods(uploads_hours=25), who="alice", now=now)
    set_periods(organisation=acme, wanted=Periods(uploads_hours=2), who="alice", now=now)
    waits, theirs = (waiting_uploads.keep(one, filename="a.csv", chunks=[b"a"]) for one in (acme, globex))
    assert sweep_uploads(now=now + timedelta(hours=1)) == 0 and waits.path.exists()
    assert sweep_uploads(now=now + timedelta(hours=2, minutes=1)) == 1
    assert not waits.path.exists() and theirs.path.exists()
    assert TeamEvent.objects.get(organisation=acme, what="retention_deleted").details == {"uploads": 1}
    with pytest.raises(IntegrityError, match="privacy_retention_of_uploads_is_a_day_at_most"), transaction.atomic():
        Retention.objects.update(uploads_hours=25)
