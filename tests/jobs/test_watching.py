"""Whoever watches a job hears of its place, its progress and its end, from the same streams as runs have and within the
same bounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from otai.jobs import operations
from otai.jobs.event_stream import look_at
from otai.jobs.models import Job
from otai.orgs import streams
from otai.orgs.models import Organisation
from otai.orgs.operations import create_api_key, revoke_api_key
from otai.orgs.permissions import Action, Scope
from otai.orgs.standing import Standing
from otai.runs import event_stream as of_runs
from tests.jobs.work import kind
from tests.orgs.open_streams import read_to_its_end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(acme: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(streams, "seconds_between_looks", 0.1)
    return operations.ask(organisation=acme, kind=kind("answer"), spec={}, subject="a file", who="alice", now=now).job


def standing(organisation: Organisation, now: datetime) -> Standing:
    made = create_api_key(organisation=organisation, name="watcher", scopes=[Scope.READ], who="alice", now=now)
    return Standing(organisation=organisation.pk, action=Action.VIEW, key=made.key.pk)


def heard(
    job: UUID, who: Standing, steps: list[Callable[[], Any]], places: streams.Places | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """The whole stream, parsed as a browser would. One of `steps` happens after each look."""
    left = iter(steps)
    stream = streams.Stream(look_at, job, 0, (places or streams.Places()).take(who))
    found = read_to_its_end(stream, lambda: next(left, lambda: None)())
    return [(event, data) for event, data, _ in found]


def test_a_reader_hears_of_the_place_the_progress_and_the_end(acme: Organisation, job: Job, now: datetime) -> None:
    rows = Job.objects.filter(id=job.id)
    found = heard(
        job.id,
        standing(acme, now),
        [
            lambda: rows.update(status="running", started_at=now, bytes_total=200),
            lambda: rows.update(rows_read=30, bytes_read=100),
            lambda: rows.update(status="done", ended_at=now, bytes_read=200),
        ],
    )
    told = [data for event, data in found if event == "progress"]
    assert [(one["status"], one["place"], one["share"], one["rows"], one["bytes_read"]) for one in told] == [
        ("queued", 1, 0.0, 0, 0),
        ("running", 0, 0.0, 0, 0),
        ("running", 0, 0.5, 30, 100),
        ("done", 0, 1.0, 30, 200),
    ]
    assert found[-1] == ("end", {"status": "done"})


def test_a_job_that_nobody_conducts_any_more_ends_before_its_readers(
    acme: Organisation, job: Job, now: datetime
) -> None:
    silent = lambda: Job.objects.filter(id=job.id).update(heartbeat_at=now - timedelta(days=1))  # noqa: E731
    assert heard(job.id, standing(acme, now), [silent])[-1] == ("end", {"status": "failed"})
    assert Job.objects.get().error_code == "job_lost"


def test_a_job_that_is_forgotten_meanwhile_ends_as_gone(acme: Organisation, job: Job, now: datetime) -> None:
    found = heard(job.id, standing(acme, now), [lambda: Job.objects.all().delete()])
    assert found[-1] == ("end", {"status": "gone"})


def test_whoever_loses_the_key_hears_no_more_of_it(acme: Organisation, job: Job, now: datetime) -> None:
    who = standing(acme, now)
    places = streams.Places()
    gone = lambda: revoke_api_key(organisation=acme, key=who.key, who="alice", now=now)  # noqa: E731
    found = heard(job.id, who, [gone], places)
    assert "end" not in [event for event, _ in found]
    assert not Job.objects.get().has_ended
    assert places.open == 0


def test_streams_of_jobs_and_runs_count_together(acme: Organisation, job: Job, now: datetime) -> None:
    who = standing(acme, now)
    places = streams.Places(streams.StreamLimits(member=2, organisation=2, server=2))
    run = streams.Stream(of_runs.look_at, job.id, 0, places.take(who))
    its = streams.Stream(look_at, job.id, 0, places.take(who))
    with pytest.raises(streams.TooManyStreams):
        places.take(who)
    assert run.key != its.key, "one id of two sorts is two things"
    its.place.give_back()
    places.take(who)
