"""What only so many may do at once, counted over all server processes: live streams, files on their way in.

place = shared.take("stream", of=..., who=..., limits=...)    # TakenUp where there is no room
place.give_back()                                             # or it is forgotten by everybody

Each place is a row, so that every process sees it; each process says now and then, with one row of its own, that it is
still there. The places of one that says nothing any more count for nobody. Taking a place costs two statements, giving
it back a part of one, keeping it nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Count, Q

from otai.db import new_id, utc_now
from otai.orgs.models import PlaceKeeper, TakenPlace

log = logging.getLogger(__name__)

lease = timedelta(seconds=45)
"""Places of a process that was silent for so long are free: it was killed, or the database does not hear it. Clocks of
machines may differ by half a minute."""
renewed_every_seconds = 10.0
forgotten_after = timedelta(minutes=10)
given_back_within_seconds = 0.25
"""Places that are given back within so long of each other go in one statement."""

MEMBER, ORGANISATION = "member", "organisation"


class TakenUp(Exception):
    """There is no room: `limit` places of that `of` (member, organisation) are taken."""

    def __init__(self, of: str, limit: int) -> None:
        super().__init__(of, limit)
        self.of, self.limit = of, limit


@dataclass(frozen=True, slots=True)
class _Taken:
    kind: str
    of: str
    who: str


class SharedPlace:
    """A place that counts until it is given back, or nobody holds it any more."""

    def __init__(self, places: SharedPlaces, id: UUID) -> None:
        self._places, self.id, self._is_taken = places, id, True

    def give_back(self) -> None:
        """It counts no more, for other processes a moment later; a second time changes nothing. From any thread, also
        by the garbage collector: takes no lock and asks nobody."""
        if self._is_taken:
            self._is_taken = False
            self._places.returned(self.id)

    __del__ = give_back


class SharedPlaces:
    """The places that this process holds. One is made for a process; a test makes several."""

    def __init__(self) -> None:
        self._id = new_id()
        self._taken: dict[UUID, _Taken] = {}
        # Appended to without a lock: a place may be forgotten anywhere.
        self._returned: deque[UUID] = deque()
        self._renewed = float("-inf")
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None

    def take(self, kind: str, *, of: str, who: str = "", limits: Mapping[str, int]) -> SharedPlace:
        """A place of that kind for `who` (a member, a key) in `of` (an organisation). `limits`: how many each may have,
        by MEMBER and ORGANISATION; where one is missing there is none. Raises TakenUp.

        The row is there before it is counted: two that take the last place at the same moment may both be refused, and
        never both be let in.
        """
        self.settle()
        id, taken = new_id(), _Taken(kind, of, who)
        self._insert(id, taken)
        self._taken[id] = taken
        try:
            self._require_room(taken, limits)
        except BaseException:
            self._taken.pop(id, None)
            TakenPlace.objects.filter(id=id).delete()
            raise
        self._keep()
        return SharedPlace(self, id)

    def _insert(self, id: UUID, taken: _Taken) -> None:
        if time.monotonic() - self._renewed > renewed_every_seconds:
            self.renew(now=utc_now())
        try:
            with transaction.atomic():
                TakenPlace.objects.create(id=id, keeper_id=self._id, kind=taken.kind, of=taken.of, who=taken.who)
        except IntegrityError:
            # We were silent for so long that we were forgotten.
            self.renew(now=utc_now())
            TakenPlace.objects.create(id=id, keeper_id=self._id, kind=taken.kind, of=taken.of, who=taken.who)

    def _require_room(self, taken: _Taken, limits: Mapping[str, int]) -> None:
        counted = counts(taken.kind, taken.of, taken.who, now=utc_now())
        for of, limit in limits.items():
            if counted[of] > limit:
                raise TakenUp(of, limit)

    def returned(self, id: UUID) -> None:
        """That place is free."""
        self._taken.pop(id, None)
        self._returned.append(id)

    def settle(self) -> None:
        """Writes down what was given back."""
        ids = []
        while self._returned:
            ids.append(self._returned.popleft())
        if not ids:
            return
        try:
            TakenPlace.objects.filter(id__in=ids).delete()
        except BaseException:
            self._returned.extend(ids)
            raise

    def renew(self, *, now: datetime) -> None:
        """Says that this process is still there, and forgets those that have not said so for long. Where it was
        forgotten itself, its places are written down anew."""
        if not PlaceKeeper.objects.filter(id=self._id).update(renewed_at=now):
            PlaceKeeper.objects.bulk_create([PlaceKeeper(id=self._id, renewed_at=now)], ignore_conflicts=True)
            held = [
                TakenPlace(id=id, keeper_id=self._id, kind=one.kind, of=one.of, who=one.who)
                for id, one in list(self._taken.items())
            ]
            TakenPlace.objects.bulk_create(held, ignore_conflicts=True)
        # One that comes back at this moment stays; another time, then.
        with suppress(DatabaseError), transaction.atomic():
            PlaceKeeper.objects.filter(renewed_at__lt=now - forgotten_after).delete()
        self._renewed = time.monotonic()

    def close(self) -> None:
        """This process ends: its places are free at once."""
        self._taken.clear()
        self._returned.clear()
        PlaceKeeper.objects.filter(id=self._id).delete()
        self._renewed = float("-inf")

    def _keep(self) -> None:
        with self._lock:
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep_on, name="places", daemon=True)
                self._keeper.start()

    def _keep_on(self) -> None:
        """In a thread, while there is a place of ours. Between two looks it holds no connection."""
        while True:
            time.sleep(given_back_within_seconds)
            is_due = time.monotonic() - self._renewed > renewed_every_seconds / 2
            if not is_due and not self._returned:
                continue
            try:
                self.settle()
                if is_due and self._taken:
                    self.renew(now=utc_now())
            except DatabaseError:
                log.warning("the database does not answer; places are given back later", exc_info=True)
                time.sleep(1.0)
            finally:
                connection.close()
            with self._lock:
                if not self._taken and not self._returned:
                    self._keeper = None
                    return


def counts(kind: str, of: str, who: str, *, now: datetime) -> dict[str, int]:
    """How many places of that kind are taken by the organisation and, of these, by the member, in all processes."""
    there = TakenPlace.objects.filter(kind=kind, of=of, keeper__renewed_at__gt=now - lease)
    return there.aggregate(**{ORGANISATION: Count("id"), MEMBER: Count("id", filter=Q(who=who))})


shared = SharedPlaces()
"""Those of this process."""
