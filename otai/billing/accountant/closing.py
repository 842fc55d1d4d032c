"""Months that were handed over: each as a file that never changes. What happened to a month since its file was made is
a line of its own, a correction, in the file of the next.

So the files together say what the books say now, to the cent, and each of them says for ever what it said.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime

from django.db import IntegrityError, transaction

from otai.billing.accountant.tax import vat_figures
from otai.billing.models import ClosedMonth, Payment, Purchase
from otai.billing.months import Month, Period
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import record
from otai.billing.package_months import PackageMonths, package_months
from otai.billing.revenue import MonthClose, month_close
from otai.billing.seller import seller
from otai.errors import NotFound, Refused
from otai.units import Money

COLUMNS = "month;currency;figure;kind;amount"
FIGURE, CORRECTION = "figure", "correction"

Figures = Counter[tuple[str, str, str]]
"""Cents by month, currency and name."""


class MonthNotOver(Refused):
    code = "month_not_over"


class MonthsInOrder(Refused):
    code = "months_in_order"


class MonthDoesNotAddUp(Refused):
    """What was deferred before and came in is not what was earned, went back and is deferred after: a mistake of ours,
    which `otai billing audit` looks for."""

    code = "month_does_not_add_up"


def close_month(month: Month, *, who: str, now: datetime) -> ClosedMonth:
    """The month's file: made and kept, or the one that was made before. Every currency that anything was ever sold in.

    Raises MonthNotOver, MonthsInOrder (the month after the last closed one comes next) and MonthDoesNotAddUp.
    """
    if month.ends(seller().zone) > now:
        raise MonthNotOver("month", month=str(month))
    try:
        with transaction.atomic():
            return _closed(month, who=who, now=now)
    except IntegrityError:
        # `billing_closed_month_is_closed_once`: another operator was faster.
        return ClosedMonth.objects.get(year=month.year, month=month.number)


def _closed(month: Month, *, who: str, now: datetime) -> ClosedMonth:
    before = list(ClosedMonth.objects.order_by("year", "month"))
    for month_before in before:
        if (month_before.year, month_before.month) == (month.year, month.number):
            return month_before
    if before and Month(before[-1].year, before[-1].month).next != month:
        raise MonthsInOrder("month", month=str(month), next=str(Month(before[-1].year, before[-1].month).next))
    told: Figures = Counter()
    for month_before in before:
        told.update(_read(month_before.content))
    content = _written(month, [Month(one.year, one.month) for one in before], told, before[-1] if before else None)
    closed = ClosedMonth(
        year=month.year,
        month=month.number,
        content=content,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        closed_at=now,
        closed_by=who,
    )
    closed.save(force_insert=True)
    record(
        organisation=None,
        subject="closed month",
        subject_id=closed.id,
        move=BillingOccurrence.MONTH_CLOSED,
        who=who,
        now=now,
        month=str(month),
        sha256=closed.sha256,
    )
    return closed


def _written(month: Month, earlier: list[Month], told: Figures, last: ClosedMonth | None) -> str:
    lines = [f"# {month}; the file before: {last.sha256 if last else 'none'}", COLUMNS]
    of_packages = package_months(seller().zone)
    for old in earlier:
        now_true = figures_of(old, of_packages)
        for key in sorted({*now_true, *(key for key in told if key[0] == str(old))}):
            if difference := now_true[key] - told[key]:
                lines.append(_line(key, CORRECTION, difference))
    figures = figures_of(month, of_packages)
    lines += [_line(key, FIGURE, figures[key]) for key in sorted(figures)]
    return "\n".join(lines) + "\n"


def figures_of(month: Month, of_packages: PackageMonths) -> Figures:
    """A month as the books say now. Raises MonthDoesNotAddUp."""
    found: Figures = Counter()
    for currency in currencies():
        close = month_close(month.year, month.number, zone=seller().zone, currency=currency, of_packages=of_packages)
        if close.total.difference.cents:
            raise MonthDoesNotAddUp("month", month=str(month), difference=close.total.difference)
        for name, amount in _named(close).items():
            found[str(month), currency, name] = amount.cents
    for one in vat_figures(Period(month, month)):
        what = f"{one.treatment} {one.country} {one.permille / 10:g} %"
        found[str(month), one.currency, f"taxed {what}"] = one.net_cents
        found[str(month), one.currency, f"VAT {what}"] = one.vat_cents
    return found


def currencies() -> list[str]:
    """All that anything was ever sold in or paid with."""
    used = {*Purchase.objects.values_list("currency", flat=True), *Payment.objects.values_list("currency", flat=True)}
    return sorted(used) or ["EUR"]


def _named(close: MonthClose) -> dict[str, Money]:
    movements = {"packages": close.packages, "tiers": close.tiers}
    found = {
        f"{kind} {said}": getattr(movement, name)
        for kind, movement in movements.items()
        for name, said in _OF_A_MOVEMENT.items()
    }
    return found | {said: getattr(close, name) for name, said in _OF_A_MONTH.items()}


_OF_A_MOVEMENT = {
    "deferred_before": "deferred before",
    "received": "received",
    "refunded": "refunded",
    "recognised": "recognised",
    "deferred_after": "deferred after",
}
_OF_A_MONTH = {
    "cash_received": "cash received",
    "cash_surplus": "cash surplus",
    "cash_paid_back": "cash paid back",
    "invoiced": "invoiced",
    "credited": "credited",
    "written_off": "written off",
    "vat": "vat",
}
"""What the lines of a closed month's file are called: part of its format, and so of its hash."""


def _line(key: tuple[str, str, str], kind: str, cents: int) -> str:
    units, rest = divmod(abs(cents), 100)
    month, currency, name = key
    return f"{month};{currency};{name};{kind};{'-' if cents < 0 else ''}{units}.{rest:02d}"


def _read(content: str) -> Figures:
    found: Figures = Counter()
    for line in content.splitlines()[2:]:
        month, currency, name, _kind, amount = line.split(";")
        found[month, currency, name] += int(amount.replace(".", ""))
    return found


def closed_month(month: Month) -> ClosedMonth:
    """Raises NotFound for one that nobody closed yet."""
    found = ClosedMonth.objects.filter(year=month.year, month=month.number).first()
    if found is None:
        raise NotFound("closed_month", month=str(month))
    return found


def broken_files() -> list[str]:
    """Closed months whose content is not what was handed over, or that do not follow the one before."""
    broken, last = [], "none"
    for one in ClosedMonth.objects.order_by("year", "month"):
        named = one.content.splitlines()[0].rpartition(": ")[2] if one.content else ""
        if hashlib.sha256(one.content.encode()).hexdigest() != one.sha256 or named != last:
            broken.append(str(one))
        last = one.sha256
    return broken
