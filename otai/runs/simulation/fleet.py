"""The clockwork: orders arrive, wait in the order of `ordering.place`, are trained on the slots of the pools, fail and
are tried again."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from otai.errors import Unavailable
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode, PriceBook
from otai.pricing.settlement import Ending, attempt_again
from otai.runs.ordering import RULES, Lane, Rules, Waiting, place
from otai.runs.simulation.assumptions import Day, SimulatedPool

MODES = tuple(Mode)
DELIVERIES = (Delivery.FAST, Delivery.STANDARD)
ARRIVED, ENDED_ATTEMPT = 0, 1


class SimulationMissing(Unavailable):
    code = "simulation_not_installed"


@dataclass(slots=True)
class Outcomes:
    """What became of each run, one element for each: times in seconds from the beginning of the day."""

    mode: Any
    delivery: Any
    credits: Any
    ordered: Any
    due: Any
    started: Any
    ended: Any
    completed: Any
    busy_seconds: dict[str, float]
    ends_at: float
    queue: list[tuple[float, dict[str, int]]]
    """How many waited in each pool's reach, every ten minutes."""


class _Lines:
    """Who waits for one delivery; the same two lanes, and the same rising, as the queue in the database."""

    def __init__(self) -> None:
        self.priority: list[tuple[datetime, datetime, int]] = []
        self.background: list[tuple[datetime, datetime, int]] = []
        self.rising: list[tuple[datetime, datetime, datetime, int]] = []
        self.risen: set[int] = set()
        self.waiting = 0

    def put(self, run: int, lane: Lane, due: datetime, queued: datetime, rises_at: datetime | None) -> None:
        self.waiting += 1
        if lane is Lane.PRIORITY:
            heapq.heappush(self.priority, (due, queued, run))
            return
        heapq.heappush(self.background, (due, queued, run))
        if rises_at is not None:
            heapq.heappush(self.rising, (rises_at, due, queued, run))

    def head(self, now: datetime, waits: Any) -> tuple[int, datetime, datetime, int] | None:
        while self.rising and self.rising[0][0] <= now:
            _, due, queued, run = heapq.heappop(self.rising)
            if waits[run] and run not in self.risen:
                self.risen.add(run)
                heapq.heappush(self.priority, (due, queued, run))
        if self.priority:
            return (0, *self.priority[0])
        while self.background and (not waits[self.background[0][2]] or self.background[0][2] in self.risen):
            heapq.heappop(self.background)
        return (1, *self.background[0]) if self.background else None

    def take(self, lane: int) -> int:
        self.waiting -= 1
        run = heapq.heappop(self.priority if lane == 0 else self.background)[2]
        self.risen.discard(run)
        return run


class Fleet:
    """One simulated day. Deterministic: the same day on the same pools gives the same outcomes."""

    def __init__(self, day: Day, pools: Sequence[SimulatedPool], *, book: PriceBook, rules: Rules = RULES) -> None:
        try:
            import simpy
        except ImportError:
            raise SimulationMissing("simulation") from None
        self.env = simpy.Environment()
        self.day, self.pools, self.book, self.rules = day, tuple(pools), book, rules
        self.free = [pool.slots for pool in self.pools]
        self.busy = [0.0] * len(self.pools)
        self.lines = {delivery: _Lines() for delivery in DELIVERIES}
        self.serving = {
            delivery: [number for number, pool in enumerate(self.pools) if delivery in pool.deliveries]
            for delivery in DELIVERIES
        }
        self.queue: list[tuple[float, dict[str, int]]] = []
        self._draw()

    def _draw(self) -> None:
        """All that is left to chance, drawn beforehand."""
        day, chance = self.day, np.random.default_rng(self.day.seed)
        count = day.runs
        hours = chance.choice(len(day.hours), size=count, p=np.array(day.hours) / sum(day.hours))
        self.ordered = np.sort((hours + chance.random(count)) * 3600 * 24 / len(day.hours))
        weights = 1 / np.arange(1, day.organisations + 1) ** day.busiest_share
        self.organisation = chance.choice(day.organisations, size=count, p=weights / weights.sum()).astype(np.int32)
        self.mode = chance.choice(3, size=count, p=[day.share_of_modes[mode] for mode in MODES]).astype(np.int8)
        self.delivery = (chance.random(count) >= day.share_of_fast).astype(np.int8)
        bands = tuple(day.share_of_attributes)
        attributes = chance.choice(len(bands), size=count, p=list(day.share_of_attributes.values()))
        self.longer = np.exp(chance.normal(0, day.spread, size=count))
        self.chance = chance.random((count, 2 * self.book.system_failure_attempts), dtype=np.float32)
        prices = {
            (m, d, a): pricing.price(self.book, mode=MODES[m], delivery=DELIVERIES[d], attributes=bands[a]).credits
            for m in range(3)
            for d in range(2)
            for a in range(len(bands))
        }
        keys = zip(self.mode.tolist(), self.delivery.tolist(), attributes.tolist(), strict=True)
        self.credits = np.fromiter((prices[key] for key in keys), dtype=np.int32, count=count)
        self.due = np.zeros(count)
        self.started = np.full(count, np.nan)
        self.ended = np.full(count, np.nan)
        self.completed = np.zeros(count, dtype=bool)
        self.waits = bytearray(count)
        self.failures = bytearray(count)
        self.own_waiting = [0] * day.organisations
        self.zones = [ZoneInfo(name) for name in day.time_zones]

    def run(self) -> Outcomes:
        """Simulates the day to its end; times in seconds since its beginning, one entry a run in each array."""
        self.env.process(self._orders())
        self.env.process(self._count_the_queue())
        self.env.run()
        self._count()
        return Outcomes(
            mode=self.mode,
            delivery=self.delivery,
            credits=self.credits,
            ordered=self.ordered,
            due=self.due,
            started=self.started,
            ended=self.ended,
            completed=self.completed,
            busy_seconds={pool.name: self.busy[number] for number, pool in enumerate(self.pools)},
            ends_at=float(np.nanmax(self.ended)) if self.day.runs else 0.0,
            queue=self.queue,
        )

    def _orders(self) -> Any:
        env = self.env
        for run, at in enumerate(self.ordered.tolist()):
            if at > env.now:
                yield env.timeout(at - env.now)
            self._order(run)

    def _order(self, run: int) -> None:
        now = self._now()
        mode, delivery = MODES[self.mode[run]], DELIVERIES[self.delivery[run]]
        zone = self.zones[self.organisation[run] % len(self.zones)]
        due = pricing.due_at(self.book.promises[mode, delivery], ordered_at=now, zone=zone)
        self.due[run] = (due - self.day.begins_at).total_seconds()
        self._queue(run, now=now)

    def _now(self) -> datetime:
        return self.day.begins_at + timedelta(seconds=self.env.now)

    def _queue(self, run: int, *, now: datetime) -> None:
        delivery = DELIVERIES[self.delivery[run]]
        organisation = self.organisation[run]
        serving = self.serving[delivery]
        # As in the product, the expected time is a median: the queue does not know how long this training will take.
        expected = self.day.seconds[self.pools[serving[0]].accelerator, MODES[self.mode[run]]] if serving else 0.0
        waiting = Waiting(
            delivery=delivery,
            due_at=self.day.begins_at + timedelta(seconds=float(self.due[run])),
            queued_at=now,
            expected_seconds=expected,
            own_ahead=self.own_waiting[organisation],
        )
        taken = place(waiting, now=now, rules=self.rules)
        self.waits[run] = 1
        self.own_waiting[organisation] += 1
        self.lines[delivery].put(run, taken.lane, taken.counts_as_due_at, now, taken.rises_at)
        for number in serving:
            if self.free[number]:
                self._claim(number)
                break

    def _claim(self, number: int) -> None:
        """A free slot takes the run that goes next, if any waits that the pool serves."""
        now = self._now()
        heads = [
            (*head, delivery)
            for delivery in self.pools[number].deliveries
            if (head := self.lines[delivery].head(now, self.waits)) is not None
        ]
        if not heads:
            return
        lane, _, _, run, delivery = min(heads)
        taken = self.lines[delivery].take(lane)
        assert taken == run
        self.waits[run] = 0
        self.own_waiting[self.organisation[run]] -= 1
        self.free[number] -= 1
        if np.isnan(self.started[run]):
            self.started[run] = self.env.now
        self._train(run, number)

    def _train(self, run: int, number: int) -> None:
        seconds = self.day.seconds[self.pools[number].accelerator, MODES[self.mode[run]]] * self.longer[run]
        luck, point = self.chance[run, 2 * self.failures[run] : 2 * self.failures[run] + 2].tolist()
        fails = luck < self.day.failing_attempts
        if fails:
            seconds = seconds * point + self.day.seconds_to_notice
        self.busy[number] += seconds
        ended = self.env.timeout(seconds)
        ended.callbacks.append(lambda _event: self._end_attempt(run, number, fails=fails))

    def _end_attempt(self, run: int, number: int, *, fails: bool) -> None:
        self.free[number] += 1
        if fails:
            self.failures[run] += 1
            again = attempt_again(
                ending=Ending.FAILED_SYSTEM,
                attempts=self.failures[run],
                most_attempts=self.book.system_failure_attempts,
            )
            if again:
                self._queue(run, now=self._now())
            else:
                self.ended[run] = self.env.now
        else:
            self.ended[run] = self.env.now
            self.completed[run] = True
        if self.free[number]:
            self._claim(number)

    def _count_the_queue(self) -> Any:
        while True:
            self._count()
            yield self.env.timeout(600)
            if self.env.now > 86400 and not any(line.waiting for line in self.lines.values()):
                return

    def _count(self) -> None:
        waiting = {pool.name: sum(self.lines[delivery].waiting for delivery in pool.deliveries) for pool in self.pools}
        self.queue.append((self.env.now, waiting))
