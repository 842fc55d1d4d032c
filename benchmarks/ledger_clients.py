"""The eight client processes of the ledger's benchmark: each does one operation as often as it can for a given time.

Started by `ledger_postgres.py`; speaks to the ledger through its Python API only.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

CLIENTS = 8
BATCH = 50


@dataclass(frozen=True)
class Round:
    """One measured round: what each client does, on which organisations, for how long."""

    operation: str
    organisations: list[UUID]
    seconds: float
    round: int


@dataclass(frozen=True)
class Measured:
    per_second: float
    latencies: list[float]


class Clients:
    """Eight processes with a connection each, kept for all rounds so that none of them measures start-up."""

    def __init__(self, database_url: str, count: int = CLIENTS) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        self.processes = []
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(database_url, number, theirs), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            assert pipe.recv() == "ready"

    def prepare(self, what: Round) -> None:
        for pipe in self.pipes:
            pipe.send(("prepare", what))
        for pipe in self.pipes:
            _received(pipe)

    def run(self, what: Round) -> Measured:
        for pipe in self.pipes:
            pipe.send(("run", what))
        answers = [_received(pipe) for pipe in self.pipes]
        latencies = sorted(latency for answer in answers for latency in answer[1])
        return Measured(sum(done / seconds for done, _, seconds in answers), latencies)

    def stop(self) -> None:
        for pipe in self.pipes:
            pipe.send(("stop", None))
        for process in self.processes:
            process.join(10)


def _received(pipe: Connection) -> Any:
    answer = pipe.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _client(database_url: str, number: int, pipe: Connection) -> None:
    os.environ["OTAI_DATABASE_URL"] = database_url
    os.environ["DJANGO_SETTINGS_MODULE"] = "otai.config.settings"
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    worker = _Worker(number)
    pipe.send("ready")
    while True:
        word, what = pipe.recv()
        try:
            if word == "stop":
                return
            elif word == "prepare":
                worker.prepare(what)
                pipe.send("prepared")
            else:
                pipe.send(worker.run(what))
        except Exception as error:  # noqa: BLE001 - told to the parent, which stops the benchmark
            pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


class _Worker:
    def __init__(self, number: int) -> None:
        self.number = number
        self.random = random.Random(number)
        self.count = 0
        self.held: list[tuple[UUID, UUID]] = []

    def key(self) -> str:
        self.count += 1
        return f"{os.getpid()}:{self.count}"

    def hold(self, organisation: UUID) -> UUID:
        from otai.ledger.operations import place_hold

        now = datetime.now(tz=UTC)
        return place_hold(
            organisation=organisation,
            credits=1 + self.count % 3,
            key=self.key(),
            reference=f"run:{self.count}",
            reason="Business Fast training of 'Queue routing'",
            deadline_at=now + timedelta(hours=8),
            now=now,
        ).hold

    def prepare(self, what: Round) -> None:
        """Holds for the captures or releases of the next round, outside the measured time."""
        from otai.ledger.operations import HoldPlaced, HoldRequest, place_holds

        if what.operation not in ("capture", "release", "captures"):
            return
        self.held = []
        wanted = (
            int(what.seconds * 6000 / CLIENTS) if what.operation != "captures" else int(what.seconds * 30000 / CLIENTS)
        )
        organisations = what.organisations
        size = 4 if len(organisations) > 1 else 100
        while len(self.held) < wanted:
            organisation = self.random.choice(organisations)
            now = datetime.now(tz=UTC)
            deadline = now + timedelta(hours=8)
            placed = place_holds(
                organisation=organisation,
                requests=[HoldRequest(1, self.key(), "run", "prepared", deadline) for _ in range(size)],
                now=now,
            )
            self.held += [(organisation, one.hold) for one in placed if isinstance(one, HoldPlaced)]
        if len(organisations) > 1:
            self.random.shuffle(self.held)

    def run(self, what: Round) -> tuple[int, list[float], float]:
        step = self.step(what)
        latencies: list[float] = []
        done = 0
        start = before = time.perf_counter()
        while before < start + what.seconds:
            try:
                done += step()
            except StopIteration:
                # All prepared holds are used up: this client's round was shorter.
                break
            after = time.perf_counter()
            latencies.append(after - before)
            before = after
        return done, latencies, before - start

    def step(self, what: Round) -> Callable[[], int]:
        from otai.ledger import operations as ledger

        organisations = what.organisations
        choose = self.random.choice
        held: Iterator[tuple[UUID, UUID]] = iter(self.held)

        def place_hold() -> int:
            self.hold(choose(organisations))
            return 1

        def resolve(operation: Callable[..., object]) -> Callable[[], int]:
            def step() -> int:
                organisation, hold = next(held)
                operation(
                    organisation=organisation,
                    hold=hold,
                    key=self.key(),
                    reason="Run 12: completed",
                    now=datetime.now(tz=UTC),
                )
                return 1

            return step

        def grant() -> int:
            ledger.grant(
                organisation=choose(organisations),
                credits=50,
                source=ledger.LotSource.MONTHLY,
                key=self.key(),
                reference="2026-11",
                reason="Monthly credits of November 2026",
                now=datetime.now(tz=UTC),
            )
            return 1

        def place_holds() -> int:
            now = datetime.now(tz=UTC)
            deadline = now + timedelta(hours=8)
            requests = [
                ledger.HoldRequest(1, self.key(), f"run:{self.count}", "Business Fast training", deadline)
                for _ in range(BATCH)
            ]
            placed = ledger.place_holds(organisation=choose(organisations), requests=requests, now=now)
            assert all(isinstance(one, ledger.HoldPlaced) for one in placed), placed
            return BATCH

        def captures() -> int:
            chosen = list(islice(held, BATCH))
            if len(chosen) < BATCH:
                raise StopIteration
            requests = [ledger.CaptureRequest(hold, self.key(), "Run 12: completed") for _, hold in chosen]
            resolved = ledger.captures(organisation=chosen[0][0], requests=requests, now=datetime.now(tz=UTC))
            assert all(isinstance(one, ledger.HoldResolved) for one in resolved), resolved
            return BATCH

        def balance() -> int:
            from otai.ledger.queries import balance

            balance(choose(organisations))
            return 1

        steps = {
            "place_hold": place_hold,
            "capture": resolve(ledger.capture),
            "release": resolve(ledger.release),
            "grant": grant,
            "place_holds": place_holds,
            "captures": captures,
            "balance": balance,
        }
        return steps[what.operation]
