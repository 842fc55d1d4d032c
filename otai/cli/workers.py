"""`otai worker`: trains what was ordered, until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Annotated

import typer

from otai.cli.housekeeping import HousekeepingThreads, tell, tidy
from otai.cli.output import say
from otai.cli.setup import require_installation, require_settings
from otai.db import utc_now
from otai.runs import operations, queries, scratch
from otai.runs.executors import Executor
from otai.runs.executors.local import LocalExecutor, this_machine
from otai.runs.executors.ray import RayExecutor
from otai.runs.models import ExecutorKind, Pool, Run
from otai.runs.worker import Worker
from otai.serving.operations import register_completed_runs


class Stopping:
    """What the signals asked for: stop after the run at hand, and hand that back once `grace` seconds have passed."""

    def __init__(self, grace: float | None) -> None:
        self._grace = grace
        self._asked_at: float | None = None

    def ask(self, *_: object) -> None:
        """A signal came: the worker is to stop. The first one counts."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()

    def asked(self) -> bool:
        """Whether a signal came."""
        return self._asked_at is not None

    def grace_is_over(self) -> bool:
        """Whether the time is up in which a training may still finish."""
        if self._grace is None or self._asked_at is None:
            return False
        return time.monotonic() - self._asked_at >= self._grace


def worker(
    pool: Annotated[str, typer.Option(help="The pool it works for.")] = operations.LOCAL_POOL,
    once: Annotated[bool, typer.Option("--once", help="Train what waits now, then stop.")] = False,
    grace: Annotated[
        float | None,
        typer.Option(
            min=0, help="When told to stop: hand the run at hand back after so many seconds. Finish it if left out."
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores a training may use.")] = None,
    memory: Annotated[float | None, typer.Option(min=0.1, help="GiB of memory a training may use.")] = None,
) -> None:
    """Claim and train runs as they are ordered. On Ctrl-C or SIGTERM it finishes the run at hand, or hands it back
    (--grace)."""
    require_installation()
    require_settings()
    stopping = Stopping(grace)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopping.ask)
    working = _worker_of(_pool(pool), stopping=stopping, threads=threads, memory=memory)
    say(f"Worker {working.name} on {working.executor.hardware}")
    tidy(now=utc_now())
    if once:
        if working.is_registered():
            while not stopping.asked() and working.work_once() is not None:
                continue
        working.sign_off()
        tell(now=utc_now())
    else:
        with HousekeepingThreads():
            working.work(until=stopping.asked)
    say("Worker stopped.")


def _pool(name: str) -> Pool:
    if name == operations.LOCAL_POOL:
        return operations.local_pool(hardware=this_machine(), now=utc_now())
    return queries.pool(name)


def _executor(pool: Pool) -> Executor:
    if pool.executor == ExecutorKind.RAY:
        return RayExecutor(
            address=pool.address,
            interpreter=pool.interpreter or sys.executable,
            accelerator=pool.accelerator,
            slots_per_node=pool.slots_per_node,
        )
    return LocalExecutor()


def _worker_of(pool: Pool, *, stopping: Stopping, threads: int | None, memory: float | None) -> Worker:
    said: list[str] = []

    def told(run: Run) -> None:
        say(f"{run.organisation.slug}: run {run.number} ({run.model_name}) is {run.status}")
        register_completed_runs(now=utc_now())

    def waits(why: str) -> None:
        if said != [why]:
            said[:] = [why]
            say(f"Waiting. {why}")

    # The slots of the local pool share this machine; those of other pools may each have a machine of their own.
    here = pool.slots if pool.name == operations.LOCAL_POOL else 1
    cores = len(os.sched_getaffinity(0))
    return Worker(
        executor=_executor(pool),
        pool=pool,
        threads=threads or max(1, cores // here),
        memory_limit_bytes=int(memory * 2**30) if memory else scratch.memory_for_one_of(here),
        on_end=told,
        on_wait=waits,
        hand_back_now=stopping.grace_is_over,
    )
