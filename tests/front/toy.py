"""A small site behind the real front, for what needs no Studio: served by the server program of the product, with its
limits."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.web.studio_server import free_port


class ManyBytes:
    """A large answer that is made while it is read."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 20)


def site(environ: dict[str, Any], start_response: Any) -> Any:
    if environ.get("otai.front.asks_who"):
        who = environ.get("HTTP_AUTHORIZATION")
        start_response("204 No Content" if who else "401 Unauthorized", [("Otai-Uploader", who)] if who else [])
        return []
    if refused := environ.get("otai.front.refused"):
        start_response("411 Length Required" if refused == "length_required" else "413 Payload Too Large", [])
        return [refused.encode()]
    if environ["PATH_INFO"] == "/many":
        start_response("200 OK", [("Content-Type", "text/csv")])
        return ManyBytes()
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](Path(os.environ["TOY_FILE"]).open("rb"))
    if environ["PATH_INFO"] == "/computes":
        re.search("(a|a)*b", "a" * 60)
    if environ["PATH_INFO"] == "/slow" or "HTTP_X_SLOW" in environ:
        time.sleep(1)
    body = environ["wsgi.input"].read()
    said = {"length": len(body), "announced": environ.get("CONTENT_LENGTH"), "cookie": environ.get("HTTP_COOKIE"),
            "forwarded": environ.get("HTTP_X_FORWARDED_FOR")}  # fmt: skip
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]


def application() -> Any:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    from otai.front.application import Front
    from otai.front.limits import ServerLimits
    from otai.front.probes import probes
    from otai.web.front_refusals import page_of

    asked = probes(ready=lambda: True, metrics=lambda: b"", metrics_token="", seconds=1)
    folder = Path(os.environ["TOY_FOLDER"])
    return Front(site, streams=None, probes=asked, limits=ServerLimits(), folder=folder, page_of=page_of)  # type: ignore[arg-type]


def serve(port: int) -> None:
    import django
    from granian import Granian
    from granian.constants import Interfaces

    # What the command that we take the bounds from loads beside them knows tables.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    django.setup()

    from otai.cli.studio import connection_limits

    Granian(
        "tests.front.toy:application", port=port, interface=Interfaces.ASGI, factory=True, **connection_limits()
    ).serve()


@contextmanager
def toy(folder: Path, **limits: int) -> Iterator[int]:
    """The port of the site while it is served; `limits` by the names of their variables, without OTAI_."""
    port = free_port()
    settings = {f"OTAI_{name}": str(value) for name, value in limits.items()}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTAI_")},
        **settings,
        "OTAI_HOME": str(folder),
        "TOY_FOLDER": str(folder),
        "TOY_FILE": str(folder / "file"),
    }
    command = [sys.executable, "-c", f"from tests.front.toy import serve; serve({port})"]
    log = (folder / "toy.log").open("wb")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as running:
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                assert running.poll() is None, (folder / "toy.log").read_text()
                try:
                    ask(port, "GET /health/live HTTP/1.1")
                    break
                except OSError:
                    time.sleep(0.1)
            time.sleep(0.5)  # the sockets' bounds are set within a fifth of a second
            yield port
        finally:
            running.terminate()
            try:
                running.wait(15)
            finally:
                running.kill()


def begin(port: int, *head: str, body: bytes = b"", receive_buffer: int = 0) -> socket.socket:
    """A connection on which the head, and what there is of a body, were sent."""
    line = socket.socket()
    if receive_buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    line.settimeout(20)
    line.connect(("127.0.0.1", port))
    line.sendall("\r\n".join([*head, "Host: localhost", "", ""]).encode() + body)
    return line


def everything(line: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = bytearray()
    while piece := line.recv(1 << 16):
        found += piece
    return bytes(found)


def ask(port: int, *head: str, body: bytes = b"") -> tuple[int, bytes]:
    """The answer as a client hears it: as long as it says that it is, or until the other side closes."""
    with begin(port, *head, "Connection: close", body=body) as line:
        answer = bytearray()
        while piece := line.recv(1 << 16):
            answer += piece
            start, ended, rest = bytes(answer[:2000]).partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", start.lower())
            if ended and length and len(answer) >= len(start) + 4 + int(length.group(1)):
                break
    start, _, rest = bytes(answer).partition(b"\r\n\r\n")
    return int(start.split()[1]), rest
