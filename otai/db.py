"""Transactions, identifiers and clocks that the rooms with tables share."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """A UUIDv7: unique and time-ordered, so that an index on it grows at one end (a random key costs about 4 times the WAL)."""
    return uuid_utils.compat.uuid7()


def utc_now() -> datetime:
    """The time, for doors and workers. Nothing that decides calls this: decisions are handed their clock."""
    return datetime.now(tz=UTC)
