"""The executors' contract, kept by a real Ray cluster; and what only a cluster can do: lack a machine, lose one, place
by hardware."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from otai.runs.executors import Failed, Stopped, TrainedFiles, TrainingSpec, Watch
from otai.runs.executors.ray import RayExecutor
from otai.runs.executors.ray_job import new_text
from otai.tickets.files import FileStore
from tests import parts
from tests.runs.ray_cluster import RayCluster
from tests.runs.test_executors import CRASH, HANGS, INPUT_FAILURE, SUCCESS, Watcher

pytestmark = pytest.mark.pure

RESUMES = """
import json, pathlib, sys
spec = json.load(open(sys.argv[-1]))
saved = pathlib.Path(spec["checkpoint_dir"]) / "state"
done = int(saved.read_text()) if saved.exists() else 0
saved.write_text(str(done + 1))
print(f"step {done + 1}", flush=True)
sys.exit(1)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    parts.module("ray", extra="ray")
    made = RayCluster()
    yield made
    made.stop()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore((tmp_path / "store").as_uri())


@pytest.fixture
def spec(tmp_path: Path) -> TrainingSpec:
    (tmp_path / "tickets.parquet").write_bytes(b"tickets")
    return TrainingSpec(
        tickets=tmp_path / "tickets.parquet",
        attributes=[{"name": "queue", "kind": "single", "order": []}],
        mode="basic",
        seed=0,
        output_dir=tmp_path / "out",
        threads=1,
        time_limit_seconds=60,
        attempt_id=str(uuid.uuid4()),
        checkpoint_dir=tmp_path / "checkpoint",
    )


@pytest.fixture
def on(cluster: RayCluster, store: FileStore, tmp_path: Path) -> Callable[[str, str], RayExecutor]:
    """What travels to the L4 is encrypted, what travels to the H100 is not."""

    def playing(script: str, accelerator: str = "H100") -> RayExecutor:
        path = tmp_path / "training.py"
        path.write_text(script)
        return RayExecutor(
            cluster.address,
            sys.executable,
            accelerator,
            store=store,
            encrypts=accelerator == "L4",
            command=(sys.executable, str(path)),
        )

    return playing


def wait_for_room(executor: RayExecutor) -> None:
    until = time.monotonic() + 60
    while (why := executor.why_no_room()) is not None:
        assert time.monotonic() < until, why
        time.sleep(0.5)


def test_a_training_that_succeeds_returns_its_model_and_every_stage(spec: TrainingSpec, store: FileStore, on) -> None:
    watcher = Watcher()
    executor = on(SUCCESS, "L4")
    wait_for_room(executor)
    result = executor.execute(spec, watch=watcher, watch_every_seconds=0.5)
    assert isinstance(result, TrainedFiles), result
    assert result.bundle.read_bytes() == b"model"
    assert result.report_card == {"attributes": []}
    assert "features" in result.log and "nearly done" in result.log and "not JSON" in result.log
    assert watcher.seen[-1].steps_total == 4
    assert watcher.seen[-1].hardware.startswith("Ray, L4, ")
    # What travelled is gone from the store.
    assert store.paths() == []


def test_data_that_cannot_be_trained_on_is_an_input_failure_and_is_submitted_once(spec: TrainingSpec, on) -> None:
    executor = on(INPUT_FAILURE, "L4")
    result = executor.execute(spec, watch=Watcher(), watch_every_seconds=0.5)
    assert isinstance(result, Failed)
    assert (result.is_input, result.code, result.message) == (True, "label_too_rare", "Only one label.")
    again = executor.execute(spec, watch=Watcher(), watch_every_seconds=0.5)
    assert isinstance(again, Failed)
    assert (again.is_input, again.code) == (False, "not_submitted")


def test_a_crash_is_a_failure_of_ours_and_what_it_said_is_kept(spec: TrainingSpec, on) -> None:
    result = on(CRASH, "L4").execute(spec, watch=Watcher(), watch_every_seconds=0.5)
    assert isinstance(result, Failed)
    assert (result.is_input, result.code) == (False, "crash")
    assert "it began" in result.log and "boom" in result.log


def test_a_checkpoint_travels_to_the_next_attempt_on_another_node(spec: TrainingSpec, on) -> None:
    for number, accelerator in enumerate(("L4", "H100"), start=1):
        attempt = replace(spec, attempt_id=str(uuid.uuid4()))
        attempt.checkpoint_dir.mkdir(exist_ok=True)
        result = on(RESUMES, accelerator).execute(attempt, watch=Watcher(), watch_every_seconds=0.5)
        assert f"step {number}" in result.log
        assert (attempt.checkpoint_dir / "state").read_text() == str(number)


def test_a_slot_that_is_taken_is_seen_beforehand_and_free_as_soon_as_nobody_wants_the_training(
    spec: TrainingSpec, on
) -> None:
    assert "no node with accelerator_type:A100" in on(SUCCESS, "A100").why_no_room()
    executor = on(HANGS, "L4")
    wait_for_room(executor)
    seen: list[str | None] = []

    def watch(watched: Watch) -> bool:
        if watched.stage == "training":
            # The cluster tells with a delay of some seconds.
            seen.append(executor.why_no_room())
        return len(seen) < 40 and not any(seen)

    assert isinstance(executor.execute(spec, watch=watch, watch_every_seconds=0.5), Stopped)
    assert seen[-1] == "All nodes with accelerator_type:L4 are at work."
    assert on(SUCCESS, "H100").why_no_room() is None
    wait_for_room(executor)


def test_a_cluster_that_is_not_there_is_said_to_be_not_there(store: FileStore) -> None:
    parts.module("ray", extra="ray")
    why = RayExecutor("http://127.0.0.1:9", sys.executable, "H100", store=store).why_no_room()
    assert why is not None and "does not answer" in why


def test_a_machine_lost_in_mid_training_is_a_failure_of_ours(spec: TrainingSpec, on, cluster: RayCluster) -> None:
    executor = on(HANGS, "H100")
    wait_for_room(executor)
    killed = threading.Event()

    def watch(watched: Watch) -> bool:
        if watched.stage == "training" and not killed.is_set():
            killed.set()
            cluster.kill("H100")
        return True

    result = executor.execute(spec, watch=watch, watch_every_seconds=0.5)
    assert killed.is_set()
    assert isinstance(result, Failed)
    assert (result.is_input, result.code) == (False, "machine_lost"), result


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [("", "a\n", "a\n"), ("a\n", "a\nb\n", "b\n"), ("xa\nb\n", "a\nb\nc\n", "a\nb\nc\n"), ("a\n", "a\n", "")],
)
def test_only_what_is_new_is_told_again(before: str, now: str, new: str) -> None:
    assert new_text(before, now) == new
