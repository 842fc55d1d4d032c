"""How fast runs are claimed and how soon an order begins, on PostgreSQL and SQLite. `python -m benchmarks.runs_queue
[--quick]`.

Runs and their holds are loaded in bulk; claims go through `runs.queue.claim` as a worker's do, in processes of their
own. The server is the benchmark's own and durable (fsync on). Writes `.bench/runs_queue.md`. `--quick` takes smaller
tables, and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import measured_on
from tests.postgres import PostgresServer

FOLDER = Path(".bench")

SEED = '''
import sys, uuid
from datetime import timedelta
import django; django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
from otai.billing.operations import sign_up
from otai.db import new_id, utc_now
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.runs.models import Quote, Run
from otai.tickets.models import DataSet
queued, ended = int(sys.argv[1]), int(sys.argv[2])
now = utc_now()
organisations = list(Organisation.objects.bulk_create(
    [Organisation(slug=f"o{n}", name="Acme", created_at=now) for n in range(200)]
))
fields = dict(name="support", file="t.parquet", tickets=1000)
names = {f.name for f in DataSet._meta.fields}
extra = {}
for f in DataSet._meta.fields:
    if f.name in fields or f.name in ("id", "organisation") or f.has_default() or f.null: continue
    kind = f.get_internal_type()
    number_or_text = 1 if "Integer" in kind else "a" * 64
    extra[f.name] = now if kind == "DateTimeField" else {} if kind == "JSONField" else number_or_text
given = {k: v for k, v in fields.items() if k in names}
data_sets = list(DataSet.objects.bulk_create([DataSet(organisation=o, **given, **extra) for o in organisations]))
def rows(count, first, over):
    for begin in range(0, count, 5000):
        quotes, runs = [], []
        for n in range(begin, min(begin + 5000, count)):
            data_set = data_sets[n % 200]
            due = now + timedelta(hours=4, seconds=n % 7919)
            delivery = "fast" if n % 4 == 0 else "standard"
            quote = Quote(organisation_id=data_set.organisation_id, data_set=data_set, model_name="m", attributes=[],
                mode="basic", delivery=delivery, reason="new_model", tier="pro", price_book="b", credits=1,
                price_lines=[], made_at=now, due_at=due, expires_at=now + timedelta(minutes=30))
            quotes.append(quote)
            run = Run(organisation_id=data_set.organisation_id, number=first + n, quote=quote, data_set=data_set,
                model_name="m", attributes=[], mode="basic", delivery=delivery, reason="new_model", credits=1,
                hold=new_id(), ordered_by="a", ordered_at=now, due_at=due, queued_at=now,
                lane=0 if delivery == "fast" else 1, counts_as_due_at=due,
                rises_at=None if delivery == "fast" else due - timedelta(hours=1),
                expected_seconds=60)
            if over:
                run.status, run.ending, run.ended_at, run.attempt = "cancelled", "cancelled", now, 1
            runs.append(run)
        Quote.objects.bulk_create(quotes, batch_size=1000)
        Run.objects.bulk_create(runs, batch_size=1000)
from django.db import connection
if connection.vendor != "postgresql":
    rows(queued, 1, False)
elif queued:
    rows(200, 1, False)
    def columns(table, **other):
        with connection.cursor() as cursor:
            names = [c.name for c in connection.introspection.get_table_description(cursor, table)]
        return ", ".join(names), ", ".join(other.get(name, "old." + name) for name in names)
    def clone(count, first, **other):
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
            cursor.execute(f"""CREATE TEMP TABLE clones AS SELECT r.id AS old, r.quote_id AS old_quote,
                gen_random_uuid() AS id, gen_random_uuid() AS quote, gen_random_uuid() AS hold, {first} + g AS number, g
                FROM runs_run r, generate_series(1, {count // 200}) g
                WHERE r.number <= 200""")
            names, values = columns("runs_quote", id="c.quote")
            chosen = "SELECT " + values + " FROM clones c JOIN runs_quote old ON old.id = c.old_quote"
            cursor.execute(f"INSERT INTO runs_quote ({names}) {chosen}")
            due = "old.due_at + make_interval(secs => c.g * 7919 % 36000)"
            names, values = columns("runs_run", id="c.id", quote_id="c.quote", hold="c.hold", number="c.number",
                due_at=due, counts_as_due_at=due, **other)
            chosen = "SELECT " + values + " FROM clones c JOIN runs_run old ON old.id = c.old"
            cursor.execute(f"INSERT INTO runs_run ({names}) {chosen}")
            cursor.execute("DROP TABLE clones")
    clone(queued - 200, 1_000)
    if ended:
        clone(ended, 5_000_000, status="'cancelled'", ending="'cancelled'", ended_at="old.ordered_at", attempt="1")
    connection.cursor().execute("VACUUM ANALYZE runs_run")
'''

CLAIM = """
import json, sys, time
import django; django.setup()
from otai.db import utc_now
from otai.runs import queue
worker, most = sys.argv[1], int(sys.argv[2])
queue.claim(worker=worker, hardware="bench", now=utc_now(), run="00000000-0000-0000-0000-000000000000")
print("ready", flush=True)
sys.stdin.readline()
claimed, seconds = [], []
while len(claimed) < most:
    began = time.perf_counter()
    found = queue.claim(worker=worker, hardware="bench", now=utc_now())
    seconds.append(time.perf_counter() - began)
    if found is None:
        break
    claimed.append(str(found.run.id))
print(json.dumps([claimed, seconds]))
"""

ORDER_TO_START = """
import sys, tempfile, threading, time
from pathlib import Path
import django; django.setup()
from django.db import connection
from otai.db import utc_now
from otai.runs import operations
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from tests import stories
now = utc_now()
acme = stories.acme(now)
data_set = stories.tickets_of(acme, Path(tempfile.mkdtemp()), now)
stop = threading.Event()
began = {}
def work():
    Worker(FakeExecutor(), pool=operations.local_pool(hardware="here", now=utc_now())).work(until=stop.is_set)
    connection.close()
thread = threading.Thread(target=work)
thread.start()
time.sleep(2)
waits = []
for _ in range(5):
    run = stories.ordered(acme, data_set, utc_now())
    while not (run.has_ended and run.started_at):
        time.sleep(0.02)
        run.refresh_from_db()
    waits.append((run.started_at - run.ordered_at).total_seconds())
stop.set(); thread.join()
print(max(waits))
"""


def python(code: str, *arguments: object, url: str, home: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={
            **os.environ,
            "OTAI_DATABASE_URL": url,
            "OTAI_HOME": home,
            "DJANGO_SETTINGS_MODULE": "otai.config.settings",
        },
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def done(code: str, *arguments: object, url: str, home: str) -> str:
    process = python(code, *arguments, url=url, home=home)
    output, _ = process.communicate()
    assert process.returncode == 0, f"a part of the benchmark failed: {code[:80]}"
    return output.strip()


def claims(workers: int, most: int, *, url: str, home: str) -> dict[str, Any]:
    """All workers begin at once and claim until nothing waits, or `most` each."""
    processes = [python(CLAIM, f"w{n}", most, url=url, home=home) for n in range(workers)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    found = [json.loads(process.communicate()[0]) for process in processes]
    took = time.perf_counter() - began
    claimed = [run for runs, _ in found for run in runs]
    assert len(claimed) == len(set(claimed)), "a run was claimed twice"
    seconds = sorted(one for _, each in found for one in each)
    return {
        "claimed": len(claimed),
        "per_second": len(claimed) / took,
        "p50_ms": 1000 * statistics.median(seconds),
        "p99_ms": 1000 * seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))],
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    ended, queued = (100_000, 20_000) if quick else (1_000_000, 100_000)
    home = tempfile.mkdtemp(prefix="otai-bench-")
    server = PostgresServer(durable=True).start()
    try:
        contended_url = server.create_database("contended")
        done(SEED, 10_000, 0, url=contended_url, home=home)
        contended = claims(16, 10_000, url=contended_url, home=home)
        print("16 workers:", contended, flush=True)
        large_url = server.create_database("large")
        done(SEED, queued, ended, url=large_url, home=home)
        large = claims(1, 500, url=large_url, home=home)
        print("large table:", large, flush=True)
        start_url = server.create_database("start")
        done(SEED, 0, 0, url=start_url, home=home)
        start = float(done(ORDER_TO_START, url=start_url, home=home))
        print("order to start:", start, flush=True)
    finally:
        server.remove()
    sqlite_url = f"sqlite:///{home}/otai.sqlite3"
    count = 500 if quick else 2_000
    done(SEED, count, 0, url=sqlite_url, home=home)
    sqlite = claims(4, count, url=sqlite_url, home=home)
    print("SQLite:", sqlite, flush=True)
    FOLDER.mkdir(exist_ok=True)
    lost = count - sqlite["claimed"]
    (FOLDER / "runs_queue.md").write_text(
        f"""## The queue

{measured_on()}; PostgreSQL with fsync on; server and workers share the cores{"; a quick run, smaller tables" if quick else ""}.

| what | mark | measured |
|---|---|---|
| 16 workers claim 10 000 queued runs on PostgreSQL, each exactly once | 500 claims a second | {contended["claimed"]} runs, **{contended["per_second"]:.0f} a second**, p99 {contended["p99_ms"]:.0f} ms |
| one claim with {ended:,} ended and {queued:,} queued runs in the table | 10 ms | p50 **{large["p50_ms"]:.1f} ms**, p99 {large["p99_ms"]:.1f} ms |
| 4 workers claim {count} runs on SQLite | none lost | {lost} lost, none twice, {sqlite["per_second"]:.0f} a second |
| order to start, one waiting worker, slowest of 5 | 2 s | **{start:.2f} s** |
"""  # noqa: E501 - a table's lines stay whole
    )
    print((FOLDER / "runs_queue.md").read_text())


if __name__ == "__main__":
    main()
