"""Months and quarters as people name them, and when they begin and end on the seller's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from otai.billing.ledger_keys import month_of_key, monthly_key, paid_back_key, purchase_of_key
from otai.billing.months import Month, Period
from otai.db import new_id
from otai.errors import Invalid

pytestmark = pytest.mark.pure

BERLIN = ZoneInfo("Europe/Berlin")
ARABIC_DIGITS = "2026-11".translate({ord(digit): 0x0660 + int(digit) for digit in "0126"})


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-11", Month(2026, 11)),
        (" 2026-1\n", Month(2026, 1)),
        ("2026-12", Month(2026, 12)),
        ("2000-01", Month(2000, 1)),
        ("2200-12", Month(2200, 12)),
    ],
)
def test_a_month_is_read_as_people_name_it(text: str, month: Month) -> None:
    assert Month.parse(text) == month


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-0", "2026-13", "1999-12", "2201-01", "2026-11-01", "2026/11", "26-11", ARABIC_DIGITS, "x" * 50],
)
def test_what_is_no_month_is_refused_by_its_beginning(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Month.parse(text)
    assert (refused.value.code, refused.value.details["month"]) == ("invalid_month", text[:20])
    assert "2026-11" in refused.value.message, "it says how one is written"


@pytest.mark.parametrize(
    ("month", "months", "then"),
    [
        (Month(2026, 11), 0, Month(2026, 11)),
        (Month(2026, 11), 1, Month(2026, 12)),
        (Month(2026, 12), 1, Month(2027, 1)),
        (Month(2026, 1), -1, Month(2025, 12)),
        (Month(2026, 11), 14, Month(2028, 1)),
        (Month(2026, 11), -23, Month(2024, 12)),
    ],
)
def test_months_are_counted_over_the_year(month: Month, months: int, then: Month) -> None:
    assert month.plus(months) == then
    assert Month(2026, 12).next == Month(2027, 1)


def test_a_month_ends_when_the_next_begins_by_the_clock_of_the_place() -> None:
    november = Month(2026, 11)
    assert november.begins(BERLIN) == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert november.ends(BERLIN) == datetime(2026, 11, 30, 23, tzinfo=UTC) == november.next.begins(BERLIN)
    assert Month.at(november.ends(BERLIN), BERLIN) == november.next
    assert Month.at(november.ends(BERLIN) - timedelta(microseconds=1), BERLIN) == november
    assert str(Month(2027, 1)) == "2027-01"


@pytest.mark.parametrize(
    ("text", "first", "last", "said"),
    [
        ("2026-11", Month(2026, 11), Month(2026, 11), "2026-11"),
        ("2026-Q1", Month(2026, 1), Month(2026, 3), "2026-Q1"),
        ("2026Q2", Month(2026, 4), Month(2026, 6), "2026-Q2"),
        ("2026-q3", Month(2026, 7), Month(2026, 9), "2026-Q3"),
        (" 2026-Q4 ", Month(2026, 10), Month(2026, 12), "2026-Q4"),
    ],
)
def test_a_period_is_a_month_or_a_quarter(text: str, first: Month, last: Month, said: str) -> None:
    period = Period.parse(text)
    assert (period, str(period)) == (Period(first, last), said)
    assert (period.begins(BERLIN), period.ends(BERLIN)) == (first.begins(BERLIN), last.next.begins(BERLIN))


@pytest.mark.parametrize("text", ["2026-Q0", "2026-Q5", "1999-Q4", "2201-Q1", "2026-QQ", f"{ARABIC_DIGITS[:4]}-Q1"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Period.parse(text)
    assert refused.value.code == "invalid_month"


def test_a_quarter_in_other_digits_is_refused_as_it_was_written() -> None:
    with pytest.raises(Invalid) as refused:
        Period.parse(f"{ARABIC_DIGITS[:4]}-Q1")
    assert refused.value.details["month"] == f"{ARABIC_DIGITS[:4]}-Q1"


@pytest.mark.parametrize("number", range(1, 13))
def test_each_month_lies_in_one_quarter(number: int) -> None:
    period = Period.quarter(Month(2026, number))
    assert period.first <= Month(2026, number) <= period.last
    assert (period.first.number % 3, period.first.plus(2)) == (1, period.last)


def test_what_reports_count_again_is_read_as_it_was_made() -> None:
    assert (monthly_key(12), month_of_key("monthly:12")) == ("monthly:12", 12)
    purchase = new_id()
    assert [paid_back_key(purchase, part) for part in (0, 1, 2)] == [
        f"payment-refund:{purchase}",
        f"payment-refund:{purchase}:1",
        f"payment-refund:{purchase}:2",
    ]
    assert {purchase_of_key(paid_back_key(purchase, part)) for part in (0, 1, 2)} == {purchase}
