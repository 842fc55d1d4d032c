"""The life of a run, pure.

    QUEUED -> TRAINING -> EVALUATING -> COMPLETED | FAILED
       ^_________|____________|            (a lost or failed attempt, while attempts remain)
    AWAITING_APPROVAL -> QUEUED            (an order above what its organisation lets pass unasked)
    AWAITING_APPROVAL | QUEUED | TRAINING | EVALUATING -> CANCELLED

A run holds its credits in every state on the left and has resolved its hold in every state on the right.
"""

from __future__ import annotations

from enum import StrEnum

from otai.pricing.settlement import Ending
from otai.words.explained import Occurrence


class RunStatus(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    TRAINING = "training"
    EVALUATING = "evaluating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Approval(StrEnum):
    """What became of the question whether an order may be trained: `WAITING -> APPROVED | DECLINED | WITHDRAWN |
    LAPSED`; empty where nobody had to be asked."""

    NOT_NEEDED = ""
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


REFUSED_APPROVAL = frozenset({Approval.DECLINED, Approval.WITHDRAWN, Approval.LAPSED})

MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.AWAITING_APPROVAL: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED}),
    RunStatus.QUEUED: frozenset({RunStatus.TRAINING, RunStatus.CANCELLED}),
    RunStatus.TRAINING: frozenset({RunStatus.EVALUATING, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.QUEUED}),
    RunStatus.EVALUATING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.QUEUED}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}


class RunOccurrence(Occurrence):
    """What happens to a run without a change of its status."""

    EXPECTED_LATE = "expected_late"
    CREDITS_REFUNDED = "credits_refunded"
    TICKETS_DELETED = "tickets_deleted"
    MODEL_DELETED = "model_deleted"


ENDED = frozenset(status for status, following in MOVES.items() if not following)
WORKING = frozenset({RunStatus.TRAINING, RunStatus.EVALUATING})
OPEN = frozenset(RunStatus) - ENDED


def status_after(ending: Ending) -> RunStatus:
    """Where a run stands after its last attempt ended so."""
    match ending:
        case Ending.COMPLETED:
            return RunStatus.COMPLETED
        case Ending.FAILED_SYSTEM | Ending.FAILED_INPUT:
            return RunStatus.FAILED
        case Ending.CANCELLED:
            return RunStatus.CANCELLED
