"""What a figure was measured on, for the line above each table."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def measured_on() -> str:
    """For example: `2026-11-22, 2 cores of Intel(R) Xeon(R), Python 3.11.7`."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{datetime.now(tz=UTC):%Y-%m-%d}, {cores} cores of {model}, Python {platform.python_version()}"
