"""A month or year that begins in the place of one that is paid: what is left of the old one, what of that can be
deducted, and since when the new one counts. Pure.

docs/billing.md: what is left is deducted by the second, and what changes between order and payment is made up in time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from otai.pricing.anniversary import anniversary_at

_SECOND = timedelta(seconds=1)


def unused_cents(cents: int, *, starts: datetime, ends: datetime, now: datetime) -> int:
    """What is left at `now` of what was paid for the time from `starts` to `ends`, by the second, rounded down to the
    cent: all of it before `starts`, nothing from `ends` on."""
    left = max(timedelta(0), ends - max(now, starts)) // _SECOND
    return cents * left // ((ends - starts) // _SECOND)


def deductible_cents(price_cents: int, unused: int, *, least_charged: int) -> int:
    """How many of the unused cents are deducted from a price, so that `least_charged` is left to be paid of it."""
    return min(unused, max(0, price_cents - least_charged))


def counts_from(
    starts: datetime, *, months: int, zone: ZoneInfo, price_cents: int, deducted_cents: int, unused: int
) -> datetime:
    """Since when a period of so many months counts that is paid by now and begins at `starts`, for a price of which
    `deducted_cents` was not paid.

    The price was fixed at the order, less what was left of the old period then. What is left when it is paid is
    `unused`, net of refunds. The difference is made up in time, not in money: so neither a bank transfer of three days
    nor a month renewed meanwhile makes anybody pay twice. The period counts as begun earlier, or later; periods end at
    the beginning of a day, and what does not make a day is the customer's.
    """
    gone = deducted_cents - unused
    if gone == 0:
        return starts
    used = (anniversary_at(starts, months, zone) - starts) * gone / price_cents
    ends = anniversary_at(starts, months, zone) - used
    # Months differ by up to three days in length. Up to a whole day is the customer's.
    days = (starts - used + timedelta(days=days) for days in count(-3))
    return next(begun for begun in days if anniversary_at(begun, months, zone) >= ends)
