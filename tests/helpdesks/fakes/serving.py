"""What every fake has: a loopback address that it prints, one JSON answer a request, and answers it was told to give
first (`POST /told-first` with `[[status, headers, body], ...]`)."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Query = Mapping[str, str]
Answers = Callable[[str, Query, Mapping[str, str]], tuple[int, Any]]
"""Path, query and headers (lower case) to a status and what is sent as JSON."""


def serve(answers: Answers) -> None:
    """Answers until its standard input ends, that is until whoever started it is done."""
    first: list[tuple[int, dict[str, str], str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if first:
                status, headers, body = first.pop(0)
                self._send(status, headers, body)
                return
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            said = {name.lower(): value for name, value in self.headers.items()}
            status, told = answers(unquote(parts.path), query, said)
            self._send(status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(told))

        def do_POST(self) -> None:
            first.extend(map(tuple, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self._send(204, {}, "")

        def _send(self, status: int, headers: dict[str, str], body: str) -> None:
            raw = body.encode()
            lines = [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(raw))}.items()]
            # One write: headers and body in two wait for each other's receipt.
            self.wfile.write("\r\n".join([f"HTTP/1.1 {status} Told", *lines, "", ""]).encode() + raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
