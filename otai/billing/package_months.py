"""What was received, paid back and earned of packages in each month, from one reading of the history, however many
months there are.

What moved credits is dated by the ledger's transfer, on both sides (otai/billing/revenue.py says why).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from otai.billing.ledger_keys import PAID_BACK, purchase_of_key
from otai.billing.models import PaymentRefund, Purchase, PurchaseKind, RefundKind, Taking
from otai.billing.months import Month
from otai.ledger import queries as ledger
from otai.ledger.models import Lot, LotSource, Transfer
from otai.ledger.queries import PaidCredits
from otai.units import Money

CentsByMonth = Counter[tuple[Month, str]]
"""By month and currency."""
ROWS_AT_ONCE = 500


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
class PackageMonths:
    """The ledger's side (`credits`) and billing's: `received`, `refunded`, and by how much what was paid back without
    credits made cheaper what was earned before (`reduced`)."""

    credits: dict[tuple[Month, str], PaidCredits]
    received: CentsByMonth
    refunded: CentsByMonth
    reduced: CentsByMonth

    def movement(self, month: Month, currency: str) -> Movement:
        """Any month, also one in which nothing moved."""
        before = sum(
            moved.sold - moved.earned - moved.withdrawn
            for (at, other), moved in self.credits.items()
            if at < month and other == currency
        )
        key = (month, currency)
        moved = self.credits.get(key, PaidCredits())
        return Movement(
            *(
                Money(cents, currency)
                for cents in (
                    before,
                    self.received[key],
                    self.refunded[key] + self.reduced[key],
                    moved.earned - self.reduced[key],
                    before + moved.sold - moved.earned - moved.withdrawn,
                )
            )
        )

    def moved(self) -> list[tuple[Month, str]]:
        """Months and currencies in which anything moved, in their order."""
        return sorted({*self.credits, *self.received, *self.refunded, *self.reduced})


def package_months(zone: tzinfo) -> PackageMonths:
    """Reads all paid lots, what used them, and what was bought and went back: a report, not for a page."""
    credits = ledger.paid_credits_by_month(zone=zone)
    refunded = _refunded(zone)
    refunded.update(_taken(zone))
    return PackageMonths(
        {(Month(year, month), currency): moved for (year, month, currency), moved in credits.items()},
        received=_received(zone),
        refunded=refunded,
        reduced=_reduced(zone),
    )


def _received(zone: tzinfo) -> CentsByMonth:
    found: CentsByMonth = Counter()
    bought = Purchase.objects.filter(kind=PurchaseKind.PACKAGE, lot__isnull=False)
    for rows in _together(bought.values_list("lot", "currency", "net_cents")):
        lots = Lot.objects.filter(source=LotSource.PURCHASE, id__in=[lot for lot, _, _ in rows])
        granted_at = dict(lots.values_list("id", "granted_at"))
        for lot, currency, cents in rows:
            if lot in granted_at:
                found[Month.at(granted_at[lot], zone), currency] += cents
    return found


def _refunded(zone: tzinfo) -> CentsByMonth:
    """Unused credits that were paid back, in the month in which the ledger withdrew them."""
    withdrawn = Transfer.objects.filter(key__startswith=PAID_BACK).values_list("key", "at")
    month_of = {purchase_of_key(key): Month.at(at, zone) for key, at in withdrawn.iterator(chunk_size=5000)}
    found: CentsByMonth = Counter()
    for rows in _together(
        PaymentRefund.objects.filter(kind=RefundKind.UNUSED_CREDITS).values_list("purchase", "currency", "net_cents")
    ):
        for purchase, currency, cents in rows:
            if purchase in month_of:
                found[month_of[purchase], currency] += cents
    return found


def _taken(zone: tzinfo) -> CentsByMonth:
    """What reversals took with credits, less what they gave back."""
    found: CentsByMonth = Counter()
    takings = Taking.objects.filter(purchase__kind=PurchaseKind.PACKAGE, credits__gte=1)
    for rows in _together(takings.values_list("transfer", "purchase__currency", "gives_back", "net_cents")):
        at = dict(Transfer.objects.filter(id__in=[row[0] for row in rows]).values_list("id", "at"))
        for transfer, currency, gives_back, cents in rows:
            if transfer in at:
                found[Month.at(at[transfer], zone), currency] += -cents if gives_back else cents
    return found


def _reduced(zone: tzinfo) -> CentsByMonth:
    """What was paid back of packages without credits: of spent ones. It makes cheaper what was earned before."""
    found: CentsByMonth = Counter()
    fees = PaymentRefund.objects.filter(kind=RefundKind.TRAINING_FEE, purchase__kind=PurchaseKind.PACKAGE)
    for rows in _together(fees.values_list("requested_at", "currency", "net_cents")):
        for at, currency, cents in rows:
            found[Month.at(at, zone), currency] += cents
    takings = Taking.objects.filter(purchase__kind=PurchaseKind.PACKAGE, credits=0)
    for rows in _together(takings.values_list("at", "purchase__currency", "gives_back", "net_cents")):
        for at, currency, gives_back, cents in rows:
            found[Month.at(at, zone), currency] += -cents if gives_back else cents
    return found


def _together(rows: QuerySet[Any, tuple[Any, ...]]) -> Iterator[tuple[tuple[Any, ...], ...]]:
    """Some rows at a time: what they name elsewhere is asked for together."""
    one_by_one = rows.order_by("id").iterator(chunk_size=ROWS_AT_ONCE)
    while some := tuple(islice(one_by_one, ROWS_AT_ONCE)):
        yield some
