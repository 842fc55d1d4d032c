"""What strangers and readers do to the real server, two processes of it, on a PostgreSQL with few
connections."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.migrated import migrate
from tests.postgres import PostgresServer
from tests.web.studio_server import Installation, free_port

pytestmark = pytest.mark.door

PEOPLE = """
import django, json, tempfile

django.setup()
from datetime import UTC, datetime, timedelta
from pathlib import Path
from django.test import Client
from otai.jobs.models import Job
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role, Scope
from otai.pricing.price_book import Tier
from tests import stories
from tests.orgs.people import joins, person

now = datetime.now(tz=UTC)
acme = stories.acme(now, tier=Tier.PRO)
sessions = {}
for name, role in (("alice", Role.OWNER), ("bob", Role.TRAINER)):
    member = joins(acme, person(name), role, now)
    client = Client(headers={"host": "localhost"})
    client.force_login(member.user)
    sessions[name] = client.cookies["sessionid"].value
data_set = stories.tickets_of(acme, Path(tempfile.mkdtemp()), now)
for _ in range(3):
    stories.ordered(acme, data_set, now)
job = Job.objects.create(
    organisation=acme,
    kind="import",
    lane="long",
    question="q",
    subject="support.csv",
    asked_by="alice",
    status="queued",
    owner="another/boot/1.0",
    machine="another",
    asked_at=now,
    heartbeat_at=now + timedelta(hours=1),
)
key = create_api_key(organisation=acme, name="watcher", scopes=[Scope.READ], who="alice", now=now)
print(json.dumps({**sessions, "key": key.secret, "job": str(job.id)}))
"""
ACT = """
import django, json; django.setup()
from datetime import UTC, datetime
from django.contrib.sessions.models import Session
from otai.orgs import operations as orgs
from otai.jobs.models import Job
from otai.orgs.models import ApiKey, Member, Organisation, User
from otai.runs import operations as runs
acme, now = Organisation.objects.get(slug="acme"), datetime.now(tz=UTC)
%s
print(json.dumps(True))
"""


class Attacked(Installation):
    def act(self, code: str) -> None:
        self.python(ACT % code)


UNBOUNDED_STREAMS = """
from otai.orgs import quotas
quotas.lift(organisation=acme, quota=quotas.Quota.STREAMS, most=None, who="operator", why="a story", now=now)
"""
"""What an operator does for a customer of a thousand readers."""


@dataclass
class Site:
    port: int
    home: Attacked
    people: dict[str, str]
    server: PostgresServer | None

    def begin(self, path: str, *headers: str, method: str = "GET") -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        line.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
        return line

    def status(self, path: str, *, host: str = "localhost", **headers: str) -> int:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host} | headers)
        try:
            with urllib.request.urlopen(asked, timeout=15) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def is_timely(self, *, seconds: float = 5.0) -> None:
        """Pages and probes answer, and within a time that nobody calls broken on a busy machine."""
        for path in ("/account/login/", "/health/live", "/health/ready"):
            began = time.monotonic()
            assert self.status(path) == 200, path
            assert time.monotonic() - began < seconds, path

    def connections(self) -> int:
        """To the database, of everybody but us; 0 on SQLite."""
        if self.server is None:
            return 0
        return int(self.ask("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = 'otai'"))

    def ask(self, query: str) -> Any:
        import psycopg

        assert self.server is not None
        with psycopg.connect(host=str(self.server.folder), user="otai", dbname="otai", autocommit=True) as line:
            row = line.execute(query).fetchone()  # type: ignore[arg-type]
            assert row is not None
            return row[0]

    def reads(self, path: str, who: str, run: int = 1) -> socket.socket:
        """An open stream."""
        credential = (
            f"Authorization: Bearer {self.people['key']}" if who == "key" else f"Cookie: sessionid={self.people[who]}"
        )
        return self.begin(path.format(run=run, job=self.people["job"]), credential, "Accept: text/event-stream")


WORKERS, THREADS = 2, 4


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home, server = tmp_path_factory.mktemp("attacked"), None
    more = {"OTAI_WEB_THREADS": str(THREADS), "OTAI_BODY_GRACE_SECONDS": "4", "OTAI_STREAMS_PER_MEMBER": "4",
            "OTAI_STREAMS_PER_ORGANISATION": "6"}  # fmt: skip
    if request.config.getoption("--database") == "postgres":
        server = PostgresServer(settings={"max_connections": "30"}).start()
        server.create_database("otai")
        more["OTAI_DATABASE_URL"] = server.url("otai")
    try:
        migrate(more.get("OTAI_DATABASE_URL", f"sqlite:///{home}/otai.sqlite3"))
        attacked = Attacked(home, more)
        attacked.otai("init")
        people = attacked.python(PEOPLE)
        port = free_port()
        with attacked.process("studio", "--port", str(port), "--workers", str(WORKERS)) as running:
            site = Site(port, attacked, people, server)
            until = time.monotonic() + 60
            while time.monotonic() < until:
                assert running.poll() is None, (home / "studio.log").read_text()
                try:
                    site.status("/health/ready")
                    break
                except OSError:
                    time.sleep(0.2)
            time.sleep(1)
            yield site
    finally:
        if server is not None:
            server.remove()


def head(line: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found and (piece := line.recv(4096)):
        found += piece
    return found


def rest(line: socket.socket, *, seconds: float) -> bytes | None:
    """What comes until the other side ends the stream; None where it had not by then."""
    found, until = b"", time.monotonic() + seconds
    while time.monotonic() < until:
        line.settimeout(max(0.01, until - time.monotonic()))
        try:
            piece = line.recv(65536)
        except TimeoutError:
            return None
        found += piece
        if not piece or found.endswith(b"0\r\n\r\n"):
            return found
    return None


@pytest.mark.postgres
def test_streams_of_strangers_hold_no_connection_to_the_database(site: Site) -> None:
    paths = [
        "/acme/runs/1/events",
        "/x/events",
        f"/acme/jobs/{site.people['job']}/events",
        "/acme/runs/999/events",
        "/api/v1/runs/1/events",
    ]
    lines = [site.begin(paths[number % 5], f"Cookie: sessionid=invented{number:024}") for number in range(100)]
    bound, most = WORKERS * (THREADS + 3), site.connections()
    site.is_timely()
    answers = [head(line).split(b"\r\n")[0] for line in lines]
    assert all(any(code in answer for code in (b" 302 ", b" 404 ", b" 401 ")) for answer in answers), answers
    assert max(most, site.connections()) <= bound, "what the processes share, while all come at once and afterwards"
    assert site.home.otai("ledger", "audit", "--help"), "the command line gets a connection as well"
    for line in lines:
        line.close()


@pytest.mark.postgres
def test_bodies_that_never_come_leave_the_pages_to_others(site: Site) -> None:
    attackers = [
        site.begin(path, "Content-Length: 1000", "Content-Type: application/x-www-form-urlencoded", method="POST")
        for path in ("/webhooks/stripe", "/account/login/", "/api/v1/quotes", "/account/signup/") * 10
    ]
    time.sleep(0.5)
    site.is_timely()
    answers = [head(line) for line in attackers]
    assert all(b" 408 " in answer.split(b"\r\n")[0] for answer in answers)
    site.is_timely()


@pytest.mark.postgres
def test_machines_are_answered_on_any_host(site: Site) -> None:
    for host in ("10.1.2.3", "10.1.2.3:8000", "pod-7.cluster.local"):
        assert site.status("/health/live", host=host) == 200
        assert site.status("/health/ready", host=host) == 200
        assert site.status("/metrics", host=host) == 404, "without its token there is no such page, whatever the host"
    assert site.status("/account/login/", host="evil.example") == 400, "pages go on looking at it"


ENDS: dict[str, tuple[str, str, str]] = {
    "a member is removed": (
        "/acme/runs/{run}/events",
        "bob",
        "bob = Member.objects.get(user__email='bob@acme.example')\n"
        "orgs.remove_member(organisation=acme, member=bob.id, who='alice', now=now)",
    ),
    "a key is revoked": (
        "/api/v1/runs/{run}/events",
        "key",
        "orgs.revoke_api_key(organisation=acme, key=ApiKey.objects.get().id, who='alice', now=now)",
    ),
    "the run ends": (
        "/acme/runs/{run}/events",
        "alice",
        "runs.cancel_run(organisation=acme, number=1, who='alice', now=now)",
    ),
    "the job ends": (
        "/acme/jobs/{job}/events",
        "alice",
        "Job.objects.update(status='cancelled', ended_at=now)",
    ),
    "the member signs out": ("/acme/runs/2/events", "alice", "Session.objects.all().delete()"),
}


@pytest.fixture
def opened(site: Site) -> Iterator[Callable[..., socket.socket]]:
    lines: list[socket.socket] = []

    def open_one(path: str, who: str, run: int = 1) -> socket.socket:
        lines.append(site.reads(path, who, run))
        return lines[-1]

    yield open_one
    for line in lines:
        line.close()


@pytest.mark.postgres
def test_a_member_and_an_organisation_have_so_many_streams_in_all_processes_together(
    site: Site, opened: Callable[..., socket.socket]
) -> None:
    def opens(who: str, path: str, *, tries: int = 12) -> tuple[int, str]:
        """How many streams are let in, by whichever process answers, and what was said to the others."""
        let_in, said = 0, b""
        for _ in range(tries):
            line = opened(path, who)
            answer = head(line)
            let_in += b" 200 " in answer.split(b"\r\n")[0]
            if b" 429 " in answer.split(b"\r\n")[0]:
                line.settimeout(1)
                with suppress(TimeoutError):
                    answer += line.recv(4096)
                said = answer
        return let_in, said.decode()

    assert WORKERS > 1, "else nothing is shown"
    let_in, said = opens("key", "/api/v1/runs/{run}/events")
    assert (let_in, "too_many_streams" in said) == (4, True) and site.status("/health/ready") == 200
    # Her own bound is not reached, but the organisation's is; a job's stream is one more of the same.
    let_in, page = opens("alice", "/acme/runs/{run}/events")
    assert (let_in, "429" in page) == (2, True)
    assert b" 429 " in head(opened("/acme/jobs/{job}/events", "alice")).split(b"\r\n")[0]
    site.is_timely()
    assert site.connections() <= WORKERS * (THREADS + 3)


@pytest.mark.postgres
def test_an_organisation_sends_so_many_files_to_all_processes_together(site: Site) -> None:
    """Files that never come: each holds a place until the front has waited long enough, and none after that."""

    def sends(count: int) -> list[bytes]:
        headers = (f"Cookie: sessionid={site.people['alice']}", "Content-Length: 1000", "Content-Type: text/csv")
        lines = []
        for _ in range(count):
            lines.append(site.begin("/acme/tickets/upload", *headers, method="POST"))
            time.sleep(0.1)
        found = [head(line).split(b"\r\n")[0] for line in lines]
        for line in lines:
            line.close()
        return found

    answers = sends(8)
    let_in = sum(b" 408 " in one for one in answers)
    # Two that come at the same moment may both be refused for the last place.
    assert 1 <= let_in <= 2 and sum(b" 429 " in one for one in answers) == 8 - let_in, answers
    time.sleep(0.7)
    [again] = sends(1)
    assert b" 408 " in again, "the places are given back"


@pytest.mark.postgres
def test_whoever_leaves_gives_the_place_back(site: Site) -> None:
    for _ in range(5):
        lines = [site.reads("/acme/runs/{run}/events", "bob") for _ in range(4)]
        assert sum(b" 200 " in head(line) for line in lines) >= 2
        for line in lines:
            line.close()
        time.sleep(0.7)


@pytest.mark.postgres
@pytest.mark.parametrize("how", list(ENDS))
def test_a_stream_ends_when(how: str, site: Site, opened: Callable[..., socket.socket]) -> None:
    path, who, code = ENDS[how]
    time.sleep(0.7)
    line = opened(path, who)
    assert b" 200 " in head(line) and rest(line, seconds=2) is None
    site.home.act(code)
    assert rest(line, seconds=8) is not None
    again = opened(path, who)
    ending = head(again).split(b"\r\n")[0]
    assert (b" 200 " in ending) == (how in ("the run ends", "the job ends"))


@pytest.mark.torture
def test_a_thousand_readers_cost_one_look_a_second(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Through the real server; on PostgreSQL its statements are counted as well."""
    more = {"OTAI_STREAMS_PER_MEMBER": "2000", "OTAI_STREAMS_PER_ORGANISATION": "2000",
            "OTAI_API_REQUESTS_PER_MINUTE": "100000"}  # fmt: skip
    server = None
    if request.config.getoption("--database") == "postgres":
        server = PostgresServer(settings={"max_connections": "30"}).start()
        server.create_database("otai")
        more["OTAI_DATABASE_URL"] = server.url("otai")
    try:
        attacked = Attacked(tmp_path, more)
        attacked.otai("init")
        people = attacked.python(PEOPLE)
        attacked.act(UNBOUNDED_STREAMS)
        with attacked.studio() as base:
            site = Site(int(base.rsplit(":", 1)[1]), attacked, people, server)
            lines = []
            for _ in range(1000):
                lines.append(site.reads("/api/v1/runs/{run}/events", "key"))
                assert b" 200 " in head(lines[-1])
            if server is not None:
                count = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'otai'"
                # A connection that rests tells within ten seconds what it did (PGSTAT_IDLE_INTERVAL): until then the
                # thousand openings would be counted as what their readers cost.
                time.sleep(12)
                before = int(site.ask(count))
                time.sleep(10)
                transactions = (int(site.ask(count)) - before) / 10
                print(f"{transactions:.1f} transactions a second for 1,000 readers")
                assert transactions < 10
            site.is_timely()
            began = time.monotonic()
            attacked.act("runs.cancel_run(organisation=acme, number=1, who='alice', now=now)")
            assert all((rest(line, seconds=15) or b"").count(b"event: end") == 1 for line in lines)
            print(f"all heard of the end {time.monotonic() - began:.1f} s after the command began")
    finally:
        if server is not None:
            server.remove()
