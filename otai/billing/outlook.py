"""How long the credits last: what was spent lately against what is there and what comes each month. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

days_looked_back = 90
days_needed = 7
"""Of a history shorter than this nobody can tell a pace."""
month_days = Fraction(365, 12)


@dataclass(frozen=True, slots=True)
class Outlook:
    """`a_month` is what is spent in a month at the present pace; `until` the day the credits run out, None while they
    do not.

    `is_known` is False while there is too little history to say anything.
    """

    is_known: bool
    a_month: Fraction
    until: date | None


def outlook(*, available: int, spent: int, days: int, monthly_credits: int, today: date) -> Outlook:
    """The pace is what was spent in the last `days`, spread evenly; monthly credits keep coming, evenly too.

    A training already held for is spent, as far as anyone can tell: pass it with `spent`, not with `available`.
    """
    if days < days_needed:
        return Outlook(is_known=False, a_month=Fraction(0), until=None)
    a_month = Fraction(spent, days) * month_days
    loss_a_day = (a_month - monthly_credits) / month_days
    if loss_a_day <= 0:
        return Outlook(is_known=True, a_month=a_month, until=None)
    return Outlook(is_known=True, a_month=a_month, until=today + timedelta(days=min(int(available / loss_a_day), 3650)))
