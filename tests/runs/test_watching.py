"""What operators and machines see of the house: metrics, health, logs, and the events of a run as they happen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from django.test import Client

from otai.orgs import streams as stream
from otai.orgs.models import Organisation
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Action, Scope
from otai.orgs.standing import Standing
from otai.pricing.price_book import Delivery
from otai.runs import operations, queue
from otai.runs.event_stream import look_at
from otai.runs.executors import Failed
from otai.runs.log_lines import JsonLinesFormatter
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.watching import watched
from otai.runs.worker import Worker
from tests import stories
from tests.orgs.open_streams import in_a_loop, read_to_its_end

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
    line = json.loads(JsonLinesFormatter().format(caplog.records[0]))
    assert (line["run"], line["organisation"]) == (str(run.id), str(run.organisation_id))
    assert line["message"] == "attempt 1 begins"
    assert set(line) == {"at", "level", "logger", "message", "run", "organisation"}


STANDING = Standing(organisation=UUID(int=1), action=Action.VIEW, key=UUID(int=2))


def read(run: Run, *, after: int = 0, between: Callable[[], None] = lambda: None) -> list[tuple[str, dict, int | None]]:
    """The whole stream. `between` happens after each look."""
    return read_to_its_end(stream.Stream(look_at, run.pk, after, stream.Places().take(STANDING)), between)


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

    def between() -> None:
        step = next(steps, None)
        if step is not None:
            operations.record_progress(
                run=run.id, attempt=1, stage="training", steps_done=step, steps_total=9, log=None, now=now
            )
        elif not Run.objects.get(id=run.id).has_ended:
            operations.cancel_run(organisation=acme, number=run.number, who="alice", now=now)

    monkeypatch.setattr(stream, "seconds_between_looks", 0.1)
    monkeypatch.setattr(stream, "looks_between_standing", 1000)
    found = read(Run.objects.select_related("organisation").get(id=run.id), between=between)
    assert [data["steps_done"] for event, data, _ in found if event == "progress"] == [0, 1, 2, 3, 3]
    assert found[-1][:2] == ("end", {"status": "cancelled"})


def test_the_last_reader_to_go_leaves_no_thread_at_the_database(order, monkeypatch: pytest.MonkeyPatch) -> None:
    run = order()
    monkeypatch.setattr(stream, "seconds_between_looks", 0.1)

    async def comes_and_goes() -> None:
        hub = stream.Hub()
        reading = hub.read(stream.Stream(look_at, run.pk, 0, stream.Places().take(STANDING)))
        await anext(reading)
        await reading.aclose()
        assert hub._watching is not None
        await asyncio.wait_for(hub._watching, 10)

    asyncio.run(comes_and_goes())


def test_a_thousand_readers_of_two_runs_share_each_look(
    acme, order, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [order(), order()]
    monkeypatch.setattr(stream, "seconds_between_looks", 0.2)
    standing = Standing(organisation=acme.pk, action=Action.VIEW, key=made_key(acme, now))
    places = stream.Places(stream.StreamLimits(member=1000, organisation=1000, server=1000))
    statements: list[str] = []

    async def in_thread(work: Callable[[], object]) -> object:
        return await sync_to_async(counted)(work, statements)

    async def watch() -> list[list[bytes]]:
        hub = stream.Hub(in_thread)
        heard: list[list[bytes]] = [[] for _ in range(1000)]

        async def reader(number: int) -> None:
            async for piece in hub.read(stream.Stream(look_at, runs[number % 2].pk, 0, places.take(standing))):
                heard[number].append(piece)

        reading = [asyncio.create_task(reader(number)) for number in range(1000)]
        await asyncio.sleep(1.3)
        assert places.open == 1000
        with pytest.raises(stream.TooManyStreams) as refused:
            places.take(standing)
        assert refused.value.details == {"limit": 1000, "of": "member"}
        for run in runs:
            await sync_to_async(operations.cancel_run)(organisation=acme, number=run.number, who="alice", now=now)
        await asyncio.wait_for(asyncio.gather(*reading), 10)
        assert hub.looks < 15
        return heard

    heard = in_a_loop(watch())
    assert places.open == 0
    # Two statements a look, and two or three now and then whether readers may stay.
    assert len(statements) < 15 * 2 + 5 * 4
    assert all(b"".join(pieces).count(b"event: end") == 1 for pieces in heard)
    assert all(b"".join(pieces).count(b"event: move") == 2 for pieces in heard)


def test_who_read_last_leaves_no_connection_behind(acme, order, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    run = order()
    monkeypatch.setattr(stream, "seconds_between_looks", 0.1)
    held: list[object] = []

    async def in_thread(work: Callable[[], object]) -> object:
        try:
            return await sync_to_async(work)()
        finally:
            held.append(await sync_to_async(lambda: connection.connection)())

    async def watch() -> None:
        hub = stream.Hub(in_thread)
        open_stream = stream.Stream(look_at, run.pk, 0, stream.Places().take(STANDING))
        async with contextlib.aclosing(hub.read(open_stream)) as pieces:
            assert [await anext(pieces) for _ in range(2)]
        assert held[-1] is not None
        while held[-1] is not None:
            await asyncio.sleep(0.05)

    in_a_loop(watch())


def counted(work: Callable[[], object], statements: list[str]) -> object:
    def note(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        return work()


def made_key(organisation: Organisation, now: datetime) -> UUID:
    return create_api_key(organisation=organisation, name="watcher", scopes=[Scope.READ], who="a", now=now).key.pk
