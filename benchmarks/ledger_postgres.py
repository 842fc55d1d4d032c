"""How fast the ledger is, as ratios to `pgbench -N` on the same server, in interleaved rounds. `python -m
benchmarks.ledger_postgres`.

The server is the benchmark's own, durable (fsync on), with PostgreSQL's other settings as they come. Writes
`.bench/ledger.md` and `.bench/ledger.json`. `--quick` takes fewer and shorter rounds and smaller tables, and says so in
what it writes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.ledger_clients import CLIENTS, Clients, Measured, Round
from tests.postgres import PostgresServer

FOLDER = Path(".bench")

MARKS = {
    # operation: (clients on, smallest ratio of operations a second to pgbench's transactions)
    "place_hold": ("all organisations", 0.35),
    "capture": ("all organisations", 0.35),
    "release": ("all organisations", 0.35),
    "grant": ("all organisations", 0.35),
    "hot place_hold": ("one organisation", 0.2),
    "hot capture": ("one organisation", 0.2),
    "batch place_holds": ("one organisation, 50 at a time", 2.0),
    "batch captures": ("one organisation, 50 at a time", 2.0),
}
P99_MARK = 5.0


class Bench:
    def __init__(self, *, quick: bool, only: list[str], transfers: int) -> None:
        self.quick = quick
        self.only = only
        self.rounds = 2 if quick else 5
        self.seconds = 3 if quick else 6
        self.organisations = 2_000 if quick else 10_000
        self.transfers = transfers or (200_000 if quick else 10_000_000)
        self.audited = 1_000_000
        self.figures: dict[str, Any] = {}
        if only and (FOLDER / "ledger.json").exists():
            # A part that is measured again takes the place of its former figures; the other parts stay.
            self.figures = json.loads((FOLDER / "ledger.json").read_text())

    def run(self) -> None:
        self.server = PostgresServer(durable=True).start()
        try:
            self.url = self.server.create_database("otai")
            self.server.create_database("bench")
            os.environ["OTAI_DATABASE_URL"] = self.url
            os.environ["DJANGO_SETTINGS_MODULE"] = "otai.config.settings"
            os.environ.setdefault("OTAI_HOME", tempfile.mkdtemp(prefix="otai-bench-"))
            migrate(self.url)
            import django

            django.setup()
            self._pgbench("-i", "-s", "10", "-q", "bench")
            self.seed()
            for name, part in (
                ("speed", self.speed),
                ("growth", self.growth),
                ("audit", self.audit),
                ("sqlite", self.sqlite),
            ):
                if not self.only or name in self.only:
                    say(f"{name} ...")
                    part()
                    self.write()
        finally:
            self.server.remove()

    # -- pgbench
    # ---------------------------------------------------------------------------------------------------------------

    def _pgbench(self, *arguments: str) -> str:
        return subprocess.run(
            [
                *self.server._as_server_user(),
                str(self.server.bin / "pgbench"),
                "-h",
                str(self.server.folder),
                "-U",
                "otai",
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=True,
            cwd=self.server.folder,
        ).stdout

    def pgbench(self, clients: int = CLIENTS) -> tuple[float, float]:
        """Transactions a second, and the 99th percentile of their latency in ms."""
        for log in self.server.folder.glob("log_bench*"):
            log.unlink()
        prefix = ["-l", "--log-prefix=log_bench"]
        out = self._pgbench("-N", "-n", "-c", str(clients), "-j", "2", "-T", str(self.seconds), *prefix, "bench")
        latencies = sorted(
            int(line.split()[2])
            for log in self.server.folder.glob("log_bench*")
            for line in log.read_text().splitlines()
        )
        found = re.search(r"tps = ([\d.]+) \(without", out)
        assert found, out
        return float(found[1]), percentile(latencies, 0.99) / 1000

    # -- speed
    # -----------------------------------------------------------------------------------------------------------------

    def seed(self) -> None:
        """Organisations with two lots each, made through the API."""
        from django.db import connection

        from otai.db import utc_now
        from otai.ledger.operations import LotSource, grant
        from otai.orgs.models import Organisation

        say(f"seeding {self.organisations} organisations ...")
        now = utc_now()
        Organisation.objects.bulk_create(
            [Organisation(slug=f"o{n}", name="Acme", created_at=now) for n in range(self.organisations)]
        )
        self.ids = list(Organisation.objects.values_list("id", flat=True))
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        for organisation in self.ids:
            for key in ("sign-up", "2026-11"):
                grant(
                    organisation=organisation,
                    credits=10_000_000 if organisation in self.ids[:3] else 100_000,
                    source=LotSource.MONTHLY,
                    key=key,
                    reference="",
                    reason="",
                    now=now,
                )
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
            cursor.execute("VACUUM ANALYZE")

    def speed(self) -> None:
        clients = Clients(self.url)
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in MARKS}
        for number in range(self.rounds):
            for name, (where, _) in MARKS.items():
                base, base_p99 = self.pgbench()
                organisations = self.ids if where.startswith("all") else self.ids[:1]
                what = Round(name.split()[-1], organisations, self.seconds, number)
                clients.prepare(what)
                measured = clients.run(what)
                row = as_row(measured) | {"pgbench": base, "pgbench_p99_ms": base_p99}
                row["ratio"] = row["per_second"] / base
                row["p99_ratio"] = row["p99_ms"] / base_p99
                rows[name].append(row)
                say(f"  {name}: {row['per_second']:.0f}/s, pgbench {base:.0f}/s, ratio {row['ratio']:.2f}")
        clients.stop()
        self.figures["organisations"] = self.organisations
        self.figures["speed"] = {name: median(found) | {"mark": MARKS[name][1]} for name, found in rows.items()}

    # -- growth and reading
    # ----------------------------------------------------------------------------------------------------

    def growth(self) -> None:
        from django.db import connection

        large, small = self.ids[1], self.ids[2]
        say(f"  loading {self.transfers} transfers and 10000 lots into one organisation ...")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_transfer DISABLE TRIGGER USER")
            cursor.execute("SET synchronous_commit = off")
            for statement in BULK_LOAD:
                cursor.execute(statement, {"organisation": large, "count": self.transfers})
            cursor.execute("ALTER TABLE ledger_transfer ENABLE TRIGGER USER")
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        client = Clients(self.url, 1)
        found: dict[str, dict[str, list[float]]] = {}
        for number in range(self.rounds * 2):
            for operation in ("place_hold", "capture", "grant", "balance"):
                for name, organisation in (("large", large), ("small", small)):
                    what = Round(operation, [organisation], self.seconds / 2, number)
                    client.prepare(what)
                    measured = as_row(client.run(what))
                    found.setdefault(operation, {}).setdefault(name, []).append(measured["mean_ms"])
                    if operation == "balance":
                        found[operation].setdefault(f"{name} p99", []).append(measured["p99_ms"])
        client.stop()
        self.figures["growth"] = {
            operation: {name: statistics.median(values) for name, values in by_name.items()}
            for operation, by_name in found.items()
        } | {"transfers": self.transfers, "balance_plan": self.balance_plan(large)}

    def balance_plan(self, organisation: UUID) -> str:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "EXPLAIN SELECT available, held, spent FROM ledger_account WHERE organisation_id = %s", [organisation]
            )
            return str(cursor.fetchone()[0])

    def audit(self) -> None:
        from benchmarks.ledger_audit import audit_of_many

        self.figures["audit"] = audit_of_many(self.url, self.audited, say)

    def sqlite(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="otai-bench-"))
        url = f"sqlite:///{folder}/otai.sqlite3"
        migrate(url)
        code = SEED_SQLITE.format(count=100)
        environment = os.environ | {"OTAI_DATABASE_URL": url}
        out = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
        organisations = [UUID(line) for line in out.stdout.split()]
        figures = {}
        for count in (1, 4):
            clients = Clients(url, count)
            measured = [
                as_row(clients.run(Round("place_hold", organisations, self.seconds, number)))
                for number in range(self.rounds)
            ]
            clients.stop()
            figures[str(count)] = median(measured)
            say(f"  SQLite, {count} processes: {figures[str(count)]['per_second']:.0f} holds/s")
        self.figures["sqlite"] = figures

    # -- report
    # ----------------------------------------------------------------------------------------------------------------

    def write(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        self.figures |= {
            "date": datetime.now(tz=UTC).date().isoformat(),
            "quick": self.quick,
            "machine": (
                f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, load "
                f"{os.getloadavg()[1]:.1f}"
            ),
            "postgres": subprocess.run(
                [str(self.server.bin / "postgres"), "--version"], capture_output=True, text=True
            ).stdout.strip(),
        }
        (FOLDER / "ledger.json").write_text(json.dumps(self.figures, indent=2))
        (FOLDER / "ledger.md").write_text(as_markdown(self.figures))


BULK_LOAD = [
    """UPDATE ledger_account SET last_seq = %(count)s + 2, granted = granted + 100000000,
       available = available + 100000000
    WHERE organisation_id = %(organisation)s""",
    """INSERT INTO ledger_transfer SELECT gen_random_uuid(), %(organisation)s, n + 2, '2026-01-01', 'grant', 'monthly',
       'available', 1,
        'bulk:' || n, sha256('x'), 'bulk', 'Bulk load of the benchmark', NULL, '[["x", 1]]', 1, 0, 0, sha256('x')
    FROM generate_series(1, %(count)s) AS n""",
    """INSERT INTO ledger_lot SELECT gen_random_uuid(), %(organisation)s, 'monthly', 1, n + 2, 10000, 10000, 0, 0, 0,
       true, NULL, '', '',
        'bulk', '', '2026-01-01' FROM generate_series(1, 10000) AS n""",
]

SEED_SQLITE = """
import django

django.setup()
from otai.db import utc_now
from otai.ledger.operations import LotSource, grant
from otai.orgs.operations import create_organisation

for n in range({count}):
    organisation = create_organisation(slug=f"o{{n}}", name="Acme", time_zone="UTC", now=utc_now()).id
    grant(
        organisation=organisation,
        credits=10_000_000,
        source=LotSource.MONTHLY,
        key="g",
        reference="",
        reason="",
        now=utc_now(),
    )
    print(organisation)
"""


def migrate(url: str) -> None:
    environment = os.environ | {"OTAI_DATABASE_URL": url}
    subprocess.run([sys.executable, "-m", "otai.config.manage", "migrate", "-v", "0"], env=environment, check=True)


def percentile(ordered: list[Any], share: float) -> float:
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else float("nan")


def as_row(measured: Measured) -> dict[str, float]:
    return {
        "per_second": measured.per_second,
        "mean_ms": 1000 * statistics.fmean(measured.latencies),
        "p50_ms": 1000 * percentile(measured.latencies, 0.5),
        "p99_ms": 1000 * percentile(measured.latencies, 0.99),
    }


def median(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def as_markdown(figures: dict[str, Any]) -> str:
    lines = [
        "## The ledger",
        "",
        f"{figures['date']}; {figures['machine']}; {figures['postgres']}, fsync on. `python -m "
        f"benchmarks.ledger_postgres{' --quick' if figures['quick'] else ''}`. Medians of interleaved rounds; ratios "
        f"are to `pgbench -N` with {CLIENTS} clients in the round before. Keys, request hashes, lots, holds and the "
        "hash chain are all on.",
        "",
    ]
    if speed := figures.get("speed"):
        lines += [
            "| operation | on | a second | pgbench | ratio | mark | p99 ms | p99 to pgbench's (mark 5) |",
            "|---|---|--:|--:|--:|--:|--:|--:|",
        ]
        for name, row in speed.items():
            is_batch = name.startswith("batch")
            p99 = "per batch" if is_batch else f"{row['p99_ratio']:.1f}"
            where = MARKS[name][0].replace("all", f"{figures['organisations']:,}")
            lines.append(
                f"| {name} | {where} | {row['per_second']:.0f} | {row['pgbench']:.0f} | **{row['ratio']:.2f}** | "
                f"{row['mark']} | {row['p99_ms']:.1f} | {p99} |"
            )
        lines.append("")
    if growth := figures.get("growth"):
        lines += [
            f"Growth: one client, an organisation with {growth['transfers']:,} transfers and 10,000 open lots against "
            "one with few (mark: 20 % more; a balance under 1 ms).",
            "",
            "| operation | large, ms | small, ms | more |",
            "|---|--:|--:|--:|",
        ]
        for operation in ("place_hold", "capture", "grant", "balance"):
            row = growth[operation]
            lines.append(
                f"| {operation} | {row['large']:.3f} | {row['small']:.3f} | "
                f"{100 * (row['large'] / row['small'] - 1):+.0f} % |"
            )
        lines += [
            "",
            f"Plan of a balance: `{growth['balance_plan']}`; p99 {growth['balance']['large p99']:.2f} ms.",
            "",
        ]
    if audit := figures.get("audit"):
        lines += [
            f"Audit: {audit['transfers']:,} transfers in {audit['seconds']:.0f} s, {audit['peak_mb']:.0f} MB peak "
            f"({audit['base_mb']:.0f} MB before it began), {'clean' if audit['clean'] else 'NOT CLEAN'}. Balance of "
            f"that organisation: {audit['balance_ms']:.2f} ms, at a past instant {audit['past_balance_ms']:.2f} ms.",
            "",
        ]
    if sqlite := figures.get("sqlite"):
        lines += [
            f"SQLite (WAL, synchronous=NORMAL): {sqlite['1']['per_second']:.0f} holds a second in one process (mark "
            f"1000); four processes {sqlite['4']['per_second']:.0f} together, p99 {sqlite['4']['p99_ms']:.0f} ms, "
            "without an error.",
            "",
        ]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--only", nargs="*", default=[], choices=["speed", "growth", "audit", "sqlite"])
    arguments.add_argument("--transfers", type=int, default=0, help="of the large organisation")
    chosen = arguments.parse_args()
    Bench(quick=chosen.quick, only=chosen.only, transfers=chosen.transfers).run()
    print((FOLDER / "ledger.md").read_text())


if __name__ == "__main__":
    main()
