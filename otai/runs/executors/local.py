"""Trains in a process of its own on this machine, killed as a group when it is no longer wanted."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from otai.jobs.confining import confining, secret_files
from otai.jobs.processes import environment_without_settings, kill_group, memory_of_group
from otai.learning.evidence.nvml import gpu_name
from otai.learning.process import processor_name
from otai.runs.executors import Failed, Stopped, TrainedFiles, TrainingResult, TrainingSpec, Watch
from otai.runs.executors.gpus import environment_of_own_gpu
from otai.runs.executors.process_protocol import OUT_OF_MEMORY, ProcessReport, fault, most_log_characters

most_result_bytes = 256 * 2**20
seconds_to_stop_kindly = 5.0

weigh_every_seconds = 0.5
"""How often the memory of the training is looked at: it can take a gigabyte or two in that time, which the limit leaves
room for."""

_END = object()


@dataclass
class LocalExecutor:
    """`command` is the training process, given the path of its spec as last argument."""

    command: tuple[str, ...] = (sys.executable, "-m", "otai.learning.process")
    hardware: str = field(default_factory=lambda: this_machine())
    hidden: tuple[Path, ...] = field(default_factory=lambda: secret_files())
    """Files that the training does not see, where the system can hide them (`otai.jobs.confined`)."""

    def why_no_room(self) -> str | None:
        """There is always room on this machine."""
        return None

    def execute(
        self, spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float
    ) -> TrainingResult:
        """Trains in a process of its own, which ends with this one; see `Executor`."""
        # Before it begins: in a folder that is covered for it, nothing can be made.
        for folder in filter(None, (spec.output_dir, spec.checkpoint_dir, spec.vectors_dir)):
            folder.mkdir(parents=True, exist_ok=True)
        spec_path = spec.output_dir / "spec.json"
        spec_path.write_text(
            json.dumps(
                {
                    "tickets": str(spec.tickets),
                    "attributes": [dict(attribute) for attribute in spec.attributes],
                    "mode": spec.mode,
                    "seed": spec.seed,
                    "assurance": spec.assurance,
                    "seconds": spec.seconds,
                    "output_dir": str(spec.output_dir),
                    "threads": spec.threads,
                    "checkpoint_dir": str(spec.checkpoint_dir) if spec.checkpoint_dir else None,
                    "encoders_dir": str(spec.encoders_dir) if spec.encoders_dir else None,
                    "vectors_dir": str(spec.vectors_dir) if spec.vectors_dir else None,
                }
            )
        )
        with environment_of_own_gpu(spec.mode) as gpu:
            return self._train(spec_path, spec, gpu, watch=watch, watch_every_seconds=watch_every_seconds)

    def _train(
        self,
        spec_path: Path,
        spec: TrainingSpec,
        gpu: Mapping[str, str],
        *,
        watch: Callable[[Watch], bool],
        watch_every_seconds: float,
    ) -> TrainingResult:
        process = subprocess.Popen(
            [*confining(self.hidden, unless="OTAI_CONFINE_TRAININGS"), *self.command, str(spec_path)],
            # The training ends when this pipe closes, so it cannot outlive a worker that was killed.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**environment_without_settings(threads=spec.threads), **gpu},
            start_new_session=True,
        )
        try:
            return _follow(process, spec, watch=watch, watch_every_seconds=watch_every_seconds)
        finally:
            kill_group(process, seconds_to_stop_kindly=seconds_to_stop_kindly)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


def _follow(
    process: subprocess.Popen[str], spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float
) -> TrainingResult:
    progress = ProcessReport()
    lines: queue.Queue[Any] = queue.Queue(maxsize=10_000)
    readers = [
        threading.Thread(target=_read_lines, args=(stream, lines), daemon=True)
        for stream in (process.stdout, process.stderr)
    ]
    for reader in readers:
        reader.start()
    began = last_watched = last_weighed = time.monotonic()
    open_streams = len(readers)
    while open_streams:
        now = time.monotonic()
        if spec.memory_limit_bytes is not None and now - last_weighed >= weigh_every_seconds:
            last_weighed = now
            if (used := memory_of_group(process.pid)) > spec.memory_limit_bytes:
                message = (
                    f"The training needed more memory than its limit of {spec.memory_limit_bytes / 2**30:.1f} GiB "
                    f"(it had {used / 2**30:.1f} GiB)."
                )
                return Failed(False, OUT_OF_MEMORY, message, progress.log)
        if now - began > spec.time_limit_seconds:
            message = f"The training took longer than its limit of {spec.time_limit_seconds:.0f} s."
            return Failed(False, "time_limit", message, progress.log)
        if now - last_watched >= watch_every_seconds:
            last_watched = now
            if not watch(progress.as_watch()):
                return Stopped(progress.log)
        try:
            until_watch = watch_every_seconds - (time.monotonic() - last_watched)
            line = lines.get(timeout=max(0.01, min(until_watch, weigh_every_seconds)))
        except queue.Empty:
            continue
        if line is _END:
            open_streams -= 1
            continue
        stage_before = progress.stage
        progress.read(line)
        # A new stage is told at once: it may be a state of the run.
        if progress.stage != stage_before:
            last_watched = time.monotonic()
            if not watch(progress.as_watch()):
                return Stopped(progress.log)
    exit_code = process.wait()
    return _result(spec.output_dir, exit_code, progress)


def _read_lines(stream: IO[str] | None, lines: queue.Queue[Any]) -> None:
    assert stream is not None
    # ValueError: the stream was closed because nobody wants the result any more.
    with contextlib.suppress(ValueError, OSError):
        while line := stream.readline(most_log_characters):
            lines.put(line)
    lines.put(_END)


def _result(output_dir: Path, exit_code: int, progress: ProcessReport) -> TrainingResult:
    path = output_dir / "result.json"
    if not path.is_file():
        if exit_code < 0:
            name = signal.Signals(-exit_code).name
            hint = " It was most likely out of memory." if -exit_code == signal.SIGKILL else ""
            return Failed(False, "process_died", f"The training process was ended by {name}.{hint}", progress.log)
        return fault(f"The training process ended with code {exit_code} and no result.", progress.log)
    try:
        return _read_result(output_dir, json.loads(path.read_text()), progress)
    except (ValueError, OSError) as error:
        return Failed(False, "crash", f"The training process left a result that cannot be read: {error}", progress.log)


def _read_result(output_dir: Path, result: Any, progress: ProcessReport) -> TrainingResult:
    match result:
        case {"outcome": "completed", "bundle": str(bundle), "bundle_sha256": str(sha256), "report_card": str(card)}:
            report_card = output_dir / card
            if report_card.stat().st_size > most_result_bytes:
                return Failed(False, "crash", "The report card is larger than any can be.", progress.log)
            return TrainedFiles(output_dir / bundle, sha256, json.loads(report_card.read_text()), progress.log)
        case {"outcome": "failed", "failure": str(failure), "code": str(code), "message": str(message)}:
            if failure != "input" and code == "crash":
                return fault(message, progress.log)
            return Failed(failure == "input", code, message, progress.log, fact=result.get("fact") or {})
    raise ValueError("not a result")


def this_machine() -> str:
    """What this machine really is, for the run's page: names and numbers alone, which every language reads. With a GPU,
    the one that a training of this process uses."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    return ", ".join([f"{processor_name()}, {cores} CPU, {memory:.0f} GiB", *filter(None, [gpu_name()])])
