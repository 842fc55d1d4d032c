"""Processes of ours that do costly work: what they hold, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import psutil


def memory_of_group(group: int) -> int:
    """Resident bytes of all processes of the group. Pages they share count for each: too much rather than too
    little."""
    used = 0
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(pid) == group:
                used += psutil.Process(pid).memory_info().rss
    return used


def memory_of_machine() -> int:
    """Bytes that this machine has, or that the container we are in may hold."""
    total = psutil.virtual_memory().total
    # The container's limit; absent outside of one, "max" where there is none.
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total


def kernel_killed_for_memory() -> int:
    """How many processes the kernel has killed for want of memory since the machine started, as far as it tells us
    (Linux), here and in our cgroup."""
    counted = 0
    for path in (Path("/proc/vmstat"), _events_of_our_cgroup()):
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    counted += int(number)
    return counted


def _events_of_our_cgroup() -> Path:
    try:
        group = Path("/proc/self/cgroup").read_text().splitlines()[-1].rpartition("::")[2]
    except (OSError, IndexError):
        group = "/"
    return Path("/sys/fs/cgroup") / group.strip("/") / "memory.events"


def kill_group(process: subprocess.Popen[str], *, seconds_to_stop_kindly: float) -> None:
    """Ends the process, which leads a group of its own, and all it started: kindly first, then for certain."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds_to_stop_kindly)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_HOW = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS"),
        *("TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", "SYSTEMROOT", "CPATH"),
    }
)
_HOW_BEGINS = (
    *("LC_", "LD_", "DYLD_", "PYTHON", "MALLOC_", "XDG_"),
    *("CUDA_", "NVIDIA_", "TORCH_", "PYTORCH_", "MKL_", "OMP_", "OPENBLAS_", "KMP_", "GOTO_"),
)


def environment_without_settings(*, threads: int) -> dict[str, str]:
    """An environment for costly work, which needs neither the database nor any secret: of this process's only what says
    how programs run here, by name, so that a secret that nobody thought of stays out as well."""
    kept = {name: value for name, value in os.environ.items() if name in _HOW or name.startswith(_HOW_BEGINS)}
    # Threads beyond the free cores make each other wait; an idle one must not spin meanwhile.
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {**kept, **{name: str(threads) for name in names}, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
