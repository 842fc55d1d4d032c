"""The figures of a month's close: what was received, paid back, earned and is still owed in service. Net, to the cent.

For each month and kind of sale: deferred at its begin + received - refunded = recognised + deferred at its end.
Packages are earned as their credits are spent (the ledger tells), months of a tier day by day.

Whatever is compared comes from one clock. What moved credits is dated by the ledger's transfer: the ledger's time never
runs backwards in an organisation (decision 0206), so that it may be another month there than on the machine that booked
the payment. Months of a tier are dated by billing alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from otai.billing.models import (
    Invoice,
    Payment,
    PaymentRefund,
    Purchase,
    PurchaseKind,
    RefundKind,
    Reversal,
    ReversalState,
    Taking,
    WriteOff,
)
from otai.billing.operations.refunds import PAID_BACK
from otai.ledger import queries as ledger
from otai.ledger.models import Lot, LotSource, Transfer
from otai.units import Money

OF_PACKAGES = {"purchase__kind": PurchaseKind.PACKAGE}


@dataclass(frozen=True, slots=True)
class Movement:
    """Net amounts of one kind of sale in a month. `difference` is 0, or there is a bug."""

    deferred_before: Money
    received: Money
    refunded: Money
    recognised: Money
    deferred_after: Money

    @property
    def difference(self) -> Money:
        """What does not add up: 0 where what was deferred before and came in is what went out and is deferred after."""
        cents = (
            self.deferred_before.cents
            + self.received.cents
            - self.refunded.cents
            - self.recognised.cents
            - self.deferred_after.cents
        )
        return Money(cents, self.received.currency)

    def __add__(self, other: Movement) -> Movement:
        def add(a: Money, b: Money) -> Money:
            return Money(a.cents + b.cents, a.currency)

        return Movement(
            add(self.deferred_before, other.deferred_before),
            add(self.received, other.received),
            add(self.refunded, other.refunded),
            add(self.recognised, other.recognised),
            add(self.deferred_after, other.deferred_after),
        )


@dataclass(frozen=True, slots=True)
class MonthClose:
    """`total` is packages and tiers together. Cash, invoices and what customers owe stand beside it, gross."""

    year: int
    month: int
    packages: Movement
    tiers: Movement
    total: Movement
    cash_received: Money
    cash_surplus: Money
    cash_paid_back: Money
    invoiced: Money
    credited: Money
    written_off: Money
    vat: Money
    owed_by_customers: Money


def month_close(year: int, month: int, *, zone: tzinfo, currency: str = "EUR") -> MonthClose:
    """Reads the whole history of paid lots: a report for the month's end. Raises InvalidRequest for what is no
    month."""
    recognised = ledger.revenue_recognised(year, month, zone=zone).totals.get(currency, Money(0, currency))
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    packages = Movement(
        _deferred(start, currency),
        Money(_packages_received(start, end, currency), currency),
        Money(_packages_refunded(start, end, currency), currency),
        Money(recognised.cents - _reductions(start, end, currency), currency),
        _deferred(end, currency),
    )
    tiers = _tiers(start, end, currency)
    invoices = Invoice.objects.filter(issued_at__gte=start, issued_at__lt=end, currency=currency)
    lost = WriteOff.objects.filter(written_off_at__gte=start, written_off_at__lt=end, currency=currency)
    issued, credited = invoices.filter(kind="invoice"), invoices.filter(kind="credit_note")
    payments = Payment.objects.filter(received_at__gte=start, received_at__lt=end, currency=currency)
    back = PaymentRefund.objects.filter(requested_at__gte=start, requested_at__lt=end, currency=currency)
    taken = Reversal.objects.filter(
        state=ReversalState.LOST, decided_at__gte=start, decided_at__lt=end, currency=currency
    )
    owed = Reversal.objects.filter(state=ReversalState.LOST, settled_at__isnull=True, currency=currency)
    return MonthClose(
        year=year,
        month=month,
        packages=packages,
        tiers=tiers,
        total=packages + tiers,
        cash_received=Money(_sum(payments, "cents"), currency),
        cash_surplus=Money(_sum(payments, "surplus_cents"), currency),
        cash_paid_back=Money(_sum(back, "gross_cents") + _sum(taken, "cents"), currency),
        invoiced=Money(_sum(issued, "gross_cents"), currency),
        credited=Money(_sum(credited, "gross_cents"), currency),
        written_off=Money(_sum(lost, "gross_cents"), currency),
        vat=Money(_sum(issued, "vat_cents") - _sum(credited, "vat_cents") - _sum(lost, "vat_cents"), currency),
        owed_by_customers=Money(_sum(owed, "owed_gross_cents"), currency),
    )


def _sum(rows: object, column: str) -> int:
    return rows.aggregate(cents=Sum(column))["cents"] or 0  # type: ignore[attr-defined]


def _deferred(before: datetime, currency: str) -> Money:
    totals = ledger.deferred_revenue(before - timedelta(microseconds=1)).totals
    return totals.get(currency, Money(0, currency))


def _taken(currency: str, **where: object) -> int:
    """Net cents that reversals took, less what they gave back."""
    rows = Taking.objects.filter(purchase__currency=currency, **where)
    return _sum(rows.filter(gives_back=False), "net_cents") - _sum(rows.filter(gives_back=True), "net_cents")


def _moved(start: datetime, end: datetime) -> QuerySet[Transfer]:
    """The ledger's transfers between two times, by its own clock."""
    return Transfer.objects.filter(at__gte=start, at__lt=end)


def _packages_received(start: datetime, end: datetime, currency: str) -> int:
    lots = Lot.objects.filter(source=LotSource.PURCHASE, granted_at__gte=start, granted_at__lt=end)
    bought = Purchase.objects.filter(kind=PurchaseKind.PACKAGE, currency=currency, lot__in=lots.values("id"))
    return _sum(bought, "net_cents")


def _packages_refunded(start: datetime, end: datetime, currency: str) -> int:
    keys = _moved(start, end).filter(key__startswith=PAID_BACK).values_list("key", flat=True)
    purchases = {UUID(key.split(":")[1]) for key in keys}
    paid_back = sum(
        PaymentRefund.objects.filter(
            kind=RefundKind.UNUSED_CREDITS, purchase__in=purchases, currency=currency
        ).values_list("net_cents", flat=True)
    )
    taken = _taken(currency, credits__gte=1, transfer__in=_moved(start, end).values("id"), **OF_PACKAGES)
    return paid_back + taken + _reductions(start, end, currency)


def _reductions(start: datetime, end: datetime, currency: str) -> int:
    """What was paid back of packages without credits: of spent ones. It makes cheaper what was earned before."""
    fees = PaymentRefund.objects.filter(
        kind=RefundKind.TRAINING_FEE,
        purchase__kind=PurchaseKind.PACKAGE,
        requested_at__gte=start,
        requested_at__lt=end,
        currency=currency,
    )
    return _sum(fees, "net_cents") + _taken(currency, credits=0, at__gte=start, at__lt=end, **OF_PACKAGES)


def _tiers(start: datetime, end: datetime, currency: str) -> Movement:
    received = before = after = 0
    months = Purchase.objects.filter(
        Q(period_until_at__gt=start) | Q(paid_at__gte=start),
        kind=PurchaseKind.SUBSCRIPTION,
        paid_at__lt=end,
        currency=currency,
    )
    for bought in months:
        assert bought.paid_at is not None
        if bought.paid_at >= start:
            received += bought.net_cents
        else:
            before += bought.net_cents - _earned(bought, start)
        after += bought.net_cents - _earned(bought, end)
    fees = PaymentRefund.objects.filter(
        kind=RefundKind.TRAINING_FEE,
        purchase__kind=PurchaseKind.SUBSCRIPTION,
        requested_at__gte=start,
        requested_at__lt=end,
        currency=currency,
    )
    taken = _taken(currency, at__gte=start, at__lt=end, purchase__kind=PurchaseKind.SUBSCRIPTION)
    paid_back = _sum(fees, "net_cents") + taken
    return Movement(
        Money(before, currency),
        Money(received, currency),
        Money(paid_back, currency),
        # A fee paid back makes the month's service worth less at once, whatever of it was delivered.
        Money(before + received - paid_back - after, currency),
        Money(after, currency),
    )


def _earned(bought: Purchase, at: datetime) -> int:
    """What of a month's price was earned by then: in proportion to its seconds, rounded down, all of it in the end."""
    assert bought.period_from_at and bought.period_until_at
    if bought.period_cut_at is not None and at >= bought.period_cut_at:
        # What was left of it went back then, and is counted as refunded.
        return bought.net_cents
    second = timedelta(seconds=1)
    passed = min(max(at, bought.period_from_at), bought.period_until_at) - bought.period_from_at
    return bought.net_cents * (passed // second) // ((bought.period_until_at - bought.period_from_at) // second)
