"""Pools are made and changed; workers register, beat, stop and are lost. One transaction each."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models.functions import Greatest

from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.runs.models import Accelerator, ExecutorKind, Pool, RegisteredWorker, WorkerEnd

LOCAL_POOL = "local"
POOL_NAME_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

lost_after = timedelta(seconds=30)
"""A worker silent for this long is lost: many heartbeats, so that a busy machine is not mistaken for a dead one."""


def local_pool(*, hardware: str, now: datetime) -> Pool:
    """The pool of a one-machine installation, which serves both deliveries; made when it is first asked for."""
    pool, _ = Pool.objects.get_or_create(
        name=LOCAL_POOL,
        defaults={"hardware": hardware, "slots": 1, "serves_fast": True, "serves_standard": True, "created_at": now},
    )
    return pool


class InvalidPool(Invalid):
    code = "invalid_pool"


@one_transaction
def set_pool(
    *,
    name: str,
    now: datetime,
    hardware: str | None = None,
    accelerator: Accelerator | None = None,
    slots: int | None = None,
    serves_fast: bool | None = None,
    serves_standard: bool | None = None,
    executor: ExecutorKind | None = None,
    address: str | None = None,
    interpreter: str | None = None,
    slots_per_node: int | None = None,
) -> Pool:
    """The pool `name`, made or changed; what is None stays as it is. A new pool has one slot and serves nothing that is
    not said.

    Fewer slots than workers at work: those finish what they have, and no other takes their place. Raises InvalidPool.
    """
    if not re.fullmatch(POOL_NAME_PATTERN, name):
        raise InvalidPool("name", name=name)
    pool = Pool.objects.select_for_update(no_key=True).filter(name=name).first()
    if pool is None:
        pool = Pool(name=name, hardware="", slots=1, serves_fast=False, serves_standard=False, created_at=now)
    changes = {
        "hardware": hardware,
        "accelerator": accelerator,
        "slots": slots,
        "serves_fast": serves_fast,
        "serves_standard": serves_standard,
        "executor": executor,
        "address": address,
        "interpreter": interpreter,
        "slots_per_node": slots_per_node,
    }
    for field, value in changes.items():
        if value is not None:
            setattr(pool, field, value)
    if pool.slots < 1:
        raise InvalidPool("slots", name=name, slots=pool.slots)
    if not pool.deliveries:
        raise InvalidPool("no_deliveries", name=name)
    if pool.slots_per_node < 1:
        raise InvalidPool("slots_of_node", name=name, slots_per_node=pool.slots_per_node)
    if pool.executor == ExecutorKind.RAY and not pool.address:
        raise InvalidPool("address", name=name)
    if pool.interpreter and not pool.interpreter.startswith("/"):
        raise InvalidPool("interpreter", interpreter=pool.interpreter)
    pool.hardware = pool.hardware or (f"{pool.accelerator} machines" if pool.accelerator else "machines without a GPU")
    pool.save()
    return pool


class PoolIsFull(Refused):
    code = "pool_is_full"


@one_transaction
def register_worker(
    *, name: str, pool: str, hardware: str, now: datetime, is_gone: Callable[[str], bool] = lambda worker: False
) -> RegisteredWorker:
    """The worker takes a slot of the pool, or keeps the one it has. Silent workers, and those known to be gone, lose
    theirs first.

    Raises NotFound (no such pool) and PoolIsFull.
    """
    # The pool's row is the turnstile: two workers cannot both take the last slot.
    locked = Pool.objects.select_for_update(no_key=True).filter(name=pool).first()
    if locked is None:
        raise NotFound("no_pool", pool=pool)
    at_work = list(RegisteredWorker.objects.filter(pool=locked, ended_at__isnull=True).exclude(name=name))
    gone = [w for w in at_work if now - w.heartbeat_at >= lost_after or is_gone(w.name)]
    _end_workers(gone, how=WorkerEnd.LOST, now=now)
    taken = [w for w in at_work if w not in gone]
    if len(taken) >= locked.slots:
        raise PoolIsFull("slots", pool=pool, wanted=len(taken) + 1, slots=locked.slots, workers=[w.name for w in taken])
    worker, _ = RegisteredWorker.objects.update_or_create(
        name=name,
        defaults={
            "pool": locked,
            "hardware": hardware,
            "registered_at": now,
            "heartbeat_at": now,
            "ended_at": None,
            "ended_as": "",
        },
    )
    return worker


def beat(*, name: str, now: datetime) -> bool:
    """The worker is there. False: it was taken for lost meanwhile, and must register again."""
    # A clock that was set back must not make a worker look dead.
    beating = RegisteredWorker.objects.filter(name=name, ended_at__isnull=True)
    return bool(beating.update(heartbeat_at=Greatest("heartbeat_at", now)))


def stop_worker(*, name: str, now: datetime) -> None:
    """The worker says goodbye, and its slot is free."""
    found = RegisteredWorker.objects.filter(name=name, ended_at__isnull=True)
    found.update(ended_at=now, ended_as=WorkerEnd.STOPPED)


def lose_silent_workers(*, now: datetime, is_gone: Callable[[str], bool]) -> list[RegisteredWorker]:
    """Those that were silent for too long, or are known to be gone, are lost from now on."""
    found = RegisteredWorker.objects.filter(ended_at__isnull=True)
    lost = [worker for worker in found if now - worker.heartbeat_at >= lost_after or is_gone(worker.name)]
    return [worker for worker in lost if _end_workers([worker], how=WorkerEnd.LOST, now=now)]


def _end_workers(workers: list[RegisteredWorker], *, how: WorkerEnd, now: datetime) -> int:
    # Only a heartbeat that is still the one we saw: it may have beaten meanwhile.
    return sum(
        RegisteredWorker.objects.filter(id=worker.id, ended_at__isnull=True, heartbeat_at=worker.heartbeat_at).update(
            ended_at=now, ended_as=how
        )
        for worker in workers
    )
