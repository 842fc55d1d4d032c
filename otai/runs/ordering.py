"""Who goes next, pure: the one rule by which workers claim and by which the simulation of a fleet is driven.

A waiting run has a *lane* and a time at which it *counts as due*; the lowest (lane, counts as due, queued) goes first.

- Fast before Standard: Fast runs wait in the priority lane, Standard runs in the background lane.
- Within a lane the earliest due goes first, then the longest in the queue.
- A fair share: an organisation's runs beyond the first few that wait count as due later, each by a little more than the
  one before. So a thousand runs of one organisation do not hold up the one run of another, and yet each of the thousand
  has its time: what counts as due at noon goes before everything that is ordered to be due after noon.
- A Standard run that nears its due time rises to the priority lane, while there is still time to keep the promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from otai.pricing.price_book import Delivery
from otai.words.sentences import Fact


class Lane(IntEnum):
    """Sorted as they are served."""

    PRIORITY = 0
    BACKGROUND = 1


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator may tune. The defaults come from the simulated fleet in docs/simulation.md where that is
    said."""

    unpenalised_runs: int = 4
    """So many waiting runs of one organisation count as due when they are due: a team that trains a few models at once
    is no flood."""

    later_for_each_beyond: timedelta = timedelta(minutes=5)
    """Each further run counts as due so much later than the one before."""

    rises_before_start_is_too_late: timedelta = timedelta(minutes=30)
    """A Standard run rises so long before the last moment at which it can begin and still be ready in time."""

    expected_time_counts: float = 1.5
    """An expected training time is a median; promises are kept with this many of it."""


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the order looks at. `own_ahead` is how many runs of the same organisation were waiting when this one was
    queued."""

    delivery: Delivery
    due_at: datetime
    queued_at: datetime
    expected_seconds: float
    own_ahead: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands in the queue, and why. `rises_at` is when it changes lane if it still waits then; None: it
    does not."""

    lane: Lane
    counts_as_due_at: datetime
    queued_at: datetime
    rises_at: datetime | None
    reasons: tuple[Fact, ...]

    @property
    def key(self) -> tuple[int, datetime, datetime]:
        """What the queue is sorted by; the lowest goes first."""
        return (self.lane, self.counts_as_due_at, self.queued_at)


def place(waiting: Waiting, *, now: datetime, rules: Rules = RULES) -> Place:
    """Where the run stands at `now`. Of two runs in one pool the one with the lower `key` goes first."""
    lane, rises_at, reasons = Lane.PRIORITY, None, []
    if waiting.delivery is Delivery.FAST:
        reasons.append(Fact("place.fast"))
    else:
        needs = timedelta(seconds=waiting.expected_seconds * rules.expected_time_counts)
        rises_at = waiting.due_at - needs - rules.rises_before_start_is_too_late
        if now >= rises_at:
            rises_at = None
            reasons.append(Fact("place.standard_due_soon"))
        else:
            lane = Lane.BACKGROUND
            reasons.append(Fact("place.standard"))
    penalty = rules.later_for_each_beyond * max(0, waiting.own_ahead - rules.unpenalised_runs + 1)
    if penalty:
        minutes = round(penalty.total_seconds() / 60)
        reasons.append(Fact("place.own_ahead", {"ahead": waiting.own_ahead, "minutes": minutes}))
    reasons.append(Fact("place.earliest_due"))
    return Place(lane, waiting.due_at + penalty, waiting.queued_at, rises_at, tuple(reasons))
