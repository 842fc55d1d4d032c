"""What travels to a machine of a cluster and back lies encrypted in the store, with a key of the attempt's own. The
machine is played by a process of ours: what Ray adds is tried in test_ray.py."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from otai.runs.executors import TrainedFiles, TrainingSpec, Watch
from otai.runs.executors.ray import RayExecutor
from otai.runs.executors.ray_job import KEY_VARIABLE
from otai.sealed_files import is_sealed
from otai.tickets.files import FileStore
from tests.runs.test_executors import SUCCESS

pytestmark = pytest.mark.pure

SHOWS = "import os, sys; print('key seen:', sorted(n for n in os.environ if 'KEY' in n), flush=True); sys.exit(1)"


class Status(str):
    def is_terminal(self) -> bool:
        return self in ("SUCCEEDED", "FAILED")


@dataclass
class Machine:
    """As much of Ray's Jobs API as a training asks for."""

    folder: Path
    env_vars: dict[str, str] = field(default_factory=dict)
    process: Any = None

    def submit_job(self, *, entrypoint: str, runtime_env: dict[str, Any] | None, **_: Any) -> None:
        self.env_vars = (runtime_env or {}).get("env_vars", {})
        with (self.folder / "log").open("w") as log:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("OTAI_")}
            self.process = subprocess.Popen(shlex.split(entrypoint), stdout=log, env=environment | self.env_vars)

    def get_job_status(self, _: str) -> Status:
        code = self.process.poll()
        return Status("RUNNING" if code is None else "SUCCEEDED" if code == 0 else "FAILED")

    def get_job_logs(self, _: str) -> str:
        return (self.folder / "log").read_text()

    def get_job_info(self, _: str) -> Any:
        return None

    def stop_job(self, _: str) -> None:
        self.process.kill()


@pytest.fixture
def spec(tmp_path: Path) -> TrainingSpec:
    (tmp_path / "tickets.parquet").write_bytes(b"quetzal prints green")
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "state").write_text("quetzal")
    return TrainingSpec(
        tickets=tmp_path / "tickets.parquet", attributes=[], mode="basic", seed=0, output_dir=tmp_path / "out",
        threads=1, time_limit_seconds=60, attempt_id=str(uuid.uuid4()), checkpoint_dir=tmp_path / "checkpoint",
    )  # fmt: skip


@pytest.mark.parametrize("encrypts", [True, False])
def test_nothing_that_travels_can_be_read_in_the_store(encrypts: bool, spec: TrainingSpec, tmp_path: Path) -> None:
    store = FileStore((tmp_path / "store").as_uri())
    (tmp_path / "training.py").write_text(SUCCESS)
    machine, seen = Machine(tmp_path), []

    def watch(_: Watch) -> bool:
        seen.extend(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
        return True

    command = (sys.executable, str(tmp_path / "training.py"))
    executor = RayExecutor("http://nowhere", sys.executable, store=store, encrypts=encrypts, command=command)
    executor._client = machine
    result = executor.execute(spec, watch=watch, watch_every_seconds=0.1)

    assert isinstance(result, TrainedFiles), result
    assert hashlib.sha256(result.bundle.read_bytes()).hexdigest() == result.bundle_sha256
    whole = [content for content in seen if content]
    assert whole and all(is_sealed(content) for content in whole) is encrypts
    assert any(b"quetzal" in content for content in whole) is not encrypts
    assert (KEY_VARIABLE in machine.env_vars) is encrypts
    assert store.paths() == []


def test_the_training_there_does_not_see_the_key(spec: TrainingSpec, tmp_path: Path) -> None:
    store = FileStore((tmp_path / "store").as_uri())
    (tmp_path / "training.py").write_text(SHOWS)
    command = (sys.executable, str(tmp_path / "training.py"))
    executor = RayExecutor("http://nowhere", sys.executable, store=store, encrypts=True, command=command)
    executor._client = Machine(tmp_path)
    result = executor.execute(spec, watch=lambda _: True, watch_every_seconds=0.1)
    assert "key seen: []" in result.log
