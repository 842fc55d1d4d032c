"""The life of a run, pure.

    QUEUED -> TRAINING -> EVALUATING -> COMPLETED | FAILED
       ^_________|____________|            (a lost or failed attempt, while attempts remain)
    QUEUED | TRAINING | EVALUATING -> CANCELLED

A run holds its credits in every state on the left and has resolved its hold in every state on the right.
"""

from __future__ import annotations

from enum import StrEnum

from otai.pricing.settlement import Ending


class Status(StrEnum):
    QUEUED = "queued"
    TRAINING = "training"
    EVALUATING = "evaluating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def title(self) -> str:  # type: ignore[override]
        return self.value.capitalize()


MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.TRAINING, Status.CANCELLED}),
    Status.TRAINING: frozenset({Status.EVALUATING, Status.FAILED, Status.CANCELLED, Status.QUEUED}),
    Status.EVALUATING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.QUEUED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}

ENDED = frozenset(status for status, following in MOVES.items() if not following)
WORKING = frozenset({Status.TRAINING, Status.EVALUATING})
OPEN = frozenset(Status) - ENDED


def status_after(ending: Ending) -> Status:
    match ending:
        case Ending.COMPLETED:
            return Status.COMPLETED
        case Ending.FAILED_SYSTEM | Ending.FAILED_INPUT:
            return Status.FAILED
        case Ending.CANCELLED:
            return Status.CANCELLED
