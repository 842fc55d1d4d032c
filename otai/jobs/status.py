"""The life of a job, pure.

QUEUED -> RUNNING -> DONE | FAILED | CANCELLED
QUEUED -> FAILED (who conducted it is gone) | CANCELLED
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.DONE, Status.FAILED, Status.CANCELLED}),
    Status.DONE: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}

ENDED = frozenset(status for status, following in MOVES.items() if not following)
OPEN = frozenset(Status) - ENDED
