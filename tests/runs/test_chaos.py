"""Workers, and the nodes of a cluster, are killed at random through many real trainings: every run ends, every hold is
resolved, nothing is paid twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError

from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.ledger.models import Hold, HoldState
from otai.pricing.price_book import Delivery, Tier
from otai.runs import operations, queries
from otai.runs.models import Attempt, RegisteredWorker, Run
from otai.runs.status import ENDED
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)


class Workers:
    """One worker for each of `pools`, started again whenever it was killed."""

    def __init__(self, pools: Sequence[str], database_url: str, folder: Path) -> None:
        self.environment = {**os.environ, "OTAI_DATABASE_URL": database_url}
        self.log = (folder / "workers.log").open("wb")
        self.pools = pools
        self.processes = [self._start(pool) for pool in pools]

    def _start(self, pool: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "otai.cli.main", "worker", "--pool", pool, "--threads", "1", "--grace", "0"]
        return subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT)

    def strike(self, chance: random.Random) -> None:
        """One worker is killed, or told to stop, in whatever it does; another one comes in its place."""
        number = chance.randrange(len(self.processes))
        how = signal.SIGKILL if chance.random() < 0.7 else signal.SIGTERM
        self.processes[number].send_signal(how)
        if how == signal.SIGTERM:
            # It hands its run back; a second signal must not be needed.
            self.processes[number].wait(60)
        else:
            self.processes[number].wait()
        self.processes[number] = self._start(self.pools[number])

    def kill_whoever_trains_first(self, until: float) -> None:
        """The first strike does not wait for the clock: on a fast machine all runs might have ended by then."""
        while time.monotonic() < until:
            at_work = at_work_now()
            for number, process in enumerate(self.processes):
                if any(worker.rsplit("/", 1)[-1].split(".")[0] == str(process.pid) for worker in at_work):
                    process.kill()
                    process.wait()
                    self.processes[number] = self._start(self.pools[number])
                    return
            time.sleep(0.05)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()


def at_work_now() -> list[str]:
    try:
        return list(Attempt.objects.filter(ended_at=None).values_list("worker", flat=True))
    except OperationalError:
        # SQLite, and somebody else writes.
        return []


def all_ended() -> bool:
    try:
        return not Run.objects.exclude(status__in=sorted(ENDED)).exists()
    except OperationalError:
        # SQLite, and somebody else writes.
        return False


def through_chaos(runs: int, *, database_url: str, folder: Path, workers: int, seconds: float, pause: float) -> None:
    now = utc_now()
    acme, globex = stories.acme(now, tier=Tier.ENTERPRISE), stories.globex(now, tier=Tier.ENTERPRISE)
    data_sets = [(o, stories.tickets_of(o, folder, now, name=f"tickets-{o.slug}")) for o in (acme, globex)]
    for number in range(runs):
        organisation, data_set = data_sets[number % 2]
        delivery = Delivery.FAST if number % 3 == 0 else Delivery.STANDARD
        stories.ordered(organisation, data_set, now - timedelta(seconds=number), delivery=delivery)
    operations.local_pool(hardware="here", now=now)
    operations.set_pool(name="local", slots=workers, now=now)
    chance = random.Random(runs)
    at_work = Workers(["local"] * workers, database_url, folder)
    try:
        until = time.monotonic() + seconds
        at_work.kill_whoever_trains_first(until)
        strike_until_all_ended(lambda: at_work.strike(chance), chance, until=until, pause=pause, folder=folder)
    finally:
        at_work.stop()
    everything_is_accounted_for()
    killed = Attempt.objects.filter(outcome="worker_lost").count()
    assert killed or RegisteredWorker.objects.filter(ended_as="lost").exists(), "nobody was killed: this proved nothing"


def strike_until_all_ended(
    strike: Callable[[], None], chance: random.Random, *, until: float, pause: float, folder: Path
) -> None:
    next_strike = time.monotonic() + pause
    while not all_ended():
        assert time.monotonic() < until, (folder / "workers.log").read_text()[-3000:]
        if time.monotonic() >= next_strike:
            strike()
            next_strike = time.monotonic() + chance.uniform(0.5, 1.5) * pause
        time.sleep(0.2)


def everything_is_accounted_for() -> None:
    found = list(Run.objects.all())
    assert {run.status for run in found} <= {"completed", "failed"}
    assert not Hold.objects.filter(state=HoldState.HELD).exists()
    assert not Attempt.objects.filter(ended_at__isnull=True).exists()
    for run in found:
        moves = [event.move for event in queries.events(run)]
        assert moves.count("evaluating -> completed") == (run.status == "completed")
        state = Hold.objects.get(id=run.hold).state
        assert state == (HoldState.CAPTURED if run.status == "completed" else HoldState.RELEASED)
    for organisation in {run.organisation_id for run in found}:
        charged = sum(r.credits for r in found if r.organisation_id == organisation and r.status == "completed")
        balance = ledger.balance(organisation)
        assert (balance.held, balance.spent) == (0, charged)
    assert audit().clean


@pytest.mark.postgres
def test_every_run_ends_and_none_is_paid_twice_while_workers_are_killed(database_url: str, tmp_path: Path) -> None:
    through_chaos(4, database_url=database_url, folder=tmp_path, workers=2, seconds=240, pause=6)


@pytest.mark.torture
def test_two_hundred_runs_end_and_none_is_paid_twice_while_workers_are_killed(
    database_url: str, tmp_path: Path
) -> None:
    through_chaos(200, database_url=database_url, folder=tmp_path, workers=3, seconds=3000, pause=4)
