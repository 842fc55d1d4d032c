"""The calendar of monthly grants and paid months: the same day of each month, where the organisation is. Pure.

docs/policies.md: "on the same day of each month in the organisation's time zone; a day the month lacks falls on its
last day, and the original day returns after (31 Jan, 28 Feb, 31 Mar)".
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def anniversary_on(start_on: date, months: int) -> date:
    """The day `months` months after `start_on`; always counted from the start, so that a short month shortens no later
    one."""
    year, month = divmod(start_on.year * 12 + start_on.month - 1 + months, 12)
    return date(year, month + 1, min(start_on.day, monthrange(year, month + 1)[1]))


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a calendar day in a zone, in UTC.

    Where clocks skip midnight, the day begins when they have jumped; where midnight comes twice, with the first.
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def anniversary_at(start_at: datetime, months: int, zone: ZoneInfo) -> datetime:
    """When anniversary number `months` of an instant begins: at the start of that day in the zone, in UTC."""
    return start_of_day(anniversary_on(start_at.astimezone(zone).date(), months), zone)


def months_begun(start_at: datetime, at: datetime, zone: ZoneInfo) -> int:
    """How many anniversaries of `start_at` have come by `at`: 0 before the first.

    An anniversary has come when its day has begun in the zone, so days are compared and no instants.
    """
    start_on, today = start_at.astimezone(zone).date(), at.astimezone(zone).date()
    months = (today.year - start_on.year) * 12 + today.month - start_on.month
    if anniversary_on(start_on, months) > today:
        months -= 1
    return max(0, months)
