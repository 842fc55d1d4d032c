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
    in_words: str


def settle(*, held: int, ending: Ending) -> Settlement:
    """Brief, "Credit guarantee": credits are only consumed for completed training runs."""
    assert held > 0, "no run starts without its hold"
    credits = "1 credit" if held == 1 else f"{held} credits"
    match ending:
        case Ending.COMPLETED:
            return Settlement(held, 0, f"{credits} spent")
        case Ending.FAILED_SYSTEM:
            return Settlement(0, held, f"failed on our side: {credits} given back, nothing charged")
        case Ending.FAILED_INPUT:
            return Settlement(0, held, f"the tickets cannot be trained on: {credits} given back, nothing charged")
        case Ending.CANCELLED:
            return Settlement(0, held, f"cancelled: {credits} given back, nothing charged")


def attempt_again(*, ending: Ending, attempts: int, most_attempts: int) -> bool:
    """Only failures of ours are tried again (docs/policies.md: up to 2 more attempts)."""
    return ending is Ending.FAILED_SYSTEM and attempts < most_attempts
