"""Whoever conducts a job, its process or the server of jobs is killed from outside: no ticket's word stays, and the
reason told is the true one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from otai.jobs import operations
from otai.jobs.folders import jobs_folder
from otai.jobs.identity import this_worker
from otai.jobs.models import Job
from otai.orgs.models import Organisation
from otai.tickets.jobs import ask_for_preview
from tests import stories
from tests.jobs.test_jobs import ask, assert_gone, work_can_be_found  # noqa: F401
from tests.jobs.work import kind
from tests.waiting import until
from tests.web.studio_server import Installation

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def home_of_acme(initialised_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("of_acme") / "home"
    shutil.copytree(initialised_home, home)
    Installation(home).otai("org", "create", "acme", "--name", "Acme Ltd")
    return home


@pytest.fixture
def installation(home_of_acme: Path, tmp_path: Path) -> Installation:
    shutil.copytree(home_of_acme, tmp_path / "home")
    with (tmp_path / "many.csv").open("w") as out:
        out.write("text,queue\n")
        for number in range(300_000):
            out.write(f"The printer in room {number} is on fire and nobody comes to help us,queue {number % 7}\n")
    return Installation(tmp_path / "home")


@contextmanager
def importing(installation: Installation, file: Path) -> Iterator[subprocess.Popen[str]]:
    """`otai tickets import`, once words of tickets lie in its job's folder."""
    command = [sys.executable, "-m", "otai.cli.main", "tickets", "import", str(file), "--org", "acme"]
    with subprocess.Popen(
        command, env=installation.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            until(lambda: list((installation.home / "jobs").glob("*/otai-reading-*/*")))
            yield running
        finally:
            running.kill()


def jobs_of(installation: Installation, *, first: str = "") -> list[list[str]]:
    found: list[list[str]] = installation.python(
        "import json, django; django.setup()\n"
        "from otai.jobs import operations\nfrom otai.jobs.models import Job\nfrom otai.db import utc_now\n"
        f"{first}\nprint(json.dumps(list(Job.objects.values_list('status', 'error_code'))))"
    )
    return found


@pytest.mark.pure
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_alice_stops_an_import_and_no_word_of_a_ticket_stays(
    installation: Installation, tmp_path: Path, number: signal.Signals
) -> None:
    with importing(installation, tmp_path / "many.csv") as running:
        below = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(number)
        _out, said = running.communicate(timeout=20)
        assert running.returncode != 0
        assert "Traceback" not in said
        assert not list((installation.home / "jobs").iterdir())
    assert_gone(*(process.pid for process in below))
    assert jobs_of(installation) == [["cancelled", ""]]


@pytest.mark.pure
def test_after_a_kill_the_next_command_or_housekeeping_removes_what_was_left(
    installation: Installation, tmp_path: Path
) -> None:
    small = tmp_path / "small.csv"
    small.write_text("text,queue\n" + "".join(f"Printer {n} is on fire,queue {n % 3}\n" for n in range(60)))
    for sweep in (False, True):
        with importing(installation, tmp_path / "many.csv") as running:
            below = psutil.Process(running.pid).children(recursive=True)
            running.kill()
            running.wait(10)
        assert_gone(*(process.pid for process in below))
        assert list((installation.home / "jobs").iterdir())
        if sweep:
            jobs_of(installation, first="operations.sweep(now=utc_now())")
        else:
            installation.otai("tickets", "import", str(small), "--org", "acme")
        assert not list((installation.home / "jobs").iterdir())
    assert sorted(jobs_of(installation)) == [["done", ""], ["failed", "job_lost"], ["failed", "job_lost"]]


def test_a_folder_of_a_job_that_is_just_beginning_stays(acme: Organisation, now: datetime) -> None:
    beginning, left, unknown = (jobs_folder() / name for name in ("beginning", "left", "unknown"))
    boot = this_worker().rsplit("/", 1)[0]
    for folder in (beginning, left, unknown):
        folder.mkdir()
    (beginning / "owner").write_text(this_worker())
    (left / "owner").write_text(f"{boot}/{2**22 + 7}.1")
    waiting = ask(acme, kind("answer"), now, say="hello").job
    found = {folder.name for folder in jobs_folder().iterdir()}
    assert found == {"beginning", "unknown", str(waiting.id)}
    os.utime(unknown, (0, 0))
    operations.sweep(now=now)
    assert {folder.name for folder in jobs_folder().iterdir()} == {"beginning", str(waiting.id)}


@pytest.mark.parametrize(("work", "code"), [("sleep", "job_died"), ("hold", "job_out_of_memory")])
def test_a_killed_process_is_out_of_memory_only_if_it_held_much(
    acme: Organisation, now: datetime, tmp_path: Path, work: str, code: str
) -> None:
    # The server of jobs has read tickets before, and with them loaded its libraries, which are no memory of this job.
    source = stories.write_tickets(tmp_path / "t.csv", tickets=20)
    look = ask_for_preview(organisation=acme, source=source, filename=source.name, who="alice", now=now)
    assert operations.wait(look, seconds=60).status == "done"
    pids = tmp_path / "pids"

    def kill(job: Job) -> None:
        if job.rows_read:
            with suppress(ProcessLookupError):
                os.kill(int(pids.read_text().split()[0]), signal.SIGKILL)

    job = operations.wait(ask(acme, kind(work), now, pids=str(pids)), seconds=None, on_progress=kill)
    assert (job.status, job.error_code) == ("failed", code)


def test_when_whoever_conducts_is_killed_the_server_and_all_jobs_started_end(tmp_path: Path) -> None:
    pids, folder = tmp_path / "pids", tmp_path / "job"
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps({"pids": str(pids)}))
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom otai.jobs.server import server\nfrom otai.jobs.work import "
        "Bounds\n"
        "server().fly(job='j', work='tests.jobs.work:sleep', folder=Path(sys.argv[1]), bounds=Bounds(1 << 30, 60, "
        "60.0))\n"
        "print(server().pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        server = int(running.stdout.readline())
        until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        running.kill()
    assert_gone(server, *map(int, pids.read_text().split()))


def test_a_server_whose_parent_is_gone_before_it_is_there_ends_at_once() -> None:
    # Its input stays open, as it does where another process holds the pipe: nothing else tells it.
    with subprocess.Popen(
        [sys.executable, "-m", "otai.jobs.fork_server", str(2**22 + 7)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as orphan:
        try:
            assert orphan.wait(10) == 0
        finally:
            orphan.kill()


def test_a_look_at_columns_that_was_killed_is_tidied_up_by_the_next(acme: Organisation, tmp_path: Path) -> None:
    # As `otai tickets columns` leaves it where it is killed: a folder whose owner is gone.
    left = jobs_folder() / f"{operations.ALONE}killed"
    left.mkdir()
    words = left / "spec.json"
    words.write_text("The printer is on fire")
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        host, machine, _ = this_worker().rsplit("/", 2)
        (left / operations.OWNER).write_text(
            f"{host}/{machine}/{gone.pid}.{psutil.Process(gone.pid).create_time():.0f}"
        )
    with operations.folder_without_row() as mine:
        assert not left.exists() and mine.is_dir()
        with operations.folder_without_row():
            assert mine.is_dir(), "another look that is under way keeps its own"
    until(lambda: list(jobs_folder().iterdir()), lambda left: not left)
