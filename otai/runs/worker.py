"""A worker: claims a run, has it trained, settles it; and again. Between the transactions, never inside one, lies the work."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import psutil
from django.conf import settings
from django.db import close_old_connections, transaction

from otai.db import utc_now
from otai.pricing.price_book import Mode
from otai.pricing.settlement import Ending
from otai.runs import queue
from otai.runs.executors import Executor, Failed, Result, Stopped, Trained, TrainingSpec, Watch
from otai.runs.models import Run
from otai.runs.operations import Claimed, Outcome, RunMoved, end_run, record_progress
from otai.tickets.files import file_store

log = logging.getLogger(__name__)

time_limit_seconds = {Mode.BASIC: 2 * 3600.0, Mode.BUSINESS: 6 * 3600.0, Mode.MAXIMUM: 24 * 3600.0}
"""A training that takes longer than this hangs: several times the longest promise."""

idle_seconds = 0.5


def this_worker() -> str:
    """A name that tells this process from every other, ever: `host/boot.namespace/pid.start`."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{_machine()}/{process.pid}.{process.create_time():.0f}"


def _machine() -> str:
    """The boot and process namespace we run in: only within one of them do process numbers mean anything."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return "unknown"
    return f"{boot}.{namespace}"


def is_gone(worker: str) -> bool:
    """True only when `worker` ran on this very machine and its process exists no more."""
    try:
        _host, machine, process = worker.rsplit("/", 2)
        pid, started = process.split(".")
        if machine == "unknown" or machine != _machine():
            return False
        return f"{psutil.Process(int(pid)).create_time():.0f}" != started
    except psutil.NoSuchProcess:
        return True
    except (ValueError, psutil.Error):
        return False


@dataclass
class Worker:
    executor: Executor
    name: str = field(default_factory=this_worker)
    clock: Callable[[], datetime] = utc_now
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    on_progress: Callable[[Run, Watch], None] = lambda run, watch: None
    on_end: Callable[[Run], None] = lambda run: None
    """Told after a run was settled or queued again: how the rooms above hear of it in this process."""

    def work(self, *, until: Callable[[], bool], run: UUID | None = None) -> None:
        """Claims and trains until `until()`; with `run`, that run alone. Returns between runs, never within one."""
        clear_scratch()
        while not until():
            if self.work_once(run=run) is None:
                time.sleep(idle_seconds)
            close_old_connections()

    def work_once(self, *, run: UUID | None = None) -> Run | None:
        """One attempt at the next run that waits (or at `run`), to its end. None: nothing waits."""
        for returned in queue.return_lost_runs(now=self.clock(), worker_is_gone=is_gone, who=self.name):
            log.warning(
                "run %s of %s was lost and is now %s", returned.number, returned.organisation_id, returned.status
            )
            self.on_end(returned)
        claimed = queue.claim(worker=self.name, hardware=self.executor.hardware, now=self.clock(), run=run)
        if claimed is None:
            return None
        return self._attempt(claimed)

    def _attempt(self, claimed: Claimed) -> Run:
        run, number = claimed.run, claimed.attempt.number
        log.info("run %s of organisation %s: attempt %s", run.id, run.organisation_id, number)

        def watch(seen: Watch) -> bool:
            still_ours = record_progress(
                run=run.id,
                attempt=number,
                stage=seen.stage,
                steps_done=seen.steps_done,
                steps_total=seen.steps_total,
                log=seen.log,
                now=self.clock(),
            )
            if still_ours:
                self.on_progress(run, seen)
            return still_ours

        with tempfile.TemporaryDirectory(prefix=f"{_process_of(self.name)}-", dir=_scratch()) as folder:
            # Training runs outside any transaction: it takes minutes and would hold the row all that time.
            result = self._execute(run, Path(folder), watch)
            if isinstance(result, Stopped):
                log.info("run %s: stopped, the attempt is no longer ours", run.id)
                run.refresh_from_db()
                return run
            outcome = self._outcome(run, result)
        try:
            ended = end_run(
                run=run.id, attempt=number, outcome=outcome, who=self.name, log=result.log, now=self.clock()
            )
        except RunMoved as moved:
            # Cancelled or taken over in the last moment: our result counts for nothing.
            log.info("run %s: %s", run.id, moved.message)
            run.refresh_from_db()
            return run
        self.on_end(ended)
        return ended

    def _execute(self, run: Run, folder: Path, watch: Callable[[Watch], bool]) -> Result:
        assert not transaction.get_connection().in_atomic_block, "no training inside a transaction"
        try:
            spec = TrainingSpec(
                tickets=file_store().local_path(run.data_set.file),
                attributes=run.attributes,
                mode=run.mode,
                seed=run.seed,
                output_dir=folder,
                threads=self.threads,
                time_limit_seconds=time_limit_seconds[Mode(run.mode)],
            )
            return self.executor.execute(spec, watch=watch, watch_every_seconds=queue.heartbeat_seconds)
        except Exception as error:
            log.exception("run %s: the attempt failed on our side", run.id)
            return Failed(False, "crash", f"{type(error).__name__}: {error}", log="")

    def _outcome(self, run: Run, result: Trained | Failed) -> Outcome:
        if isinstance(result, Trained):
            try:
                return self._store(run, result)
            except Exception as error:
                log.exception("run %s: the model could not be stored", run.id)
                result = Failed(False, "storage", f"The model could not be stored: {error}", result.log)
        ending = Ending.FAILED_INPUT if result.is_input else Ending.FAILED_SYSTEM
        return Outcome(ending, failure_code=result.code, failure_message=result.message)

    def _store(self, run: Run, trained: Trained) -> Outcome:
        stored = file_store().put(trained.bundle, folder=f"models/{run.organisation_id}", suffix=".otai")
        if stored.sha256 != trained.bundle_sha256:
            raise OSError("the model file changed between training and storing")
        return Outcome(
            Ending.COMPLETED,
            bundle_file=stored.path,
            bundle_sha256=stored.sha256,
            bundle_bytes=stored.bytes,
            report_card=trained.report_card,
        )


def _scratch() -> Path:
    """Working folders lie beside the files they become, not in a small temporary file system."""
    folder = Path(settings.OTAI_HOME) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _process_of(worker: str) -> str:
    _host, machine, process = worker.rsplit("/", 2)
    return f"{machine}_{process}"


def clear_scratch() -> None:
    """Removes the working folders of workers that were killed on this machine."""
    for folder in _scratch().iterdir():
        machine, _, process = folder.name.rsplit("-", 1)[0].rpartition("_")
        if is_gone(f"here/{machine}/{process}"):
            shutil.rmtree(folder, ignore_errors=True)
