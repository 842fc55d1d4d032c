"""What came out of a simulated day, in figures; and how many machines it takes to keep the promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from otai.pricing.price_book import Delivery, PriceBook
from otai.runs.ordering import RULES, Rules
from otai.runs.simulation.assumptions import Day, SimulatedPool, two_pools
from otai.runs.simulation.fleet import DELIVERIES, MODES, Fleet, Outcomes

PROMISED_SHARE = 0.995


@dataclass(frozen=True, slots=True)
class Promise:
    """Of the runs of one mode and delivery: which share was ready in time, and how long they waited for a machine
    (minutes)."""

    mode: str
    delivery: str
    runs: int
    on_time: float
    wait_median: float
    wait_p99: float
    ready_median: float


@dataclass(frozen=True, slots=True)
class PoolUse:
    """`used` is the share of the machines' time that was trained in, over the day. Cost in whole euros, of the day's 24
    hours."""

    pool: str
    slots: int
    used: float
    cost_euros: int
    longest_queue: int


@dataclass(frozen=True, slots=True)
class Report:
    runs: int
    completed: int
    on_time: float
    promises: tuple[Promise, ...]
    pools: tuple[PoolUse, ...]
    credits: int
    revenue_euros: int
    """At the price of the largest package: what those credits were sold for at least."""
    cost_euros: int


def simulate(day: Day, pools: Sequence[SimulatedPool], *, book: PriceBook, rules: Rules = RULES) -> Outcomes:
    """One day of orders on these pools; the same day gives the same outcomes."""
    return Fleet(day, pools, book=book, rules=rules).run()


def report(outcomes: Outcomes, pools: Sequence[SimulatedPool], *, book: PriceBook) -> Report:
    """Which promises were kept, how long runs waited (minutes), and how busy the pools were."""
    in_time = outcomes.completed & (outcomes.ended <= outcomes.due)
    promises = []
    for m, mode in enumerate(MODES):
        for d, delivery in enumerate(DELIVERIES):
            these = (outcomes.mode == m) & (outcomes.delivery == d)
            if not these.any():
                continue
            begun = these & ~np.isnan(outcomes.started)
            waits = (outcomes.started - outcomes.ordered)[begun] / 60
            ready = (outcomes.ended - outcomes.ordered)[begun] / 60
            promises.append(
                Promise(
                    mode.title,
                    delivery.title,
                    int(these.sum()),
                    float(in_time[these].mean()),
                    float(np.median(waits)) if waits.size else float("nan"),
                    float(np.percentile(waits, 99)) if waits.size else float("nan"),
                    float(np.nanmedian(ready)) if ready.size else float("nan"),
                )
            )
    seconds = max(86400.0, outcomes.ends_at)
    uses = tuple(
        PoolUse(
            pool.name,
            pool.slots,
            outcomes.busy_seconds[pool.name] / (pool.slots * seconds),
            round(pool.slots * 24 * pool.euros_an_hour),
            max((waiting[pool.name] for _, waiting in outcomes.queue), default=0),
        )
        for pool in pools
    )
    credits = int(outcomes.credits[outcomes.completed].sum())
    cents = float(min(package.cents_per_credit for package in book.packages))
    return Report(
        runs=len(outcomes.mode),
        completed=int(outcomes.completed.sum()),
        on_time=float(in_time.mean()) if len(in_time) else 1.0,
        promises=tuple(promises),
        pools=uses,
        credits=credits,
        revenue_euros=round(credits * cents / 100),
        cost_euros=sum(use.cost_euros for use in uses),
    )


def machines_needed(
    day: Day, *, book: PriceBook, share: float = PROMISED_SHARE, tell: Callable[[str], None] = lambda text: None
) -> dict[Delivery, int]:
    """The fewest H100 for Fast and L4 for Standard with which that share is on time in every mode; each pool is
    searched alone."""
    return {
        delivery: _fewest(day, delivery, book=book, share=share, tell=tell)
        for delivery in (Delivery.FAST, Delivery.STANDARD)
    }


def _fewest(day: Day, delivery: Delivery, *, book: PriceBook, share: float, tell: Callable[[str], None]) -> int:
    only = replace(
        day,
        runs=round(day.runs * (day.share_of_fast if delivery is Delivery.FAST else 1 - day.share_of_fast)),
        share_of_fast=1.0 if delivery is Delivery.FAST else 0.0,
    )
    accelerator = "H100" if delivery is Delivery.FAST else "L4"
    mean = sum(part * day.seconds[accelerator, mode] for mode, part in day.share_of_modes.items())
    mean *= float(np.exp(day.spread**2 / 2))
    # Fewer than this cannot even do the day's work in a day and a half; as many as this never make anybody wait.
    too_few = int(only.runs * mean / 86400 / 1.5)
    enough = int(only.runs * mean / 86400 * len(day.hours) * max(day.hours) / sum(day.hours) * 1.5) + 20

    def keeps(slots: int) -> bool:
        pools = two_pools(h100=slots, l4=slots)
        found = report(simulate(only, pools, book=book), pools, book=book)
        worst = min(promise.on_time for promise in found.promises)
        tell(f"{slots} {accelerator}: {100 * worst:.2f} % on time in the worst mode")
        return worst >= share

    # To one machine in a hundred: the assumptions are rougher than that.
    while enough - too_few > max(1, enough // 100):
        middle = (enough + too_few) // 2
        too_few, enough = (too_few, middle) if keeps(middle) else (middle, enough)
    return enough


def plot(outcomes: Outcomes, pools: Sequence[SimulatedPool], folder: Path) -> list[Path]:
    """Two pictures as PNG files: the queues over the day, and how long runs waited. Returns their paths."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(8, 3.2))
    hours = [at / 3600 for at, _ in outcomes.queue]
    for pool in pools:
        axes.plot(
            hours, [waiting[pool.name] for _, waiting in outcomes.queue], label=f"{pool.name} ({pool.slots} slots)"
        )
    axes.set(xlabel="hour of the day, UTC", ylabel="runs that wait", title="Queues of a simulated day")
    queues = _saved(figure, axes, folder / "simulation-queues.png")
    figure, axes = pyplot.subplots(figsize=(8, 3.2))
    for m, mode in enumerate(MODES):
        for d, delivery in enumerate(DELIVERIES):
            ready = (outcomes.ended - outcomes.ordered)[(outcomes.mode == m) & (outcomes.delivery == d)] / 3600
            if ready.size:
                points = np.linspace(0, 100, 201)
                axes.plot(np.nanpercentile(ready, points), points, label=f"{mode.title} {delivery.title}")
    axes.set(xlabel="hours from order to model", ylabel="% of runs ready", title="How soon models are ready")
    return [queues, _saved(figure, axes, folder / "simulation-ready.png")]


def _saved(figure: Any, axes: Any, path: Path) -> Path:
    from matplotlib import pyplot

    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
    return path
