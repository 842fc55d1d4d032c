"""What a client can do to the server by being slow, silent or gone: it holds its own connection, and nothing that
others need."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.front.toy import ask, begin, everything, toy

pytestmark = pytest.mark.pure

QUICK = {"WEB_THREADS": 2, "BODY_GRACE_SECONDS": 2, "BODY_LEAST_BYTES_PER_SECOND": 1000, "SEND_SECONDS": 3,
         "HEADER_SECONDS": 3, "UPLOAD_MOST_BYTES": 8 << 20, "UPLOADS_AT_ONCE": 2, "UPLOADS_PER_ORGANISATION": 1,
         "BODIES_PER_ADDRESS": 40, "REFUSED_MOST_BYTES": 32 << 20, "REFUSED_MOST_SECONDS": 3,
         "UPLOADS_LEAVE_FREE_BYTES": 0}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "file").write_bytes(bytes(range(256)) * (40 << 12))
    return folder


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with toy(folder, **QUICK) as port:
        yield port


def timely(port: int) -> None:
    """A page and a probe answer while something else goes on."""
    for path in ("/", "/health/live", "/health/ready"):
        began = time.monotonic()
        assert ask(port, f"GET {path} HTTP/1.1")[0] == 200
        assert time.monotonic() - began < 1.5, path


def test_a_body_that_never_comes_holds_no_thread_and_ends(port: int) -> None:
    began = time.monotonic()
    silent = [begin(port, "POST /webhooks/stripe HTTP/1.1", "Content-Length: 10") for _ in range(30)]
    timely(port)
    answers = [everything(line) for line in silent]
    assert 1.5 < time.monotonic() - began < 8
    assert all(b" 408 " in answer and b"body_too_slow" in answer for answer in answers), "and each is closed"


def test_a_body_that_drips_is_cut_off_at_the_least_rate(port: int) -> None:
    """One that is refused is read no longer either, so that its sender hears it."""
    lines = [begin(port, "POST / HTTP/1.1", f"Content-Length: {length}") for length in (100_000, 1 << 30)]
    began = time.monotonic()
    while lines and time.monotonic() - began < 15:
        for line in list(lines):
            try:
                line.sendall(b"x")
            except OSError:
                lines.remove(line)
                assert time.monotonic() - began > 1.5
        time.sleep(0.1)
    assert not lines and time.monotonic() - began < 7


def test_a_slow_body_that_keeps_the_rate_arrives_whole(port: int) -> None:
    line = begin(port, "POST / HTTP/1.1", "Content-Length: 16000", "Connection: close")
    for _ in range(16):
        line.sendall(b"x" * 1000)
        time.sleep(0.25)
    assert json.loads(everything(line).partition(b"\r\n\r\n")[2])["length"] == 16000


def test_a_silent_connection_and_a_half_head_are_closed(port: int) -> None:
    silent = socket.create_connection(("127.0.0.1", port), timeout=10)
    half = socket.create_connection(("127.0.0.1", port), timeout=10)
    half.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    began = time.monotonic()
    everything(silent)
    everything(half)
    assert time.monotonic() - began < 6


def test_a_reader_who_takes_nothing_holds_no_thread_and_its_connection_ends(port: int, folder: Path) -> None:
    for path in ("/many", "/file"):
        lazy = [begin(port, f"GET {path} HTTP/1.1", receive_buffer=4096) for _ in range(6)]
        time.sleep(1)
        timely(port)
        until = time.monotonic() + 15
        while open_connections(port) and time.monotonic() < until:
            time.sleep(0.3)
        assert not open_connections(port), f"{path}: the kernel has closed them all"
        for line in lazy:
            line.close()
    assert not list(folder.glob("answer-*"))


def open_connections(port: int) -> int:
    """Of the server: established, seen from its side."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] in ("01", "04", "05") for row in rows)


def test_a_large_answer_arrives_whole_and_in_order(port: int, folder: Path) -> None:
    status, body = ask(port, "GET /many HTTP/1.0")
    assert status == 200 and body == b"x" * (40 << 20)
    assert ask(port, "GET /file HTTP/1.0")[1] == (folder / "file").read_bytes()


def test_requests_in_a_row_on_one_connection_are_answered_in_a_row(port: int) -> None:
    with begin(
        port, "POST /?1 HTTP/1.1", "Content-Length: 3", body=b"abcGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    ) as line:
        line.sendall(
            b"POST /?2 HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\nConnection: close\r\n\r\n" + b"y" * 70000
        )
        answer = everything(line)
    assert [answer.index(part) for part in (b'"length": 3', b'"live"', b'"length": 70000')] == sorted(
        answer.index(part) for part in (b'"length": 3', b'"live"', b'"length": 70000')
    )


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(port: int, folder: Path) -> None:
    for _ in range(50):
        begin(port, "POST / HTTP/1.1", "Content-Length: 300000", body=b"x" * 100000).close()
    time.sleep(0.5)
    timely(port)
    assert not list(folder.glob("body-*"))


def test_what_is_too_large_or_of_unknown_length_is_refused_before_it_is_read(port: int) -> None:
    assert ask(port, "POST /acme/tickets/upload HTTP/1.1", f"Content-Length: {9 << 20}")[0] == 413
    assert ask(port, "POST /login HTTP/1.1", f"Content-Length: {3 << 20}")[0] == 413
    assert ask(port, "POST /webhooks/stripe HTTP/1.1", f"Content-Length: {1 << 20}")[0] == 413
    assert ask(port, "POST /login HTTP/1.1", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n")[0] == 411
    chunked = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(44)) + b"0\r\n\r\n"
    with begin(port, "POST /api/v1/quotes HTTP/1.1", "Transfer-Encoding: chunked", body=chunked) as line:
        assert b" 413 " in line.recv(1000), "what says no length is counted while it comes"


def whole(port: int, *head: str, body: bytes) -> bytes:
    """What a client hears that sends all of its request before it reads."""
    with begin(port, *head, body=body) as line:
        return line.recv(1 << 16)


def test_a_client_that_sends_all_before_it_reads_hears_why_it_is_refused(port: int) -> None:
    """More than the kernel holds of it on its way: only what the server reads comes to an end."""
    much = b"a" * (16 << 20)
    length = f"Content-Length: {len(much)}"
    assert b" 413 " in whole(port, "POST /login HTTP/1.1", length, body=much)
    assert b" 413 " in whole(port, "POST /acme/tickets/upload HTTP/1.1", length, body=much)
    assert b" 401 " in whole(port, "POST /api/v1/data-sets HTTP/1.1", "Content-Length: 7000000", body=much[:7_000_000])
    chunked = b"".join(b"100000\r\n" + much[: 1 << 20] + b"\r\n" for _ in range(16)) + b"0\r\n\r\n"
    for path, status in (("/login", b" 411 "), ("/api/v1/quotes", b" 413 ")):
        assert status in whole(port, f"POST {path} HTTP/1.1", "Transfer-Encoding: chunked", body=chunked), path
    known = ("POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer acme", "Content-Length: 5000000")
    with begin(port, *known):
        time.sleep(0.3)
        assert b" 429 " in whole(port, *known, body=much[:5_000_000])


def test_what_is_refused_is_read_up_to_a_bound_of_bytes(port: int) -> None:
    with begin(port, "POST /login HTTP/1.1", f"Content-Length: {1 << 30}") as line, pytest.raises(OSError):
        for _ in range(96):
            line.sendall(b"x" * (1 << 20))


def test_a_program_may_stream_a_file_of_unknown_length(port: int) -> None:
    chunked = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(60)) + b"0\r\n\r\n"
    status, said = ask(
        port, "POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer k", "Transfer-Encoding: chunked", body=chunked
    )
    assert status == 200 and json.loads(said)["length"] == 60 * 65536 == int(json.loads(said)["announced"])


def test_a_file_is_read_for_members_only_and_few_at_once(port: int) -> None:
    assert ask(port, "POST /api/v1/data-sets HTTP/1.1", "Content-Length: 5000000")[0] == 401
    known = ("POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer k", "Content-Length: 5000000")
    other = ("POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer g", "Content-Length: 5000000")
    two = [begin(port, *one) for one in (known, other)]
    time.sleep(0.3)
    status, said = ask(port, *known[:1], "Authorization: Bearer i", known[2])
    assert status == 503 and json.loads(said)["error"]["code"] == "too_many_uploads"
    for line in two:
        line.close()
    time.sleep(0.3)
    status, said = ask(port, *known, body=b"z" * 5_000_000)
    assert status == 200 and json.loads(said)["length"] == 5_000_000


def test_one_organisation_takes_not_all_places_for_files(tmp_path: Path) -> None:
    """Acme's program announces twenty large files and sends two bytes of each; Carol of globex uploads hers
    meanwhile."""
    limits = QUICK | {"UPLOADS_AT_ONCE": 8, "UPLOADS_PER_ORGANISATION": 2, "BODY_GRACE_SECONDS": 20}
    slow = ("POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer acme", "Content-Length: 5000000")
    with toy(tmp_path, **limits) as port:
        lines = [begin(port, *slow, body=b"id") for _ in range(20)]
        time.sleep(0.5)
        status, said = ask(port, *slow)
        assert status == 429 and json.loads(said)["error"]["code"] == "too_many_uploads_of_one"
        status, said = ask(
            port, slow[0], "Authorization: Bearer globex", "Content-Length: 5000000", body=b"z" * 5_000_000
        )
        assert status == 200 and json.loads(said)["length"] == 5_000_000
        for line in lines:
            line.close()
        time.sleep(0.3)
        assert ask(port, *slow, body=b"z" * 5_000_000)[0] == 200, "a place is given back"


def test_who_waits_for_what_comes_of_a_file_keeps_nobody_from_sending_theirs(tmp_path: Path) -> None:
    """Two programs of acme's wait for their imports; Bob uploads a file in the browser meanwhile."""
    with toy(tmp_path, **QUICK | {"WEB_THREADS": 4, "UPLOADS_PER_ORGANISATION": 2}) as port:
        known = ("POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer acme")
        waiting = [begin(port, *known, "X-Slow: 1", "Content-Length: 2", body=b"id") for _ in range(2)]
        time.sleep(0.3)
        assert ask(port, *known, "Content-Length: 2", body=b"id")[0] == 200
        for line in waiting:
            line.close()


def test_a_browser_is_told_in_its_language_what_kept_its_request_from_being_read(port: int) -> None:
    """Bob's programs upload already: his browser gets a page where a program gets JSON."""
    known = ("POST /acme/tickets/upload HTTP/1.1", "Authorization: Bearer acme", "Content-Length: 5000000")
    two = [begin(port, *known) for _ in range(2)]
    time.sleep(0.3)
    browser = ("Accept: text/html,application/xhtml+xml", "Accept-Language: fr;q=0.8, de;q=0.9")
    status, page = ask(port, *known, *browser)
    assert status == 429 and b'<html lang="en"' not in page
    assert "so viele Dateien hoch, wie zugleich gehen (1). Warten Sie" in page.decode()
    assert "autant de fichiers" in ask(port, *known, *browser, "Cookie: otai_language=fr")[1].decode()
    refused = json.loads(ask(port, *known)[1])["error"]
    assert refused["values"] == {"most": 1} and "at once (1)" in refused["message"]
    for line in two:
        line.close()
    slow = everything(begin(port, "POST /account/login/ HTTP/1.1", "Content-Length: 10", *browser))
    assert b" 408 " in slow and b"Ihre Verbindung war zu langsam" in slow


def test_a_body_whose_chunks_are_none_is_a_bad_request(port: int) -> None:
    head = ("POST /api/v1/data-sets HTTP/1.1", "Authorization: Bearer k", "Transfer-Encoding: chunked")
    answer = everything(begin(port, *head, body=b"zz\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_one_address_sends_so_many_bodies_at_once_and_no_more(port: int) -> None:
    many = [begin(port, "POST / HTTP/1.1", "Content-Length: 10") for _ in range(40)]
    time.sleep(0.3)
    status, said = ask(port, "POST / HTTP/1.1", "Content-Length: 10")
    assert status == 429 and json.loads(said)["error"]["code"] == "too_many_bodies"
    timely(port)
    for line in many:
        line.close()
    time.sleep(0.3)
    assert ask(port, "POST / HTTP/1.1", "Content-Length: 2", body=b"ok")[0] == 200


def test_a_header_cannot_stand_for_another_and_cookies_stay_one_header(port: int) -> None:
    head = ("GET / HTTP/1.1", "X_Forwarded_For: 1.2.3.4", "Cookie: a=1", "Cookie: b=2")
    said = json.loads(ask(port, *head)[1])
    assert said["forwarded"] is None and said["cookie"] == "a=1; b=2"


def test_more_than_can_wait_is_told_to_come_back(folder: Path) -> None:
    with toy(folder, **QUICK | {"WEB_WAITING": 3}) as port:
        lines = [begin(port, "GET /slow HTTP/1.1", "Connection: close") for _ in range(9)]
        answers = [everything(line) for line in lines]
        assert sum(b" 200 " in answer for answer in answers) == 5
        busy = [answer for answer in answers if b" 503 " in answer]
        assert len(busy) == 4 and all(b"retry-after" in answer and b"overloaded" in answer for answer in busy)
        timely(port)


def test_a_server_that_computes_ends_when_it_is_told_to(tmp_path: Path) -> None:
    # One match of an expression: nothing else of Python runs meanwhile, no handler of a signal either.
    with toy(tmp_path, STOP_SECONDS=2) as port, begin(port, "GET /computes HTTP/1.1"):
        time.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 8
