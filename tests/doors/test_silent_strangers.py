"""Strangers without an account who say little and hold on, through the proxy and past it: people are served meanwhile.

tests/front/test_attacks.py does the same to a server with few connections and says where each bound lies.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.doors.production import NAME, Production

STREAMS, SILENT = 60, 24
THREADS, PROCESSES = 8, 2
timely_seconds = 5.0


@pytest.fixture
def line(studio: Production) -> Iterator[Callable[..., socket.socket]]:
    """`line("GET / HTTP/1.1", "Header: value", direct=False)`: a request whose head is sent, and nothing more."""
    with ExitStack() as opened:

        def begin(*head: str, direct: bool = False) -> socket.socket:
            port = urlsplit(studio.direct).port if direct else studio.port
            found = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            if direct:
                # As the proxy would say it: past it anybody can.
                head = (*head, "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9")
            else:
                trust = ssl.create_default_context(cafile=str(studio.certificate))
                found = opened.enter_context(trust.wrap_socket(found, server_hostname=NAME))
            found.sendall("\r\n".join([head[0], f"Host: {NAME}:{studio.port}", *head[1:], "", ""]).encode())
            return found

        yield begin


def people_are_served(studio: Production) -> None:
    for path in ("/account/login/", "/health/live", "/health/ready"):
        began = time.monotonic()
        with studio.http() as client:
            assert client.get(path).status_code == 200
        assert time.monotonic() - began < timely_seconds, path


def connections(studio: Production) -> int:
    """To the Studio's database, of everybody but us; 0 on SQLite."""
    url = studio.installation.settings["OTAI_DATABASE_URL"]
    if url.startswith("sqlite"):
        return 0
    with psycopg.connect(url.replace("postgres://", "postgresql://")) as ours:
        row = ours.execute("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


def test_streams_asked_for_with_an_invented_session_hold_no_connection_to_the_database(
    studio: Production, line: Callable[..., socket.socket]
) -> None:
    before = connections(studio)
    asked = [
        line(
            f"GET {'/x/events' if number % 2 else '/acme/runs/1/events'} HTTP/1.1",
            f"Cookie: __Host-sessionid=invented{number:024}",
            direct=number >= STREAMS // 2,
        )
        for number in range(STREAMS)
    ]
    people_are_served(studio)
    answers = [one.recv(4096).split(b"\r\n")[0] for one in asked]
    assert all(answer.split()[1] in (b"302", b"404") for answer in answers), answers
    # Threads of pages and probes have theirs; sixty strangers have none.
    assert connections(studio) <= max(before, PROCESSES * (THREADS + 3)) + 1
    assert studio.installation.otai("org", "list"), "the command line gets a connection as well"


@pytest.mark.parametrize("direct", [False, True], ids=["through the proxy", "past it"])
def test_bodies_that_never_come_leave_the_pages_to_others(
    studio: Production, line: Callable[..., socket.socket], direct: bool
) -> None:
    for _ in range(SILENT):
        # All that is looked at before the body fits: only with it would the form's token be known.
        line(
            "POST /account/login/ HTTP/1.1",
            f"Cookie: __Host-csrftoken={'a' * 32}",
            f"Origin: {studio.url}",
            "Content-Length: 1000",
            "Content-Type: application/x-www-form-urlencoded",
            direct=direct,
        )
    time.sleep(0.5)
    people_are_served(studio)
