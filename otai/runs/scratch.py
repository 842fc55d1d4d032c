"""Working folders of this machine's workers, and how much room and memory there is for a training."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from otai.jobs.identity import is_gone, this_worker
from otai.jobs.processes import memory_of_machine

least_free_bytes = 256 * 2**20
"""With less room than this no training is begun here: it would only fail."""

on_a_node = "otai-node-"

share_of_memory_for_trainings = 0.85
"""The rest is for the operating system, the workers and the database."""


def scratch_folder() -> Path:
    """Working folders lie beside the files they become, not in a small temporary file system."""
    folder = Path(settings.OTAI_HOME) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def working_folder(worker: str) -> Iterator[Path]:
    """An empty folder of the worker's own, removed afterwards. Raises OSError where there is no room."""
    with tempfile.TemporaryDirectory(prefix=f"{_process_of(worker)}-", dir=scratch_folder()) as folder:
        yield Path(folder)


def free_bytes() -> int:
    """How much is free where trainings write."""
    return shutil.disk_usage(scratch_folder()).free


def memory_for_one_of(trainings: int) -> int:
    """Bytes for each of so many trainings at once on this machine, or in the container we are in."""
    return int(memory_of_machine() * share_of_memory_for_trainings / max(1, trainings))


def _process_of(worker: str) -> str:
    _host, machine, process = worker.rsplit("/", 2)
    return f"{machine}_{process}"


def clear_scratch() -> None:
    """Removes the working folders of workers that were killed on this machine."""
    _clear(scratch_folder())


@contextmanager
def node_folder() -> Iterator[Path]:
    """An empty folder on a node of a cluster, which has no folder of ours: in the system's for temporary files. What
    trainings that were killed there left of tickets goes first. Raises OSError where there is no room."""
    _clear(Path(tempfile.gettempdir()), prefix=on_a_node)
    with tempfile.TemporaryDirectory(prefix=f"{on_a_node}{_process_of(this_worker())}-") as folder:
        yield Path(folder)


def _clear(parent: Path, *, prefix: str = "") -> None:
    for folder in parent.glob(f"{prefix}*"):
        machine, _, process = folder.name.removeprefix(prefix).rsplit("-", 1)[0].rpartition("_")
        if is_gone(f"here/{machine}/{process}"):
            shutil.rmtree(folder, ignore_errors=True)
