from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otai.pricing.anniversary import anniversary_at, anniversary_on, months_begun, start_of_day

pytestmark = pytest.mark.pure

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Pacific/Kiritimati",
        "Pacific/Apia",
        "America/St_Johns",
    ]
).map(ZoneInfo)
STARTS = st.integers(0, 30 * 366 * 24 * 60).map(lambda m: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


def test_a_day_the_month_lacks_falls_on_its_last_day_and_the_original_day_returns() -> None:
    january = date(2027, 1, 31)
    assert [anniversary_on(january, n) for n in range(5)] == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
        date(2027, 5, 31),
    ]


def test_the_29th_of_february_comes_back_in_leap_years() -> None:
    leap = date(2028, 2, 29)
    assert [anniversary_on(leap, 12 * n) for n in range(5)] == [
        date(2028, 2, 29),
        date(2029, 2, 28),
        date(2030, 2, 28),
        date(2031, 2, 28),
        date(2032, 2, 29),
    ]


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        # Summer time begins: the day in Berlin still begins at midnight, an hour later in UTC than in summer.
        (date(2027, 3, 28), "Europe/Berlin", datetime(2027, 3, 27, 23, tzinfo=UTC)),
        (date(2027, 3, 29), "Europe/Berlin", datetime(2027, 3, 28, 22, tzinfo=UTC)),
        # Cairo skips midnight: the day begins at 01:00, which is the instant of the jump.
        (date(2024, 4, 26), "Africa/Cairo", datetime(2024, 4, 25, 22, tzinfo=UTC)),
        # Havana has midnight twice: the day begins with the first.
        (date(2024, 11, 3), "America/Havana", datetime(2024, 11, 3, 4, tzinfo=UTC)),
        # Samoa skipped the whole of 30 December 2011.
        (date(2011, 12, 30), "Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_a_day_begins_with_its_first_instant(day: date, zone: str, begins: datetime) -> None:
    assert start_of_day(day, ZoneInfo(zone)) == begins


def test_sign_up_late_in_the_evening_counts_for_the_day_where_the_organisation_is() -> None:
    late = datetime(2027, 1, 30, 23, 30, tzinfo=UTC)
    assert anniversary_at(late, 1, ZoneInfo("Europe/Berlin")) == datetime(2027, 2, 27, 23, tzinfo=UTC)
    assert anniversary_at(late, 2, ZoneInfo("Europe/Berlin")).astimezone(ZoneInfo("Europe/Berlin")).day == 31
    assert anniversary_at(late, 2, ZoneInfo("America/New_York")).astimezone(ZoneInfo("America/New_York")).day == 30


@given(start=STARTS, months=st.integers(0, 600), zone=ZONES)
def test_anniversaries_are_a_month_apart_and_never_earlier_than_the_day_asked_for(
    start: datetime, months: int, zone: ZoneInfo
) -> None:
    first, second = anniversary_at(start, months, zone), anniversary_at(start, months + 1, zone)
    assert timedelta(days=26) < second - first < timedelta(days=33)
    on = anniversary_on(start.astimezone(zone).date(), months)
    assert on.day <= start.astimezone(zone).day
    assert (on + timedelta(days=1)).day == 1 or on.day == start.astimezone(zone).day


@given(start=STARTS, months=st.integers(1, 400), zone=ZONES)
def test_counting_months_agrees_with_their_calendar(start: datetime, months: int, zone: ZoneInfo) -> None:
    at = anniversary_at(start, months, zone)
    assert months_begun(start, at, zone) == months
    assert months_begun(start, at - timedelta(microseconds=1), zone) == months - 1


@pytest.mark.parametrize(
    ("start", "at", "months"),
    [
        ("2026-01-31T09:00", "2026-01-31T09:00", 0),
        ("2026-01-31T09:00", "2026-02-27T22:59", 0),
        ("2026-01-31T09:00", "2026-02-27T23:00", 1),
        ("2026-01-31T09:00", "2026-03-30T21:59", 1),
        ("2026-01-31T09:00", "2026-03-30T22:00", 2),
        ("2026-01-31T09:00", "2027-01-30T23:00", 12),
        ("2026-11-02T23:30", "2026-12-02T22:59", 0),
        ("2026-11-02T23:30", "2026-12-02T23:00", 1),
        ("2026-11-15T12:00", "2031-02-14T23:00", 51),
        ("2026-11-15T12:00", "2025-01-01T00:00", 0),
    ],
)
def test_months_are_counted_by_the_calendar_where_the_organisation_is(
    start: str, at: str, months: int, server_far_east: None
) -> None:
    """Berlin; the server's own zone counts for nothing."""
    begun = months_begun(
        datetime.fromisoformat(start).replace(tzinfo=UTC),
        datetime.fromisoformat(at).replace(tzinfo=UTC),
        ZoneInfo("Europe/Berlin"),
    )
    assert begun == months


def test_a_day_begins_in_utc(server_far_east: None) -> None:
    found = start_of_day(date(2026, 7, 1), ZoneInfo("Europe/Berlin"))
    assert (found, found.tzinfo) == (datetime(2026, 6, 30, 22, tzinfo=UTC), UTC)
