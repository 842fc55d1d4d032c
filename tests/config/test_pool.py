"""The server's connections to PostgreSQL: so many and no more, and nobody keeps one who has been answered."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection, transaction

from otai.config import pool
from otai.db import give_back_connection
from otai.front.limits import ServerLimits
from otai.front.pages import Pages, environ_of
from otai.jobs import operations
from otai.jobs.admission import places_of_one
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.jobs.status import JobStatus
from tests import stories
from tests.jobs.work import kind

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("config.getoption('--database') == 'sqlite'", reason="SQLite has no connections to count"),
]
MOST = 3
left_by_others: list[int] = []
"""The server processes of sessions that tests before have not ended."""


@pytest.fixture
def shared() -> Iterator[Any]:
    """The pool of this process, as a server has it; afterwards each thread has its own connection again."""
    kept, options = connection.settings_dict["CONN_MAX_AGE"], dict(connection.settings_dict["OPTIONS"])
    connection.settings_dict["CONN_MAX_AGE"] = 600
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        left_by_others[:] = [pid for (pid,) in cursor.fetchall()]
    pool.share_connections(most=MOST)
    yield connection.pool  # type: ignore[attr-defined]
    connection.close()
    pool.close_shared()
    connection.settings_dict["CONN_MAX_AGE"] = kept
    connection.settings_dict["OPTIONS"].clear()
    connection.settings_dict["OPTIONS"].update(options)


def connections() -> int:
    """To the test's database, of everybody in this test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL(%s)",
            [left_by_others],
        )
        found: int = cursor.fetchone()[0]
    give_back_connection()
    return found


def get(path: str, **headers: str) -> dict[str, Any]:
    named = [(name.encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()]
    scope = {"method": "GET", "path": path, "query_string": b"", "http_version": "1.1", "headers": named}
    return environ_of(scope, io.BytesIO(), 0)


def test_a_hundred_requests_at_once_share_few_connections_and_strangers_keep_none(shared: Any, tmp_path: Path) -> None:
    pages = Pages(WSGIHandler(), ServerLimits(threads=16), tmp_path)
    asked = [get("/x/events", cookie=f"sessionid=invented{number:024}") for number in range(60)]
    asked += [get("/account/login/"), get("/api/v1/runs")] * 20

    async def all_at_once() -> tuple[list[int], int]:
        answering = asyncio.gather(*[pages.answer(environ) for environ in asked])
        most = 0
        while not answering.done():
            most = max(most, await asyncio.to_thread(connections))
            await asyncio.sleep(0.02)
        return [answer.status for answer in await answering], most

    statuses, most = asyncio.run(all_at_once())
    assert set(statuses[:60]) <= {302, 404} and set(statuses[60:]) <= {200, 401}
    assert 1 <= most <= MOST
    stats = shared.get_stats()
    assert stats["pool_available"] == stats["pool_size"] <= MOST, "nobody holds one who has been answered"


def test_whoever_finds_none_is_told_that_the_database_is_busy(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "timeout", 0.1)
    shared.open()
    taken = [shared.getconn() for _ in range(MOST)]
    try:
        with pytest.raises(OperationalError):
            connections()
    finally:
        for one in taken:
            shared.putconn(one)
    assert connections() == MOST


def test_within_a_transaction_nothing_is_given_back(shared: Any) -> None:
    """Who gave its connection back would have to ask the pool for one again."""
    with transaction.atomic():
        held, asked_for = connections(), shared.get_stats()["requests_num"]
        assert (connections(), shared.get_stats()["requests_num"]) == (held, asked_for)
    give_back_connection()
    connections()
    assert shared.get_stats()["requests_num"] == asked_for + 1


def test_a_database_that_started_again_is_not_noticed(shared: Any) -> None:
    shared.open()
    lost, other = shared.getconn(), shared.getconn()
    other.execute("SELECT pg_terminate_backend(%s)", [lost.info.backend_pid])
    for one in (lost, other):
        shared.putconn(one)
    for _ in range(MOST):
        assert connections() >= 1


def test_jobs_that_wait_for_their_turn_hold_no_connection(shared: Any, now: datetime) -> None:
    """Each is followed by a thread of its own, of which there may be many."""
    acme = stories.acme(now)

    def ask(number: int) -> Asked:
        spec = {"say": number}
        return operations.ask(organisation=acme, kind=kind("answer"), spec=spec, subject="a file", who="alice", now=now)

    in_front = [ask(number).job for number in range(places_of_one(kind("answer").lane))]
    Job.objects.filter(id__in=[job.id for job in in_front]).update(status=JobStatus.RUNNING, started_at=now)
    waiting = [ask(number + 100) for number in range(MOST + 2)]
    threads = threading.active_count()
    for one in waiting:
        one.conducting.proceed_apart()  # type: ignore[union-attr]
    most = 0
    for _ in range(20):
        most = max(most, connections())
        time.sleep(0.05)
    assert threading.active_count() >= threads + len(waiting), "they wait"
    assert most <= MOST
    Job.objects.update(status=JobStatus.CANCELLED, ended_at=now)
    until = time.monotonic() + 30
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.05)
    give_back_connection()
    stats = shared.get_stats()
    assert stats["pool_available"] == stats["pool_size"]
