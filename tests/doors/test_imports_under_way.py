"""A long import, as a browser, a program and a command line see it: how far it is, cancelled, and dead.

Whatever ends it before its time leaves no data set, no job's folder and no word of a ticket.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.doors.production import Customer, Production
from tests.waiting import until

PLANTED = "quastenflosser"
ROWS = 300_000


@pytest.fixture(scope="module")
def acme(studio: Production) -> Customer:
    return studio.customer("acme-imports")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("many") / "many.csv"
    with file.open("w") as out:
        out.write("text,queue\n")
        for number in range(ROWS):
            out.write(f"The {PLANTED} in room {number} is on fire and nobody comes to help us,queue {number % 7}\n")
    return file


@pytest.fixture
def program(studio: Production, acme: Customer) -> Iterator[httpx.Client]:
    with studio.http(headers=acme.authorization) as client:
        yield client


def begun(program: httpx.Client, file: Path) -> str:
    """The address of an import of which some tickets are read."""
    answer = program.post("/api/v1/data-sets?name=many", content=file.read_bytes(), headers={"Prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    address = answer.headers["Location"]
    until(lambda: program.get(address).json()["progress"]["rows"])
    return str(address)


def assert_nothing_is_left(studio: Production, program: httpx.Client) -> None:
    """No data set, no open job, and, once its process is gone, no file and no word in files or tables."""
    assert not [one for one in program.get("/api/v1/data-sets").json()["items"] if one["name"] == "many"]
    assert all(one["ended_at"] for one in program.get("/api/v1/jobs").json()["items"])
    home = studio.installation.home
    until(lambda: not list((home / "jobs").iterdir()), seconds=15)
    found = studio.found([PLANTED])
    # SQLite's log is written over as it goes on, and emptied when tickets are deleted.
    found.pop("otai.sqlite3-wal", None)
    assert found == {}


@pytest.mark.postgres
def test_in_a_browser(studio: Production, program: httpx.Client, acme: Customer, browser: Any, many: Path) -> None:
    page = studio.page(browser, acme)
    page.goto("tickets/")
    page.set_input_files("#file", many)
    page.click("[data-uploads] button")
    page.wait_for_url("**/tickets/uploads/**", timeout=60_000)
    page.wait_for_selector("#columns", timeout=60_000)
    columns = page.url
    page.fill("#name", "many")
    page.click("text=Import these tickets")
    # Tickets and megabytes grow before her eyes, without a page being loaded.
    page.wait_for_selector("#job")
    how_far = r"[\d,]+ tickets · [\d.]+.MB of [\d.]+.MB"
    said = [page.wait_for_function(f"() => document.querySelector('#job').innerText.match(/{how_far}/)?.[0]")]
    said.append(
        page.wait_for_function(
            f"before => document.querySelector('#job').innerText.match(/{how_far}/)?.[0] != before",
            arg=said[0].json_value(),
        )
    )
    page.click("form[action$='/cancel'] button")
    page.wait_for_url(columns)
    assert "This was cancelled" in page.inner_text("main")
    assert page.is_visible("#role-0"), "the columns stand as she left them"
    page.click("text=Not this file")
    page.wait_for_url("**/tickets/")
    assert_nothing_is_left(studio, program)


def test_over_the_api(studio: Production, program: httpx.Client, many: Path) -> None:
    address = begun(program, many)
    told: list[dict[str, Any]] = []
    with program.stream("GET", f"{address}/events", headers={"Accept": "text/event-stream"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: ") and "rows" in line:
                told.append(json.loads(line.removeprefix("data: ")))
                if len(told) == 2:
                    assert program.post(f"{address}/cancel").status_code == 200
    assert told[0]["rows"] < told[1]["rows"] <= ROWS
    assert 0 < told[0]["bytes_read"] <= told[1]["bytes_read"] <= told[1]["bytes_total"] == many.stat().st_size
    assert told[-1]["status"] == "cancelled", "the stream ends with the job"
    job = program.get(address).json()
    assert (job["status"], job["error"]["code"]) == ("cancelled", "job_cancelled")
    assert program.post(f"{address}/cancel").json()["error"]["code"] == "job_has_ended"
    assert_nothing_is_left(studio, program)


@pytest.mark.postgres
def test_on_the_command_line_of_another_machine(
    trusted: Production, program: httpx.Client, acme: Customer, many: Path
) -> None:
    where = {"OTAI_URL": trusted.url, "OTAI_API_KEY": acme.key, "COLUMNS": "120", "TERM": "xterm"}
    code = (
        # The name leads here in that process as well.
        "import socket; ask = socket.getaddrinfo\n"
        "socket.getaddrinfo = lambda host, *more, **named: ask('127.0.0.1', *more, **named)\n"
        "from otai.cli.main import run; run()"
    )
    said = seen_in_a_window([sys.executable, "-c", code, "tickets", "import", str(many), "--name", "many"], where)
    assert re.search(r"Uploading", said)
    assert re.search(r"Importing, [\d,]*[1-9][\d,]* tickets .* [\d.]+/[\d.]+ MB", said), said
    newest = program.get("/api/v1/jobs").json()["items"][0]
    assert (newest["kind"], newest["status"]) == ("import", "cancelled")
    assert_nothing_is_left(trusted, program)


@pytest.mark.postgres
def test_on_the_command_line_of_this_machine(
    studio: Production, program: httpx.Client, acme: Customer, many: Path
) -> None:
    command = [sys.executable, "-m", "otai.cli.main", "tickets", "import", str(many), "--name", "many"]
    where = studio.installation.environment | {"OTAI_ORG": acme.slug, "COLUMNS": "120", "TERM": "xterm"}
    said = seen_in_a_window(command, where)
    assert re.search(r"Importing, [\d,]*[1-9][\d,]* tickets .* [\d.]+/[\d.]+ MB", said), said
    assert_nothing_is_left(studio, program)


def seen_in_a_window(command: list[str], where: dict[str, str]) -> str:
    """What is shown until tickets are read; then Ctrl-C is pressed, and the command ends for that."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTAI_")} | where
    shown = b""
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as running:
        os.close(theirs)
        ends = time.monotonic() + 60
        pressed = False
        while time.monotonic() < ends:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
            if not pressed and re.search(rb"Importing, [\d,]*[1-9][\d,]* tickets", shown):
                pressed = True
                running.send_signal(signal.SIGINT)
        running.wait(20)
    os.close(ours)
    said = shown.decode(errors="replace")
    assert pressed and running.returncode != 0 and "Traceback" not in said, said
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", said)


# No database has a part in how a process dies.
@pytest.mark.pure
def test_one_that_dies_says_so_kindly(studio: Production, program: httpx.Client, many: Path) -> None:
    address = begun(program, many)
    # As the kernel ends what takes too much, from outside and without a word.
    readers = [one for one in psutil.process_iter() if is_reading(one, studio.installation.home)]
    assert readers
    for reader in readers:
        reader.kill()
    job = until(lambda: (found := program.get(address).json())["ended_at"] and found)
    assert (job["status"], job["error"]["code"]) == ("failed", "job_died")
    assert "Nothing was changed. Try again" in job["error"]["message"]
    assert_nothing_is_left(studio, program)


def is_reading(process: psutil.Process, home: Path) -> bool:
    """Whether it has a file of a job of this installation open."""
    try:
        return any(Path(file.path).is_relative_to(home / "jobs") for file in process.open_files())
    except psutil.Error:
        return False
