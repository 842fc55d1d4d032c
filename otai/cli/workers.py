"""`otai worker`: trains what was ordered, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from otai.cli.output import say
from otai.cli.setup import require_installation
from otai.db import utc_now
from otai.ledger import operations as ledger
from otai.runs import queries as runs
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Run
from otai.runs.worker import Worker
from otai.serving.operations import register_completed_runs


def worker(
    once: Annotated[bool, typer.Option("--once", help="Train what waits now, then stop.")] = False,
) -> None:
    """Claim and train runs as they are ordered. Stops after the run at hand on Ctrl-C or SIGTERM."""
    require_installation()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def told(run: Run) -> None:
        say(f"{run.organisation.slug}: run {run.number} ({run.model_name}) is {run.status}")
        register_completed_runs(now=utc_now())

    working = Worker(executor=LocalExecutor(), on_end=told)
    say(f"Worker {working.name} on {working.executor.hardware}")
    register_completed_runs(now=utc_now())
    ledger.sweep_stranded_holds(now=utc_now(), still_working=runs.still_working)
    if once:
        while not stop.is_set() and working.work_once() is not None:
            continue
    else:
        working.work(until=stop.is_set)
    say("Worker stopped.")
