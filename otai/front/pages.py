"""Django's WSGI handler in a bounded pool of threads. A thread is taken when the body is there and given back before
the answer is sent."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from otai.front.answers import ClientGone, FileWrapper, Headers, Response, Spool, whole_bytes
from otai.front.bodies import Unread
from otai.front.headers import usable_content_type
from otai.front.limits import ServerLimits

log = logging.getLogger(__name__)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Pages:
    def __init__(self, wsgi: Wsgi, limits: ServerLimits, folder: Path) -> None:
        self.wsgi, self.limits, self.folder = wsgi, limits, folder
        self.threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="page")
        self.taken = 0

    async def answer(self, environ: dict[str, Any]) -> Response:
        """The answer of Django, or its beginning while a thread goes on writing the rest. Raises Unread (503) when too
        many wait."""
        if self.taken >= self.limits.threads + self.limits.waiting:
            raise Unread("waiting", code="overloaded", status=503, most=self.limits.waiting)
        loop = asyncio.get_running_loop()
        began: asyncio.Future[Response] = loop.create_future()
        self.taken += 1
        working = loop.run_in_executor(self.threads, self._work, environ, began, loop)
        working.add_done_callback(lambda done: self._done(done, began))
        # A client that leaves does not stop what its page has begun to write to the database.
        return await asyncio.shield(began)

    def _done(self, working: asyncio.Future[None], began: asyncio.Future[Response]) -> None:
        self.taken -= 1
        error = working.exception()
        if began.done():
            # The rest of the answer failed; its reader is cut off and does not take the part for the whole.
            if error is not None:
                log.error("an answer was not written to its end", exc_info=error)
            return
        began.set_exception(error or RuntimeError("a page ended without an answer"))
        # Where nobody waits any more, nobody asks for it either.
        began.exception()

    def _work(self, environ: dict[str, Any], began: asyncio.Future[Response], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: the request through Django, until nothing of the answer needs Django any more."""
        started: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            named = [(name.lower().encode("latin1"), value.strip().encode("latin1")) for name, value in headers]
            started[:] = [(int(status.split(" ", 1)[0]), named)]

        def begin(**what: Any) -> None:
            status, headers = started[0]
            answer = Response(status, headers, **what)
            loop.call_soon_threadsafe(lambda: None if began.done() else began.set_result(answer))

        content = self.wsgi(environ, start_response)
        is_handed_over = False
        try:
            stream = getattr(content, "handed_over_to", None)
            if stream is not None:
                begin(stream=stream)
                return
            if isinstance(content, FileWrapper) and environ["REQUEST_METHOD"] != "HEAD":
                first = content.file.read(whole_bytes + 1)
                if len(first) <= whole_bytes:
                    begin(body=first)
                else:
                    content.file = _Behind(first, content.file)  # type: ignore[assignment]
                    is_handed_over = True
                    begin(file=content)
                return
            self._collect(iter(content), begin, loop)
        finally:
            if not is_handed_over:
                getattr(content, "close", lambda: None)()

    def _collect(self, pieces: Iterator[bytes], begin: Callable[..., None], loop: asyncio.AbstractEventLoop) -> None:
        collected, size = [], 0
        for piece in pieces:
            collected.append(piece)
            size += len(piece)
            if size > whole_bytes:
                break
        else:
            begin(body=b"".join(collected))
            return
        spool = Spool(loop, self.folder, self.limits)
        begin(spool=spool)
        failed = True
        try:
            for piece in _chained(collected, pieces):
                spool.write(piece)
            failed = False
        except ClientGone:
            return
        finally:
            spool.finish(failed=failed)


def _chained(collected: list[bytes], pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from collected
    collected.clear()
    yield from pieces


class _Behind:
    """A file of which the beginning was read already."""

    def __init__(self, first: bytes, file: IO[bytes]) -> None:
        self.first, self.file = io.BytesIO(first), file

    def read(self, size: int) -> bytes:
        return self.first.read(size) or self.file.read(size)

    def close(self) -> None:
        self.file.close()


def environ_of(scope: Any, body: IO[bytes], length: int) -> dict[str, Any]:
    """The request as WSGI has it, its body complete."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode(errors="surrogateescape").decode("latin1"),
        "QUERY_STRING": scope["query_string"].decode("latin1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "otai.front": True,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin1").upper(), raw_value.decode("latin1")
        if "_" in name or name in ("CONTENT-LENGTH", "TRANSFER-ENCODING"):
            # With an underscore a name would stand for another one: `x_forwarded_for` is not what a proxy of ours
            # wrote.
            continue
        key = "CONTENT_TYPE" if name == "CONTENT-TYPE" else f"HTTP_{name.replace('-', '_')}"
        environ[key] = f"{environ[key]}{'; ' if name == 'COOKIE' else ','}{value}" if key in environ else value
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = usable_content_type(environ["CONTENT_TYPE"])
    if length:
        environ["CONTENT_LENGTH"] = str(length)
    return environ
