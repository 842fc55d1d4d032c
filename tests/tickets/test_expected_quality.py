"""Acme sees what quality to expect before it orders; globex sees nothing of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otai.db import utc_now
from otai.jobs.operations import wait
from otai.tickets import expected_quality, jobs
from otai.tickets.erasing import empty
from otai.tickets.models import ExpectedQuality
from tests import stories

pytestmark = pytest.mark.django_db


def test_a_data_set_is_tried_once_and_what_was_found_stays(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = stories.acme(now)
    source = stories.write_tickets(tmp_path / "support.csv", tickets=500)
    stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    support = stories.tickets.data_set(acme, "support")
    assert expected_quality.stored(support) is None
    found = expected_quality.of(support, now=now)
    assert set(found) == {"queue", "priority"}
    basic = found["queue"].modes["basic"]
    assert basic is not None and basic.accuracy.low > found["queue"].guessing

    monkeypatch.setattr("otai.learning.evidence.expected_quality.expected", lambda *_: pytest.fail("tried twice"))
    assert expected_quality.of(support, now=now + timedelta(days=1)) == found == expected_quality.stored(support)
    assert ExpectedQuality.objects.get().tried_at == now


def test_another_version_and_another_organisation_are_tried_on_their_own(tmp_path: Path, now: datetime) -> None:
    support = stories.tickets_of(stories.acme(now), tmp_path, now)
    expected_quality.of(support, now=now)
    newer = stories.tickets_of(support.organisation, tmp_path, now)
    theirs = stories.tickets_of(stories.globex(now), tmp_path, now)
    assert newer.version == 2
    assert expected_quality.stored(newer) is None and expected_quality.stored(theirs) is None


def test_what_was_expected_goes_with_its_data_set(tmp_path: Path, now: datetime) -> None:
    support = stories.tickets_of(stories.acme(now), tmp_path, now)
    expected_quality.of(support, now=now)
    empty([support], who="alice", now=now)
    assert not ExpectedQuality.objects.exists()


def test_what_maximum_gained_in_its_trial_is_kept_once_and_raises_what_is_expected_of_it(
    tmp_path: Path, now: datetime
) -> None:
    support = stories.tickets_of(stories.acme(now), tmp_path, now)
    assert jobs.ask_for_maximum_trial(data_set=support, who="alice", now=now) is None, "first the other modes"
    stories.maximum_tried(support, now, queue=0.03)
    found = expected_quality.stored(support) or {}
    maximum = found["queue"].modes["maximum"]
    assert maximum is not None and maximum.accuracy.value == pytest.approx(0.83)
    assert found["priority"].modes["maximum"] is None, "nobody could say"
    assert expected_quality.no_gain_expected(support, ["queue", "priority"]) is None
    expected_quality.keep_maximum(support, {})
    assert expected_quality.stored(support) == found
    assert jobs.ask_for_maximum_trial(data_set=support, who="alice", now=now) is None, "it is known"


@pytest.mark.django_db(transaction=True)
def test_a_trial_of_maximum_that_failed_is_not_begun_again_within_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    support = stories.tickets_of(stories.acme(now), tmp_path, now)
    expected_quality.keep(support, {}, now=now)
    monkeypatch.setattr("otai.tickets.jobs.queries.tickets_path", lambda data_set: tmp_path / "gone.parquet")
    asked = jobs.ask_for_maximum_trial(data_set=support, who="alice", now=now)
    assert asked is not None and wait(asked, seconds=None).status == "failed"
    assert jobs.ask_for_maximum_trial(data_set=support, who="alice", now=now + timedelta(hours=1)) is None
    assert expected_quality.is_maximum_untried(support)
