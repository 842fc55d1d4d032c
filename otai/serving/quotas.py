"""How much an organisation has of what this room keeps, for `orgs.quotas`: texts that people and programs sent."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.db.models import BinaryField, Func, IntegerField, QuerySet, Sum
from django.db.models.functions import Cast

from otai.orgs import quotas
from otai.orgs.quotas import Quota, QuotaReached, counters
from otai.serving.models import Feedback, ObservedTicket

seconds_between_looks = 60.0
_had_room: dict[UUID, tuple[float, bool]] = {}


class Bytes(Func):
    """Of a text, in UTF-8; PostgreSQL tells them without reading a long one."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """SQLite before 3.43 has no such function, and counts the letters of a text."""
        [text] = self.get_source_expressions()
        return Func(Cast(text, BinaryField()), function="LENGTH").as_sql(compiler, connection)


def told_bytes(organisation: UUID) -> int:
    """Texts of feedback, each as often as attributes of it were corrected, and of tickets kept after predictions."""
    said = Feedback.objects.filter(organisation=organisation)
    kept = ObservedTicket.objects.filter(version__model__organisation=organisation)
    return _bytes_of(said) + _bytes_of(kept)


def _bytes_of(rows: QuerySet[Any]) -> int:
    return rows.aggregate(bytes=Sum(Bytes("text")))["bytes"] or 0


def has_room(organisation: UUID) -> bool:
    """Whether there is room for more, as it was within the last minute: asked at each prediction."""
    looked, room = _had_room.get(organisation, (float("-inf"), True))
    if time.monotonic() - looked > seconds_between_looks:
        try:
            quotas.refuse_full(organisation, Quota.STORAGE)
            room = True
        except QuotaReached:
            room = False
        _had_room[organisation] = time.monotonic(), room
    return room


def register() -> None:
    """Once, when the app is ready."""
    counters[Quota.STORAGE].append(told_bytes)
