"""Nodes of a real Ray cluster and the workers that submit to it are killed at random through real trainings."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from otai.db import utc_now
from otai.pricing.price_book import Delivery, Tier
from otai.runs import operations
from otai.runs.models import Accelerator, Attempt, ExecutorKind, Run
from tests import parts, stories
from tests.runs.ray_cluster import RayCluster
from tests.runs.test_chaos import Workers, everything_is_accounted_for, strike_until_all_ended

pytestmark = pytest.mark.django_db(transaction=True)

MACHINES = (Accelerator.H100, Accelerator.L4)


def kill_a_node_in_mid_training(cluster: RayCluster, until: float) -> None:
    """The first machine goes while a run trains on it; another one of its kind comes."""
    while time.monotonic() < until:
        for run in Run.objects.filter(status="training").exclude(stage=""):
            accelerator = "H100" if run.delivery == Delivery.FAST else "L4"
            cluster.kill(accelerator)
            cluster.nodes[accelerator] = cluster.add_node(accelerator)
            return
        time.sleep(0.1)


def through_chaos_on_a_cluster(runs: int, *, database_url: str, folder: Path, seconds: float, pause: float) -> None:
    parts.module("ray", extra="ray")
    now = utc_now()
    acme = stories.acme(now, tier=Tier.ENTERPRISE)
    data_set = stories.tickets_of(acme, folder, now)
    for number in range(runs):
        delivery = Delivery.FAST if number % 2 == 0 else Delivery.STANDARD
        stories.ordered(acme, data_set, now - timedelta(seconds=number), delivery=delivery)
    cluster = RayCluster()
    for accelerator in MACHINES:
        operations.set_pool(
            name=accelerator.value.lower(),
            accelerator=accelerator,
            slots=1,
            serves_fast=accelerator == Accelerator.H100,
            serves_standard=accelerator == Accelerator.L4,
            executor=ExecutorKind.RAY,
            address=cluster.address,
            now=now,
        )
    chance = random.Random(runs)
    at_work = Workers([a.value.lower() for a in MACHINES], database_url, folder)

    def strike() -> None:
        if chance.random() < 0.5:
            at_work.strike(chance)
        else:
            accelerator = chance.choice(MACHINES).value
            cluster.kill(accelerator)
            cluster.nodes[accelerator] = cluster.add_node(accelerator)

    try:
        until = time.monotonic() + seconds
        kill_a_node_in_mid_training(cluster, until)
        strike_until_all_ended(strike, chance, until=until, pause=pause, folder=folder)
    finally:
        at_work.stop()
        cluster.stop()
    everything_is_accounted_for()
    lost = Attempt.objects.exclude(outcome__in=["completed", ""]).values_list("outcome", flat=True)
    assert list(lost), "no machine was lost in mid-training: this proved nothing"


@pytest.mark.torture
def test_forty_runs_end_and_none_is_paid_twice_while_nodes_and_workers_are_killed(
    database_url: str, tmp_path: Path
) -> None:
    through_chaos_on_a_cluster(40, database_url=database_url, folder=tmp_path, seconds=3000, pause=25)


# Once, on the embedded database: what PostgreSQL does about killed workers is in test_chaos, and a machine that is lost
# in mid-training in test_ray, both in every run of the tests.
@pytest.mark.torture
@pytest.mark.pure
def test_every_run_ends_and_none_is_paid_twice_when_a_node_dies(database_url: str, tmp_path: Path) -> None:
    through_chaos_on_a_cluster(2, database_url=database_url, folder=tmp_path, seconds=400, pause=1000)
