"""Which way of fine-tuning suits these tickets: several are begun on few of them, and only the better half goes on with more (successive halving; Jamieson and Talwalkar 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otai.learning.recipes import Tuning

# Tickets that the first round learns from, and how many times more each further one does.
FIRST_TICKETS = 1_000
GROWTH = 2


@dataclass(frozen=True)
class Round:
    """How many ways are tried, on how many tickets."""

    ways: int
    tickets: int


def rounds(ways: int, tickets: int) -> list[Round]:
    """Every round keeps the better half of the one before; the last leaves one. Nothing to choose: no round."""
    found = []
    learning = FIRST_TICKETS
    while ways > 1:
        found.append(Round(ways, min(learning, tickets)))
        ways, learning = (ways + 1) // 2, learning * GROWTH
    return found


def halved(
    ways: Sequence[Tuning], tickets: int, loss: Callable[[Tuning, int, int], float]
) -> tuple[Tuning, list[tuple[Tuning, float]]]:
    """The way that was left, and every way with the loss it was last seen with. `loss(way, tickets, round)` trains on so many tickets and measures on others."""
    left, seen = list(ways), {number: float("inf") for number in range(len(ways))}
    numbers = list(range(len(ways)))
    for number, one in enumerate(rounds(len(ways), tickets)):
        for way in numbers:
            seen[way] = loss(left[way], one.tickets, number)
        # The order of the recipe breaks ties.
        numbers = sorted(sorted(numbers, key=lambda way: (seen[way], way))[: (len(numbers) + 1) // 2])
    return left[numbers[0]], [(left[way], seen[way]) for way in range(len(ways))]
