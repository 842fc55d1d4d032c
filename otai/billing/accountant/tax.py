"""VAT as it is declared: by treatment, country and rate; the One Stop Shop by quarter; sales by the buyers' VAT ids.

Invoices count in the period of their issue, which is that of the supply (decision 0412); credit notes and write-offs in
their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from otai.billing.models import Invoice, InvoiceKind, Purchase
from otai.billing.months import Month, Period
from otai.billing.reversal_money import losses_moved
from otai.billing.seller import seller
from otai.pricing.vat import VatTreatment
from otai.units import Money


@dataclass(frozen=True, slots=True)
class TaxedAmount:
    """One document or write-off, with its sign. `supplied` is the month of the invoice that it is or corrects."""

    purchase: Purchase
    at: datetime
    supplied: Month
    net_cents: int
    vat_cents: int


def taxed(period: Period) -> Iterator[TaxedAmount]:
    """All that changes the VAT of a period, in the order of its time."""
    zone = seller().zone
    since, until = period.begins(zone), period.ends(zone)
    documents = Invoice.objects.filter(issued_at__gte=since, issued_at__lt=until)
    for one in documents.select_related("purchase", "corrects").order_by("issued_at", "number"):
        sign = -1 if one.kind == InvoiceKind.CREDIT_NOTE else 1
        supplied = Month.at((one.corrects or one).issued_at, zone)
        yield TaxedAmount(one.purchase, one.issued_at, supplied, sign * one.net_cents, sign * one.vat_cents)
    for moved in losses_moved(since, until):
        lost = moved.write_off
        assert lost.purchase.paid_at is not None, "what was never delivered is not owed"
        supplied = Month.at(lost.purchase.paid_at, zone)
        yield TaxedAmount(lost.purchase, moved.at, supplied, -moved.sign * lost.net_cents, -moved.sign * lost.vat_cents)


@dataclass(frozen=True, slots=True, order=True)
class VatFigure:
    """What is declared of one treatment, country and rate."""

    currency: str
    treatment: str
    country: str
    permille: int
    net_cents: int
    vat_cents: int


def vat_figures(period: Period) -> list[VatFigure]:
    """In the order of currency, treatment, country and rate; what adds up to nothing is there with zeros."""
    net: Counter[tuple[str, str, str, int]] = Counter()
    vat: Counter[tuple[str, str, str, int]] = Counter()
    for one in taxed(period):
        bought = one.purchase
        key = (bought.currency, bought.vat_treatment, bought.vat_country, bought.vat_permille)
        net[key] += one.net_cents
        vat[key] += one.vat_cents
    return sorted(VatFigure(*key, net[key], vat[key]) for key in net)


@dataclass(frozen=True, slots=True, order=True)
class OssLine:
    """Sales to consumers of a country at a rate, in the One Stop Shop. Of an earlier quarter (`supplied`) they are a
    correction, which the return names by quarter and country."""

    supplied: str
    country: str
    permille: int
    currency: str
    net_cents: int
    vat_cents: int


def one_stop_shop(quarter: Period) -> list[OssLine]:
    """Only countries other than the seller's: those are declared there."""
    net: Counter[tuple[str, str, int, str]] = Counter()
    vat: Counter[tuple[str, str, int, str]] = Counter()
    for one in taxed(quarter):
        bought = one.purchase
        if bought.vat_treatment != VatTreatment.DESTINATION:
            continue
        key = (str(Period.quarter(one.supplied)), bought.vat_country, bought.vat_permille, bought.currency)
        net[key] += one.net_cents
        vat[key] += one.vat_cents
    return sorted(OssLine(*key, net[key], vat[key]) for key in net)


@dataclass(frozen=True, slots=True, order=True)
class RecapitulativeLine:
    """Services sold under reverse charge to one VAT id (Zusammenfassende Meldung)."""

    vat_id: str
    currency: str
    net_cents: int

    @property
    def amount(self) -> Money:
        """To the cent; the statement itself asks for whole euros."""
        return Money(self.net_cents, self.currency)

    @property
    def whole(self) -> int:
        """In whole units of the currency, rounded half away from zero."""
        sign = -1 if self.net_cents < 0 else 1
        return sign * ((abs(self.net_cents) + 50) // 100)


def recapitulative_statement(period: Period) -> list[RecapitulativeLine]:
    """By VAT id as the invoices name it."""
    net: Counter[tuple[str, str]] = Counter()
    for one in taxed(period):
        if one.purchase.vat_treatment == VatTreatment.REVERSE_CHARGE:
            net[one.purchase.buyer["vat_id"], one.purchase.currency] += one.net_cents
    return sorted(RecapitulativeLine(*key, cents) for key, cents in net.items())
