"""Ways to execute a training: values in, a value out; no tables, no open transaction.

An executor is given a `TrainingSpec`, reports through `watch`, and returns how it ended. A failure is a value, never an
exception: *input* when the data cannot be trained on, *system* when it was our fault. The contract test in tests/runs/
holds for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """What to train. `tickets` is a local Parquet file in the layout of `otai.learning.data.tickets`; results go below
    `output_dir`.

    `checkpoint_dir` holds what an earlier attempt saved, and takes what this one saves. The training may not hold more
    memory, with all that it starts, than `memory_limit_bytes`. `attempt_id` names the attempt to a cluster: a name used
    twice is refused there. `tickets_in_store` is where the file store has the tickets, for machines that do not see
    this one's disk; empty: it has not.
    """

    tickets: Path
    attributes: Sequence[Mapping[str, Any]]
    mode: str
    seed: int
    output_dir: Path
    threads: int
    time_limit_seconds: float
    attempt_id: str = ""
    tickets_in_store: str = ""
    memory_limit_bytes: int | None = None
    checkpoint_dir: Path | None = None
    encoders_dir: Path | None = None
    """where encoders lie on this machine; None: where the installation that trains has them"""
    vectors_dir: Path | None = None
    """where vectors of this organisation's tickets are kept; None: nowhere"""
    assurance: float | None = None
    """how sure a promise of precision has to be, a share below 1; None: as sure as the library makes it by itself"""
    seconds: float | None = None
    """until the delivery that was promised: networks stop learning by then; None: nobody waits"""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the training has done so far. Steps are real units of work; `log` is everything it said, bounded from the
    front.

    `hardware` says in words which machine it is, once that is known better than beforehand; `devices` what the training
    itself found that it runs on, each with `kind` ("cpu" or "gpu"), `name` and `count` (of a processor: cores), GPUs
    first; empty: it has not said so yet.
    """

    stage: str
    steps_done: int
    steps_total: int
    log: str
    hardware: str = ""
    devices: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class TrainedFiles:
    bundle: Path
    bundle_sha256: str
    report_card: dict[str, Any]
    log: str


@dataclass(frozen=True, slots=True)
class Failed:
    """`is_input` tells the customer's data from our fault. `message` says what happened and what would help."""

    is_input: bool
    code: str
    message: str
    log: str
    fact: Mapping[str, Any] = field(default_factory=dict)
    """The same as a code with values, where the customer's data is the reason."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """`watch` said that nobody wants the result any more."""

    log: str


TrainingResult = TrainedFiles | Failed | Stopped


class Executor(Protocol):
    @property
    def hardware(self) -> str:
        """In words, what the training really runs on."""

    def why_no_room(self) -> str | None:
        """None while a training can begin at once; else why not, in words. Asked before a run is claimed."""

    def execute(
        self, spec: TrainingSpec, *, watch: Callable[[Watch], bool], watch_every_seconds: float
    ) -> TrainingResult:
        """Trains, calling `watch` at least every `watch_every_seconds`; stops and cleans up as soon as it returns
        False."""
