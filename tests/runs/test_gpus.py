"""One training, one GPU, on a machine that pretends to have four of them; and what is told of what was used."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from otai.learning.evidence import nvml
from otai.learning.process import used_gpus
from otai.runs.executors import TrainingResult, TrainingSpec
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Attempt
from otai.runs.worker import Worker
from tests import stories
from tests.runs.test_executors import CRASH, SUCCESS

FOUR = [f"GPU-{number}" for number in range(4)]

SEES_AND_WAITS = """
import json, os, pathlib, sys, time
out = pathlib.Path(json.load(open(sys.argv[-1]))["output_dir"])
(out / "sees").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all") + "\\n")
while not (out.parent / "go").exists():
    time.sleep(0.02)
"""
ON_A_GPU = """
print(json.dumps({"type": "devices", "devices": [{"kind": "gpu", "name": "NVIDIA L4", "count": 1},
    {"kind": "cpu", "name": "AMD EPYC", "count": 8}]}), flush=True)
"""


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(nvml, "gpu_ids", lambda: FOUR)


@pytest.fixture
def playing(tmp_path: Path) -> Callable[[str], LocalExecutor]:
    def play(script: str) -> LocalExecutor:
        path = tmp_path / "training.py"
        path.write_text(script)
        return LocalExecutor(command=(sys.executable, str(path)))

    return play


@pytest.fixture
def spec(tmp_path: Path) -> TrainingSpec:
    return TrainingSpec(
        tickets=tmp_path / "tickets.parquet",
        attributes=[{"name": "queue", "kind": "single", "order": []}],
        mode="maximum",
        seed=0,
        output_dir=tmp_path / "out",
        threads=1,
        time_limit_seconds=60,
    )


def execute(executor: LocalExecutor, spec: TrainingSpec) -> TrainingResult:
    return executor.execute(spec, watch=lambda watch: True, watch_every_seconds=0.2)


def seen_by(executor: LocalExecutor, spec: TrainingSpec, folder: Path, *, modes: list[str]) -> list[str]:
    """What each of several trainings at once, begun one after the other, sees of GPUs."""
    seen, threads = [], []
    for number, mode in enumerate(modes):
        own = dataclasses.replace(spec, mode=mode, output_dir=folder / str(number))
        threads.append(threading.Thread(target=execute, args=(executor, own)))
        threads[-1].start()
        sees = own.output_dir / "sees"
        until = time.monotonic() + 30
        while not (sees.exists() and sees.read_text().endswith("\n")):
            assert time.monotonic() < until
            time.sleep(0.02)
        seen.append(sees.read_text().strip())
    (folder / "go").touch()
    for thread in threads:
        thread.join(30)
    return seen


@pytest.mark.pure
def test_each_of_several_trainings_has_a_gpu_of_its_own(spec, playing, four_gpus, tmp_path: Path) -> None:
    executor = playing(SEES_AND_WAITS)
    # Basic reads no vectors, and leaves the GPUs to those that do. The fifth finds none left.
    modes = ["maximum", "basic", "business", "maximum", "maximum", "maximum"]
    assert seen_by(executor, spec, tmp_path, modes=modes) == ["GPU-0", "", "GPU-1", "GPU-2", "GPU-3", ""]
    # What has ended, well or not, has let go of its own.
    execute(playing(CRASH), spec)
    assert seen_by(playing(SEES_AND_WAITS), spec, tmp_path, modes=["maximum"]) == ["GPU-0"]


@pytest.mark.pure
def test_the_operator_says_which_gpus_are_there_for_trainings(
    spec, playing, four_gpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-1")
    assert seen_by(playing(SEES_AND_WAITS), spec, tmp_path, modes=["maximum"] * 3) == ["3", "GPU-1", ""]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert nvml.usable_gpus() == []


@pytest.mark.pure
def test_a_gpu_is_told_once_something_lies_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [0, 7, 7]
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 3,
        max_memory_allocated=lambda number: held[number],
        get_device_name=lambda number: "NVIDIA H100",
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert used_gpus() == ["NVIDIA H100", "NVIDIA H100"]
    cuda.is_initialized = lambda: False
    assert used_gpus() == []


@pytest.mark.django_db(transaction=True)
def test_a_run_says_on_which_gpu_it_ran(playing, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    Worker(executor=playing(SUCCESS.replace("out = path", ON_A_GPU + "out = path")), clock=lambda: now).work_once()
    assert Attempt.objects.get(run=run).devices == [
        {"kind": "gpu", "name": "NVIDIA L4", "count": 1},
        {"kind": "cpu", "name": "AMD EPYC", "count": 8},
    ]
