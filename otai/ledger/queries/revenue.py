"""For the vendor's books: what was paid for and not yet spent, and what was earned in a month. By lot, to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from uuid import UUID

from otai.ledger.models import Lot, Transfer, TransferKind
from otai.ledger.operations.requests import InvalidRequest, checked_moment
from otai.ledger.revenue import value_of
from otai.units import Money


@dataclass(frozen=True, slots=True)
class DeferredLot:
    lot: UUID
    organisation: UUID
    price: Money
    credits: int
    remaining: int
    deferred: Money


@dataclass(frozen=True, slots=True)
class DeferredRevenue:
    """`totals` has one amount for each currency; `lots` those with credits left, oldest first."""

    at: datetime
    totals: dict[str, Money]
    lots: list[DeferredLot]


def deferred_revenue(at: datetime) -> DeferredRevenue:
    """What had been paid for and was neither spent nor withdrawn at that instant. Held credits are not spent yet.

    Reads the paid lots and all transfers that used them up to then: a report for the month's end, not for a page.
    """
    checked_moment(at, what="at")
    lots = _paid_lots(granted_at__lte=at)
    gone = {use.lot: use.after for use in _uses(lots, at__lte=at)}
    deferred = []
    totals: dict[str, int] = {}
    for id, lot in lots.items():
        used = gone.get(id, 0)
        cents = value_of(lot.cents, lot.credits, used, lot.credits)
        if used < lot.credits:
            price = Money(lot.cents, lot.currency)
            left = lot.credits - used
            deferred.append(DeferredLot(id, lot.organisation, price, lot.credits, left, Money(cents, lot.currency)))
        totals[lot.currency] = totals.get(lot.currency, 0) + cents
    return DeferredRevenue(at, _money(totals), deferred)


@dataclass(frozen=True, slots=True)
class RecognisedLot:
    """What one lot earned: `credits` spent less those refunded in the month."""

    lot: UUID
    organisation: UUID
    credits: int
    recognised: Money


@dataclass(frozen=True, slots=True)
class RecognisedRevenue:
    year: int
    month: int
    totals: dict[str, Money]
    lots: list[RecognisedLot]


def revenue_recognised(year: int, month: int, *, zone: tzinfo = UTC) -> RecognisedRevenue:
    """What was earned in a calendar month of `zone`: the price of the paid credits captured in it, less those refunded
    in it.

    Over all months, the amounts of a lot add up to its price, less what was withdrawn. A credit refund counts in the
    month in which it happens, so a month that has been reported never changes. Raises InvalidRequest for a
    month that no calendar has.
    """
    if not (1 <= month <= 12 and 1 <= year <= 9998):
        raise InvalidRequest("month", year=year, month=month, field="month")
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    lots = _paid_lots(granted_at__lt=end)
    credits: dict[UUID, int] = {}
    cents: dict[UUID, int] = {}
    for use in _uses(lots, at__lt=end):
        if use.at >= start and use.kind != TransferKind.WITHDRAWAL:
            lot = lots[use.lot]
            credits[use.lot] = credits.get(use.lot, 0) + use.after - use.before
            earned = value_of(lot.cents, lot.credits, use.before, use.after)
            cents[use.lot] = cents.get(use.lot, 0) + earned
    totals: dict[str, int] = {}
    recognised = []
    for id, amount in cents.items():
        lot = lots[id]
        totals[lot.currency] = totals.get(lot.currency, 0) + amount
        recognised.append(RecognisedLot(id, lot.organisation, credits[id], Money(amount, lot.currency)))
    return RecognisedRevenue(year, month, _money(totals), recognised)


@dataclass(slots=True)
class PaidCredits:
    """Cents that paid credits moved in a month: `sold` as lots, `earned` by captures less credit refunds, `withdrawn`.
    What is deferred at its end is what was deferred before + sold - earned - withdrawn."""

    sold: int = 0
    earned: int = 0
    withdrawn: int = 0


def paid_credits_by_month(*, zone: tzinfo = UTC) -> dict[tuple[int, int, str], PaidCredits]:
    """By year, month of `zone` and currency, all months in which anything moved, in one reading of the history: the
    same as `revenue_recognised` and `deferred_revenue` say of each."""
    found: dict[tuple[int, int, str], PaidCredits] = {}

    def of(at: datetime, currency: str) -> PaidCredits:
        there = at.astimezone(zone)
        return found.setdefault((there.year, there.month, currency), PaidCredits())

    lots = _paid_lots()
    for lot in lots.values():
        of(lot.granted_at, lot.currency).sold += lot.cents
    for use in _uses(lots):
        lot = lots[use.lot]
        month, cents = of(use.at, lot.currency), value_of(lot.cents, lot.credits, use.before, use.after)
        if use.kind == TransferKind.WITHDRAWAL:
            month.withdrawn += cents
        else:
            month.earned += cents
    return found


class _PaidLot(NamedTuple):
    organisation: UUID
    credits: int
    cents: int
    currency: str
    granted_at: datetime


class _Use(NamedTuple):
    """A lot's used credits went from `before` to `after`."""

    lot: UUID
    at: datetime
    kind: str
    before: int
    after: int


def _paid_lots(**granted: datetime) -> dict[UUID, _PaidLot]:
    found = Lot.objects.filter(price_cents__isnull=False, **granted).order_by("organisation_id", "seq")
    rows = found.values_list("id", "organisation_id", "credits", "price_cents", "price_currency", "granted_at")
    return {
        id: _PaidLot(organisation, credits, cents or 0, currency, at)
        for id, organisation, credits, cents, currency, at in rows.iterator(chunk_size=5000)
    }


def _uses(lots: dict[UUID, _PaidLot], **happened: datetime) -> Iterator[_Use]:
    """Every use of these lots in the order in which it happened, by organisation."""
    gone: dict[UUID, int] = {}
    kinds = [TransferKind.CAPTURE, TransferKind.CREDIT_REFUND, TransferKind.WITHDRAWAL]
    found = Transfer.objects.filter(kind__in=kinds, **happened).order_by("organisation_id", "seq")
    for kind, at, pins in found.values_list("kind", "at", "lots").iterator(chunk_size=5000):
        for pin, drawn in pins:
            lot = UUID(pin)
            if lot in lots:
                before = gone.get(lot, 0)
                gone[lot] = before - drawn if kind == TransferKind.CREDIT_REFUND else before + drawn
                yield _Use(lot, at, kind, before, gone[lot])


def _money(totals: dict[str, int]) -> dict[str, Money]:
    return {currency: Money(cents, currency) for currency, cents in sorted(totals.items())}
