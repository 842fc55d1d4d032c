"""How long credits last at the present pace."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest

from otai.billing.outlook import outlook

pytestmark = pytest.mark.pure
TODAY = date(2026, 11, 2)


def test_credits_last_for_ever_when_the_months_bring_what_is_spent() -> None:
    found = outlook(available=3, spent=6, days=90, monthly_credits=3, today=TODAY)
    assert found.is_known
    assert found.until is None
    assert found.a_month == Fraction(6, 90) * Fraction(365, 12)


def test_what_the_months_do_not_bring_is_taken_from_what_is_there() -> None:
    # 90 credits in 90 days, one a day; 0 a month come: 28 credits last 28 days.
    assert outlook(available=28, spent=90, days=90, monthly_credits=0, today=TODAY).until == TODAY + timedelta(days=28)
    # With 15 a month, half of the pace is covered, so nearly twice as long.
    assert outlook(available=28, spent=90, days=90, monthly_credits=15, today=TODAY).until == TODAY + timedelta(days=55)


def test_a_young_account_has_no_pace_yet() -> None:
    assert not outlook(available=28, spent=5, days=6, monthly_credits=0, today=TODAY).is_known


def test_nothing_left_at_a_pace_ends_today_and_nothing_spent_never() -> None:
    assert outlook(available=0, spent=9, days=30, monthly_credits=0, today=TODAY).until == TODAY
    assert outlook(available=5, spent=0, days=30, monthly_credits=0, today=TODAY).until is None
