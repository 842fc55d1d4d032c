"""What happens to something of an organisation, as it happens (server-sent events): a run, a job.

    event: move      id: 17    data: what is told once, with its number
    event: progress            data: how far it is, whenever that changes
    event: end                 data: {"status": ...}

A reader that was cut off comes back with `Last-Event-ID` and misses no move. The view decides who may see it,
authenticates as any page does and hands the request over; the page's thread is free then, and no reader has a thread
or a connection of its own: one thread looks once a second at all that somebody in this process reads (`Hub`). A
stream ends with what it tells of, and when its reader signs out, leaves the organisation or loses the key.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connection
from django.http import HttpRequest, HttpResponse

from otai.db import give_back_connection, utc_now
from otai.environment import number
from otai.errors import Refused
from otai.orgs import quotas
from otai.orgs.concurrency_limits import MEMBER, ORGANISATION, SharedPlace, SharedPlaces, TakenUp, counts, shared
from otai.orgs.quotas import Quota, counters
from otai.orgs.standing import Standing, still_standing

log = logging.getLogger(__name__)

seconds_between_looks = 1.0
looks_between_standing = 3
"""Whether readers may still read is asked every so many looks."""
looks_of_silence = 15
"""A line now and then keeps proxies from closing a quiet stream."""


class TooManyStreams(Refused):
    """`details`: `limit`, and `of` whom: member, organisation or server."""

    code = "too_many_streams"


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Of a member and of an organisation in all server processes (concurrency_limits.py), and of everybody here."""

    member: int = field(default_factory=lambda: number("OTAI_STREAMS_PER_MEMBER"))
    organisation: int = field(default_factory=lambda: number("OTAI_STREAMS_PER_ORGANISATION"))
    server: int = field(default_factory=lambda: number("OTAI_STREAMS"))


class StreamPlace:
    """A stream that counts until it is given back, however that comes about."""

    def __init__(self, places: Places, standing: Standing, shared: SharedPlace | None = None) -> None:
        self._places, self.standing, self._shared, self._is_taken = places, standing, shared, True

    def give_back(self) -> None:
        """The stream counts no more; a second time changes nothing."""
        if self._is_taken:
            self._is_taken = False
            self._places.change(self.standing, -1)
            if self._shared is not None:
                self._shared.give_back()

    __del__ = give_back


class Places:
    """The open streams of this process, by member, organisation and together; and of `shared`, those of all processes.
    Taken in a page's thread, given back in asyncio."""

    def __init__(self, limits: StreamLimits | None = None, *, shared: SharedPlaces | None = None) -> None:
        self.limits = limits or StreamLimits()
        self._shared = shared
        self._open: Counter[Any] = Counter()
        self._lock = threading.RLock()

    def take(self, standing: Standing) -> StreamPlace:
        """Raises TooManyStreams. Where this process has too many already, nobody else is asked."""
        counted = {MEMBER: self.limits.member, ORGANISATION: self.limits.organisation, "server": self.limits.server}
        with self._lock:
            for (of, limit), whose in zip(counted.items(), _whose(standing), strict=True):
                if self._open[whose] >= limit:
                    raise TooManyStreams("streams", limit=limit, of=of)
            self.change(standing, +1)
        if self._shared is None:
            return StreamPlace(self, standing)
        try:
            bound = quotas.bounds(standing.organisation)[Quota.STREAMS]
            # The setting is the vendor's own bound, of any tier.
            own = self.limits.organisation if bound.most is None else min(bound.most, self.limits.organisation)
            limits = {MEMBER: self.limits.member, ORGANISATION: own}
            place = self._shared.take("stream", of=str(standing.organisation), who=standing.who, limits=limits)
        except TakenUp as taken_up:
            self.change(standing, -1)
            raise TooManyStreams("streams", limit=taken_up.limit, of=taken_up.of) from None
        except BaseException:
            self.change(standing, -1)
            raise
        return StreamPlace(self, standing, place)

    def change(self, standing: Standing, by: int) -> None:
        """Counts `by` streams more (or fewer) for the reader, the organisation and the process. From any thread."""
        with self._lock:
            for whose in _whose(standing):
                self._open[whose] += by
                if not self._open[whose]:
                    del self._open[whose]

    @property
    def open(self) -> int:
        """How many streams of this process are open."""
        return self._open["server"]


def _whose(standing: Standing) -> tuple[str, UUID, str]:
    return f"{standing.organisation}:{standing.who}", standing.organisation, "server"


places = Places(shared=shared)


@dataclass(frozen=True, slots=True)
class StreamState:
    """Of one thing at one look: its new moves with their numbers, and how far it is: at least `status` and `ended`."""

    moves: list[tuple[int, dict[str, Any]]]
    progress: dict[str, Any]


class StreamSource(Protocol):
    """Looks at all these of one sort (runs, jobs) together, each with the moves after the one that is known of it.

    What is gone is missing from the answer. It must be the same function each time: readers of one thing are
    found by it.
    """

    def __call__(self, last_known: Mapping[UUID, int], /) -> Mapping[UUID, StreamState]: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """What a view hands over: which one it is and how to look at it, the last move its reader knows, and who reads."""

    look: StreamSource
    id: UUID
    after: int
    place: StreamPlace

    @property
    def key(self) -> tuple[StreamSource, UUID]:
        """What readers of one thing share: how it is looked at, and which it is."""
        return self.look, self.id


def stream_response(
    request: HttpRequest, look: StreamSource, id: UUID, *, standing: Standing, after: int = 0
) -> HttpResponse:
    """The stream of that one, from where the reader left it. Raises TooManyStreams.

    A WSGI server alone cannot keep a stream open: the reader gets what there is now, and every EventSource comes back
    by itself.
    """
    told = request.headers.get("Last-Event-ID", "")
    after = int(told) if told.isdecimal() and len(told) < 19 else after
    response = HttpResponse(content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    if request.method == "HEAD":
        return response
    if request.META.get("otai.front"):
        response.handed_over_to = Stream(look, id, after, places.take(standing))  # type: ignore[attr-defined]
        return response
    watched = SharedStream()
    watched.take(look({id: after}).get(id))
    said = [message for _, message in watched.moves]
    response.content = b"".join([b"retry: 2000\n\n", *said, watched.progress, watched.end])
    return response


class SharedStream:
    """Something that somebody reads: all its moves and its progress as they go out, the same bytes for every reader."""

    def __init__(self) -> None:
        self.moves: list[tuple[int, bytes]] = []
        self.told: dict[str, Any] = {}
        self.progress = b""
        self.version = 0
        self.end = b""
        self.readers: set[Reader] = set()
        self.is_known = False

    def take(self, seen: StreamState | None) -> bool:
        """Whether there is something new."""
        self.is_known = True
        if seen is None:
            self.end = self.end or _message("end", {"status": "gone"})
            return True
        self.moves += [(number, _message("move", move, number=number)) for number, move in seen.moves]
        is_new = bool(seen.moves)
        if seen.progress != self.told:
            self.told, self.progress, is_new = seen.progress, _message("progress", seen.progress), True
            self.version += 1
        if seen.progress["ended"]:
            self.end = _message("end", {"status": seen.progress["status"]})
        return is_new


class Reader:
    """One open stream. `wake` is set when there may be something to say."""

    def __init__(self, stream: Stream) -> None:
        self.standing = stream.place.standing
        self.after, self.version = stream.after, 0
        self.wake = asyncio.Event()
        self.may_stay = True
        self.is_quiet = False

    def news(self, watched: SharedStream) -> bytes:
        """All that this reader has not heard yet."""
        said = [message for number, message in watched.moves if number > self.after]
        self.after = max(self.after, watched.moves[-1][0]) if watched.moves else self.after
        if watched.version != self.version:
            self.version = watched.version
            said.append(watched.progress)
        return b"".join(said)


InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class Hub:
    """The streams of this process. While somebody reads, one thread looks once a second; otherwise it holds nothing.

    `in_thread` runs a look where it may use the database; a test gives its own.
    """

    def __init__(self, in_thread: InThread | None = None) -> None:
        self.watched: dict[tuple[StreamSource, UUID], SharedStream] = {}
        self.looks = 0
        self._in_thread = in_thread or self._in_own_thread
        self._thread: ThreadPoolExecutor | None = None
        self._watching: asyncio.Task[None] | None = None
        self._newcomer = asyncio.Event()

    async def read(self, stream: Stream) -> AsyncIterator[bytes]:
        """Moves after the one the reader knows, and progress when it changes, until the end or the reader must go."""
        reader = Reader(stream)
        watched = self.watched.setdefault(stream.key, SharedStream())
        watched.readers.add(reader)
        if watched.is_known:
            reader.wake.set()
        else:
            self._newcomer.set()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            # The headers go out with the first piece: a reader of what waits knows at once that it is connected.
            yield b": watching\n\n"
            while True:
                await reader.wake.wait()
                reader.wake.clear()
                if not reader.may_stay:
                    return
                if news := reader.news(watched):
                    yield news
                elif reader.is_quiet:
                    yield b": still here\n\n"
                reader.is_quiet = False
                if watched.end:
                    yield watched.end
                    return
        finally:
            stream.place.give_back()
            watched.readers.discard(reader)
            if not watched.readers and self.watched.get(stream.key) is watched:
                del self.watched[stream.key]

    async def _watch(self) -> None:
        beat = 0
        while True:
            if not self.watched:
                await self._in_thread(_close_connection)
                if not self.watched:
                    return
            self._newcomer.clear()
            await self._look()
            beat += 1
            if beat % looks_between_standing == 0:
                await self._ask_standing()
            if beat % looks_of_silence == 0:
                self._keep_alive()
            await asyncio.sleep(seconds_between_looks / 4)
            if self._newcomer.is_set():
                # Newcomers together, and without a look at what is known already.
                await self._look(only_new=True)
            await asyncio.sleep(seconds_between_looks * 3 / 4)

    async def _look(self, *, only_new: bool = False) -> None:
        known: dict[StreamSource, dict[UUID, int]] = {}
        for (look, id), watched in self.watched.items():
            # There is only one end; who comes later to an ended one needs no look.
            if not watched.end and not (only_new and watched.is_known):
                known.setdefault(look, {})[id] = watched.moves[-1][0] if watched.moves else 0
        if not known:
            return
        self.looks += 1
        for look, last_known in known.items():
            found = await self._ask(partial(look, last_known))
            if found is None:
                continue
            for id in last_known:
                now_watched = self.watched.get((look, id))
                if now_watched is not None and now_watched.take(found.get(id)):
                    _wake(now_watched.readers)

    async def _ask_standing(self) -> None:
        readers = [reader for watched in self.watched.values() for reader in watched.readers]
        standings = {reader.standing for reader in readers}
        good = await self._ask(lambda: still_standing(standings, now=utc_now()))
        if good is None:
            return
        for reader in readers:
            if reader.standing not in good:
                reader.may_stay = False
                reader.wake.set()

    def _keep_alive(self) -> None:
        for watched in self.watched.values():
            for reader in watched.readers:
                reader.is_quiet = True
            _wake(watched.readers)

    async def _ask(self, question: Callable[[], Any]) -> Any:
        """The answer, or None while the database does not answer: readers wait, and the next look tries again."""
        try:
            return await self._in_thread(question)
        except DatabaseError:
            log.warning("the database does not answer; streams wait", exc_info=True)
            return None

    async def _in_own_thread(self, work: Callable[[], Any]) -> Any:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="streams")

        def with_connection() -> Any:
            close_old_connections()
            try:
                return work()
            finally:
                give_back_connection()

        return await asyncio.get_running_loop().run_in_executor(self._thread, with_connection)


def _close_connection() -> None:
    """That of the thread which calls it: `connection` is another one in each."""
    connection.close()


def _wake(readers: Iterable[Reader]) -> None:
    for reader in readers:
        reader.wake.set()


def _message(event: str, data: dict[str, Any], *, number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data)}\n\n".encode()


def _open_streams(organisation: UUID) -> int:
    return counts("stream", str(organisation), "", now=utc_now())[ORGANISATION]


counters[Quota.STREAMS].append(_open_streams)
