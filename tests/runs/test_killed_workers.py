"""Real workers with real trainings, killed with SIGKILL: the run is tried again, and at last its credits come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.runs.models import Run
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start_worker(database_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "otai.cli.main", "worker", *options],
            env={**os.environ, "OTAI_DATABASE_URL": database_url},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], bool], *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def in_training(run: Run) -> bool:
    run.refresh_from_db()
    return run.status == "training"


def kill_in_mid_training(worker: subprocess.Popen[str], run: Run, *, attempt: int = 1) -> None:
    """Kills the worker once its training process is at work, and waits until that process is gone as well."""
    # A worker that has only begun to start may have children of other kinds, while the run still counts as its
    # predecessor's.
    wait_for(lambda: in_training(run) and run.attempt == attempt and bool(psutil.Process(worker.pid).children()))
    trainings = psutil.Process(worker.pid).children(recursive=True)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    psutil.wait_procs(trainings, timeout=20)
    assert not any(training.is_running() and training.status() != "zombie" for training in trainings)


def test_a_run_whose_worker_was_killed_is_trained_by_the_next(tmp_path: Path, start_worker) -> None:
    now: datetime = utc_now()
    acme = stories.acme(now)
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    kill_in_mid_training(start_worker(), run)
    assert ledger.balance(acme.id).held == 1
    second = start_worker("--once")
    output, _ = second.communicate(timeout=120)
    run.refresh_from_db()
    assert (run.status, run.attempt) == ("completed", 2), output
    assert ledger.balance(acme.id).spent == 1
    assert [attempt.outcome for attempt in run.attempts.order_by("number")] == ["worker_lost", "completed"]
    assert audit().clean


@pytest.mark.postgres
def test_a_run_whose_workers_were_all_killed_gives_everything_back(tmp_path: Path, start_worker) -> None:
    now: datetime = utc_now()
    acme = stories.acme(now)
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    for attempt in (1, 2, 3):
        kill_in_mid_training(start_worker(), run, attempt=attempt)
    start_worker("--once").communicate(timeout=120)
    run.refresh_from_db()
    assert (run.status, run.ending, run.failure_code) == ("failed", "failed_system", "worker_lost")
    balance = ledger.balance(acme.id)
    assert (balance.available, balance.held, balance.spent) == (6, 0, 0)
    assert audit().clean


def test_a_worker_asked_to_stop_finishes_its_run_first(tmp_path: Path, start_worker) -> None:
    now: datetime = utc_now()
    acme = stories.acme(now)
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    worker = start_worker()
    wait_for(lambda: in_training(run))
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=120)
    run.refresh_from_db()
    assert (worker.returncode, run.status, run.attempt) == (0, "completed", 1), output
