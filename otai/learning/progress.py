"""Progress that counts steps done, never time gone by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a training, in their order. The runs room turns EVALUATING into a state of the run."""

    READING = "reading"
    FEATURES = "features"
    ENCODING = "encoding"
    TUNING = "tuning"
    TRAINING = "training"
    CALIBRATING = "calibrating"
    EVALUATING = "evaluating"
    REFITTING = "refitting"
    WRITING = "writing"


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps of the whole training are finished, and `stage` is under way.

    `done` never falls and ends at `total`; `total` never changes during a training. `note` is a sentence for people,
    where there is news: how long it will take, for example.
    """

    stage: Stage
    done: int
    total: int
    note: str = ""


def ignore(progress: Progress) -> None:
    """A listener for whoever does not watch: does nothing."""


class Steps:
    """Counts finished steps and tells the listener. `total` is the number of `finish` calls to come."""

    def __init__(self, total: int, on_progress: Callable[[Progress], None]) -> None:
        self._total, self._done, self._on_progress = total, 0, on_progress
        self._stage = Stage.READING

    def enter(self, stage: Stage) -> None:
        """Tells the listener that a stage begins; the count of steps stays."""
        self._stage = stage
        self._on_progress(Progress(stage, self._done, self._total))

    def finish(self, steps: int = 1) -> None:
        """So many steps are done; never counted beyond the total."""
        self._done = min(self._done + steps, self._total)
        self._on_progress(Progress(self._stage, self._done, self._total))

    def say(self, note: str) -> None:
        """Passes a sentence for people on; no step is done by it."""
        self._on_progress(Progress(self._stage, self._done, self._total, note))

    def part_of(self, finer_steps: int, *, counting_as: int) -> Callable[[], None]:
        """To be called `finer_steps` times, which together count as `counting_as` steps."""
        done = 0

        def finish_one() -> None:
            nonlocal done
            before, done = done * counting_as // finer_steps, done + 1
            if (now := done * counting_as // finer_steps) > before:
                self.finish(now - before)

        return finish_one
