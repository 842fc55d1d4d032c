"""Other processes for the ledger's races and crashes: clients that start together, and writers that can be killed at
any moment."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID


class Clients:
    """Processes with a database connection each; `at_once` lets all of them go at the same moment."""

    def __init__(self, database_url: str, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.start = context.Barrier(count)
        self.pipes: list[Connection] = []
        self.processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(database_url, theirs, self.start), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            assert pipe.recv() == "ready"

    def at_once(self, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        """Calls `operations.NAME(**arguments)` in as many processes as there are calls: results, or codes of errors."""
        assert len(calls) == len(self.pipes)
        for pipe, call in zip(self.pipes, calls, strict=True):
            pipe.send(call)
        return [pipe.recv() for pipe in self.pipes]

    def stop(self) -> None:
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(20)


def _set_up(database_url: str) -> None:
    os.environ["OTAI_DATABASE_URL"] = database_url
    os.environ["DJANGO_SETTINGS_MODULE"] = "otai.config.settings"
    import django

    django.setup()


def _client(database_url: str, pipe: Connection, start: Any) -> None:
    _set_up(database_url)
    from django.db import connection

    from otai.errors import OtaiError
    from otai.ledger import operations

    connection.ensure_connection()
    pipe.send("ready")
    while (call := pipe.recv()) is not None:
        name, arguments = call
        start.wait()
        try:
            pipe.send(getattr(operations, name)(**arguments))
        except OtaiError as error:
            pipe.send(error.code)
        except Exception as error:  # noqa: BLE001 - the story reads it
            pipe.send(f"{type(error).__name__}: {error}")
    connection.close()


def write_until_killed(database_url: str, organisations: list[UUID], acknowledged: Path, seed: int) -> None:
    """Random operations for ever. Each key is written to the file `acknowledged` only after the ledger has answered."""
    _set_up(database_url)
    from django.db import Error, transaction

    from otai.db import utc_now
    from otai.errors import OtaiError
    from tests.ledger import stories

    rng = random.Random(seed)
    log = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    holds: list[tuple[UUID, UUID]] = []
    captured: list[tuple[UUID, UUID]] = []
    number = 0
    while True:
        number += 1
        key, now = f"{seed}-{os.getpid()}-{number}", utc_now()
        same = {"key": key, "now": now}
        try:
            what = rng.random()
            organisation = rng.choice(organisations)
            if what < 0.15:
                stories.grant(organisation, rng.randint(1, 50), **same)
            elif what < 0.55 or not holds:
                later = {"deadline_at": now.replace(year=now.year + 1)}
                with transaction.atomic() if what < 0.3 else nullcontext():
                    placed = stories.hold(organisation, rng.randint(1, 9), **same, **later)
                holds.append((organisation, placed.hold))
            elif what < 0.6 and captured:
                stories.credit_refund(*captured.pop(), **same)
            else:
                chosen = holds.pop(rng.randrange(len(holds)))
                if what < 0.8:
                    stories.capture(*chosen, **same)
                    captured.append(chosen)
                else:
                    stories.release(*chosen, **same)
            os.write(log, f"{key}\n".encode())
        except OtaiError:
            pass
        except Error:
            # The server is gone: this writer's part is over.
            return


def start_writers(database_url: str, organisations: list[UUID], acknowledged: Path, count: int) -> list[Any]:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=write_until_killed, args=(database_url, organisations, acknowledged, seed), daemon=True)
        for seed in range(count)
    ]
    for writer in writers:
        writer.start()
    return writers


def wait_for_acknowledgements(file: Path, count: int, *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not file.exists() or len(file.read_bytes().splitlines()) < count:
        assert time.monotonic() < until, "The writers acknowledged too little."
        time.sleep(0.02)


def main() -> None:
    """`python -m tests.ledger.processes URL FILE`: prints `clean`, or what the audit or the acknowledged keys miss."""
    _set_up(sys.argv[1])
    from otai.ledger.audit import audit

    report = audit()
    missing = missing_keys(Path(sys.argv[2]))
    print("clean" if report.clean and not missing else f"{report.problems} {missing}", report.transfers)


def missing_keys(acknowledged: Path) -> set[str]:
    """Keys that were acknowledged and are not in the ledger. A last line that was cut off counts as not
    acknowledged."""
    from otai.ledger.models import Transfer

    keys = {line.strip() for line in acknowledged.read_text().splitlines(keepends=True) if line.endswith("\n")}
    return keys - set(Transfer.objects.values_list("key", flat=True).iterator())


if __name__ == "__main__":
    main()
