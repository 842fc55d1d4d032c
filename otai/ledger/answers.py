"""What a database says to an operation, before it becomes a result or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class DatabaseAnswer(NamedTuple):
    """`outcome` is `done`, `replayed` (nothing was written: this is the answer that the key was given before), or what
    was refused.

    The rest is what the outcome is about; `available` is after it, or for a refusal what there is.
    """

    outcome: str
    transfer: UUID | None = None
    subject: UUID | None = None
    credits: int | None = None
    available: int | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What every operation that moves credits says: whose, under which key, for which request, why and when."""

    organisation: UUID
    id: UUID
    key: str
    request_hash: bytes
    reason: str
    now: datetime
