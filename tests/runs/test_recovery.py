"""What goes wrong around a training: the machine fills up, the database goes away, the worker must stop. No run hangs,
none is paid twice."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError

from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.runs import checkpoints, operations, queries, queue, scratch, worker
from otai.runs.executors import Failed, TrainingSpec, Watch
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.tickets.files import FileStoreUnavailable, file_store
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)

EATS_MEMORY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; eaten = b'x' * (300 << 20); time.sleep(600)"])
time.sleep(600)
"""
FILLS_THE_DISK = "open('/dev/full', 'wb', buffering=0).write(b'x')"


def balance(organisation) -> tuple[int, int, int]:
    found = ledger.balance(organisation.id)
    return found.available, found.held, found.spent


@pytest.fixture
def acme(now: datetime):
    return stories.acme(now)


@pytest.fixture
def run(acme, tmp_path: Path, now: datetime) -> Run:
    return stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)


@pytest.fixture
def spec(tmp_path: Path) -> TrainingSpec:
    return TrainingSpec(tmp_path / "t.parquet", [], "basic", 0, tmp_path / "out", threads=1, time_limit_seconds=60)


def playing(folder: Path, script: str) -> LocalExecutor:
    path = folder / "training.py"
    path.write_text(script)
    return LocalExecutor(command=(sys.executable, str(path)))


def test_a_training_that_outgrows_its_memory_is_stopped_with_all_it_started(tmp_path: Path, spec: TrainingSpec) -> None:
    # Its child is what eats the memory: the limit holds for all of them together.
    limited = replace(spec, memory_limit_bytes=200 * 2**20)
    result = playing(tmp_path, EATS_MEMORY).execute(limited, watch=lambda watch: True, watch_every_seconds=0.2)
    assert isinstance(result, Failed)
    assert (result.is_input, result.code) == (False, "out_of_memory")
    assert "limit of 0.2 GiB" in result.message


def test_a_training_that_fills_the_disk_says_so(tmp_path: Path, spec: TrainingSpec) -> None:
    result = playing(tmp_path, FILLS_THE_DISK).execute(spec, watch=lambda watch: True, watch_every_seconds=0.2)
    assert isinstance(result, Failed)
    assert (result.is_input, result.code) == (False, "disk_full")


def test_a_store_without_room_is_a_failure_of_ours_and_the_run_waits_again(
    acme, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise FileStoreUnavailable(written="no room") from OSError(28, "No space left on device")

    monkeypatch.setattr("otai.tickets.files.FileStore.put", full)
    Worker(FakeExecutor(), clock=lambda: now).work_once()
    run.refresh_from_db()
    assert (run.status, run.failures) == ("queued", 1)
    assert [a.outcome for a in run.attempts.all()] == ["disk_full"]
    assert balance(acme) == (5, 1, 0)


def test_a_worker_without_a_working_folder_ends_the_attempt(
    run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    Worker(FakeExecutor(), clock=lambda: now).work_once()
    assert [a.outcome for a in run.attempts.all()] == ["disk_full"]


def test_a_worker_without_room_trains_nothing(run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "free_bytes", lambda: 5 * 2**20)
    why: list[str] = []
    assert Worker(FakeExecutor(), clock=lambda: now, on_wait=why.append).work_once() is None
    assert why[0].startswith("Only 5 MiB are free")
    run.refresh_from_db()
    assert run.status == "queued"


def test_a_worker_that_must_stop_hands_its_run_back_and_no_attempt_is_used_up(acme, run: Run, now: datetime) -> None:
    for number in range(1, 6):
        stopping = Worker(FakeExecutor(), clock=lambda: now, hand_back_now=lambda: True)
        stopping.work_once()
        run.refresh_from_db()
        assert (run.status, run.attempt, run.failures) == ("queued", number, 0)
    assert {a.outcome for a in run.attempts.all()} == {"handed_back"}
    assert balance(acme) == (5, 1, 0)
    Worker(FakeExecutor(), clock=lambda: now).work_once()
    run.refresh_from_db()
    assert (run.status, run.attempt) == ("completed", 6)
    assert balance(acme) == (5, 0, 1)
    assert audit().clean


def test_a_run_handed_back_after_it_was_cancelled_stays_cancelled(acme, run: Run, now: datetime) -> None:
    claimed = queue.claim(worker="w", hardware="h", now=now)
    operations.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    with pytest.raises(operations.RunMoved):
        operations.hand_back(run=run.id, attempt=claimed.attempt.number, who="w", log=None, now=now)
    run.refresh_from_db()
    assert run.status == "cancelled"


def failing(times: int, action: Callable[..., object], *, after: bool = False) -> Callable[..., object]:
    """`action`, whose first `times` calls meet a database that is away: before it was done, or `after`, so that only
    the answer is lost."""
    left = [times]

    def flaky(*arguments: object, **named: object) -> object:
        if left[0] == 0:
            return action(*arguments, **named)
        left[0] -= 1
        if after:
            action(*arguments, **named)
        raise OperationalError("server closed the connection unexpectedly")

    return flaky


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("otai.runs.database_outages", "otai.runs.worker"):
        monkeypatch.setattr(f"{module}.pause_seconds", lambda failed: 0.0)
    monkeypatch.setattr(worker, "step_back_seconds", 0.0)
    monkeypatch.setattr(worker, "idle_seconds", 0.0)


@pytest.mark.parametrize("after", [False, True], ids=["nothing was written", "only the answer was lost"])
@pytest.mark.parametrize("what", ["record_progress", "end_run"])
def test_a_database_that_goes_away_under_a_training_costs_nothing(
    acme, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch, what: str, after: bool
) -> None:
    monkeypatch.setattr(worker, what, failing(2, getattr(worker, what), after=after))
    told: list[Run] = []
    Worker(FakeExecutor(), clock=lambda: now, on_end=told.append).work_once()
    run.refresh_from_db()
    assert (run.status, run.attempt, run.failures) == ("completed", 1, 0)
    assert balance(acme) == (5, 0, 1)
    assert [ended.status for ended in told] == ["completed"]
    assert [e.move for e in queries.events(run)].count("evaluating -> completed") == 1
    assert audit().clean


@pytest.mark.parametrize("after", [False, True], ids=["nothing was written", "only the answer was lost"])
def test_a_claim_whose_answer_was_lost_is_found_again(
    acme, run: Run, now: datetime, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(queue, "claim", failing(1, queue.claim, after=after))
    Worker(FakeExecutor(), clock=lambda: now).work(until=lambda: Run.objects.get(id=run.id).has_ended)
    run.refresh_from_db()
    assert (run.status, run.attempt) == ("completed", 1)
    assert audit().clean


def test_after_an_absence_of_the_database_nobody_is_taken_for_lost_at_once(run: Run, now: datetime) -> None:
    queue.claim(worker="another", hardware="h", now=now)
    later = [now + timedelta(minutes=2)]
    sweeping = Worker(FakeExecutor(), clock=lambda: later[0])
    sweeping._database_went_away(OperationalError("away"))
    assert sweeping.work_once() is None
    run.refresh_from_db()
    assert run.status == "training"
    later[0] += timedelta(seconds=31)
    sweeping.work_once()
    run.refresh_from_db()
    assert (run.status, run.attempt, run.failures) == ("completed", 2, 1)


class Saving(FakeExecutor):
    """Does one step an attempt, saves it, and then fails, until three steps are done."""

    def execute(self, spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float):
        assert spec.checkpoint_dir is not None
        saved = spec.checkpoint_dir / "state.json"
        done = json.loads(saved.read_text())["done"] if saved.exists() else 0
        (spec.checkpoint_dir / ".half-written").write_text("no")
        saved.write_text(json.dumps({"done": done + 1}))
        self.report_card = {"steps": done + 1}
        self.failure = None if done == 2 else Failed(False, "crash", "A machine broke.", "")
        return super().execute(spec, watch=watch, watch_every_seconds=watch_every_seconds)


def test_a_training_goes_on_where_the_attempt_before_it_stopped(run: Run, now: datetime) -> None:
    for _ in range(3):
        Worker(Saving(), clock=lambda: now).work_once()
    run.refresh_from_db()
    assert (run.status, run.report_card) == ("completed", {"steps": 3})
    # What nobody needs any more is gone.
    assert run.checkpoint_file == ""
    assert not [path for path in file_store().paths() if path.startswith(f"checkpoints/{run.id}")]


def test_a_checkpoint_is_kept_while_the_training_goes_on(
    run: Run, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "save_every_seconds", 0.0)
    claimed = queue.claim(worker="w", hardware="h", now=now)
    kept = checkpoints.Checkpoints(claimed.run, 1, tmp_path / "checkpoint", tmp_path / "packed.tar")
    kept.restore()
    for step in (1, 2):
        (kept.folder / "state").write_text(f"step {step}")
        kept.save_when_due(monotonic=float(step))
        kept._saving.result()
        kept.save_when_due(monotonic=float(step))
    # The machine is lost; another one goes on.
    kept.close()
    run.refresh_from_db()
    other = checkpoints.Checkpoints(run, 2, tmp_path / "elsewhere", tmp_path / "packed.tar")
    assert other.restore()
    assert (other.folder / "state").read_text() == "step 2"
    assert len([path for path in file_store().paths() if path.startswith(f"checkpoints/{run.id}")]) == 1


def test_a_late_checkpoint_does_not_replace_that_of_the_attempt_which_took_over(
    run: Run, now: datetime, tmp_path: Path
) -> None:
    first = queue.claim(worker="w1", hardware="h", now=now)
    queue.return_lost_runs(now=now + timedelta(minutes=1), worker_is_gone=lambda w: False, who="sweep")
    queue.claim(worker="w2", hardware="h", now=now + timedelta(minutes=1))
    late = checkpoints.Checkpoints(first.run, 1, tmp_path / "late", tmp_path / "packed.tar")
    late.restore()
    (late.folder / "state").write_text("old")
    late.save_now()
    run.refresh_from_db()
    assert run.checkpoint_file == ""
    assert not [path for path in file_store().paths() if path.startswith(f"checkpoints/{run.id}")]


def test_a_checkpoint_that_cannot_be_read_means_a_fresh_start(run: Run, now: datetime) -> None:
    Run.objects.filter(id=run.id).update(checkpoint_file="checkpoints/none.tar")
    Worker(FakeExecutor(), clock=lambda: now).work_once()
    run.refresh_from_db()
    assert run.status == "completed"
