"""How often somebody may ask within a minute, over all server processes.

rate = shared.count("user:7", limit=1200)      # rate.exceeded: refuse, and say rate.reset_seconds

A row for each request would cost more than the request (decision 0672): a process takes requests out of the minute's
row in blocks, each a twentieth of the limit, and counts within its block in memory. All processes together never let
more than the limit through; one may be told to wait a little sooner, while others have a part of their blocks left.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import F

from otai.orgs.models import RequestMinute

log = logging.getLogger(__name__)

window_seconds = 60
blocks = 20
"""So many blocks make a limit: whoever uses all of it costs so many statements a minute."""
kept_minutes = 2
seconds_between_asking = 1.0
"""Whoever is refused makes a process ask the database no oftener whether there is room again."""
seconds_without_database = 5.0
"""So long a process counts for itself, where the database did not answer."""
sqlite_wait_seconds = 1.0
"""Somebody who writes much keeps all others of SQLite waiting: a page that only counts waits no longer than this."""
most_counted = 100_000
"""Of whom a process counts at once; beyond, it begins anew."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` requests in a minute, of which `remaining` are left now; `reset_seconds` until the minute ends."""

    limit: int
    remaining: int
    reset_seconds: int
    exceeded: bool

    def headers(self) -> dict[str, str]:
        """What a client may still send and when it may send more, as headers (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
            "RateLimit-Policy": f"{self.limit};w={window_seconds}",
        }


@dataclass(slots=True)
class _Block:
    minute: int
    left: int
    """Of the requests that this process took, and has not counted yet."""
    beyond: int = 0
    """What others may still take of the minute, as far as this process was told."""
    untold: int = 0
    """What it counted before it told anybody."""
    asks_at: float = 0.0
    is_alone: bool = False
    """Without the database: the whole limit, of this process."""


class SharedRates:
    """The blocks that this process holds. One is made for a process; a test makes several."""

    def __init__(self) -> None:
        self._blocks: dict[str, _Block] = {}
        self._lock = threading.Lock()
        self._minute = 0
        self._away_until = 0.0
        self._swept = 0

    def count(
        self, who: str, *, limit: int, slides: bool = True, told_late: bool = False, clock: float | None = None
    ) -> Rate:
        """Counts one request of `who`, at most 100 signs that name what is counted.

        `slides`: the minute before counts with the share of it that the last 60 seconds still cover, so that no burst
        of twice the limit fits around a minute's edge. `told_late`: the first block of a minute is counted in this
        process alone and told with the second, so that whoever asks now and then costs nothing; processes together may
        let a block each more through.
        """
        clock = time.time() if clock is None else clock
        minute, into = int(clock // window_seconds), clock % window_seconds
        size = max(1, limit // blocks)
        with self._lock:
            self._forget_before(minute)
            block = self._blocks.get(who)
            if block is None and told_late and limit:
                block = self._blocks[who] = _Block(minute, left=size, beyond=limit - size, untold=size)
            if block is not None and (block.left or clock < block.asks_at):
                return _counted(block, limit, into)
        fresh = self._take(who, block, limit=limit, minute=minute, into=into, slides=slides)
        fresh.asks_at = clock if fresh.left else clock + seconds_between_asking
        with self._lock:
            held = self._blocks.get(who)
            if held is not None and held.minute == minute:
                # Another thread may have taken one as well: nothing that was taken is lost.
                fresh.left += held.left
            self._blocks[who] = fresh
            return _counted(fresh, limit, into)

    def forget(self) -> None:
        """Begins anew, as a process does that starts."""
        with self._lock:
            self._blocks.clear()
            self._minute, self._away_until = 0, 0.0

    def _forget_before(self, minute: int) -> None:
        if minute != self._minute or len(self._blocks) >= most_counted:
            self._minute = minute
            self._blocks.clear()

    def _take(self, who: str, used: _Block | None, *, limit: int, minute: int, into: float, slides: bool) -> _Block:
        """The next block; `used`: the one before of this minute."""
        untold, is_alone = (used.untold, used.is_alone) if used else (0, False)
        if time.monotonic() < self._away_until:
            return _Block(minute, left=0 if is_alone else limit, is_alone=True)
        try:
            with transaction.atomic() if connection.in_atomic_block else nullcontext(), _waiting_shortly():
                here, before = _taken(who, minute)
                if self._swept != minute:
                    self._swept = minute
                    _forget_before(minute)
                # What was refused counts for nothing, so that the share which lapses is there for whoever waits.
                room = int(limit - before * (1 - into / window_seconds)) if slides else limit
                asked = untold + min(max(1, limit // blocks), max(0, room - here - untold))
                here = _add(who, minute, asked) if asked else here
                # Others may have come between: what is beyond the room is given back.
                over = min(asked, max(0, here - room))
                if over:
                    RequestMinute.objects.filter(who=who, minute=minute).update(taken=F("taken") - over)
        except DatabaseError:
            # A limit must not be what stops everything.
            log.warning("requests are counted in this process alone: the database does not answer", exc_info=True)
            self._away_until = time.monotonic() + seconds_without_database
            return _Block(minute, left=0 if is_alone else limit, is_alone=True)
        return _Block(minute, left=max(0, asked - untold - over), beyond=max(0, room - here))


def _counted(block: _Block, limit: int, into: float) -> Rate:
    exceeded = block.left == 0
    block.left -= not exceeded
    return Rate(
        limit=limit,
        remaining=block.left + block.beyond,
        reset_seconds=max(1, int(window_seconds - into)),
        exceeded=exceeded,
    )


def _taken(who: str, minute: int) -> tuple[int, int]:
    """Of this minute and of the one before."""
    rows = RequestMinute.objects.filter(who=who, minute__in=(minute, minute - 1)).values_list("minute", "taken")
    found = dict(rows)
    return found.get(minute, 0), found.get(minute - 1, 0)


def _add(who: str, minute: int, more: int) -> int:
    """One statement, on either database; what the minute's row then says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orgs_request_minute AS counted (who, minute, taken) VALUES (%s, %s, %s) "
            "ON CONFLICT (who, minute) DO UPDATE SET taken = counted.taken + excluded.taken RETURNING taken",
            [who, minute, more],
        )
        [taken] = cursor.fetchone()
    return int(taken)


def _forget_before(minute: int) -> None:
    # Another time where somebody else is at it.
    with suppress(DatabaseError), transaction.atomic():
        RequestMinute.objects.filter(minute__lt=minute - kept_minutes).delete()


def forget_old(*, now: datetime) -> None:
    """Rows of minutes that bound nothing any more, for housekeeping: they name accounts and network addresses."""
    _forget_before(int(now.timestamp() // window_seconds))


@contextmanager
def _waiting_shortly() -> Iterator[None]:
    """Within it, SQLite's lock is waited for no longer than `sqlite_wait_seconds`."""
    if connection.vendor != "sqlite":
        yield
        return
    before = _busy_timeout()
    _busy_timeout(min(before, int(sqlite_wait_seconds * 1000)))
    try:
        yield
    finally:
        _busy_timeout(before)


def _busy_timeout(milliseconds: int | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" + ("" if milliseconds is None else f" = {milliseconds:d}"))
        found: Any = cursor.fetchone()
    return int(found[0])


shared = SharedRates()
