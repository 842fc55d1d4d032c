"""Which configuration of fine-tuning suits these tickets: several are begun on few of them, and only the better half
goes on with more (successive halving; Jamieson and Talwalkar 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otai.learning.recipes import Tuning

# Tickets that the first round learns from, and how many times more each further one does.
FIRST_TICKETS = 1_000
GROWTH = 2


@dataclass(frozen=True)
class HalvingRound:
    """How many configurations are tried, on how many tickets."""

    configurations: int
    tickets: int


def rounds(configurations: int, tickets: int) -> list[HalvingRound]:
    """Every round keeps the better half of the one before; the last leaves one. Nothing to choose: no round."""
    found = []
    learning = FIRST_TICKETS
    while configurations > 1:
        found.append(HalvingRound(configurations, min(learning, tickets)))
        configurations, learning = (configurations + 1) // 2, learning * GROWTH
    return found


def successive_halving(
    configurations: Sequence[Tuning], tickets: int, loss: Callable[[Tuning, int, int], float]
) -> tuple[Tuning, list[tuple[Tuning, float]]]:
    """The configuration that was left, and every one with the loss it was last seen with. `loss(configuration, tickets,
    round)` trains on so many tickets and measures on others."""
    left, seen = list(configurations), {number: float("inf") for number in range(len(configurations))}
    numbers = list(range(len(configurations)))
    for number, one in enumerate(rounds(len(configurations), tickets)):
        for configuration in numbers:
            seen[configuration] = loss(left[configuration], one.tickets, number)
        # The order of the recipe breaks ties.
        numbers = sorted(
            sorted(numbers, key=lambda configuration: (seen[configuration], configuration))[: (len(numbers) + 1) // 2]
        )
    return left[numbers[0]], [
        (left[configuration], seen[configuration]) for configuration in range(len(configurations))
    ]
