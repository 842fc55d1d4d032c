"""What guards cost: a job that is confined beside one that is not, by turns; and counting a request, on SQLite and on
PostgreSQL, with two processes at once."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import measured_on

FRAGMENT = Path(__file__).resolve().parents[1] / ".bench" / "guards.md"
pairs = 100
requests = 6_000
limit = 1_200
"""Of one person, at the default."""


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "otai.config.settings"
    import django

    django.setup()


def jobs() -> dict[str, list[float]]:
    """Milliseconds from asking for a preview of 100 rows to its end."""
    _set_up()
    from otai.jobs.server import ForkServer
    from otai.tickets.jobs import quick_bounds

    folder = Path(os.environ["OTAI_HOME"])
    source = folder / "tickets.csv"
    source.write_text("text,queue\n" + "The printer is on fire and nobody comes,network\n" * 100)
    spec = {"source": str(source), "filename": "tickets.csv", "must_have_text": True}
    server = ForkServer()
    found: dict[str, list[float]] = {"0": [], "1": []}
    for number in range(2 * pairs + 2):
        os.environ["OTAI_CONFINE_JOBS"] = confines = str(number % 2)
        place = Path(tempfile.mkdtemp(dir=folder))
        (place / "spec.json").write_text(json.dumps(spec))
        began = time.perf_counter()
        flight = server.fly(job=str(number), work="otai.tickets.work:preview", folder=place, bounds=quick_bounds())
        while "exit" not in (ended := flight.messages.get(timeout=60)):
            pass
        if ended["exit"] or "values" not in json.loads((place / "result.json").read_text()):
            raise SystemExit((place / "stderr").read_text() + (place / "result.json").read_text())
        if number > 1:
            found[confines].append((time.perf_counter() - began) * 1000)
        if confines == "1" and "Not confined" in (place / "stderr").read_text():
            raise SystemExit("this system lets no user make namespaces: nothing to measure")
    return found


def counting() -> dict[str, float]:
    """Of one process: microseconds of a request, of all and of those that asked the database; and statements."""
    _set_up()
    from django.db import connection

    from otai.orgs.rates import SharedRates

    statements, took = 0, []

    def counted(execute: Callable[..., object], sql: str, *rest: object) -> object:
        nonlocal statements
        statements += not sql.startswith("PRAGMA")
        return execute(sql, *rest)

    rates = SharedRates()
    with connection.execute_wrapper(counted):
        for number in range(requests):
            # A minute of its own for each 1 200, so that all are let through by one process.
            at = 60.0 * (number // limit * 2 + int(sys.argv[2]) % 2)
            began = time.perf_counter()
            rates.count("user:7", limit=2 * limit, clock=at, slides=False)
            took.append((time.perf_counter() - began) * 1e6)
    slowest = sorted(took)[-statements // 2 :]
    return {"all": statistics.mean(took), "asked": statistics.median(slowest), "statements": statements}


def _in_processes(what: str, many: int, environment: dict[str, str]) -> list[dict[str, Any]]:
    begun = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.guards", what, str(number)], env=environment, stdout=subprocess.PIPE
        )
        for number in range(many)
    ]
    return [json.loads(one.communicate()[0]) for one in begun]


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps({"jobs": jobs, "counting": counting}[sys.argv[1]]()))
        return
    from tests.postgres import PostgresServer

    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="otai-bench-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTAI_")}
        environment |= {"OTAI_HOME": home}
        otai = [sys.executable, "-m", "otai.cli.main", "init"]
        subprocess.run(otai, env=environment, check=True, stdout=subprocess.DEVNULL)
        [found] = _in_processes("jobs", 1, environment)
        plain, confined = (statistics.median(found[kind]) for kind in ("0", "1"))
        more = statistics.median(one - other for one, other in zip(found["1"], found["0"], strict=True))
        server = PostgresServer().start()
        try:
            server.create_database("otai")
            of_postgres = environment | {"OTAI_DATABASE_URL": server.url("otai")}
            subprocess.run(otai, env=of_postgres, check=True, stdout=subprocess.DEVNULL)
            for name, where in (("SQLite", environment), ("PostgreSQL", of_postgres)):
                both = _in_processes("counting", 2, where)
                every, asked = (max(one[kind] for one in both) for kind in ("all", "asked"))
                share = sum(one["statements"] for one in both) / (2 * requests)
                lines.append(f"| {name} | {share:.3f} | {every:.0f} | {asked:,.0f} |")
        finally:
            server.remove()
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text(
        "\n".join(
            [
                "## What guards cost",
                "",
                f"`make bench BENCH=guards`; {measured_on()}, at load {os.getloadavg()[0]:.0f}. "
                f"A preview of 100 rows, from asking to its end, {pairs} "
                f"pairs by turns: {plain:.1f} ms unconfined, {confined:.1f} ms confined, median of a pair "
                f"{more:+.1f} ms. Counting {requests:,} requests in each of two processes at once, with bounds of "
                f"{2 * limit:,} a minute:",
                "",
                "| database | statements a request | µs a request | µs where the database is asked (median) |",
                "|---|---:|---:|---:|",
                *lines,
                "",
            ]
        )
    )


if __name__ == "__main__":
    main()
