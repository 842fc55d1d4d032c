"""The simulated fleet obeys the order of the queue, loses no run, and repeats itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otai.pricing.price_book import Delivery, Mode
from otai.runs.simulation.assumptions import Day, SimulatedPool, two_pools
from tests import parts

parts.module("simpy", extra="simulate")

from otai.runs.simulation import report as simulation  # noqa: E402
from tests.pricing.book import BOOK  # noqa: E402

pytestmark = pytest.mark.pure

DAY = Day(runs=4000, organisations=300)


def simulate(day: Day, *, h100: int = 10, l4: int = 60):
    pools = two_pools(h100=h100, l4=l4)
    outcomes = simulation.simulate(day, pools, book=BOOK)
    return outcomes, simulation.report(outcomes, pools, book=BOOK)


def test_every_run_ends_once_and_none_begins_before_it_is_ordered() -> None:
    outcomes, found = simulate(DAY)
    assert found.runs == 4000
    assert not np.isnan(outcomes.ended).any()
    assert (outcomes.started >= outcomes.ordered).all()
    assert (outcomes.ended >= outcomes.started).all()


def test_the_same_day_twice_is_the_same_day() -> None:
    assert simulate(DAY)[1] == simulate(DAY)[1]
    assert simulate(DAY)[1] != simulate(replace(DAY, seed=2))[1]


def test_with_machines_enough_every_promise_is_kept() -> None:
    _, found = simulate(replace(DAY, failing_attempts=0.0), h100=1000, l4=1000)
    assert found.on_time > 0.999
    assert all(promise.wait_p99 == 0 for promise in found.promises)


def test_a_machine_never_trains_two_runs_at_once() -> None:
    day = replace(DAY, runs=300, share_of_fast=1.0, failing_attempts=0.0)
    outcomes, _ = simulate(day, h100=3)
    steps = sorted(
        [(at, 1) for at in outcomes.started] + [(at, -1) for at in outcomes.ended], key=lambda s: (s[0], s[1])
    )
    at_work = np.cumsum([step for _, step in steps])
    assert at_work.max() == 3


def test_attempts_fail_and_few_runs_fail_with_them() -> None:
    _, found = simulate(replace(DAY, failing_attempts=0.2), h100=1000, l4=1000)
    assert 0.97 < found.completed / found.runs < 1
    _, hopeless = simulate(replace(DAY, runs=200, failing_attempts=1.0), h100=100, l4=100)
    assert (hopeless.completed, hopeless.credits) == (0, 0)


def test_a_flood_of_one_organisation_does_not_hold_up_the_others() -> None:
    """Nine in ten runs are of one organisation; with its fair share, the others' Fast runs wait less than its own."""
    day = replace(DAY, runs=3000, organisations=2, busiest_share=3.2, share_of_fast=1.0, hours=(1,) + (0,) * 23)
    from otai.runs.simulation.fleet import Fleet

    fleet = Fleet(day, two_pools(h100=40, l4=1), book=BOOK)
    outcomes = fleet.run()
    waited = outcomes.started - outcomes.ordered
    basic = outcomes.mode == list(Mode).index(Mode.BASIC)
    flood, other = (np.median(waited[(fleet.organisation == n) & basic]) for n in (0, 1))
    assert other < flood / 2


def test_one_pool_may_serve_both_deliveries_and_fast_goes_first() -> None:
    both = (SimulatedPool("all", 60, (Delivery.FAST, Delivery.STANDARD), "L4", 0.7),)
    outcomes = simulation.simulate(DAY, both, book=BOOK)
    found = simulation.report(outcomes, both, book=BOOK)
    waits = {(p.mode, p.delivery): p.wait_p99 for p in found.promises}
    assert waits["Basic", "Fast"] < waits["Basic", "Standard"]


def test_the_machines_that_are_found_keep_the_promises_and_a_tenth_fewer_do_not() -> None:
    day = replace(DAY, runs=3000)
    needed = simulation.machines_needed(day, book=BOOK, share=0.99)
    only_fast = replace(day, runs=750, share_of_fast=1.0)
    fewest = needed[Delivery.FAST]
    _, kept = simulate(only_fast, h100=fewest)
    assert min(p.on_time for p in kept.promises) >= 0.99
    _, broken = simulate(only_fast, h100=int(fewest * 0.9) - 1)
    assert min(p.on_time for p in broken.promises) < 0.99


def test_plots_are_drawn(tmp_path: Path) -> None:
    parts.module("matplotlib", extra="simulate")
    pools = two_pools(h100=10, l4=60)
    outcomes = simulation.simulate(replace(DAY, runs=500), pools, book=BOOK)
    paths = simulation.plot(outcomes, pools, tmp_path)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
