"""What comes first in dates such as 03/04/2026, the day or the month: decided over a whole column, never date by
date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from otai.learning.data.texts.times import parse_time, which_first
from otai.tickets.column_stats import Look
from otai.tickets.problems import BadRows
from otai.tickets.sources.table import Source

CLEARLY = 1.5
"""So many times the span or the steps back in time of the other reading."""


@dataclass(frozen=True, slots=True)
class DayOrder:
    """`is_settled` is False where both readings are as likely; `example` is then one of the dates."""

    day_first: bool
    is_settled: bool = True
    example: str = ""

    @property
    def read_as(self) -> str:
        """As a customer may say it."""
        return "day-first" if self.day_first else "month-first"


def day_order_of(source: Source, look: Look, column: str | None, *, said: str | None = None) -> DayOrder:
    """For the column of times. `said` is "day-first" or "month-first" where the customer decides.

    The dates of the first rows decide; where none of them can be read in one way only, those of all other rows; where
    none of these can, the order of the rows and the span of time. A file is read again only in the second case, and
    only as far as needed.
    """
    if said is not None or column is None:
        return DayOrder(day_first=said == "day-first")
    dates = list(look.column(column).counts)
    order = _by_evidence(dates)
    unclear = [date for date in dates if which_first(date) == "either"]
    if order is not None or not unclear:
        return DayOrder(day_first=bool(order))
    if not look.is_whole:
        at = source.columns.index(column)
        for batch in source.batches(BadRows(skip=True)):
            cells = batch.columns[at]
            order = _by_evidence(_texts(cells))
            if order is not None:
                return DayOrder(day_first=order)
    order = _by_likelihood(unclear)
    # With a dash the day comes first in the countries that write it so.
    return DayOrder(order if order is not None else "-" in unclear[0], is_settled=order is not None, example=unclear[0])


@dataclass(frozen=True, slots=True)
class UnsettledDates:
    """Dates of which nothing in the rows looked at says what comes first: their column, one of them, and how an import
    reads them ("day-first" or "month-first") where nobody says it."""

    column: str
    example: str
    read_as: str

    @classmethod
    def of_look(cls, look: Look, column: str | None, *, said: str | None = None) -> UnsettledDates | None:
        """None where it is said or settled, or there are no such dates. Later rows of a long file may settle it."""
        if said is not None or column is None:
            return None
        dates = list(look.column(column).counts)
        unclear = [date for date in dates if which_first(date) == "either"]
        if not unclear or _by_evidence(dates) is not None or _by_likelihood(unclear) is not None:
            return None
        return cls(column, unclear[0], "day-first" if "-" in unclear[0] else "month-first")


def _texts(cells: Any) -> Iterable[str]:
    given = cells.to_pylist() if hasattr(cells, "to_pylist") else cells
    return (cell for cell in given if isinstance(cell, str))


def _by_evidence(dates: Iterable[str]) -> bool | None:
    """Whether the day comes first, by dates that can be read in one way only; None if there are none."""
    days = months = 0
    for date in dates:
        first = which_first(date)
        days += first == "day"
        months += first == "month"
    return None if days == months else days > months


def _by_likelihood(dates: list[str]) -> bool | None:
    """Exports are mostly sorted by time and of some stretch of it: the wrong reading jumps about, over all months of a
    year."""
    readings = {}
    for month_first in (True, False):
        times = [time for date in dates[:20_000] if (time := parse_time(date, month_first=month_first)) is not None]
        if len(times) < len(dates[:20_000]) or len(times) < 3:
            return None
        readings[month_first] = times
    steps = {order: _turns(times) for order, times in readings.items()}
    spans = {order: max(times) - min(times) for order, times in readings.items()}
    for measure in (steps, {order: span / timedelta(days=1) for order, span in spans.items()}):
        month, day = measure[True], measure[False]
        if max(month, day) > CLEARLY * min(month, day) + 1:
            return day < month
    return None


def _turns(times: list[datetime]) -> float:
    """How often time runs against the direction in which it mostly runs."""
    back = sum(later < earlier for earlier, later in pairwise(times))
    forth = sum(later > earlier for earlier, later in pairwise(times))
    return float(min(back, forth))
