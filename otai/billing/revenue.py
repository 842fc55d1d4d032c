"""The figures of a month's close: what was received, paid back, earned and is still owed in service. Net, to the cent.

For each month and kind of sale: deferred at its begin + received - refunded = recognised + deferred at its end.
Packages are earned as their credits are spent (the ledger tells), months of a tier day by day.

Whatever is compared comes from one clock. What moved credits is dated by the ledger's transfer: the ledger's time never
runs backwards in an organisation (decision 0206), so that it may be another month there than on the machine that booked
the payment. Billing's own rows are dated by the same clock (decision 0413), so that money, documents and credits of one
payment are of one month.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.db.models import Q, Sum

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
)
from otai.billing.months import Month
from otai.billing.package_months import Movement, PackageMonths, package_months
from otai.billing.reversal_money import losses_moved, money_moved
from otai.units import Money


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


def month_close(
    year: int, month: int, *, zone: tzinfo, currency: str = "EUR", of_packages: PackageMonths | None = None
) -> MonthClose:
    """A report for the month's end, which reads the whole history of paid lots; whoever wants several months reads it
    once, as `of_packages` (of the same zone). `month` is 1 to 12."""
    asked = Month(year, month)
    start, end = asked.begins(zone), asked.ends(zone)
    packages = (of_packages or package_months(zone)).movement(asked, currency)
    tiers = _tiers(start, end, currency)
    invoices = Invoice.objects.filter(issued_at__gte=start, issued_at__lt=end, currency=currency)
    lost = [one for one in losses_moved(start, end) if one.write_off.currency == currency]
    issued, credited = invoices.filter(kind="invoice"), invoices.filter(kind="credit_note")
    payments = Payment.objects.filter(received_at__gte=start, received_at__lt=end, currency=currency)
    back = PaymentRefund.objects.filter(requested_at__gte=start, requested_at__lt=end, currency=currency)
    taken = sum(one.cents for one in money_moved(start, end) if one.reversal.currency == currency)
    owed = Reversal.objects.filter(state=ReversalState.LOST, settled_at__isnull=True, currency=currency)
    lost_vat = sum(one.sign * one.write_off.vat_cents for one in lost)
    return MonthClose(
        year=year,
        month=month,
        packages=packages,
        tiers=tiers,
        total=packages + tiers,
        cash_received=Money(_sum(payments, "cents"), currency),
        cash_surplus=Money(_sum(payments, "surplus_cents"), currency),
        cash_paid_back=Money(_sum(back, "gross_cents") + taken, currency),
        invoiced=Money(_sum(issued, "gross_cents"), currency),
        credited=Money(_sum(credited, "gross_cents"), currency),
        written_off=Money(sum(one.sign * one.write_off.gross_cents for one in lost), currency),
        vat=Money(_sum(issued, "vat_cents") - _sum(credited, "vat_cents") - lost_vat, currency),
        owed_by_customers=Money(_sum(owed, "owed_gross_cents"), currency),
    )


def _sum(rows: object, column: str) -> int:
    return rows.aggregate(cents=Sum(column))["cents"] or 0  # type: ignore[attr-defined]


def _taken(currency: str, **where: object) -> int:
    """Net cents that reversals took, less what they gave back."""
    rows = Taking.objects.filter(purchase__currency=currency, **where)
    return _sum(rows.filter(gives_back=False), "net_cents") - _sum(rows.filter(gives_back=True), "net_cents")


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
