"""What the time lines of runs and guarantees consist of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a time line. `state`: done, now, later or bad-end; `at` in UTC, None for what is to come."""

    state: str
    what: str
    at: datetime | None = None
    note: str = ""
