"""A request's body, read in asyncio before a thread is taken: up to its bound, at a least rate, small ones in memory,
large ones on disk."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from otai.errors import OtaiError
from otai.front.asgi import Receive
from otai.front.bounds import Bound
from otai.front.limits import ServerLimits

memory_bytes = 64 << 10
"""Of one body. What is longer goes to a file that has no name and is gone with the request."""

flush_bytes = 1 << 20
"""Of an upload between two writes to disk, which happen in a thread."""


class Unread(OtaiError):
    """The body was not read to its end, or nobody is free to answer it. `status` is the answer's."""

    kind = "unavailable"

    def __init__(self, case: str, /, *, code: str, status: int, **details: Any) -> None:
        super().__init__(case, code=code, **details)
        self.status = status


class Gone(Exception):
    """The client has closed the connection: nobody is there to answer."""


class TooLong(Exception):
    """More arrived than the bound allows, or was announced."""


class Bodies:
    """The bodies that this process reads at this moment, and what they take together."""

    def __init__(self, limits: ServerLimits, folder: Path | None) -> None:
        self.limits = limits
        self.folder = folder if folder is not None and folder.is_dir() else Path(tempfile.gettempdir())
        self.by_address: Counter[str] = Counter()
        self.uploads = 0
        self.uploads_by: Counter[str] = Counter()
        self.bytes = 0

    @contextmanager
    def place(self, address: str, bound: Bound, announced: int, *, uploader: str = "") -> Iterator[None]:
        """Room for one more body, or Unread with 429 (this address or organisation sends too many) or 503 (everybody
        together does). `uploader`: for whom a file counts, an organisation mostly; the address where nobody said."""
        uploader = uploader or address
        self._require_place(address)
        if bound.is_upload:
            if self.uploads_by[uploader] >= self.limits.uploads_each:
                raise self.too_many_of_one()
            if self.uploads >= self.limits.uploads:
                raise Unread("together", code="too_many_uploads", status=503, most=self.limits.uploads)
            if shutil.disk_usage(self.folder).free - announced < self.limits.free_bytes:
                raise Unread("file", code="disk_full", status=503)
        with self.passed_over(address):
            if bound.is_upload:
                self.uploads += 1
                self.uploads_by[uploader] += 1
            try:
                yield
            finally:
                if bound.is_upload:
                    self.uploads -= 1
                    self.uploads_by[uploader] -= 1
                    if not self.uploads_by[uploader]:
                        del self.uploads_by[uploader]

    @contextmanager
    def passed_over(self, address: str) -> Iterator[None]:
        """Room for a body of this address that nobody keeps, or Unread with 429."""
        self._require_place(address)
        self.by_address[address] += 1
        try:
            yield
        finally:
            self.by_address[address] -= 1
            if not self.by_address[address]:
                del self.by_address[address]

    def _require_place(self, address: str) -> None:
        if self.by_address[address] >= self.limits.bodies_per_address:
            raise Unread("from_here", code="too_many_bodies", status=429, most=self.limits.bodies_per_address)

    def too_many_of_one(self) -> Unread:
        """The refusal of a file whose organisation has as many on their way as it may."""
        return Unread("organisation", code="too_many_uploads_of_one", status=429, most=self.limits.uploads_each)

    async def read(self, receive: Receive, bound: Bound) -> tuple[IO[bytes], int]:
        """The body as a file at its beginning, and its length. Raises TooLong, Gone, and Unread for one that is too
        slow.

        Whoever takes the file closes it and says `forget(length)`.
        """
        loop = asyncio.get_running_loop()
        began, length, held = loop.time(), 0, bytearray()
        file: IO[bytes] | None = None
        try:
            while True:
                allowed = self.limits.body_grace_seconds + length / self.limits.body_least_rate
                try:
                    async with asyncio.timeout_at(began + min(allowed, self.limits.body_most_seconds)):
                        message = await receive()
                except TimeoutError:
                    raise _too_slow(length, loop.time() - began, self.limits) from None
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                length += len(part)
                if length > bound.most_bytes:
                    raise TooLong
                if not bound.is_upload:
                    self.bytes += len(part)
                    if self.bytes > self.limits.bodies_most_bytes:
                        raise Unread("together", code="too_many_bodies", status=503)
                held += part
                if file is None and length > memory_bytes:
                    file = tempfile.TemporaryFile(dir=self.folder, prefix="body-")  # noqa: SIM115  the caller closes it
                if file is not None and (len(held) >= flush_bytes or not bound.is_upload):
                    # Short writes go to the page cache in microseconds; an upload's are long enough to wait for the
                    # disk.
                    await asyncio.to_thread(file.write, bytes(held)) if bound.is_upload else file.write(held)
                    held.clear()
                if not message.get("more_body", False):
                    break
            if file is None:
                return io.BytesIO(bytes(held)), length
            file.write(held)
            file.seek(0)
            return file, length
        except BaseException as error:
            if file is not None:
                file.close()
            self.forget(length, bound)
            if isinstance(error, OSError):
                raise Unread("body", code="disk_full", status=503) from None
            raise

    def forget(self, length: int, bound: Bound) -> None:
        """The file of this length is closed."""
        if not bound.is_upload:
            self.bytes = max(0, self.bytes - length)


def _too_slow(length: int, seconds: float, limits: ServerLimits) -> Unread:
    return Unread(
        "arriving",
        code="body_too_slow",
        status=408,
        arrived_bytes=length,
        seconds=round(seconds),
        silent_seconds=limits.body_grace_seconds,
        least_rate=limits.body_least_rate,
        most_seconds=limits.body_most_seconds,
    )
