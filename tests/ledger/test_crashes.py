"""Killed at any moment, by SIGKILL: the writers, and the database itself. What was acknowledged is there, and the audit
is clean."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from otai.ledger.audit import audit
from otai.ledger.models import Transfer
from tests.ledger.processes import missing_keys, start_writers, wait_for_acknowledgements
from tests.ledger.stories import grant
from tests.migrated import migrate
from tests.postgres import PostgresServer


def kill_writers_again_and_again(database_url: str, organisations: list[UUID], folder: Path, *, rounds: int) -> int:
    acknowledged = folder / "acknowledged"
    rng = random.Random(4)
    for round in range(rounds):
        writers = start_writers(database_url, organisations, acknowledged, 3)
        wait_for_acknowledgements(acknowledged, 60 * (round + 1))
        for writer in writers:
            time.sleep(rng.random() / 5)
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
        report = audit()
        assert report.clean, report.problems
        assert not missing_keys(acknowledged)
    return Transfer.objects.count()


@pytest.mark.django_db(transaction=True)
def test_killed_writers_lose_and_make_no_credit(acme: UUID, globex: UUID, database_url: str, tmp_path: Path) -> None:
    grant(acme, 1000)
    assert kill_writers_again_and_again(database_url, [acme, globex], tmp_path, rounds=2) >= 120


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.django_db(transaction=True)
def test_killed_writers_lose_and_make_no_credit_for_long(
    acme: UUID, globex: UUID, database_url: str, tmp_path: Path
) -> None:
    grant(acme, 1000)
    kill_writers_again_and_again(database_url, [acme, globex], tmp_path, rounds=60)


def kill_the_server_under_load(folder: Path, *, rounds: int) -> str:
    """A durable server of its own, killed while three writers work, and restarted; what the check says after the last
    round."""
    server = PostgresServer(durable=True).start()
    try:
        url = server.create_database("otai")
        environment = {**os.environ, "OTAI_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "otai.config.settings"}
        acknowledged = folder / "acknowledged"

        def python(*arguments: str) -> str:
            return subprocess.run(
                [sys.executable, *arguments], env=environment, check=True, capture_output=True, text=True
            ).stdout.strip()

        migrate(url)
        organisation = python("-c", SIGN_UP)
        verdict = ""
        for round in range(rounds):
            writers = start_writers(url, [UUID(organisation)], acknowledged, 3)
            wait_for_acknowledgements(acknowledged, 100 * (round + 1))
            time.sleep(random.random() / 3)
            server.kill()
            for writer in writers:
                writer.join(20)
                assert not writer.is_alive()
            restart(server)
            verdict = python("-m", "tests.ledger.processes", url, str(acknowledged))
            assert verdict.startswith("clean"), verdict
        return verdict
    finally:
        server.remove()


def restart(server: PostgresServer) -> None:
    # A backend that was being born when the server was killed holds its shared memory for a moment longer.
    for _ in range(20):
        try:
            server.start()
            return
        except subprocess.CalledProcessError:
            time.sleep(0.5)
    raise AssertionError((server.folder / "log").read_text()[-2000:])


SIGN_UP = """
import django; django.setup()
from datetime import UTC, datetime
from otai.orgs.operations import create_organisation
from tests.ledger.stories import grant
acme = create_organisation(slug="acme", name="Acme", time_zone="UTC", now=datetime.now(tz=UTC)).id
grant(acme, 5000, now=datetime.now(tz=UTC))
print(acme)
"""


@pytest.mark.django_db
def test_a_killed_server_forgets_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server to kill")
    assert kill_the_server_under_load(tmp_path, rounds=1).startswith("clean")


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.django_db
def test_a_killed_server_forgets_nothing_that_it_acknowledged_for_long(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server to kill")
    assert kill_the_server_under_load(tmp_path, rounds=25).startswith("clean")
