"""How often a caller may ask, and all programs of an organisation together: counted over all server processes
(`orgs/rates.py`)."""

from __future__ import annotations

import time
from uuid import UUID

from otai.orgs import quotas
from otai.orgs.models import RequestMinute
from otai.orgs.quotas import Quota, QuotaBound, counters
from otai.orgs.rates import Rate, SharedRates, shared, window_seconds

seconds_between_bounds = 5.0
"""What an operator lifts holds so soon."""
most_remembered = 10_000

_bounds: dict[UUID, tuple[float, QuotaBound]] = {}


def count_organisation(
    organisation: UUID, *, rates: SharedRates = shared, clock: float | None = None
) -> tuple[Rate, QuotaBound] | None:
    """Counts one request of the organisation; None where its tier has no bound."""
    bound = _bound(organisation)
    if bound.most is None:
        return None
    return rates.count(f"organisation:{organisation}", limit=bound.most, slides=False, clock=clock), bound


def _bound(organisation: UUID) -> QuotaBound:
    now = time.monotonic()
    known = _bounds.get(organisation)
    if known is not None and known[0] > now:
        return known[1]
    if len(_bounds) >= most_remembered:
        _bounds.clear()
    bound = quotas.bounds(organisation)[Quota.REQUESTS]
    _bounds[organisation] = (now + seconds_between_bounds, bound)
    return bound


def requests_this_minute(organisation: UUID) -> int:
    """That were taken out of this minute's row, by all processes."""
    now = int(time.time() // window_seconds)
    found = RequestMinute.objects.filter(who=f"organisation:{organisation}", minute=now).values_list("taken", flat=True)
    return found.first() or 0


def register() -> None:
    """Once, when the app is ready."""
    counters[Quota.REQUESTS].append(requests_this_minute)
