"""What is left of a paid month or year, and since when one counts that begins in its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otai.pricing.anniversary import anniversary_at
from otai.pricing.periods import counts_from, deductible_cents, unused_cents

pytestmark = pytest.mark.pure
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cents", "now", "left"),
    [
        # Of ten days, that is of 864,000 seconds.
        (864_000, "2026-11-01T00:00:00", 864_000),
        (864_000, "2026-10-01T00:00:00", 864_000),
        (864_000, "2026-11-01T00:00:01", 863_999),
        (864_000, "2026-11-04T00:00:00", 604_800),
        (864_000, "2026-11-10T23:59:59", 1),
        (864_000, "2026-11-10T23:59:59.500000", 0),
        (864_000_0, "2026-11-10T23:59:58.100000", 10),
        (864_000, "2026-11-11T00:00:00", 0),
        (864_000, "2027-11-11T00:00:00", 0),
        # Rounded down to the cent.
        (99_00, "2026-11-01T00:01:27", 98_99),
        (99_00, "2026-11-01T00:01:28", 98_98),
        (0, "2026-11-01T00:00:00", 0),
    ],
)
def test_what_is_left_is_counted_by_the_second(cents: int, now: str, left: int) -> None:
    found = unused_cents(cents, starts=at("2026-11-01"), ends=at("2026-11-11"), now=at(now))
    assert (found, type(found)) == (left, int)


@pytest.mark.parametrize(
    ("price", "unused", "least", "deducted"),
    [
        (499_00, 45_50, 50, 45_50),
        (499_00, 498_50, 50, 498_50),
        (499_00, 498_51, 50, 498_50),
        (499_00, 990_00, 1, 498_99),
        (50, 990_00, 50, 0),
        (49, 990_00, 50, 0),
        (499_00, 0, 50, 0),
    ],
)
def test_something_is_left_to_be_paid(price: int, unused: int, least: int, deducted: int) -> None:
    assert deductible_cents(price, unused, least_charged=least) == deducted


@pytest.mark.parametrize(
    ("starts", "months", "deducted", "unused", "counts", "ends"),
    [
        # What was left at the order is left at the payment.
        ("2026-11-02T10:00", 1, 0, 0, "2026-11-02T10:00", "2026-12-01T23:00"),
        ("2026-11-02T10:00", 1, 100_00, 100_00, "2026-11-02T10:00", "2026-12-01T23:00"),
        ("2027-01-31T10:00", 1, 0, 0, "2027-01-31T10:00", "2027-02-27T23:00"),
        # A cent is 85.08 seconds.
        ("2026-11-02T10:00", 1, 1, 0, "2026-11-02T09:58:34.920000", "2026-12-01T23:00"),
        # A whole day is a day.
        ("2026-11-01T23:00", 1, 100_00, 90_00, "2026-10-31T23:00", "2026-11-30T23:00"),
        # A thirtieth is used: a day short of 22 minutes, and what does not make a day is the customer's.
        ("2026-11-02T10:00", 1, 100_00, 90_00, "2026-11-02T10:22", "2026-12-01T23:00"),
        ("2026-11-02T10:00", 1, 150_00, 0, "2026-10-18T15:30", "2026-11-17T23:00"),
        ("2026-11-02T10:00", 1, 0, 150_00, "2026-11-17T04:30", "2026-12-16T23:00"),
        ("2026-11-02T10:00", 12, 100_00, 0, "2026-07-04T21:40", "2027-07-03T22:00"),
        # Between months of other lengths: four days on, and three back.
        ("2027-01-23T10:00", 1, 0, 60_00, "2027-02-02T12:36", "2027-03-01T23:00"),
        ("2027-02-09T17:00", 1, 0, 250_00, "2027-03-01T10:00", "2027-03-31T22:00"),
    ],
)
def test_what_changed_between_order_and_payment_is_made_up_in_time(
    starts: str, months: int, deducted: int, unused: int, counts: str, ends: str
) -> None:
    """Of EUR 300, in Berlin."""
    begun = counts_from(
        at(starts), months=months, zone=BERLIN, price_cents=300_00, deducted_cents=deducted, unused=unused
    )
    assert (begun, anniversary_at(begun, months, BERLIN)) == (at(counts), at(ends))


@given(
    starts=st.integers(0, 3 * 365 * 24).map(lambda hours: at("2027-01-01") + timedelta(hours=hours)),
    months=st.sampled_from([1, 12]),
    deducted=st.integers(0, 299_99),
    unused=st.integers(0, 300_00),
)
def test_it_ends_at_the_first_day_that_takes_nothing_from_the_customer(
    starts: datetime, months: int, deducted: int, unused: int
) -> None:
    begun = counts_from(starts, months=months, zone=BERLIN, price_cents=300_00, deducted_cents=deducted, unused=unused)
    whole = anniversary_at(starts, months, BERLIN)
    least = whole - (whole - starts) * (deducted - unused) / 300_00
    ends = anniversary_at(begun, months, BERLIN)
    others = (anniversary_at(begun + timedelta(days=days), months, BERLIN) for days in range(-8, 9))
    assert least <= ends == min(other for other in others if other >= least)
