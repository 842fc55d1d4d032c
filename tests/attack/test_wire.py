"""Requests that no browser sends, through the proxy and past it: smuggled into one another, headers that split, too
much of everything, and senders who never end."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.attack.scene import Scene, told
from tests.doors.production import NAME, Production
from tests.doors.test_silent_strangers import people_are_served

pytestmark = [pytest.mark.postgres, pytest.mark.torture]

WAYS = [pytest.param(False, id="through the proxy"), pytest.param(True, id="past it")]
INNOCENT = 12
Opens = Callable[..., socket.socket]


@pytest.fixture
def studio(attacked: Scene) -> Production:
    return attacked.studio


@pytest.fixture
def line(studio: Production) -> Iterator[Opens]:
    """`line(direct=False)`: an open line to the proxy, or past it to the server."""
    with ExitStack() as opened:

        def begin(*, direct: bool) -> socket.socket:
            port = urlsplit(studio.direct).port if direct else studio.port
            found = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            if not direct:
                trust = ssl.create_default_context(cafile=str(studio.certificate))
                found = opened.enter_context(trust.wrap_socket(found, server_hostname=NAME))
            return found

        yield begin


def said(line: socket.socket, *, seconds: float = 3) -> bytes:
    """All that comes until the other side closes, or says nothing for so long."""
    found = b""
    line.settimeout(seconds)
    with suppress(TimeoutError, OSError):
        while piece := line.recv(65536):
            found += piece
    return found


HIDDEN = "GET /smuggled HTTP/1.1\r\nX-Ignored: "
FIVE = "Content-Length: 5\r\n\r\n0\r\n\r\n"
SMUGGLED = {
    "length beside chunks": "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    "chunks beside length": "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{size:x}\r\n{hidden}\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}",
    "a length with a sign": "Content-Length: +{length}\r\n\r\n{hidden}",
    "a length in two parts": "Content-Length: 0, {length}\r\n\r\n{hidden}",
    "chunks by another name": "Transfer-Encoding: xchunked\r\n{five}{hidden}",
    "chunks after a blank": "Transfer-Encoding : chunked\r\n{five}{hidden}",
    "chunks after a tab": "Transfer-Encoding:\tchunked\r\n{five}{hidden}",
    "chunks twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n{five}{hidden}",
    "chunks on a folded line": "X-Folded: a\r\n Transfer-Encoding: chunked\r\n{five}{hidden}",
    "a chunk's size with a sign": "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n{hidden}",
    "a chunk's size that overflows": "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{hidden}",
    "chunks ended by a line feed alone": "Transfer-Encoding: chunked\r\n\r\n0\n\n{hidden}",
    "a body of a GET": "Content-Length: {length}\r\n\r\n{hidden}",
}


@pytest.mark.parametrize("direct", WAYS)
def test_no_request_hides_in_another(studio: Production, line: Opens, direct: bool) -> None:
    """What follows on the proxy's kept lines belongs to others: each of them hears the answer to their own question."""
    for way, form in SMUGGLED.items():
        tail = form.format(hidden=HIDDEN, length=len(HIDDEN), size=len(HIDDEN), five=FIVE)
        method = "GET" if "GET" in way else "POST"
        head = f"{method} /account/login/ HTTP/1.1\r\nHost: {NAME}:{studio.port}\r\nX-Forwarded-Proto: https\r\n"
        with line(direct=direct) as attack:
            attack.sendall((head + tail).encode())
            answer = said(attack, seconds=0.5)
        assert b"/smuggled" not in answer, way
        lines = re.findall(rb"^HTTP/1\.1 (\d+)", answer, re.MULTILINE)
        assert all(status != b"500" for status in lines), (way, lines)
        with studio.http() as innocent:
            for _ in range(INNOCENT if not direct else 2):
                asked = innocent.get("/health/live")
                assert (asked.status_code, asked.headers["Content-Type"]) == (200, "text/plain; charset=utf-8") or (
                    asked.status_code == 200
                ), (way, told(asked))
    people_are_served(studio)


def test_no_address_or_value_splits_a_header(attacked: Scene) -> None:
    split = "%0d%0aSet-Cookie:%20planted=1%0d%0a%0d%0a<script>alert(7)</script>"
    with attacked.browser("owner") as alice:
        answers = [
            alice.get(f"/{split}"),
            alice.get(f"/acme{split}/"),
            alice.get(f"/account/login/?next=/{split}"),
            alice.get(f"/acme/credits/ledger.csv?text={split}"),
            alice.get(f"/acme/credits/invoices/{split}.pdf"),
            alice.post(
                "/i18n/language", {"language": "de\r\nSet-Cookie: planted=1", "next": "/\r\nSet-Cookie: planted=1"}
            ),
            alice.post(
                "/studio/theme", {"theme": "dark\r\nSet-Cookie: planted=1", "next": "/x\r\nSet-Cookie: planted=1"}
            ),
        ]
    for answer in answers:
        assert answer.status_code < 500, told(answer)
        assert "planted" not in answer.headers.get("Set-Cookie", ""), told(answer)
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("direct", WAYS)
@pytest.mark.parametrize("much", ["one header", "many headers", "the address", "the cookie"])
def test_too_much_before_the_body_is_refused(studio: Production, line: Opens, direct: bool, much: str) -> None:
    large = "x" * (1 << 20)
    path = f"/account/login/?{large}" if much == "the address" else "/account/login/"
    more = {"one header": f"X-Large: {large}", "the cookie": f"Cookie: __Host-sessionid={large}",
        "many headers": "\r\n".join(f"X-{number}: y" for number in range(5_000))}.get(much, "X-Small: y")  # fmt: skip
    with line(direct=direct) as attack:
        # The other side may close before it has heard all of it.
        with suppress(OSError):
            attack.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}:{studio.port}\r\n{more}\r\n\r\n".encode())
        status = re.findall(rb"^HTTP/1\.1 (\d+)", said(attack))
    assert not status or 400 <= int(status[0]) < 500, status
    people_are_served(studio)


def test_too_much_of_a_body_is_refused(attacked: Scene) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"a" * (1 << 20)

    with attacked.program("everything") as program, attacked.studio.http() as nobody:
        asked: list[tuple[httpx.Client, str, bytes | Iterator[bytes], set[int]]] = [
            (nobody, "/account/login/", b"a" * (3 << 20), {413}),
            # The proxy has taken all of it when it is refused.
            (nobody, "/account/login/", endless(), {413}),
            (nobody, "/webhooks/stripe", b"a" * (1 << 20), {413}),
            (nobody, "/api/v1/quotes", b"[" * (4 << 20), {401, 413}),
            (program, "/api/v1/quotes", b"[" * (4 << 20), {413}),
            (program, "/api/v1/quotes", b"[" * (2 << 20), {400, 422}),
            (program, "/api/v1/quotes", b'{"a":' * (300_000), {400, 422}),
            (nobody, "/api/v1/data-sets", endless(), {401}),
        ]
        for client, path, body, expected in asked:
            answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code in expected, told(answer)
    people_are_served(attacked.studio)


@pytest.mark.parametrize("direct", WAYS)
def test_heads_that_come_letter_by_letter_keep_nobody_waiting(studio: Production, line: Opens, direct: bool) -> None:
    """Forty at once, and then as many that never say what they want."""
    slow = [line(direct=direct) for _ in range(40)]
    for _ in range(4):
        for one in slow:
            with suppress(OSError):
                one.sendall(b"G" if _ == 0 else b"E")
        time.sleep(0.1)
    people_are_served(studio)
    silent = [line(direct=direct) for _ in range(40)]
    people_are_served(studio)
    assert len(silent) == 40
