"""What a kind of job is: the function that does the work, its bounds, and what becomes of its result. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID


class JobLane(StrEnum):
    """Somebody waits for what is quick; it does not queue behind what is long."""

    QUICK = "quick"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one job's process with all it starts. `file_bytes`: of one file that it writes."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    file_bytes: int = 16 << 30


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What the work left: its values, and the folder with its files until the job has ended."""

    organisation: UUID
    spec: Mapping[str, Any]
    values: dict[str, Any]
    folder: Path
    now: datetime


class Recorder(Protocol):
    """What a finished job becomes. `store` comes first and outside of any transaction, for files; `record` writes the
    rows in one transaction with the job's end and returns the job's result; then `done`, or `discard` to take back what
    was stored when `record` did not happen."""

    def store(self, outcome: JobOutcome) -> Any: ...

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]: ...

    def done(self, outcome: JobOutcome) -> None: ...

    def discard(self, stored: Any) -> None: ...


class ResultOnly:
    """Of a job that changes nothing: its values are its result."""

    def store(self, outcome: JobOutcome) -> Any:
        return None

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        return outcome.values

    def done(self, outcome: JobOutcome) -> None:
        return None

    def discard(self, stored: Any) -> None:
        return None


Tell = Callable[..., None]
"""tell(rows=, bytes_read=, bytes_total=): how far the work is, as often as it likes."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """`work` is "module:function" of a function (spec, folder, tell) -> values, which imports neither Django's tables
    nor settings. Its module may have a `get_ready()`, called once before the first job: what it loads, without starting
    a thread, later jobs find loaded."""

    name: str
    work: str
    lane: JobLane
    bounds: Callable[[], Bounds]
    recorder: Recorder
