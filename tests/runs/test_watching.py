"""What operators and machines see of the house: metrics, health, logs, and the events of a run as they happen."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from otai.pricing.price_book import Delivery
from otai.runs import event_stream as stream
from otai.runs import operations, queue
from otai.runs.executors import Failed
from otai.runs.log_lines import JsonLines
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.watching import watched
from otai.runs.worker import Worker
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(now: datetime):
    return stories.acme(now)


@pytest.fixture
def order(acme, tmp_path: Path, now: datetime) -> Callable[..., Run]:
    data_set = stories.tickets_of(acme, tmp_path, now)
    return lambda **named: stories.ordered(acme, data_set, now, **named)


def test_queues_promises_attempts_and_holds_are_counted(order, now: datetime) -> None:
    order(delivery=Delivery.FAST)
    Worker(FakeExecutor(), clock=lambda: now + timedelta(minutes=5)).work_once()
    order(delivery=Delivery.FAST)
    Worker(FakeExecutor(), clock=lambda: now + timedelta(minutes=70)).work_once()
    order()
    Worker(FakeExecutor(failure=Failed(False, "crash", "A bug.", "")), clock=lambda: now).work_once()
    operations.local_pool(hardware="here", now=now)
    operations.register_worker(name="w", pool="local", hardware="here", now=now + timedelta(minutes=80))
    found = watched(now=now + timedelta(minutes=80))
    [pool] = found.pools
    assert (pool.pool, pool.slots, pool.workers, pool.working, pool.waiting) == ("local", 1, 1, 0, 1)
    assert pool.oldest_seconds == 80 * 60
    assert found.on_time == {("basic", "fast"): 0.5}
    assert found.ended == {"completed": 2}
    assert found.attempts == {"completed": 2, "crash": 1}
    assert (found.open_holds, found.grants_due) == (1, 0)
    assert watched(now=now + timedelta(days=40)).grants_due == 1


def test_a_run_that_is_overdue_counts_as_late_before_it_ends(order, now: datetime) -> None:
    order(delivery=Delivery.FAST)
    assert watched(now=now + timedelta(minutes=59)).on_time == {}
    assert watched(now=now + timedelta(minutes=61)).on_time == {("basic", "fast"): 0.0}


def test_metrics_are_for_those_who_know_the_token(order, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    operations.local_pool(hardware="here", now=now)
    order()
    client = Client()
    assert client.get("/metrics").status_code == 404
    monkeypatch.setenv("OTAI_METRICS_TOKEN", "hush")
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    page = client.get("/metrics", headers={"Authorization": "Bearer hush"}).content.decode()
    assert 'otai_queue_runs{pool="local"} 1.0' in page
    assert "otai_holds_open 1.0" in page
    # Whose runs they are is nobody's business here.
    assert "acme" not in page


def test_a_process_lives_without_its_database_and_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    assert client.get("/health/ready").json() == {"ready": True}

    def away(*_: object) -> None:
        raise OperationalError("no server")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503


def test_a_line_of_the_log_says_which_run_of_whom(order, now: datetime, caplog: pytest.LogCaptureFixture) -> None:
    run = order()
    with caplog.at_level(logging.INFO, logger="otai.runs.worker"):
        Worker(FakeExecutor(), clock=lambda: now).work_once()
    line = json.loads(JsonLines().format(caplog.records[0]))
    assert (line["run"], line["organisation"]) == (str(run.id), str(run.organisation_id))
    assert line["message"] == "attempt 1 begins"
    assert set(line) == {"at", "level", "logger", "message", "run", "organisation"}


def read(run: Run, *, after: int = 0) -> list[tuple[str, dict, int | None]]:
    """The whole stream, parsed as a browser would."""

    async def collect() -> list[bytes]:
        return [message async for message in stream.run_events(run, after=after)]

    found = []
    for message in asyncio.run(collect()):
        fields = dict(line.split(": ", 1) for line in message.decode().strip().splitlines())
        found.append((fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None))
    return found


def test_a_stream_tells_every_move_and_ends_with_the_run(order, now: datetime) -> None:
    run = order()
    Worker(FakeExecutor(), clock=lambda: now).work_once()
    found = read(run)
    assert [data["move"] for event, data, _ in found if event == "move"] == [
        "-> queued",
        "queued -> training",
        "training -> evaluating",
        "evaluating -> completed",
    ]
    assert found[-1][:2] == ("end", {"status": "completed"})


def test_a_reader_that_was_cut_off_misses_nothing_and_hears_nothing_twice(order, now: datetime) -> None:
    run = order()
    Worker(FakeExecutor(), clock=lambda: now).work_once()
    second = read(run)[1]
    again = read(run, after=second[2])
    assert [data["move"] for event, data, _ in again if event == "move"] == [
        "training -> evaluating",
        "evaluating -> completed",
    ]


def test_a_stream_follows_a_run_at_work(acme, order, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    run = order()
    queue.claim(worker="w", hardware="h", now=now)
    steps = iter(range(1, 4))

    async def instead_of_waiting(_seconds: float) -> None:
        from asgiref.sync import sync_to_async

        step = next(steps, None)
        if step is None:
            cancel = sync_to_async(operations.cancel_run)
            await cancel(organisation=acme, number=run.number, who="alice", now=now)
            return
        progress = sync_to_async(operations.record_progress)
        await progress(run=run.id, attempt=1, stage="training", steps_done=step, steps_total=9, log=None, now=now)

    monkeypatch.setattr(stream.asyncio, "sleep", instead_of_waiting)
    found = read(Run.objects.select_related("organisation").get(id=run.id))
    assert [data["steps_done"] for event, data, _ in found if event == "progress"] == [0, 1, 2, 3, 3]
    assert found[-1][:2] == ("end", {"status": "cancelled"})
