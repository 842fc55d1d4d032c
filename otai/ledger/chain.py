"""The hash chain of an organisation's transfers: the canonical form of a row, and its hash. Pure.

PostgreSQL computes the same in `ledger_transfer_hash` (sql/postgres.sql), in the statement that writes the row; SQLite
and the audit compute it here. A test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = bytes(32)
"""What the first transfer of an organisation is chained to."""

FORM = "v1"
"""The version of the canonical form, its first field."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Pins = Sequence[tuple[str, int]]
"""Which lots credits belong to: (lot id, credits), in the order they were drawn."""


def pins_text(pins: Pins) -> str:
    """The lots as PostgreSQL's jsonb prints them, which is how the chain sees them on either database."""
    return json.dumps(pins)


def request_hash(*request: str | int | None, reason: str) -> bytes:
    """What a key is bound to: what the operation was asked to do, without the clock."""
    return hashlib.sha256(json.dumps([*request, reason]).encode()).digest()


def transfer_hash(
    previous: bytes,
    *,
    organisation: UUID,
    seq: int,
    id: UUID,
    at: datetime,
    kind: str,
    source: str,
    target: str,
    credits: int,
    request_hash: bytes,
    hold: UUID | None,
    lots: str,
    available: int,
    held: int,
    spent: int,
    key: str,
    reference: str,
    reason: str,
) -> bytes:
    """SHA-256 over the previous row's hash and this row's canonical form.

    The free texts come last, each after its length in characters, so that no two different rows have the same form.
    """
    microseconds = (at - _EPOCH) // _MICROSECOND
    form = (
        f"{FORM}|{organisation}|{seq}|{id}|{microseconds}|{kind}|{source}|{target}|{credits}|{request_hash.hex()}"
        f"|{hold or '-'}|{lots}|{available}|{held}|{spent}"
        f"|{len(key)}|{key}|{len(reference)}|{reference}|{len(reason)}|{reason}"
    )
    return hashlib.sha256(previous + form.encode()).digest()
