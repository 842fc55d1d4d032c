"""A PostgreSQL that is killed and started again under a working worker: the training goes on, and the run is settled
once."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.migrated import migrate
from tests.postgres import PostgresServer
from tests.stories import write_tickets

SLOW_SUCCESS = """
import hashlib, json, pathlib, sys, time
spec = json.load(open(sys.argv[-1]))
out = pathlib.Path(spec["output_dir"])
for done in range(60):
    print(json.dumps({"type": "progress", "stage": "training", "done": done, "total": 60}), flush=True)
    time.sleep(0.1)
(out / "bundle.otai").write_bytes(b"model")
(out / "report_card.json").write_text(json.dumps({"attributes": []}))
(out / "result.json").write_text(json.dumps({"outcome": "completed", "bundle": "bundle.otai",
    "bundle_sha256": hashlib.sha256(b"model").hexdigest(), "report_card": "report_card.json"}))
"""

SET_UP = """
import sys
from pathlib import Path
import django; django.setup()
from otai.db import utc_now
from otai.runs import operations
from otai.tickets.operations import import_tickets
from tests import stories
now = utc_now()
acme = stories.acme(now)
import_tickets(organisation=acme, name="support", source=Path(sys.argv[1]), now=now)
from otai.tickets import queries as tickets
stories.ordered(acme, tickets.data_set(acme, "support"), now)
"""

WORK = """
import sys
import django; django.setup()
from otai.db import utc_now
from otai.runs import operations
from otai.runs.executors.local import LocalExecutor
from otai.runs.worker import Worker
pool = operations.local_pool(hardware="test", now=utc_now())
ended = []
worker = Worker(LocalExecutor(command=(sys.executable, sys.argv[1])), pool=pool, on_end=ended.append)
worker.work(until=lambda: bool(ended))
"""

SEE = """
import json
import django

django.setup()
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.runs.models import Run

run = Run.objects.get()
balance = ledger.balance(run.organisation_id)
print(
    json.dumps([run.status, run.attempt, run.failures, balance.available, balance.held, balance.spent, audit().clean])
)
"""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    if request.config.getoption("--database") != "postgres":
        pytest.skip("needs PostgreSQL: runs with --database postgres")
    made = PostgresServer(durable=True).start()
    yield made
    made.remove()


def start_again(server: PostgresServer) -> None:
    """A killed server's processes take a moment to be gone, and until then another one refuses to start on its data."""
    for last in (False,) * 20 + (True,):
        try:
            server.start()
            return
        except subprocess.CalledProcessError:
            if last:
                raise
            time.sleep(0.5)


def test_a_server_killed_and_restarted_under_a_training_settles_the_run_once(
    server: PostgresServer, tmp_path: Path
) -> None:
    url = server.create_database("otai")
    migrate(url)
    environment = {**os.environ, "OTAI_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "otai.config.settings"}

    def start(code: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), *arguments],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def done(code: str, *arguments: str) -> str:
        process = start(code, *arguments)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        return output

    done(SET_UP, str(write_tickets(tmp_path / "support.csv")))
    script = tmp_path / "training.py"
    script.write_text(SLOW_SUCCESS)
    working = start(WORK, str(script))
    until = time.monotonic() + 60
    with psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True) as line:
        while line.execute("SELECT status FROM runs_run").fetchall() != [("training",)]:
            assert time.monotonic() < until, "the run was never claimed"
            time.sleep(0.1)
    for pause in (0.5, 1.5):
        # A power cut: every process of the server at once, in mid-commit if it so happens.
        server.kill()
        time.sleep(pause)
        start_again(server)
        time.sleep(0.5)
    output, _ = working.communicate(timeout=120)
    assert working.returncode == 0, output
    assert done(SEE).splitlines()[-1] == '["completed", 1, 0, 5, 0, 1, true]', output
