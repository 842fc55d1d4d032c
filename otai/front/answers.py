"""An answer on its way: what a page's thread leaves behind, sent in asyncio at the client's pace.

Up to a megabyte is one piece of memory. A file is read piece by piece as the client takes it. What a view makes while
it is read (a long CSV) goes through a `Spool`: the thread writes at its own pace and is free, the rest waits on disk.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from otai.front.asgi import Send
from otai.front.limits import ServerLimits

Headers = list[tuple[bytes, bytes]]

piece_bytes = 128 << 10
whole_bytes = 1 << 20
"""Up to this an answer is collected before it is sent."""


class ClientGone(OSError):
    """The client went away, or takes nothing any more."""


class FileWrapper:
    """WSGI's `wsgi.file_wrapper`: Django hands a FileResponse's file over in it."""

    def __init__(self, file: IO[bytes], block_size: int = 8192) -> None:
        self.file, self.block_size = file, block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(max(self.block_size, piece_bytes)), b"")

    def close(self) -> None:
        """Closes the file; WSGI servers call it when the answer is sent."""
        self.file.close()


class Spool:
    """A file without a name between a thread that writes and a client that reads. The writer waits only when it is
    `most_bytes` ahead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path, limits: ServerLimits) -> None:
        self.loop, self.limits = loop, limits
        self.file = tempfile.TemporaryFile(dir=folder, prefix="answer-")  # noqa: SIM115  it lives as long as this
        self.written = self.taken = 0
        self.finished = self.abandoned = self.failed = False
        self.more = asyncio.Event()
        self.room = threading.Condition()

    def write(self, piece: bytes) -> None:
        """In the thread. Raises ClientGone."""
        with self.room:
            while self.written - self.taken > self.limits.spool_bytes and not self.abandoned:
                before = self.taken
                if not self.room.wait(self.limits.send_seconds) and self.taken == before:
                    self.abandoned = True
            if self.abandoned:
                raise ClientGone("the client takes nothing any more")
        os.pwrite(self.file.fileno(), piece, self.written)
        self.written += len(piece)
        self._tell()

    def finish(self, *, failed: bool = False) -> None:
        """In the thread, after the last piece."""
        self.failed, self.finished = failed, True
        self._tell()

    def _tell(self) -> None:
        self.loop.call_soon_threadsafe(self.more.set)

    async def pieces(self) -> Any:
        """What was written, as it comes. Raises ClientGone where the view failed half-way: a cut-off answer must not
        look whole."""
        while True:
            self.more.clear()
            while self.taken < self.written:
                piece = os.pread(self.file.fileno(), min(piece_bytes, self.written - self.taken), self.taken)
                yield piece
                with self.room:
                    self.taken += len(piece)
                    self.room.notify()
            if self.finished and self.taken == self.written:
                if self.failed:
                    raise ClientGone("the view failed")
                return
            await self.more.wait()

    def abandon(self) -> None:
        """In asyncio: nobody reads any more. The file goes when the writer has let go of it as well."""
        with self.room:
            self.abandoned = True
            self.room.notify()


@dataclass
class Response:
    """One of `body`, `file` (with `close`), `spool` and `stream` is what follows the headers. `stream`: see
    `otai/orgs/streams.py`."""

    status: int
    headers: Headers
    body: bytes = b""
    file: FileWrapper | None = None
    spool: Spool | None = None
    stream: Any = None


class Sender:
    """Sends one answer, and gives up on a client who takes nothing of it for `send_seconds`, or has gone."""

    def __init__(self, send: Send, receive: Callable[[], Awaitable[Any]], limits: ServerLimits) -> None:
        self.send, self.receive, self.limits = send, receive, limits

    async def whole(self, answer: Response) -> None:
        """Sends an answer whose body is at hand, in two messages."""
        await self.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self.send({"type": "http.response.body", "body": answer.body})

    async def piecewise(self, answer: Response, pieces: Any) -> None:
        """Raises ClientGone; whoever makes the pieces then stops."""
        await self.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        sending = asyncio.ensure_future(self._pieces(pieces))
        leaving = asyncio.ensure_future(self._left())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise ClientGone("the client went away")
            sending.result()
        finally:
            leaving.cancel()
            sending.cancel()

    async def _pieces(self, pieces: Any) -> None:
        async with aclosing(pieces):
            async for piece in pieces:
                try:
                    async with asyncio.timeout(self.limits.send_seconds):
                        await self.send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    raise ClientGone("the client takes nothing any more") from None
        await self.send({"type": "http.response.body", "body": b""})

    async def _left(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def pieces_of_file(wrapper: FileWrapper) -> Any:
    """The file's bytes, `piece_bytes` at a time, read in a thread so that the loop goes on."""
    while piece := await asyncio.to_thread(wrapper.file.read, piece_bytes):
        yield piece
