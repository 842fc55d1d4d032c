"""`otai pools` and `otai workers`: groups of machines and what they serve, and who works there now."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otai.cli.output import JsonOption, print_json, print_table, say
from otai.cli.setup import require_installation
from otai.db import utc_now
from otai.runs import operations, queries
from otai.runs.executors.local import this_machine
from otai.runs.models import Accelerator, ExecutorKind, Pool, RegisteredWorker

app = typer.Typer(help="Pools of machines: list, set.", no_args_is_help=True)
workers_app = typer.Typer(help="Workers: who trains now, and who did.", no_args_is_help=True)


def _pool_as_dict(pool: Pool, *, workers: int) -> dict[str, Any]:
    return {
        "pool": pool.name,
        "hardware": pool.hardware,
        "accelerator": pool.accelerator,
        "slots": pool.slots,
        "deliveries": list(pool.deliveries),
        "executor": pool.executor,
        "workers": workers,
        "waiting": queries.waiting_in(pool),
        "working": queries.working_in(pool),
    }


@app.command("list")
def list_pools(json: JsonOption = False) -> None:
    """All pools: what they have, what they serve, how much waits for them."""
    require_installation()
    operations.local_pool(hardware=this_machine(), now=utc_now())
    pools = [_pool_as_dict(pool, workers=queries.workers_at_work(pool)) for pool in queries.pools()]
    if json:
        print_json(pools)
        return
    print_table(
        ["pool", "serves", "hardware", "executor", "slots", "workers", "working", "waiting"],
        [
            [
                pool["pool"],
                ", ".join(delivery.title for delivery in pool["deliveries"]),
                pool["hardware"],
                pool["executor"],
                *(pool[name] for name in ("slots", "workers", "working", "waiting")),
            ]
            for pool in pools
        ],
        right=["slots", "workers", "working", "waiting"],
    )


@app.command("set")
def set_pool(
    name: Annotated[str, typer.Argument(help="The pool's name; a new one is made.")],
    slots: Annotated[int | None, typer.Option(help="How many workers it takes, and so runs at once.")] = None,
    fast: Annotated[bool | None, typer.Option("--fast/--no-fast", help="It serves Fast runs.")] = None,
    standard: Annotated[bool | None, typer.Option("--standard/--no-standard", help="It serves Standard runs.")] = None,
    accelerator: Annotated[Accelerator | None, typer.Option(help="What its machines compute with.")] = None,
    hardware: Annotated[str | None, typer.Option(help="Its machines in words, for the lists.")] = None,
    executor: Annotated[ExecutorKind | None, typer.Option(help="How a training is executed.")] = None,
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster's Jobs API: http://head:8265")] = None,
    interpreter: Annotated[str | None, typer.Option(help="Absolute path of the nodes' Python.")] = None,
    slots_per_node: Annotated[int | None, typer.Option(help="How many trainings share a node.")] = None,
    json: JsonOption = False,
) -> None:
    """Make or change a pool; what is not said stays as it is."""
    require_installation()
    if name == operations.LOCAL_POOL:
        operations.local_pool(hardware=this_machine(), now=utc_now())
    pool = operations.set_pool(
        name=name,
        now=utc_now(),
        slots=slots,
        serves_fast=fast,
        serves_standard=standard,
        accelerator=accelerator,
        hardware=hardware,
        executor=executor,
        address=address,
        interpreter=interpreter,
        slots_per_node=slots_per_node,
    )
    if json:
        print_json(_pool_as_dict(pool, workers=queries.workers_at_work(pool)))
        return
    serves = " and ".join(delivery.title for delivery in pool.deliveries)
    say(f"Pool {pool.name}: {pool.slots} {'slot' if pool.slots == 1 else 'slots'} on {pool.hardware}, serves {serves}.")


@workers_app.callback()
def _workers() -> None:
    """Workers: who trains now, and who did."""


@workers_app.command("list")
def list_workers(
    every: Annotated[bool, typer.Option("--all", help="Those that have stopped or were lost as well.")] = False,
    json: JsonOption = False,
) -> None:
    """The workers, their pool, and what they do."""
    require_installation()
    now = utc_now()
    workers = [_worker_as_dict(worker) for worker in queries.workers(every=every)]
    if json:
        print_json(workers)
        return
    print_table(
        ["worker", "pool", "hardware", "state", "run", "heard of"],
        [
            [
                worker["worker"],
                worker["pool"],
                worker["hardware"],
                worker["state"],
                worker["run"],
                f"{max((now - worker['heartbeat_at']).total_seconds(), 0):.0f} s ago",
            ]
            for worker in workers
        ],
    )


def _worker_as_dict(worker: RegisteredWorker) -> dict[str, Any]:
    run = queries.run_of_worker(worker)
    return {
        "worker": worker.name,
        "pool": worker.pool.name,
        "hardware": worker.hardware,
        "state": worker.ended_as or ("training" if run else "waiting"),
        "run": f"{run.organisation.slug}/{run.number}" if run else None,
        "registered_at": worker.registered_at,
        "heartbeat_at": worker.heartbeat_at,
        "ended_at": worker.ended_at,
    }
