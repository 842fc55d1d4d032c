"""The one clock of an organisation's money."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from otai.ledger import queries as ledger

clocks_differ_at_most = timedelta(hours=1)
"""Further ahead a clock is wrong, and no document is dated by it."""


def booked_at(organisation: UUID, now: datetime) -> datetime:
    """When money that comes or goes `now` is booked: by the ledger's clock where another machine's was ahead of ours,
    so that payment, invoice and credits are of the same moment, and of the same month (decision 0413)."""
    latest = ledger.latest_time(organisation)
    if latest is not None and now < latest <= now + clocks_differ_at_most:
        return latest
    return now
