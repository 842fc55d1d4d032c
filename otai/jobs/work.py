"""What a kind of job is: the function that does the work, its bounds, and what becomes of its result. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from otai.errors import OtaiError


class JobLane(StrEnum):
    """Somebody waits for what is quick; it does not queue behind what is long. What is away waits for others' servers
    most of its time, and nobody here waits behind it."""

    QUICK = "quick"
    LONG = "long"
    AWAY = "away"


seconds_of_any_file = 120
least_bytes_per_second = 10_000
"""Packed tickets, with everything that is done with them, take a fiftieth of that time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one job's process with all it starts. `file_bytes`: of one file that it writes."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    file_bytes: int = 16 << 30

    def for_a_file(self, source_bytes: int) -> Bounds:
        """These, with processor time in proportion to the file: a place is not held for an hour by a file that is read
        in a second."""
        seconds = min(self.cpu_seconds, seconds_of_any_file + source_bytes // least_bytes_per_second)
        return replace(self, cpu_seconds=seconds)

    @property
    def seconds(self) -> int:
        """After which the work is ended, if it computes all the time."""
        return min(self.cpu_seconds, int(self.wall_seconds))


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What the work left: its values, and the folder with its files until the job has ended. `notes` are
    what one step of a recorder leaves for the next."""

    organisation: UUID
    spec: Mapping[str, Any]
    values: dict[str, Any]
    folder: Path
    now: datetime
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> UUID:
        """The job's id, after which its folder is named."""
        return UUID(self.folder.name)


class Recorder(Protocol):
    """What a finished job becomes. `store` comes first and outside of any transaction, for files; `record` writes the
    rows in one transaction with the job's end and returns the job's result; then `done`, or `discard` to take back what
    was stored when `record` did not happen."""

    def store(self, outcome: JobOutcome) -> Any:
        """Puts the work's files where they stay; outside of any transaction. Returns what `record` and `discard`
        need."""

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        """Writes the rows, in the transaction of the job's end; returns the job's result as JSON values."""

    def done(self, outcome: JobOutcome) -> None:
        """After the transaction: what may follow and may fail."""

    def discard(self, stored: Any) -> None:
        """Takes back what `store` put away, since `record` did not happen."""


class ResultOnly:
    """Of a job that changes nothing: its values are its result."""

    def store(self, outcome: JobOutcome) -> Any:
        """Nothing is stored."""
        return None

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        """The work's values are the job's result."""
        return outcome.values

    def done(self, outcome: JobOutcome) -> None:
        """Nothing follows."""
        return

    def discard(self, stored: Any) -> None:
        """Nothing was stored."""
        return


Tell = Callable[..., None]
"""tell(rows=, bytes_read=, bytes_total=): how far the work is, as often as it likes."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """`work` is "module:function" of a function (spec, folder, tell) -> values, which imports neither Django's tables
    nor settings. Its module may have a `get_ready()`, called once before the first job: what it loads, without starting
    a thread, later jobs find loaded.

    `broken_off` is what is said where the work's process ends by a fault of its own (an abort, a bad access to memory):
    a kind that reads a customer's file has a refusal of the file, since trying again ends alike.

    `hindered` is asked where the work failed, and knows what of the rows explains it: what the question reads was
    deleted meanwhile.

    `reaches_out`: its process has a network, and is handed a secret (`handing.py`), until it says that it is done
    with both (`confined.leave_network`).

    `reads` names, of a question, all the files by whose size together its processor time is bounded; None: it has the
    whole bound, whatever it reads."""

    name: str
    work: str
    lane: JobLane
    bounds: Callable[[], Bounds]
    recorder: Recorder
    broken_off: Callable[[], OtaiError] | None = None
    reads: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    hindered: Callable[[Mapping[str, Any]], OtaiError | None] | None = None
    reaches_out: bool = False

    def bounds_for(self, spec: Mapping[str, Any]) -> Bounds:
        """For this question: by the size of all the files that it reads, where the kind names them."""
        files = [Path(name) for name in self.reads(spec)] if self.reads is not None else []
        if not files or not all(file.is_file() for file in files):
            return self.bounds()
        return self.bounds().for_a_file(sum(file.stat().st_size for file in files))
