"""`otai simulate`: a day of a fleet, before it is bought."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otai.billing import queries as billing
from otai.cli.output import JsonOption, print_json, print_table, say
from otai.pricing.price_book import Delivery
from otai.runs.simulation import report as simulation
from otai.runs.simulation.assumptions import Day, two_pools


def simulate(
    runs: Annotated[int, typer.Option(min=1, help="Runs ordered in the day.")] = 100_000,
    organisations: Annotated[int, typer.Option(min=1, help="Organisations that order them.")] = 10_000,
    h100: Annotated[int, typer.Option(min=1, help="H100 machines, which serve Fast.")] = 50,
    l4: Annotated[int, typer.Option(min=1, help="L4 machines, which serve Standard.")] = 500,
    fast: Annotated[float, typer.Option(min=0, max=1, help="Share of Fast orders.")] = 0.25,
    find: Annotated[bool, typer.Option("--find", help="Find how many machines keep 99.5 % of the promises.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed, another day of the same kind.")] = 1,
    plots: Annotated[Path | None, typer.Option(help="Folder for the plots.")] = None,
    json: JsonOption = False,
) -> None:
    """Simulate a day of orders on a fleet, in the very order in which workers claim. Touches no database."""
    book = billing.price_book()
    day = Day(runs=runs, organisations=organisations, share_of_fast=fast, seed=seed)
    if find:
        needed = simulation.machines_needed(day, book=book, tell=(lambda text: None) if json else say)
        h100, l4 = needed[Delivery.FAST], needed[Delivery.STANDARD]
    pools = two_pools(h100=h100, l4=l4)
    outcomes = simulation.simulate(day, pools, book=book)
    report = simulation.report(outcomes, pools, book=book)
    pictures = simulation.plot(outcomes, pools, plots) if plots else []
    if json:
        print_json({"report": report, "day": day, "plots": pictures})
        return
    say(f"{report.runs} runs of {organisations} organisations in a day on {h100} H100 and {l4} L4 (simulated)")
    print_table(
        ["mode", "delivery", "runs", "on time %", "wait, median min", "wait, p99 min", "ready after, median min"],
        [
            [
                p.mode,
                p.delivery,
                p.runs,
                f"{100 * p.on_time:.2f}",
                *(f"{value:.1f}" for value in (p.wait_median, p.wait_p99, p.ready_median)),
            ]
            for p in report.promises
        ],
        right=["runs", "on time %", "wait, median min", "wait, p99 min", "ready after, median min"],
    )
    print_table(
        ["pool", "slots", "used %", "EUR a day", "longest queue"],
        [[u.pool, u.slots, f"{100 * u.used:.0f}", u.cost_euros, u.longest_queue] for u in report.pools],
        right=["slots", "used %", "EUR a day", "longest queue"],
    )
    say(f"{100 * report.on_time:.2f} % on time in all; {report.completed} of {report.runs} completed")
    say(
        f"{report.credits} credits spent, sold for EUR {report.revenue_euros} at least; "
        f"machines EUR {report.cost_euros}"
    )
    for picture in pictures:
        say(f"plot: {picture}")
