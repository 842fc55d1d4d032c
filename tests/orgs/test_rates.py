"""How often somebody may ask within a minute, over all server processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otai.api.rates import count_organisation
from otai.db import utc_now
from otai.orgs import rates
from otai.orgs.models import RequestMinute
from otai.orgs.operations import create_api_key
from otai.orgs.rates import SharedRates
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = 60_000_000.0
"""The first second of a minute."""


def in_processes(many: int, work: Callable[[], Any]) -> list[Any]:
    """What each of so many processes, forked from this one, finds."""
    # A connection belongs to one process.
    connection.close()
    reading = []
    for _ in range(many):
        ours, theirs = os.pipe()
        if os.fork() == 0:
            try:
                os.write(theirs, json.dumps(work()).encode())
            finally:
                os._exit(0)
        os.close(theirs)
        reading.append(ours)
    found = []
    for ours in reading:
        with os.fdopen(ours) as pipe:
            found.append(json.loads(pipe.read()))
    for _ in range(many):
        os.wait()
    return found


def let_in(counting: SharedRates, times: int, *, limit: int, at: float, **more: Any) -> int:
    answers = [counting.count("user:7", limit=limit, clock=at, **more) for _ in range(times)]
    return sum(not rate.exceeded for rate in answers)


def test_two_processes_at_once_let_no_more_through_than_one(db: None) -> None:
    found = in_processes(2, lambda: let_in(SharedRates(), 400, limit=300, at=CLOCK))
    assert sum(found) == 300 and RequestMinute.objects.get().taken == 300


def test_a_key_that_asks_two_processes_is_counted_once(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OTAI_API_REQUESTS_PER_MINUTE = 4
    made = create_api_key(organisation=stories.acme(utc_now()), name="ci", scopes=["read"], who="alice", now=utc_now())
    statuses = []
    monkeypatch.setattr(rates, "time", SimpleNamespace(time=lambda: CLOCK, monotonic=time.monotonic))
    for _process in range(2):
        monkeypatch.setattr(rates, "shared", SharedRates())
        for _ in range(3):
            answer = Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {made.secret}"})
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 200, 429, 429]


def test_no_burst_of_twice_the_limit_fits_around_a_minutes_edge(db: None) -> None:
    counting = SharedRates()
    assert let_in(counting, 150, limit=100, at=CLOCK + 59) == 100
    assert let_in(counting, 150, limit=100, at=CLOCK + 60) == 0
    assert let_in(counting, 150, limit=100, at=CLOCK + 90) == 50, "half of the minute before still counts"
    assert let_in(counting, 150, limit=100, at=CLOCK + 180) == 100


def test_whoever_is_refused_costs_no_statement_for_a_while(db: None) -> None:
    counting = SharedRates()
    with CaptureQueriesContext(connection) as within:
        let_in(counting, 100, limit=100, at=CLOCK)
    asked = len([one for one in within if "PRAGMA" not in one["sql"]])
    assert asked <= 2 * rates.blocks + 4, "one look and one small statement for a twentieth of the limit"
    with CaptureQueriesContext(connection) as beyond:
        assert let_in(counting, 500, limit=100, at=CLOCK + 0.5) == 0
    assert len([one for one in beyond if "PRAGMA" not in one["sql"]]) <= 1


def test_who_looks_at_pages_now_and_then_costs_none(db: None) -> None:
    processes = [SharedRates() for _ in range(2)]
    with CaptureQueriesContext(connection) as within:
        assert let_in(processes[0], 5, limit=100, at=CLOCK, told_late=True) == 5
    assert not within.captured_queries
    passed = sum(let_in(one, 150, limit=100, at=CLOCK, told_late=True) for one in processes)
    assert 95 <= passed <= 100, "what was not told at once is told with the next block"


def test_old_minutes_go_and_a_process_forgets_whom_it_counted(db: None) -> None:
    counting = SharedRates()
    for number in range(3):
        counting.count(f"user:{number}", limit=100, clock=CLOCK)
    counting.count("user:9", limit=100, clock=CLOCK + 600)
    assert [row.who for row in RequestMinute.objects.all()] == ["user:9"]
    assert list(counting._blocks) == ["user:9"]
    rates.forget_old(now=utc_now())
    assert not RequestMinute.objects.exists(), "nor does a row of an address stay where nobody asks any more"


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from django.db import OperationalError

    def away(*_: object) -> None:
        raise OperationalError("the database is locked")

    monkeypatch.setattr(rates, "_taken", away)
    yield


def test_a_database_that_does_not_answer_stops_nobody(db: None, no_database: None) -> None:
    counting = SharedRates()
    assert let_in(counting, 250, limit=100, at=CLOCK) == 100, "but a process counts for itself"
    acme = stories.acme(utc_now())
    answer = count_organisation(acme.id, rates=counting, clock=CLOCK)
    assert answer is not None and not answer[0].exceeded
