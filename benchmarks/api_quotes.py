"""How many quotes a second the API answers: a real server, real HTTP from one process, everything on this machine's
cores.

    python -m benchmarks.api_quotes [--quick]

Two figures: a price (`GET /api/v1/price`, works it out and writes nothing: what a page or a form asks while somebody
chooses) and a stored quote (`POST /api/v1/quotes`, one row that can be ordered). The mark is 300 a second for either.
Keys, scopes and limits are checked as always. Where others work on the machine, `chrt -r 1` in front gives this the
cores; the table says so. Writes `.bench/api_quotes.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.machine import measured_on
from tests.postgres import PostgresServer

FRAGMENT = Path(__file__).resolve().parents[1] / ".bench" / "api_quotes.md"
CONNECTIONS = 16
WORKERS = 2

SEED = """
import json, tempfile
from pathlib import Path
import django; django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
from otai.db import utc_now
from otai.orgs.operations import create_api_key
from otai.pricing.price_book import Tier
from tests import stories
acme = stories.acme(utc_now(), tier=Tier.PRO)
data_set = stories.tickets_of(acme, Path(tempfile.mkdtemp()), utc_now())
made = create_api_key(organisation=acme, name="bench", scopes=["read", "runs:order"], who="bench", now=utc_now())
print(json.dumps([made.secret, str(data_set.id)]))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def measured(url: str, home: str, *, seconds: float) -> dict[str, tuple[float, float, float]]:
    """For each kind of request: how many a second, and the median and 95th percentile in milliseconds."""
    environment = {
        **os.environ,
        "OTAI_DATABASE_URL": url,
        "OTAI_HOME": home,
        "DJANGO_SETTINGS_MODULE": "otai.config.settings",
        "OTAI_API_REQUESTS_PER_MINUTE": "10000000",
    }
    seeded = subprocess.run(
        [sys.executable, "-c", SEED], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    secret, data_set = json.loads(seeded.stdout.strip().splitlines()[-1])
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "otai.cli.main", "studio", "--port", str(port), "--workers", str(WORKERS)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        head = (
            f"Host: localhost\r\nAuthorization: Bearer {secret}\r\nAccept: application/json\r\nAccept-Encoding: "
            "identity\r\n"
        )
        price = f"GET /api/v1/price?mode=business&delivery=fast&attributes=7 HTTP/1.1\r\n{head}\r\n".encode()
        asked = json.dumps({"data_set": data_set, "attributes": ["queue"], "mode": "basic"})
        quote = (
            f"POST /api/v1/quotes HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: "
            f"{len(asked)}\r\n\r\n{asked}"
        ).encode()
        found = {}
        for name, request, expected in (("price", price, 200), ("quote", quote, 201)):
            asyncio.run(load(port, request, expected, seconds=1.0))
            found[name] = asyncio.run(load(port, request, expected, seconds=seconds))
            print(url.split(":")[0], name, f"{found[name][0]:.0f} a second", flush=True)
        return found
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


async def load(port: int, request: bytes, expected: int, *, seconds: float) -> tuple[float, float, float]:
    took: list[float] = []
    ends = time.perf_counter() + seconds

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < ends:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert int(head.split(b" ", 2)[1]) == expected, head
            lines = head.lower().split(b"\r\n")
            length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
            await reader.readexactly(length)
            took.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    elapsed = time.perf_counter() - began
    took.sort()
    return len(took) / elapsed, 1000 * took[len(took) // 2], 1000 * took[int(0.95 * len(took))]


def how(quick: bool) -> str:
    ahead = os.sched_getscheduler(0) != os.SCHED_OTHER
    return "; before all other work on the machine" * ahead + "; 3 seconds each" * quick


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    seconds = 3.0 if quick else 10.0
    rows = []
    server = PostgresServer(durable=True).start()
    try:
        url = server.create_database("bench")
        for name, each in (("PostgreSQL", measured(url, tempfile.mkdtemp(prefix="otai-bench-"), seconds=seconds)),):
            rows += [(name, kind, *figures) for kind, figures in each.items()]
    finally:
        server.remove()
    home = tempfile.mkdtemp(prefix="otai-bench-")
    for kind, figures in measured(f"sqlite:///{home}/otai.sqlite3", home, seconds=seconds).items():
        rows.append(("SQLite", kind, *figures))
    words = {"price": "a price, nothing written (mark: 300)", "quote": "a stored quote (mark: 300)"}
    lines = [
        "## Quotes over HTTP",
        "",
        f"`make bench BENCH=api_quotes`; {measured_on()}; `otai studio --workers {WORKERS}`, {CONNECTIONS} connections "
        f"from one process, server, database and load on the same cores; PostgreSQL with fsync on{how(quick)}.",
        "",
        "| database | request | a second | median | p95 |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {db} | {words[kind]} | **{rate:,.0f}** | {p50:.0f} ms | {p95:.0f} ms |"
            for db, kind, rate, p50, p95 in rows
        ),
    ]
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
