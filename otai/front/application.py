"""The front as one ASGI application: probes, bodies, pages, streams, in this order."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Protocol

from otai.front.answers import ClientGone, Response, Sender, pieces_of_file
from otai.front.asgi import Receive
from otai.front.bodies import Bodies, Gone, TooLong, Unread
from otai.front.bounds import Bound, bound_of
from otai.front.connections import close_stalled_connections
from otai.front.limits import ServerLimits
from otai.front.lingering import Incoming, read_past
from otai.front.networks import network_of
from otai.front.pages import Pages, Wsgi, environ_of

log = logging.getLogger(__name__)

uploader_header = b"otai-uploader"
"""On the answer to "who sends this?": for whom the file counts. It goes no further than the front."""
full_header = b"otai-uploads-full"
"""On the same answer: other processes read enough files of theirs."""

seconds_to_end = 2.0

without_body = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Streams(Protocol):
    """Who sends what a view handed over (otai.orgs.streams.Hub)."""

    def read(self, stream: Any) -> Any:
        """The pieces of the stream, without end until it ends."""


class Front:
    """`folder` is where bodies and answers wait on disk. `probes`: the path to (async) answer. `address_of`: the
    visitor's network address, by the peer's and the header X-Forwarded-For. `page_of`: a refusal as HTML, by what a
    browser says of its reader in the headers; it is called on the event loop, and asks nobody. `ending`: what is to be
    done, in a thread, when the process ends."""

    def __init__(
        self,
        wsgi: Wsgi,
        *,
        streams: Streams,
        probes: dict[str, Callable[[Any], Any]],
        limits: ServerLimits,
        folder: Path,
        address_of: Callable[[str, str], str] = lambda peer, _forwarded: peer,
        page_of: Callable[[Unread, dict[bytes, str]], bytes] | None = None,
        ending: Callable[[], Any] = lambda: None,
    ) -> None:
        self.ending = ending
        self.limits, self.streams, self.probes = limits, streams, probes
        self.address_of, self.page_of = address_of, page_of
        self.bodies = Bodies(limits, folder)
        self.pages = Pages(wsgi, limits, self.bodies.folder)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        incoming = Incoming(receive, headers)
        sender = Sender(send, incoming, self.limits)
        try:
            probe = self.probes.get(scope["path"])
            if probe is not None:
                await sender.whole(await probe(scope))
            else:
                await self._request(scope, headers, incoming, sender)
        except Unread as refused:
            await sender.whole(self._refusal(refused, scope))
            if refused.status == 408:
                return
        except Gone:
            # Either nobody reads this any more, or what was sent is no HTTP.
            with suppress(ClientGone):
                await sender.whole(Response(400, [(b"connection", b"close")], b""))
            return
        except ClientGone:
            return
        if incoming.is_left:
            with suppress(Unread), self.bodies.passed_over(self._address(scope, headers)):
                await read_past(incoming, self.limits)

    async def _request(self, scope: Any, headers: dict[bytes, str], receive: Receive, sender: Sender) -> None:
        is_chunked = b"transfer-encoding" in headers
        announced = headers.get(b"content-length", "0")
        if not is_chunked and announced == "0":
            await self._answer(environ_of(scope, io.BytesIO(), 0), sender)
            return
        bound = bound_of(scope["path"])
        if refusal := _refused_unread(scope["method"], bound, announced, is_chunked=is_chunked):
            await self._refuse(scope, sender, refusal, bound)
            return
        uploader, place = "", None
        if bound.is_upload:
            known = await self._asked_first(scope)
            if known.status != 204:
                known.headers.append((b"connection", b"close"))
                await self._send(known, sender)
                return
            if full_header in dict(known.headers):
                raise self.bodies.too_many_of_one()
            # Given back below, and where we do not get so far, when nobody knows of it any more.
            uploader, place = _uploader(known), known.stream
        with ExitStack() as places:
            if place is not None:
                places.callback(place.give_back)
            address = self._address(scope, headers)
            places.enter_context(self.bodies.place(address, bound, int(announced), uploader=uploader))
            try:
                body, length = await self.bodies.read(receive, bound)
            except TooLong:
                await self._refuse(scope, sender, "too_large", bound)
                return
            if bound.is_upload:
                # The file is here: who waits for what comes of it (`Prefer: wait`) keeps nobody from sending theirs.
                places.close()
            try:
                await self._answer(environ_of(scope, body, length), sender)
            finally:
                body.close()
                self.bodies.forget(length, bound)

    def _address(self, scope: Any, headers: dict[bytes, str]) -> str:
        """For whom a body counts."""
        return network_of(self.address_of((scope.get("client") or ("",))[0], headers.get(b"x-forwarded-for", "")))

    async def _asked_first(self, scope: Any) -> Response:
        """A file is read for members only: 204, or the refusal of Django for whoever it does not know, by the headers
        alone."""
        return await self.pages.answer(environ_of(scope, io.BytesIO(), 0) | {"otai.front.asks_who": True})

    async def _refuse(self, scope: Any, sender: Sender, refusal: str, bound: Bound) -> None:
        """A body that is not read, refused in the words of the door that it came to."""
        answer = await self.pages.answer(
            environ_of(scope, io.BytesIO(), 0)
            | {"otai.front.refused": refusal, "otai.front.most_bytes": bound.most_bytes}
        )
        answer.headers = [one for one in answer.headers if one[0] != b"connection"] + [(b"connection", b"close")]
        await self._send(answer, sender)

    def _refusal(self, refused: Unread, scope: Any) -> Response:
        """Said by the front itself: to a client that was too slow, or while there is no thread that could say it."""
        headers = headers_of(scope)
        if self.page_of is not None and "text/html" in headers.get(b"accept", ""):
            kind, said = b"text/html; charset=utf-8", self.page_of(refused, headers)
        else:
            kind, said = b"application/json", _as_json(refused)
        answered = [(b"content-type", kind), (b"cache-control", b"no-store"), (b"connection", b"close")]
        if refused.status in (429, 503):
            answered.append((b"retry-after", b"2"))
        return Response(refused.status, answered, said)

    async def _answer(self, environ: dict[str, Any], sender: Sender) -> None:
        await self._send(await self.pages.answer(environ), sender)

    async def _send(self, answer: Response, sender: Sender) -> None:
        if answer.stream is not None:
            answer.headers = [one for one in answer.headers if one[0] != b"content-length"]
            await sender.piecewise(answer, self.streams.read(answer.stream))
        elif answer.file is not None:
            try:
                await sender.piecewise(answer, pieces_of_file(answer.file))
            finally:
                answer.file.close()
        elif answer.spool is not None:
            try:
                await sender.piecewise(answer, answer.spool.pieces())
            finally:
                answer.spool.abandon()
        else:
            await sender.whole(answer)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        closing: asyncio.Task[None] | None = None
        while (await receive())["type"] == "lifespan.startup":
            closing = asyncio.create_task(close_stalled_connections(self.limits.send_seconds))
            await send({"type": "lifespan.startup.complete"})
        if closing is not None:
            closing.cancel()
        try:
            async with asyncio.timeout(seconds_to_end):
                await asyncio.to_thread(self.ending)
        except Exception:
            log.warning("what was to be done at the end is not done", exc_info=True)
        await send({"type": "lifespan.shutdown.complete"})


def headers_of(scope: Any) -> dict[bytes, str]:
    """By name in small letters; of one that comes twice, the last."""
    return {name: value.decode("latin1") for name, value in scope["headers"]}


def _as_json(refused: Unread) -> bytes:
    help_ = (
        "Send it again, faster." if refused.status == 408 else "Wait as long as Retry-After says, and send it again."
    )
    said = {"code": refused.code, "case": refused.case, "message": refused.said("api"), "help": help_}
    return json.dumps({"error": said | {"values": refused.details}}).encode()


def _uploader(known: Response) -> str:
    return next((value.decode("latin1") for name, value in known.headers if name.lower() == uploader_header), "")


def _refused_unread(method: str, bound: Bound, announced: str, *, is_chunked: bool) -> str:
    if is_chunked:
        return "length_required" if bound.needs_length and method not in without_body else ""
    if not announced.isdecimal() or len(announced) > 18 or int(announced) > bound.most_bytes:
        return "too_large"
    return ""


def folder_for(home: Path) -> Path:
    """`home/tmp`, or the system's folder where that cannot be written."""
    folder = home / "tmp"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return folder
