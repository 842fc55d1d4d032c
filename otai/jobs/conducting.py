"""Following one job from its place in the queue to its rows. One thread at a time does it, and another may go on where
it stopped."""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction

from otai.db import give_back_connection, utc_now
from otai.errors import OtaiError
from otai.jobs.admission import take_place
from otai.jobs.child import OUT_OF_MEMORY
from otai.jobs.failures import failure, refusal_of
from otai.jobs.folders import folder_of
from otai.jobs.handing import hand
from otai.jobs.models import Job
from otai.jobs.processes import kernel_killed_for_memory, memory_of_group
from otai.jobs.server import Flight, end_job, server
from otai.jobs.status import JobStatus
from otai.jobs.work import Bounds, JobKind, JobOutcome

log = logging.getLogger(__name__)

look_every_seconds = 0.1
write_every_seconds = 1.0
weigh_every_seconds = 0.5
memory_of_the_libraries = 512 << 20
"""Shared with the server that forks, and counted for each process all the same."""
most_result_bytes = 256 << 20
starts_tried = 3
share_near_the_bound = 0.8
own_faults = frozenset(
    -number for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP)
)
"""Exits of a process that a library of its own broke off. Nobody outside sends these."""


def work_alone(kind: JobKind, spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The work in a process within its bounds, for somebody on this machine: without a row, a queue or anything that
    stays.

    Raises what the work refuses, and a failure (`failures.py`) where its process ended before."""
    bounds = kind.bounds_for(spec)
    (folder / "spec.json").write_text(json.dumps(spec))
    flight = server().fly(job=str(folder), work=kind.work, folder=folder, bounds=bounds)
    began = time.monotonic()
    killed_before = kernel_killed_for_memory()
    code = ""
    broken_off: OtaiError | None = None
    try:
        while not code:
            try:
                heard = flight.messages.get(timeout=look_every_seconds)
            except queue.Empty:
                heard = {}
            if "exit" in heard:
                broken_off = _broken_off(kind, heard, bounds, most_held=0)
                code = "" if heard["exit"] == 0 else _code_of(heard, bounds, most_held=0, killed_before=killed_before)
                break
            if time.monotonic() - began > bounds.wall_seconds:
                code = "job_took_too_long"
    finally:
        flight.end()
    if broken_off is not None:
        raise broken_off
    left: dict[str, Any] = {"failed": code} if code else json.loads((folder / "result.json").read_text())
    if "values" in left:
        return dict(left["values"])
    if "refused" in left:
        refused = left["refused"]
        raise refusal_of(refused)
    raise failure(left["failed"], bounds)


class _MovedMeanwhile(Exception):
    """Somebody ended the job; what was about to be written is not."""


@dataclass
class Conducting:
    job: Job
    kind: JobKind
    spec: dict[str, Any]
    secret: str = field(default="", repr=False)
    """Handed to a process that reaches out; in no row and no file."""
    flight: Flight | None = None
    _bounds: Bounds | None = None
    _began: float = 0.0
    _written: float = 0.0
    _weighed: float = 0.0
    _starts: int = 0
    _most_held: int = 0
    _killed_before: int = 0
    _handing: int | None = None
    _told: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the job's files lie until it has ended."""
        return folder_of(self.job.id)

    def proceed(self, *, until: float | None = None, on_progress: Callable[[Job], None] | None = None) -> bool:
        """Follows the job until it has ended (True), or until the monotonic clock says `until` (False)."""
        while not self.job.has_ended:
            if until is not None and time.monotonic() >= until:
                return False
            if self.flight is None:
                self._wait_for_place()
            else:
                self._watch(self.flight)
            if on_progress is not None:
                on_progress(self.job)
        return True

    def proceed_apart(self) -> None:
        """To the end, in a thread of its own with its own connection."""
        threading.Thread(target=self._to_the_end, name=f"job {self.job.id}", daemon=True).start()

    def _to_the_end(self) -> None:
        try:
            while True:
                try:
                    if self.proceed():
                        return
                except DatabaseError:
                    log.warning("job %s waits for the database", self.job.id, exc_info=True)
                    connection.close()
                    time.sleep(1.0)
        except Exception:
            log.exception("job %s could not be conducted", self.job.id)
            # Else it is found silent, and ended, by whoever looks.
            with suppress(Exception):
                self._fail("job_died")
        finally:
            connection.close()

    # Before it begins.

    def _wait_for_place(self) -> None:
        if take_place(self.job, now=utc_now()):
            self.job.look_again()
            self._start()
            return
        give_back_connection()
        time.sleep(look_every_seconds)
        if self._is_time_to_write() and not self._still(JobStatus.QUEUED):
            self._ended_by_another()

    def _start(self) -> None:
        bounds = self._bounds = self.kind.bounds_for(self.spec)
        (self.folder / "spec.json").write_text(json.dumps(self.spec))
        self._began = time.monotonic()
        self._killed_before = kernel_killed_for_memory()
        while self.flight is None:
            self._starts += 1
            self._hand()
            try:
                self.flight = server().fly(
                    job=str(self.job.id),
                    work=self.kind.work,
                    folder=self.folder,
                    bounds=bounds,
                    reaches_out=self.kind.reaches_out,
                )
            except OSError:
                if self._starts >= starts_tried:
                    self._fail("job_died")
                    return

    def _hand(self) -> None:
        self._end_handing()
        if self.secret:
            self._handing = hand(self.folder, self.secret)

    def _end_handing(self) -> None:
        if self._handing is not None:
            os.close(self._handing)
            self._handing = None

    # While it runs.

    def _watch(self, flight: Flight) -> None:
        bounds = self._bounds or self.kind.bounds()
        now = time.monotonic()
        if now - self._began > bounds.wall_seconds:
            self._fail("job_took_too_long")
            return
        if flight.pid is not None and now - self._weighed >= weigh_every_seconds:
            self._weighed = now
            self._most_held = max(self._most_held, memory_of_group(flight.pid))
            if self._most_held > bounds.memory_bytes + memory_of_the_libraries:
                self._fail("job_out_of_memory")
                return
        try:
            message = flight.messages.get(timeout=look_every_seconds)
        except queue.Empty:
            message = {}
        if "told" in message:
            self._take(message["told"])
        if "exit" in message:
            self._finish(message)
        elif self._is_time_to_write() and not self._still(JobStatus.RUNNING):
            self._ended_by_another()

    def _take(self, told: dict[str, Any]) -> None:
        names = {"rows": "rows_read", "bytes_read": "bytes_read", "bytes_total": "bytes_total"}
        for name, column in names.items():
            if isinstance(value := told.get(name), int) and 0 <= value < 1 << 62:
                self._told[column] = value
                setattr(self.job, column, value)

    def _is_time_to_write(self) -> bool:
        if time.monotonic() - self._written < write_every_seconds:
            return False
        self._written = time.monotonic()
        return True

    def _still(self, status: JobStatus) -> bool:
        """Says that we are here and how far the job is; False: somebody ended it."""
        here = Job.objects.filter(id=self.job.id, status=status)
        found = here.update(heartbeat_at=utc_now(), **self._told)
        # Whoever follows a job waits most of the time.
        give_back_connection()
        return bool(found)

    # Its end.

    def break_off(self) -> None:
        """Ends the job here and now, since whoever follows it is asked to stop: its process, its files, its row."""
        end_job(str(self.job.id))
        self._end_handing()
        # Files first: they hold words of tickets, and the database may not answer somebody who was interrupted.
        shutil.rmtree(self.folder, ignore_errors=True)
        changes = {"status": JobStatus.CANCELLED, "ended_at": utc_now(), **self._told}
        with suppress(DatabaseError):
            Job.objects.filter(id=self.job.id, ended_at__isnull=True).update(**changes)
            self.job.look_again()

    def _finish(self, message: dict[str, Any]) -> None:
        # The process is gone, and its last words count.
        exit_code: int | None = message["exit"]
        path = self.folder / "result.json"
        if exit_code is None and self.flight is not None and self.flight.pid is None and self._starts < starts_tried:
            # The server died before it began, so nothing of it has happened.
            self.flight = None
            self._start()
            return
        bounds, held, before = self._bounds or self.kind.bounds(), self._most_held, self._killed_before
        if (broken_off := _broken_off(self.kind, message, bounds, most_held=held)) is not None:
            # The file's fault, and said to whoever sent it: no fault of ours in the log of the Studio.
            log.info("job %s (%s) was broken off by its file: %s", self.job.id, self.job.kind, exit_code)
            self._refuse(broken_off)
            return
        if exit_code != 0 and self.kind.hindered is not None and (why := self.kind.hindered(self.spec)) is not None:
            self._refuse(why)
            return
        if exit_code != 0 or not path.is_file():
            self._log_last_words(exit_code)
            self._fail(_code_of(message, bounds, most_held=held, killed_before=before))
            return
        if path.stat().st_size > most_result_bytes:
            self._fail("job_too_large")
            return
        left = json.loads(path.read_text())
        if "failed" in left:
            self._fail(left["failed"])
        elif "refused" in left:
            refused = left["refused"]
            self._refuse(refusal_of(refused))
        else:
            self._record(left["values"])

    def _record(self, values: dict[str, Any]) -> None:
        now = utc_now()
        outcome = JobOutcome(self.job.organisation_id, self.spec, values, self.folder, now)
        recorder = self.kind.recorder
        try:
            stored = recorder.store(outcome)
        except OtaiError as error:
            self._refuse(error)
            return
        try:
            with transaction.atomic():
                # The move comes first: it takes the row, so that nobody cancels what is being written.
                here = Job.objects.filter(id=self.job.id, status=JobStatus.RUNNING)
                if not here.update(status=JobStatus.DONE, ended_at=now, heartbeat_at=now, **self._told):
                    raise _MovedMeanwhile
                result = recorder.record(outcome, stored)
                Job.objects.filter(id=self.job.id).update(result=result)
        except _MovedMeanwhile:
            recorder.discard(stored)
            self._ended_by_another()
            return
        except OtaiError as error:
            recorder.discard(stored)
            self._refuse(error)
            return
        except BaseException:
            recorder.discard(stored)
            raise
        recorder.done(outcome)
        self._tidy()

    def _refuse(self, error: OtaiError) -> None:
        self._end(
            JobStatus.FAILED,
            error_code=error.code[:60],
            error_case=error.case,
            error_kind=error.kind,
            error_message=error.written,
            error_values=error.details,
        )

    def _fail(self, code: str) -> None:
        error = failure(code, self._bounds or self.kind.bounds())
        self._refuse(error)

    def _end(self, status: JobStatus, **changes: Any) -> None:
        if self.flight is not None:
            self.flight.end()
        now = utc_now()
        changes |= {"status": status, "ended_at": now, "heartbeat_at": now, **self._told}
        Job.objects.filter(id=self.job.id, ended_at__isnull=True).update(**changes)
        self._tidy()

    def _ended_by_another(self) -> None:
        if self.flight is not None:
            self.flight.end()
        self._tidy()

    def _tidy(self) -> None:
        self._end_handing()
        # Files first: the row may be forgotten already.
        shutil.rmtree(self.folder, ignore_errors=True)
        self.job.look_again()

    def _log_last_words(self, exit_code: int | None) -> None:
        try:
            words = (self.folder / "stderr").read_text(errors="replace")[-2000:]
        except OSError:
            words = ""
        log.error("job %s (%s) ended with %s: %s", self.job.id, self.job.kind, exit_code, words)


def _broken_off(kind: JobKind, message: dict[str, Any], bounds: Bounds, *, most_held: int) -> OtaiError | None:
    """What the kind says of a process that broke off by itself; None where it did not, where its kind says nothing, and
    where it had reached its bound of memory: libraries abort then (std::bad_alloc), whatever the file."""
    if kind.broken_off is None or message["exit"] not in own_faults:
        return None
    if _was_near_the_bound(message, bounds, most_held=most_held):
        return None
    return kind.broken_off()


def _code_of(message: dict[str, Any], bounds: Bounds, *, most_held: int, killed_before: int) -> str:
    """Why a process ended without a result, as its exit tells. `most_held`: resident bytes that were seen of it with
    all it started; `killed_before`: how many processes the kernel had killed for want of memory when it began."""
    exit_code: int | None = message["exit"]
    if exit_code == OUT_OF_MEMORY:
        return "job_out_of_memory"
    if exit_code == -signal.SIGXCPU:
        return "job_took_too_long"
    if exit_code == -signal.SIGXFSZ:
        return "job_too_large"
    # Not by us: by the kernel for want of memory, or by somebody for reasons that say nothing about the file.
    was_killed = exit_code == -signal.SIGKILL
    was_near = _was_near_the_bound(message, bounds, most_held=most_held)
    if was_near and (was_killed or exit_code in own_faults):
        return "job_out_of_memory"
    if was_killed and kernel_killed_for_memory() > killed_before:
        return "job_out_of_memory"
    return "job_died"


def _was_near_the_bound(message: dict[str, Any], bounds: Bounds, *, most_held: int) -> bool:
    grown = max(int(message.get("grown_bytes", 0)), most_held - memory_of_the_libraries)
    return grown > share_near_the_bound * bounds.memory_bytes
