"""What happens when rows are in the way all the same: done again where nothing was written, else a kind answer at each
door."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from otai import db
from otai.db import one_transaction
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.runs.models import Run
from tests import stories
from tests.api.callers import Program
from tests.orgs.people import joins, person
from tests.races.test_pairs import at_once

pytestmark = pytest.mark.django_db(transaction=True)
on_postgres = pytest.mark.skipif(
    "not config.getoption('--database') == 'postgres'", reason="SQLite has one lock for all, and no deadlocks"
)


@pytest.fixture
def acme() -> Organisation:
    return stories.acme(datetime.now(tz=UTC))


def lock(organisation: UUID) -> None:
    Organisation.objects.select_for_update(no_key=True).get(id=organisation)


@on_postgres
def test_a_transaction_that_gave_way_is_done_again(acme: Organisation) -> None:
    """Two lock two rows in opposite orders: PostgreSQL ends one of them, and both are done in the end."""
    globex = stories.globex(acme.created_at)
    both_have_one = threading.Barrier(2)
    tries = []

    @one_transaction
    def rename(first: Organisation, second: Organisation, name: str) -> str:
        tries.append(name)
        lock(first.id)
        if len(tries) <= 2:
            both_have_one.wait(timeout=20)
        lock(second.id)
        Organisation.objects.filter(id=first.id).update(name=name)
        return name

    answers = at_once([lambda: rename(acme, globex, "Acme 2"), lambda: rename(globex, acme, "Globex 2")])
    assert answers == ["done", "done"]
    assert len(tries) == 3
    assert set(Organisation.objects.values_list("name", flat=True)) == {"Acme 2", "Globex 2"}


class GaveWay(Exception):
    sqlstate = "40P01"


class ServerWentAway(Exception):
    sqlstate = "57P01"


def failing(cause: Exception) -> tuple[list[int], type[OperationalError]]:
    calls: list[int] = []

    @one_transaction
    def work() -> None:
        calls.append(1)
        raise OperationalError("no") from cause

    with pytest.raises(OperationalError):
        work()
    return calls, OperationalError


def test_tries_are_bounded_and_only_for_who_gave_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "longest_first_pause_seconds", 0.001)
    assert len(failing(GaveWay())[0]) == db.tries_of_a_transaction
    assert len(failing(ServerWentAway())[0]) == 1, "whether its commit arrived is not known"
    with transaction.atomic():
        assert len(failing(GaveWay())[0]) == 1, "the caller repeats the whole"


@contextmanager
def someone_holds(organisation: Organisation) -> Iterator[None]:
    """Another connection has the organisation's row for as long as this lasts, and ours waits for it but briefly."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lock(organisation.id)
                held.set()
                done.wait(timeout=60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(timeout=20)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        yield
    finally:
        done.set()
        holder.join(timeout=20)
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


@on_postgres
def test_a_program_is_told_when_to_come_again(acme: Organisation, tmp_path: Path) -> None:
    now = datetime.now(tz=UTC)
    quote = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)
    alice = Program(acme)
    with someone_holds(acme):
        answer = alice.call("POST", "/runs", {"quote": str(quote.id)}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["error"]["code"] == "database_busy"
    assert not Run.objects.exists() and ledger.balance(acme.id).held == 0

    status, run = alice.post("/runs", {"quote": str(quote.id)}, **{"Idempotency-Key": "k"})
    assert (status, run["number"]) == (201, 1), "the same request with the same key is done now"
    assert audit().clean


@on_postgres
@pytest.mark.parametrize(
    ("language", "said"), [("en", "The Studio is busy"), ("de", "Das Studio ist gerade beschäftigt")]
)
def test_a_person_reads_that_nothing_was_changed(acme: Organisation, language: str, said: str) -> None:
    user = person("alice")
    joins(acme, user, Role.OWNER, acme.created_at)
    browser = Client(headers={"Accept-Language": language}, raise_request_exception=False)
    browser.force_login(user)
    with someone_holds(acme):
        page = browser.post(f"/{acme.slug}/team/organisation/", {"name": "Acme & Co", "time_zone": "UTC"})
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert said in page.content.decode()
    acme.refresh_from_db()
    assert acme.name == "Acme Ltd"


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    """With a database that is not there: no traceback, and an exit code of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "otai.cli.main", "org", "list"],
        env={"PATH": "/usr/bin", "OTAI_HOME": str(tmp_path), "OTAI_DATABASE_URL": "postgres://otai@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (7, "")
    assert ended.stderr.splitlines()[-1].startswith("otai: database_busy: The database does not answer")
    assert "Traceback" not in ended.stderr


@on_postgres
def test_nobody_waits_for_a_row_without_end() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("10s",)
