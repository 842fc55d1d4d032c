"""This process's fork server: started with the first job, kept for the next ones, gone with this process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otai.jobs.confining import is_to_confine, secret_files
from otai.jobs.processes import environment_without_settings
from otai.jobs.work import Bounds

COMMAND = (sys.executable, "-m", "otai.jobs.fork_server")
seconds_to_end = 10.0


@dataclass
class Flight:
    """A job's process. `messages` gets {"told": {...}} and at last {"exit": CODE, "grown_bytes": N}; CODE is None for a
    server that died."""

    job: str
    server: ForkServer
    pid: int | None = None
    messages: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)

    def end(self) -> None:
        """Kills it with all that it started, and waits until it is gone: what it leaves can be removed then."""
        self.server.end(self.job)


class ForkServer:
    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        # The kernel ends a process with the thread that started it, so that thread lives as long as the process.
        self._keeper = threading.Thread(target=self._keep, name="jobs", daemon=True)
        self._keeper.start()
        self._ready.wait()

    @property
    def pid(self) -> int:
        """Of the server's process, which must have been started."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def fly(self, *, job: str, work: str, folder: Path, bounds: Bounds, reaches_out: bool = False) -> Flight:
        """Starts the job's process; one that `reaches_out` has a network. Raises OSError where the server is gone."""
        flight = Flight(job, self)
        with self._lock:
            self._flights[job] = flight
        asked = {
            "job": job,
            "work": work,
            "folder": str(folder),
            "memory_bytes": bounds.memory_bytes,
            "cpu_seconds": bounds.cpu_seconds,
            "file_bytes": bounds.file_bytes,
            "reaches_out": reaches_out,
            # Named anew for each job: a key that was changed meanwhile lies in another file.
            "hidden": [str(path) for path in secret_files()] if is_to_confine("OTAI_CONFINE_JOBS") else None,
        }
        if not self.say(asked):
            with self._lock:
                self._flights.pop(job, None)
            raise OSError("the server of jobs is gone")
        return flight

    def end(self, job: str) -> None:
        """Kills the job's process and waits for its end, which comes at once unless the machine is very busy."""
        until = time.monotonic() + seconds_to_end
        asked = False
        while job in self._flights and self.is_alive and time.monotonic() < until:
            asked = asked or self.say({"kill": job})
            time.sleep(0.01)

    def say(self, line: dict[str, Any]) -> bool:
        """False: nobody is there to hear it."""
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            with self._lock:
                process.stdin.write(json.dumps(line).encode() + b"\n")
                process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _keep(self) -> None:
        try:
            process = self._process = subprocess.Popen(
                [*COMMAND, str(os.getpid())],
                # When this pipe closes, because we are gone, the server kills its jobs and ends.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment_without_settings(threads=1),
                # A terminal's Ctrl-C is for us alone; it ends by our end.
                start_new_session=True,
            )
        finally:
            self._ready.set()
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                self._heard(json.loads(line))
        process.wait()
        with self._lock:
            lost, self._flights = list(self._flights.values()), {}
        for flight in lost:
            flight.messages.put({"exit": None})

    def _heard(self, message: dict[str, Any]) -> None:
        with self._lock:
            flight = self._flights.get(message["job"])
            if flight is not None and "exit" in message:
                del self._flights[message["job"]]
        if flight is None:
            return
        if "pid" in message:
            flight.pid = int(message["pid"])
        else:
            flight.messages.put(message)


_server: ForkServer | None = None
_starting = threading.Lock()


def server() -> ForkServer:
    """That of this process, started anew if it died."""
    global _server
    with _starting:
        if _server is None or not _server.is_alive:
            _server = ForkServer()
        return _server


def end_job(job: str) -> None:
    """Kills the process of that job of this process, if it has one, and waits for its end."""
    if _server is not None:
        _server.end(job)
