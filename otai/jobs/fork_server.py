"""`python -m otai.jobs.fork_server PARENT`: loads the libraries once and forks a bounded process for each job, so that
a small one takes milliseconds.

Reads one JSON line for each job on standard input: {"job", "work": "module:function", "folder", "memory_bytes",
"cpu_seconds", "file_bytes", "hidden", "reaches_out"}, where the folder holds `spec.json`, `hidden` names files that it
is not to see (null: it is not confined) and one that `reaches_out` has a network; or {"kill": JOB}. Writes lines:
{"job", "pid"}, {"job", "told": {...}}, {"job", "exit": CODE or -SIGNAL, "grown_bytes"}, the last being how much
resident memory it took at most beyond ours. A job leaves `result.json` in its folder, whole, if it came to its end.

It has one thread, as a process that forks must. When PARENT, the number of the process that started it, is gone, it
kills every job with all that it started and ends: the kernel says so by a signal, and the end of its input does.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from otai.errors import OtaiError
from otai.jobs import confined
from otai.jobs.child import work_and_exit

PR_SET_PDEATHSIG = 1
seconds_between_tellings = 0.2
most_line_bytes = 4000
"""Below PIPE_BUF, so that lines of several jobs do not mix."""


class Server:
    def __init__(self, parent: int) -> None:
        self.parent = parent
        # Libraries that print must not write into our lines.
        self.lines = os.dup(1)
        os.dup2(2, 1)
        self.pids: dict[int, str] = {}
        self.held: dict[int, int] = {}
        self.loaded: set[str] = set()
        self._rest = b""

    def serve(self) -> None:
        """Reads commands (JSON, one a line) and reaps jobs until standard input closes or the parent is gone; never
        returns."""
        # Kindly, so that what the jobs started goes too; they themselves are killed with us.
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        die_with(self.parent, by=signal.SIGTERM)
        woken, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)
        while True:
            readable, _, _ = select.select([0, woken], [], [])
            if woken in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 4096)
            self.reap()
            if 0 in readable:
                data = os.read(0, 1 << 16)
                if not data:
                    self.end()
                *lines, self._rest = (self._rest + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))

    def obey(self, asked: dict[str, Any]) -> None:
        """Carries out one command: starts a job in a forked process, or kills one with all that it started."""
        if "kill" in asked:
            for pid in [pid for pid, job in self.pids.items() if job == asked["kill"]]:
                kill(pid)
            return
        with contextlib.suppress(Exception):
            # Loaded here, it is there for all jobs that follow; what is wrong with it, the job will say.
            self.load(asked["work"].partition(":")[0])
        ours, server = inherited_bytes(), os.getpid()
        pid = os.fork()
        if pid == 0:
            work_and_exit(partial(self._begin, asked, server))
        self.held[pid] = ours
        self.pids[pid] = asked["job"]
        self.say(job=asked["job"], pid=pid)

    def _begin(self, asked: dict[str, Any], server: int) -> None:
        signal.set_wakeup_fd(-1)
        do(asked, self.lines, server)

    def load(self, module: str) -> None:
        """The module, and what its `get_ready` loads, which may start no thread."""
        if module not in self.loaded:
            self.loaded.add(module)
            getattr(import_module(module), "get_ready", lambda: None)()

    def reap(self) -> None:
        """Says of each job that has ended its exit code and by how many bytes it grew, and kills what it left."""
        while self.pids:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            if (job := self.pids.pop(pid, None)) is not None:
                # Whatever it started goes with it.
                kill(pid)
                grown = max(0, (usage.ru_maxrss << 10) - self.held.pop(pid, 0))
                self.say(job=job, exit=os.waitstatus_to_exitcode(status), grown_bytes=grown)

    def say(self, **line: Any) -> None:
        """Writes one line of JSON to the Studio; where nobody reads, the server ends."""
        try:
            os.write(self.lines, json.dumps(line).encode() + b"\n")
        except OSError:
            self.end()

    def end(self) -> None:
        """Kills all jobs and ends the process."""
        for pid in self.pids:
            kill(pid)
        os._exit(0)


def inherited_bytes() -> int:
    """How much resident memory a forked process has of ours before it does anything: what we wrote. Libraries that are
    mapped from files count for it only once it uses them."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        return _of_status("RssAnon")
    return int(psutil.Process().memory_info().rss)


def _of_status(name: str) -> int:
    """Bytes that Linux says of this process. Raises StopIteration where it does not say so."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(f"{name}:")).split()[1]) << 10


def kill(pid: int) -> None:
    """The job's whole group; before it has one, the process alone."""
    for each in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            each(pid, signal.SIGKILL)


def die_with(parent: int, *, by: signal.Signals) -> None:
    """The kernel sends this process that signal when `parent`, which started it, is gone (Linux). It may be gone
    already: then we end here."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os._exit(0)


def do(asked: dict[str, Any], lines: int, server: int) -> None:
    """In the job's own process: bounds first, then the work."""
    os.setsid()
    die_with(server, by=signal.SIGKILL)
    # Python ignores the last, and a library may take the error that comes instead for its own affair.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    folder = Path(asked["folder"])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    said = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(said, descriptor)
    # What is unpacked or sorted out on the way holds tickets too, and goes with the folder, however this process ends.
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    bound(asked)
    if asked["hidden"] is not None:
        confine(asked["hidden"], reaches_out=asked["reaches_out"])
        # Some systems forget it with what a process may do.
        die_with(server, by=signal.SIGKILL)
    result = work(asked, folder, teller(asked["job"], lines))
    text = json.dumps(result, ensure_ascii=False)
    unfinished = folder / ".result.json"
    # A lone half of a character is no text, and the database would refuse it.
    unfinished.write_bytes(text.encode("utf-8", errors="replace"))
    unfinished.replace(folder / "result.json")


def confine(hidden: list[str], *, reaches_out: bool) -> None:
    """No network unless it `reaches_out`, no sockets of this machine, no sight of these files, and none of the memory
    of the server and of other jobs, where Linux lets us; where it does not, the job goes on, and its log says so."""
    try:
        confined.confine(hidden, network=reaches_out)
        confined.drop_rights()
        confined.keep_to_network() if reaches_out else confined.keep_to_itself()
    except (OSError, AttributeError) as error:
        os.write(2, f"Not confined, as this system does not allow it ({error}).\n".encode())


def bound(asked: dict[str, Any]) -> None:
    """Sets this process's limits as asked: memory and files in bytes, processor time in seconds. Cannot be undone."""
    os.nice(5)
    with contextlib.suppress(OSError):
        # Where the machine runs out of memory all the same, it takes a job and not the Studio.
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_bytes"], asked["file_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu_seconds"], asked["cpu_seconds"] + 2))
    held = 0
    with contextlib.suppress(OSError, ValueError, StopIteration):
        held = _of_status("VmData")
    most = held + asked["memory_bytes"]
    # Written memory of our own. The address space as a whole says little: libraries reserve much that they never use.
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def work(asked: dict[str, Any], folder: Path, tell: Callable[..., None]) -> dict[str, Any]:
    """What belongs into result.json: {"values"}, {"refused"} by the work itself, or {"failed": CODE}."""
    module, _, name = asked["work"].partition(":")
    try:
        spec = json.loads((folder / "spec.json").read_text())
        return {"values": getattr(import_module(module), name)(spec, folder, tell)}
    except OtaiError as error:
        return {"refused": {**error.as_dict(), "kind": error.kind, "message": error.written}}
    except MemoryError:
        traceback.print_exc()
        return {"failed": "job_out_of_memory"}


def teller(job: str, lines: int) -> Callable[..., None]:
    """The `tell` of a job's work: what it is told goes out as a line of JSON, at most once in
    `seconds_between_tellings`."""
    last = 0.0

    def tell(**told: int) -> None:
        nonlocal last
        if time.monotonic() - last < seconds_between_tellings:
            return
        last = time.monotonic()
        with contextlib.suppress(OSError):
            os.write(lines, json.dumps({"job": job, "told": told}).encode()[:most_line_bytes] + b"\n")

    return tell


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve()
