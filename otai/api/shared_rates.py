"""How often an organisation's programs may ask within a minute, over all server processes, and an address that sends
wrong keys.

A row for each request would cost more than the request (decision 0614): a process takes requests out of the minute's
row in blocks, and counts within its block in memory. All processes together never let more than the limit through; one
may be told to wait a little sooner, while others have a part of their blocks left.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F

from otai.api.models import RequestMinute
from otai.api.rates import Rate, window_seconds
from otai.orgs import quotas
from otai.orgs.quotas import Quota, QuotaBound, counters

log = logging.getLogger(__name__)

blocks = 20
"""So many blocks make a limit: an organisation that uses all of it costs so many statements a minute."""
kept_minutes = 2


@dataclass(slots=True)
class _Block:
    minute: int
    bound: QuotaBound
    taken: int = 0
    left: int = 0

    @property
    def is_last(self) -> bool:
        """Whether the minute's row has nothing left, so that nobody need ask it again."""
        return self.bound.most is not None and self.taken >= self.bound.most


class SharedRates:
    """The blocks that this process holds. One is made for a process; a test makes several."""

    def __init__(self) -> None:
        self._blocks: dict[UUID, _Block] = {}
        self._lock = threading.Lock()

    def count(self, organisation: UUID, *, clock: float | None = None) -> tuple[Rate, QuotaBound] | None:
        """Counts one request of the organisation; None where its tier has no bound, or the database does not answer:
        a limit must not be what stops everything."""
        minute, into = divmod(time.time() if clock is None else clock, window_seconds)
        with self._lock:
            block = self._blocks.get(organisation)
            if block is not None and block.minute == minute:
                if block.bound.most is None:
                    return None
                if block.left or block.is_last:
                    exceeded = not block.left
                    block.left -= not exceeded
                    return self._rate(block, into, exceeded=exceeded)
        try:
            fresh = self._take(organisation, int(minute))
        except DatabaseError:
            log.warning("requests of %s are not counted: the database does not answer", organisation, exc_info=True)
            return None
        with self._lock:
            # Another thread may have taken one as well: nothing that was taken is lost.
            held = self._blocks.get(organisation)
            if held is not None and held.minute == fresh.minute:
                fresh.left += held.left
            exceeded = fresh.left == 0
            fresh.left -= not exceeded
            self._blocks[organisation] = fresh
            return None if fresh.bound.most is None else self._rate(fresh, into, exceeded=exceeded)

    @staticmethod
    def _rate(block: _Block, into: float, *, exceeded: bool) -> tuple[Rate, QuotaBound]:
        most = block.bound.most or 0
        rate = Rate(
            limit=most,
            remaining=max(0, most - block.taken) + block.left,
            reset_seconds=max(1, int(window_seconds - into)),
            exceeded=exceeded,
        )
        return rate, block.bound

    @staticmethod
    def _take(organisation: UUID, minute: int) -> _Block:
        """A block out of the minute's row; an empty one where nothing is left."""
        bound = quotas.bounds(organisation)[Quota.REQUESTS]
        if bound.most is None:
            return _Block(minute, bound)
        row = RequestMinute.objects.filter(organisation=organisation, minute=minute)
        with transaction.atomic():
            made = RequestMinute(organisation=organisation, minute=minute)
            RequestMinute.objects.bulk_create([made], ignore_conflicts=True)
            taken = row.select_for_update(no_key=True).get().taken
            size = min(max(1, bound.most // blocks), max(0, bound.most - taken))
            row.update(taken=F("taken") + size)
        if not taken:
            # The first of a minute; another time where somebody else is at it.
            with suppress(DatabaseError), transaction.atomic():
                RequestMinute.objects.filter(minute__lt=minute - kept_minutes).delete()
        return _Block(minute, bound, taken=taken + size, left=size)


def requests_this_minute(organisation: UUID) -> int:
    """That were taken out of this minute's row, by all processes."""
    now = int(time.time() // window_seconds)
    found = RequestMinute.objects.filter(organisation=organisation, minute=now).values_list("taken", flat=True)
    return found.first() or 0


def register() -> None:
    """Once, when the app is ready."""
    counters[Quota.REQUESTS].append(requests_this_minute)


shared_rates = SharedRates()
