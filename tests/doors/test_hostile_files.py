"""Strangers' files against the real server: what they ask for is bounded, others are served meanwhile, and nothing
outlives the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otai.client import Studio
from otai.errors import Invalid
from otai.tickets.sample import write_csv
from tests.doors.production import Customer, Production
from tests.tickets.damaged_files import damaged_files
from tests.waiting import until

LONG_TEXT = "a" * 2_000_000
DEEP = "<div>" * 160_000
most_memory_bytes = 700 << 20
"""Of one server process. The first file below took 3.1 GB of it."""


@pytest.fixture(scope="module")
def acme(studio: Production) -> Customer:
    return studio.customer("acme-hostile")


@pytest.fixture
def program(trusted: Production, acme: Customer) -> Iterator[Studio]:
    with Studio(trusted.url, acme.key) as client:
        yield client


def processes_of(studio: Production) -> list[psutil.Process]:
    """The server with all that it started; its jobs have sessions of their own, and a parent all the same."""
    port = int(studio.direct.rsplit(":", 1)[1])
    for server in psutil.Process().children():
        family = [server, *server.children(recursive=True)]
        if any(
            line.laddr.port == port for each in family for line in each.net_connections() if line.status == "LISTEN"
        ):
            return family
    raise AssertionError("no process of ours listens there")


def bomb(folder: Path, *, encoding: str) -> Path:
    file = folder / f"{encoding}.parquet"
    if encoding == "dictionary":
        texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array([LONG_TEXT]))
        pq.write_table(pa.table({"text": texts}), file, compression="zstd", store_schema=False)
    else:
        table = pa.table({"text": [LONG_TEXT] * 400})
        pq.write_table(
            table, file, compression="zstd", use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"}
        )
    assert file.stat().st_size < 4_000
    return file


# The second takes half a minute, and is the same on any database.
@pytest.mark.parametrize("encoding", ["dictionary", pytest.param("delta", marks=pytest.mark.pure)])
def test_a_kilobyte_that_unpacks_to_gigabytes_takes_none_of_the_server(
    program: Studio, trusted: Production, acme: Customer, tmp_path: Path, encoding: str
) -> None:
    found = None
    try:
        found = program.import_tickets(bomb(tmp_path, encoding=encoding), name="bomb")
    except Invalid as refused:
        assert refused.code in ("dataset_invalid", "job_out_of_memory")
    else:
        # The second is 800 MB of text, and goes through a process of its own a few tickets at a time.
        assert (encoding, found.tickets) == ("delta", 400)
    for process in processes_of(trusted):
        assert process.memory_info().rss < most_memory_bytes
    assert not list((trusted.installation.home / "jobs").iterdir())
    if found is not None:
        # Whoever looks for words in this home later would unpack it again.
        with trusted.http(headers=acme.authorization) as caller:
            assert caller.delete(f"/api/v1/data-sets/{found.id}").status_code == 204


@pytest.mark.pure
def test_damaged_files_are_refused_and_named_damaged(program: Studio, tmp_path: Path) -> None:
    for file in damaged_files(tmp_path):
        with pytest.raises(Invalid) as refused:
            program.import_tickets(file, name="support")
        assert refused.value.code == "dataset_invalid", file.name
        assert "damaged" in refused.value.message, file.name


def deep_ticket(number: int) -> str:
    return f"{DEEP}The printer {number} is on fire,queue {number % 7}\n"


@pytest.fixture(scope="module")
def minutes_of_markup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tickets that are read at once, and then some that keep a process at work for a minute and more."""
    file = tmp_path_factory.mktemp("deep") / "deep.csv"
    with file.open("w") as out:
        out.write("text,queue\n")
        out.writelines(f"The printer {number} is on fire,queue {number % 7}\n" for number in range(20_000))
        out.writelines(map(deep_ticket, range(60)))
    return file


def test_markup_as_deep_as_it_is_long_is_read_and_holds_nobody_up(program: Studio, tmp_path: Path) -> None:
    file = tmp_path / "deep.csv"
    file.write_text("text,queue\n" + "".join(map(deep_ticket, range(2))))
    began = time.monotonic()
    assert program.import_tickets(file, name="deep").tickets == 2
    # A tree of them took five minutes.
    assert time.monotonic() - began < 30


@pytest.mark.postgres
def test_who_cancels_deep_markup_waits_for_none_of_it(
    trusted: Production, acme: Customer, minutes_of_markup: Path
) -> None:
    with trusted.http(headers=acme.authorization) as client:
        address = under_way(client, minutes_of_markup)
        assert client.post(f"{address}/cancel").json()["status"] == "cancelled"
        jobs = trusted.installation.home / "jobs"
        until(lambda: list(jobs.iterdir()), lambda left: not left, seconds=15)
        assert client.get(address).json()["status"] == "cancelled"


@pytest.mark.postgres
def test_sixteen_who_ask_what_to_expect_are_one_job_and_stall_nobody(
    program: Studio, trusted: Production, acme: Customer, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "tickets.csv", tickets=3000)
    data_set = program.import_tickets(file, name="support")
    reader = {"Authorization": f"Bearer {trusted.key('read', org=acme.slug, name='reader')}"}
    address = f"/api/v1/data-sets/{data_set.id}/expected-quality"

    def ask(_number: int) -> httpx.Response:
        with trusted.http(headers=reader) as client:
            return client.get(address)

    with ThreadPoolExecutor(16) as many:
        asked = [many.submit(ask, number) for number in range(16)]
        slowest = 0.0
        while not all(each.done() for each in asked):
            began = time.monotonic()
            program.organisation()
            slowest = max(slowest, time.monotonic() - began)
    answers = [each.result() for each in asked]
    assert {answer.status_code for answer in answers} <= {200, 202}, [answer.text for answer in answers]
    assert slowest < 5
    tried = [one for one in program._pages("/jobs", {}) if one["kind"] == "expected_quality"]
    assert len(tried) == 1
    for answer in answers:
        if answer.status_code == 202:
            assert answer.headers["Location"] == f"/api/v1/jobs/{tried[0]['id']}"
    program.wait_for_job(tried[0]["id"])
    assert program.expected_quality(data_set.id)


Opens = Callable[..., AbstractContextManager[Production]]


@pytest.mark.postgres
def test_the_servers_end_is_its_jobs_end_and_their_askers_hear_of_it(
    open_studio: Opens, minutes_of_markup: Path
) -> None:
    with open_studio() as studio:
        with studio.http(headers=studio.customer("acme").authorization) as client:
            job = client.get(under_way(client, minutes_of_markup)).json()
            assert job["status"] == "running", job
            assert 0 < job["progress"]["share"] <= 1
        running = processes_of(studio)
        assert any("otai.jobs.fork_server" in " ".join(process.cmdline()) for process in running)
        running[0].terminate()
        _gone, alive = psutil.wait_procs(running, timeout=20)
        assert not alive
        found = studio.installation.python(
            "import django; django.setup()\n"
            "from otai.jobs.models import Job\nfrom otai.jobs.operations import sweep\nfrom otai.db import utc_now\n"
            "sweep(now=utc_now())\n"
            "import json; print(json.dumps(list(Job.objects.values_list('status', 'error_code'))))"
        )
        assert found == [["failed", "job_lost"]]
        assert not list((studio.installation.home / "jobs").iterdir())
        assert not list((studio.installation.home / "files").rglob("*.parquet"))


def under_way(client: httpx.Client, file: Path) -> str:
    """The address of an import of which some tickets are read."""
    begun = client.post("/api/v1/data-sets?name=deep", content=file.read_bytes(), headers={"Prefer": "respond-async"})
    assert begun.status_code == 202, begun.text
    address = str(begun.headers["Location"])
    until(lambda: client.get(address).json(), lambda job: job["progress"]["rows"] > 0)
    return address
