"""How fast the pages answer for an organisation with a long history. `python -m benchmarks.web_pages [--quick]`.

Seeds 10 000 runs and 100 000 transfers through the ledger's own operations, on SQLite and on PostgreSQL, then asks
every page 20 times as a signed-in member, through the whole stack of middleware, in one process. Time is the server's,
from request to the last byte of the answer. Writes `.bench/web_pages.md`. `--quick` takes a tenth of the history, and
says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import measured_on

FOLDER = Path(".bench")
QUICK = "'web_pages --quick'"

SEED = r"""
import json, statistics, sys, time, uuid
from datetime import timedelta
from pathlib import Path
import django

django.setup()
from django.core.management import call_command

call_command("migrate", interactive=False, verbosity=0)
from django.db import connection, transaction
from django.test import Client
from otai.billing import operations as billing
from otai.billing.models import Subscription
from otai.db import new_id, utc_now
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource, Transfer
from otai.ledger.operations.batches import CaptureRequest, HoldRequest, captures, place_holds
from otai.orgs.models import User
from otai.orgs.operations import add_member
from otai.pricing.price_book import Tier
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Quote, Run
from otai.runs.worker import Worker
from otai.serving.models import ModelVersion, TrainedModel
from otai.serving.operations import register_completed_runs
from tests import stories
from tests.billing.people import transfer

runs_wanted, transfers_wanted, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
now = utc_now()
days = 720
start = now - timedelta(days=days)
acme = billing.sign_up(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", tier=Tier.PRO, now=start)
alice = User.objects.create_user("alice", "alice@acme.example", first_name="Alice")
add_member(organisation=acme, user=alice, role="owner", who="bench", now=start)
billing.set_billing_details(
    organisation=acme,
    name="Acme GmbH",
    street="Hauptstr. 1",
    postcode="10115",
    city="Berlin",
    country="DE",
    email="billing@acme.example",
    who="bench",
    now=start,
)
ledger.grant(
    organisation=acme.id,
    credits=10_000_000,
    source=LotSource.GOODWILL,
    key="plenty",
    reference="goodwill",
    reason="For the benchmark",
    now=start,
)

# The history: each day some trainings that were paid, the older transfers beside them for work whose runs are gone.
day_runs, day_pairs = runs_wanted // days + 1, (transfers_wanted // 2 - runs_wanted) // days + 1
history = []
for day in range(days):
    at = start + timedelta(days=day, minutes=1)
    ids = [new_id() for _ in range(day_runs + day_pairs)]
    for begin in range(0, len(ids), 500):
        some = ids[begin : begin + 500]
        placed = place_holds(
            organisation=acme.id,
            now=at,
            requests=[HoldRequest(2, f"h{i}", f"run:{i}", "", at + timedelta(days=2)) for i in some],
        )
        captures(
            organisation=acme.id, now=at, requests=[CaptureRequest(p.hold, f"c{i}", "") for i, p in zip(some, placed)]
        )
        history += [(i, p.hold, at) for i, p in zip(some, placed)][: max(0, day_runs - begin)]
    if day % 30 == 0:
        ledger.grant(
            organisation=acme.id,
            credits=50,
            source=LotSource.MONTHLY,
            key=f"m{day}",
            reference="tier:pro",
            reason="m",
            now=at,
        )

data_set = stories.tickets_of(acme, folder, start)
first = stories.ordered(acme, data_set, now)
Worker(LocalExecutor(), clock=lambda: now).work_once()
first.refresh_from_db()
assert first.status == "completed", first.failure_message
models = [TrainedModel.objects.create(organisation=acme, name=f"model {n}", created_at=start) for n in range(19)]
quotes, made, versions, numbers = [], [], [], {}
for n, (id, hold, at) in enumerate(history[:runs_wanted]):
    model = models[n % len(models)]
    quote = Quote(
        organisation=acme,
        data_set=data_set,
        model_name=model.name,
        attributes=first.attributes,
        mode="basic",
        delivery="fast",
        reason="new_model",
        tier="pro",
        price_book="b",
        credits=2,
        price_lines=[],
        made_at=at,
        due_at=at + timedelta(hours=1),
        expires_at=at + timedelta(minutes=30),
    )
    failed = n % 25 == 0
    run = Run(
        id=id,
        organisation=acme,
        number=n + 2,
        quote=quote,
        data_set=data_set,
        model_name=model.name,
        attributes=first.attributes,
        mode="basic",
        delivery="fast",
        reason="new_model",
        credits=2,
        hold=hold,
        ordered_by="alice",
        ordered_at=at,
        due_at=at + timedelta(hours=1),
        queued_at=at,
        lane=0,
        counts_as_due_at=at,
        expected_seconds=60,
        status="failed" if failed else "completed",
        ending="failed_input" if failed else "completed",
        started_at=at,
        ended_at=at,
        attempt=1,
        heartbeat_at=at,
        bundle_file="" if failed else first.bundle_file,
        bundle_sha256="" if failed else first.bundle_sha256,
        report_card=None if failed else first.report_card,
    )
    quotes.append(quote)
    made.append(run)
    if not failed:
        numbers[model.id] = numbers.get(model.id, 0) + 1
        versions.append(
            ModelVersion(
                model=model,
                number=numbers[model.id],
                run=run,
                bundle_file=first.bundle_file,
                bundle_sha256=first.bundle_sha256,
                bundle_bytes=first.bundle_bytes,
                created_at=at,
            )
        )
for table, rows in ((Quote, quotes), (Run, made), (ModelVersion, versions)):
    table.objects.bulk_create(rows, batch_size=500)
register_completed_runs(now=now)
for n in range(12):
    if n:
        transfer(bought.purchase, now)
    bought = billing.buy(organisation=acme, package="10", key=f"k{n}", who="alice", now=now)
open_run = stories.ordered(acme, data_set, now)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")

model = models[0]
newest = model.versions.order_by("-number").first()
purchase = acme.purchases.first()
pages = {
    "Home": "/acme/",
    "Home, live part": "/acme/now",
    "Credits": "/acme/credits/",
    "Ledger": "/acme/credits/ledger/",
    "Ledger, searched by training": "/acme/credits/ledger/?q=training+500",
    "Ledger, searched by word": "/acme/credits/ledger/?q=goodwill",
    "Ledger, a page far back": "/acme/credits/ledger/?before=5000",
    "Ledger, one kind": "/acme/credits/ledger/?kind=grant",
    "Package": "/acme/credits/packages/50/",
    "Purchase": f"/acme/credits/purchases/{purchase.reference}/",
    "Invoices": "/acme/credits/invoices/",
    "Billing details": "/acme/credits/details/",
    "Tier": "/acme/credits/tier/",
    "Low credits": "/acme/credits/low/",
    "Help": "/acme/help/",
    "Tickets": "/acme/tickets/",
    "Data set": f"/acme/tickets/{data_set.id}/",
    "Train": "/acme/train/",
    "Runs": "/acme/runs/",
    "Run, waiting": f"/acme/runs/{open_run.number}/",
    "Run, with report card": f"/acme/runs/{runs_wanted}/",
    "Report card, one attribute": f"/acme/runs/{runs_wanted}/attributes/0/",
    "Models": "/acme/models/",
    "Model": f"/acme/models/{model.id}/",
    "Team": "/acme/team/",
    "API keys": "/acme/team/keys/",
}
(folder / "pages.json").write_text(json.dumps(pages))
"""

MEASURE = r"""
import gzip, json, re, sys, time
from pathlib import Path
import django

django.setup()
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.db import connection
from django.test import Client
from otai.ledger.models import Transfer
from otai.orgs.models import User
from otai.runs.models import Run

ADDRESS = re.compile(rf'(?:src|href|data-icon)="{settings.STATIC_URL}([^"#?]+)')
NAMED_IN_STYLES = re.compile(r'url\("?\.\./([^")#?]+)')


def weights(page):
    # Bytes by name of what the page's first visit fetches beside it, each once, compressed as it is served.
    names = set(ADDRESS.findall(page))
    for styles in [name for name in names if name.endswith(".css")]:
        names |= {"web/" + name for name in NAMED_IN_STYLES.findall(Path(find(styles)).read_text())}
    found = {}
    for name in sorted(names):
        content = Path(find(name)).read_bytes()
        found[name.rsplit("/", 1)[-1]] = len(content if name.endswith(".woff2") else gzip.compress(content, 9))
    return found


pages = json.loads((Path(sys.argv[3]) / "pages.json").read_text())
client = Client(headers={"host": "localhost", "accept-encoding": "gzip"}, raise_request_exception=False)
client.force_login(User.objects.get(username="alice"))
found = []
for name, address in pages.items():
    asked = []
    with connection.execute_wrapper(lambda execute, sql, *more: (asked.append(sql), execute(sql, *more))[1]):
        answer = client.get(address)
    times, busy = [], []
    for _ in range(23):
        began, worked = time.perf_counter(), time.thread_time()
        answer = client.get(address)
        times.append((time.perf_counter() - began) * 1000)
        busy.append((time.thread_time() - worked) * 1000)
    times, busy = sorted(times[3:]), sorted(busy[3:])
    found.append(
        dict(
            page=name,
            address=address,
            status=answer.status_code,
            queries=len(asked),
            kb=len(answer.content) / 1000,
            assets=weights(gzip.decompress(answer.content).decode()),
            p50=times[len(times) // 2],
            p95=times[int(len(times) * 0.95)],
            busy=busy[int(len(busy) * 0.95)],
        )
    )
json.dump(
    dict(runs=Run.objects.count(), transfers=Transfer.objects.count(), vendor=connection.vendor, pages=found),
    sys.stdout,
)
"""


def measured(url: str, *, home: Path, runs: int, transfers: int) -> dict[str, Any]:
    environment = os.environ | {
        "OTAI_HOME": str(home),
        "OTAI_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "otai.config.settings",
        "OTAI_SECRET_KEY": "benchmark-only-" * 4,
        "OTAI_LOG_LEVEL": "ERROR",
    }
    arguments = [str(runs), str(transfers), str(home)]
    if not (home / "pages.json").exists():
        subprocess.run([sys.executable, "-c", SEED, *arguments], env=environment, check=True)
    command = [sys.executable, "-c", MEASURE, *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--sqlite-only", action="store_true")
    options.add_argument(
        "--keep", type=Path, help="A folder for the seeded SQLite installation: seeded once, measured again and again."
    )
    given = options.parse_args()
    runs, transfers = (1_000, 10_000) if given.quick else (10_000, 100_000)
    results = []
    with tempfile.TemporaryDirectory(prefix="otai-bench-web-") as folder:
        home = given.keep.absolute() if given.keep else Path(folder)
        home.mkdir(exist_ok=True)
        FOLDER.mkdir(exist_ok=True)
        results.append(measured(f"sqlite:///{home}/otai.sqlite3", home=home, runs=runs, transfers=transfers))
    (FOLDER / "web_pages.md").write_text(report(results, quick=given.quick))
    if not given.sqlite_only:
        from tests.postgres import PostgresServer

        server = PostgresServer().start()
        try:
            with tempfile.TemporaryDirectory(prefix="otai-bench-web-") as folder:
                results.append(measured(server.url("postgres"), home=Path(folder), runs=runs, transfers=transfers))
        finally:
            server.remove()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "web_pages.md").write_text(report(results, quick=given.quick))


def load() -> str:
    """What the times are worth: other work on the machine lengthens them, and no weight."""
    return f"Load of the machine at the end: {os.getloadavg()[1]:.1f} on {len(os.sched_getaffinity(0))} cores."


def first_visit(row: dict[str, Any]) -> float:
    """kB over the wire of a page with everything that it fetches, where the browser keeps nothing of them yet."""
    return float(row["kb"] + sum(row["assets"].values()) / 1000)


def report(results: list[dict[str, Any]], *, quick: bool) -> str:
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    lines = [
        "## Pages",
        "",
        f"`make bench BENCH={QUICK if quick else 'web_pages'}`; {measured_on()}. An organisation with "
        f"{results[0]['runs']:,} runs and {results[0]['transfers']:,} transfers over two years, 20 models. Server time "
        "of a signed-in page through the whole stack, one process, 20 requests each. Processor: the time that the "
        "process itself worked. First visit: the page with its styles, scripts, icons and letters, compressed as they "
        f"are served, before the browser keeps any. {load()}",
        "",
        "| page | "
        + " | ".join(f"{names[each['vendor']]} p50 | p95 | processor p95 | queries" for each in results)
        + " | kB, compressed | first visit, kB |",
        "|---|" + "---:|---:|---:|---:|" * len(results) + "---:|---:|",
    ]
    for rows in zip(*(each["pages"] for each in results), strict=True):
        cells = [f"{row['p50']:.0f} ms | {row['p95']:.0f} ms | {row['busy']:.0f} ms | {row['queries']}" for row in rows]
        wrong = "" if rows[0]["status"] == 200 else f" ({rows[0]['status']})"
        lines.append(
            f"| {rows[0]['page']}{wrong} | {' | '.join(cells)} | {rows[0]['kb']:.1f} | {first_visit(rows[0]):.0f} |"
        )
    home = results[0]["pages"][0]
    parts = ", ".join(f"{name} {size / 1000:.1f}" for name, size in home["assets"].items())
    lines += ["", f"First visit of Home: {first_visit(home):.0f} kB (page {home['kb']:.1f}, {parts}).", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
