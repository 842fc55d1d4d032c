"""Pools are data; workers register, beat, are lost when silent, and take one slot each."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from typer.testing import CliRunner

from otai.cli import pools as cli
from otai.errors import NotFound
from otai.pricing.price_book import Delivery
from otai.runs import operations, queries
from otai.runs.models import Accelerator, ExecutorKind, Pool, RegisteredWorker
from otai.runs.operations import InvalidPool, PoolIsFull
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)


def a_pool(now: datetime, *, name: str = "h100", slots: int = 1, fast: bool = True, standard: bool = False) -> Pool:
    return operations.set_pool(
        name=name,
        now=now,
        slots=slots,
        serves_fast=fast,
        serves_standard=standard,
        accelerator=Accelerator.H100 if fast else Accelerator.L4,
    )


def register(name: str, now: datetime, *, is_gone: Callable[[str], bool] = lambda w: False) -> RegisteredWorker:
    return operations.register_worker(name=name, pool="h100", hardware="a machine", now=now, is_gone=is_gone)


def test_one_machine_has_a_pool_that_serves_both_deliveries(now: datetime) -> None:
    pool = operations.local_pool(hardware="2 cores", now=now)
    assert (pool.name, pool.slots, pool.deliveries, pool.accelerator) == ("local", 1, tuple(sorted(Delivery)), "")
    assert operations.local_pool(hardware="2 cores", now=now).id == pool.id


def test_a_pool_is_changed_in_what_is_said_only(now: datetime) -> None:
    a_pool(now, slots=2)
    changed = operations.set_pool(name="h100", now=now, slots=8)
    assert (changed.slots, changed.accelerator, changed.deliveries) == (8, "H100", (Delivery.FAST,))
    assert changed.hardware == "H100 machines"


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("H 100", {}, "small letters"),
        ("h100", {"serves_fast": False}, "serve nothing"),
        ("h100", {"slots": 0}, "at least 1 slot"),
        ("h100", {"slots_per_node": 0}, "at least 1 slot"),
        ("h100", {"executor": ExecutorKind.RAY}, "address"),
        ("h100", {"interpreter": "python"}, "absolute path"),
    ],
)
def test_a_pool_that_cannot_be_is_refused(now: datetime, name: str, changes: dict[str, Any], said: str) -> None:
    a_pool(now)
    with pytest.raises(InvalidPool, match=said):
        operations.set_pool(name=name, now=now, **changes)
    assert Pool.objects.get().deliveries == (Delivery.FAST,)


def test_a_pool_takes_as_many_workers_as_it_has_slots(now: datetime) -> None:
    a_pool(now, slots=2)
    register("w1", now)
    register("w2", now)
    with pytest.raises(PoolIsFull) as full:
        register("w3", now)
    assert "2 slots" in full.value.message and "otai pools set h100 --slots 3" in full.value.message
    # One that is there already keeps its slot.
    register("w2", now + timedelta(seconds=1))
    operations.stop_worker(name="w1", now=now)
    register("w3", now)
    assert [w.name for w in queries.workers()] == ["w2", "w3"]


def test_a_silent_worker_is_lost_and_its_slot_is_free(now: datetime) -> None:
    a_pool(now)
    register("w1", now)
    assert operations.lose_silent_workers(now=now + timedelta(seconds=29), is_gone=lambda w: False) == []
    register("w2", now + timedelta(seconds=31))
    lost = RegisteredWorker.objects.get(name="w1")
    assert (lost.ended_as, lost.ended_at) == ("lost", now + timedelta(seconds=31))
    assert not operations.beat(name="w1", now=now + timedelta(seconds=32))
    with pytest.raises(PoolIsFull):
        register("w1", now + timedelta(seconds=32))


def test_a_worker_that_beats_is_not_lost(now: datetime) -> None:
    a_pool(now)
    register("w1", now)
    assert operations.beat(name="w1", now=now + timedelta(seconds=20))
    assert operations.lose_silent_workers(now=now + timedelta(seconds=45), is_gone=lambda w: False) == []
    # A clock that was set back changes nothing.
    assert operations.beat(name="w1", now=now)
    assert operations.lose_silent_workers(now=now + timedelta(seconds=45), is_gone=lambda w: False) == []


def test_a_worker_known_to_be_gone_loses_its_slot_at_once(now: datetime) -> None:
    a_pool(now)
    register("w1", now)
    register("w2", now, is_gone=lambda worker: worker == "w1")
    assert [w.name for w in queries.workers()] == ["w2"]


def test_nobody_registers_for_a_pool_that_does_not_exist(now: datetime) -> None:
    with pytest.raises(NotFound):
        register("w1", now)


def test_eight_workers_that_come_at_once_share_three_slots(now: datetime) -> None:
    a_pool(now, slots=3)

    def come(number: int) -> bool:
        try:
            register(f"w{number}", now)
            return True
        except PoolIsFull:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(come, range(8))) == 3
    assert RegisteredWorker.objects.count() == 3


def test_a_worker_trains_only_what_its_pool_serves_and_the_run_says_where(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    standard = stories.ordered(acme, data_set, now)
    fast = stories.ordered(acme, data_set, now, delivery=Delivery.FAST)
    on_h100 = Worker(FakeExecutor(hardware="NVIDIA H100"), pool=a_pool(now), name="here/m.1/1.1", clock=lambda: now)
    assert on_h100.is_registered()
    assert on_h100.work_once() == fast
    assert on_h100.work_once() is None
    on_l4 = a_pool(now, name="l4", fast=False, standard=True)
    assert (
        Worker(FakeExecutor(hardware="NVIDIA L4"), pool=on_l4, name="here/m.1/2.1", clock=lambda: now).work_once()
        == standard
    )
    assert [(a.pool, a.hardware) for a in (fast.attempts.get(), standard.attempts.get())] == [
        ("h100", "NVIDIA H100"),
        ("l4", "NVIDIA L4"),
    ]


def test_a_worker_for_which_there_is_no_slot_waits_and_says_why(now: datetime) -> None:
    pool = a_pool(now)
    register("other", now)
    heard: list[str] = []
    worker = Worker(FakeExecutor(), pool=pool, name="w1", clock=lambda: now, on_wait=heard.append)
    assert not worker.is_registered()
    assert "pool h100 has 1 slot" in heard[0]
    operations.stop_worker(name="other", now=now)
    assert worker.is_registered()
    worker.sign_off()
    assert queries.workers_at_work(pool) == 0


def test_pools_and_workers_are_set_and_listed_on_the_command_line(now: datetime) -> None:
    run = CliRunner()
    made = run.invoke(cli.app, ["set", "h100", "--fast", "--slots", "2", "--accelerator", "H100"])
    assert made.output == "Pool h100: 2 slots on H100 machines, serves Fast.\n"
    register("here/1/2", now)
    listed = json.loads(run.invoke(cli.app, ["list", "--json"]).output)
    assert [(p["pool"], p["deliveries"], p["slots"], p["workers"]) for p in listed] == [
        ("h100", ["fast"], 2, 1),
        ("local", ["fast", "standard"], 1, 0),
    ]
    [worker] = json.loads(run.invoke(cli.workers_app, ["list", "--json"]).output)
    assert (worker["worker"], worker["pool"], worker["state"]) == ("here/1/2", "h100", "waiting")


BREAKS = [
    ("runs_pool_has_a_name", "UPDATE runs_pool SET name = ''"),
    ("runs_pool_has_at_least_one_slot", "UPDATE runs_pool SET slots = 0"),
    ("runs_pool_serves_a_delivery", "UPDATE runs_pool SET serves_fast = false"),
    ("runs_pool_accelerator_is_known", "UPDATE runs_pool SET accelerator = 'TPU'"),
    ("runs_pool_executor_is_known", "UPDATE runs_pool SET executor = 'ssh'"),
    ("runs_pool_on_a_cluster_has_its_address", "UPDATE runs_pool SET executor = 'ray'"),
    ("runs_pool_has_at_least_one_slot_on_each_node", "UPDATE runs_pool SET slots_per_node = 0"),
    ("runs_worker_has_a_name", "UPDATE runs_worker SET name = ''"),
    ("runs_worker_has_ended_exactly_when_it_says_how", "UPDATE runs_worker SET ended_as = 'lost'"),
    ("runs_worker_has_ended_exactly_when_it_says_how", "UPDATE runs_worker SET ended_at = registered_at"),
    (
        "runs_worker_has_ended_exactly_when_it_says_how",
        "UPDATE runs_worker SET ended_at = registered_at, ended_as = 'bored'",
    ),
    ("runs_worker_beats_after_it_registered", "UPDATE runs_worker SET heartbeat_at = '2000-01-01 00:00:00+00:00'"),
    ("runs_run_fails_at_most_once_for_each_attempt", "UPDATE runs_run SET failures = 1"),
]


@pytest.mark.parametrize(("constraint", "sql"), BREAKS)
def test_the_database_itself_refuses_what_cannot_be(tmp_path: Path, now: datetime, constraint: str, sql: str) -> None:
    a_pool(now)
    register("w1", now)
    acme = stories.acme(now)
    stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
