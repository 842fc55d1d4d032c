"""Work for jobs, as hostile as a stranger's file can make it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from otai.errors import Invalid
from otai.jobs.confined import leave_network
from otai.jobs.handing import handed
from otai.jobs.work import Bounds, JobKind, JobLane, JobOutcome, ResultOnly, Tell


def answer(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    return {
        "said": spec["say"],
        "settings": sorted(name for name in os.environ if name.startswith(("OTAI_", "DJANGO_"))),
    }


def look_around(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """What a file that takes a reader over could reach."""

    def tried(reach: Callable[[], Any]) -> Any:
        try:
            return reach()
        except OSError as error:
            return type(error).__name__

    rights = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line]
    return {
        "network": tried(lambda: socket.create_connection(("127.0.0.1", spec["port"]), timeout=2) and "reached"),
        "socket": tried(lambda: socket.socket(socket.AF_UNIX).connect(spec["socket"]) or "reached"),
        "hidden": [tried(Path(path).read_text) for path in spec["hidden"]],
        "who began it": tried(lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes() and "read"),
        "rights": rights,
        "said": (folder / "stderr").read_text(),
        "secrets": sorted(name for name in os.environ if name.startswith(("OTAI_", "AWS_", "PG"))),
    }


def reach_out(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """As a job that asks a helpdesk: first with a network and a secret, then without."""
    secret, left = handed(folder), sorted(path.name for path in folder.iterdir())
    before = look_around(spec, folder, tell)
    leave_network()
    return {"secret": secret, "left": left, "before": before, "after": look_around(spec, folder, tell)}


def refuse(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    raise Invalid(written="This is no table.", code="no_table", row=7)


def eat(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    held = []
    while True:
        held.append(bytearray(32 << 20))


def spin(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    while True:
        pass


def sleep(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    # A child of its own, as a library may start one.
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    # Which it would remove itself at its end, if it came to that.
    Path(spec["pids"]).with_name("unpacked").write_text(tempfile.mkdtemp())
    Path(spec["pids"]).write_text(f"{os.getpid()} {child.pid}")
    for second in range(1200):
        tell(rows=second, bytes_read=second, bytes_total=1200)
        time.sleep(0.1)
    return {}


def hold(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    held = bytearray(b"x") * (230 << 20)
    Path(spec["pids"]).write_text(str(os.getpid()))
    for _ in range(1200):
        tell(rows=len(held))
        time.sleep(0.1)
    return {}


def write(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    with (folder / "much").open("wb") as file:
        while True:
            file.write(bytes(1 << 20))


def abort_for_memory(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    """As libraries in C++ do, of which nobody catches a std::bad_alloc."""
    try:
        eat(spec, folder, tell)
    except MemoryError:
        os.abort()
    raise AssertionError("it ate without end")


def die(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    os.abort()


def raise_(spec: Mapping[str, Any], folder: Path, tell: Tell) -> dict[str, Any]:
    raise RuntimeError("a bug of ours")


class Failing(ResultOnly):
    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        raise Invalid(written="It cannot be recorded.", code="not_recorded")


def kind(
    name: str,
    *,
    lane: JobLane = JobLane.QUICK,
    recorder: ResultOnly | None = None,
    by_size: bool = False,
    reaches_out: bool = False,
    **bounds: Any,
) -> JobKind:
    within = {"memory_bytes": 256 << 20, "cpu_seconds": 20, "wall_seconds": 30.0, "file_bytes": 8 << 20} | bounds
    reads = (lambda spec: [spec["source"]]) if by_size else None
    work = f"tests.jobs.work:{name}"
    recorder = recorder or ResultOnly()
    return JobKind(name, work, lane, lambda: Bounds(**within), recorder, reads=reads, reaches_out=reaches_out)
