"""What an ended run does cost: everything it held if it completed, nothing otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    COMPLETED = "completed"
    FAILED_SYSTEM = "failed_system"
    FAILED_INPUT = "failed_input"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a hold is resolved: `capture + release` is the whole hold, and one of them is 0. In credits."""

    capture: int
    release: int


def settle(*, held: int, ending: Ending) -> Settlement:
    """Brief, "Credit guarantee": credits are only consumed for completed training runs."""
    assert held > 0, "no run starts without its hold"
    return Settlement(held, 0) if ending is Ending.COMPLETED else Settlement(0, held)


def attempt_again(*, ending: Ending, attempts: int, most_attempts: int) -> bool:
    """Only failures of ours are tried again (docs/policies.md: up to 2 more attempts)."""
    return ending is Ending.FAILED_SYSTEM and attempts < most_attempts
