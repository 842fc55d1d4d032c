"""Which process a worker is, and whether it still lives as far as this machine can know."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil


def this_worker() -> str:
    """A name that tells this process from every other, ever: `host/boot.namespace/pid.start`."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{_machine()}/{process.pid}.{process.create_time():.0f}"


def this_machine() -> str:
    """What processes share that can see each other: `host/boot.namespace`."""
    return f"{socket.gethostname()}/{_machine()}"[:150]


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
