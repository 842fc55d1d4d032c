"""The accountant's files: their names, and what is in them. Amounts have a point and two digits; separators are
semicolons, as German spreadsheets read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from otai.billing.accountant.closing import currencies
from otai.billing.accountant.datev import bookings, datev_file
from otai.billing.accountant.tax import one_stop_shop, recapitulative_statement, taxed, vat_figures
from otai.billing.months import Month, Period
from otai.errors import Invalid
from otai.pricing.vat import VatTreatment, percent


def vat_file(period: Period) -> str:
    """VAT by treatment, country and rate."""
    rows = [
        [
            one.currency,
            one.treatment,
            one.country,
            percent(one.permille),
            _amount(one.net_cents),
            _amount(one.vat_cents),
        ]
        for one in vat_figures(period)
    ]
    return _csv(["currency", "treatment", "country", "rate", "net", "vat"], rows)


def oss_file(period: Period) -> str:
    """The One Stop Shop's quarter. Raises Invalid for what is none."""
    if period != Period.quarter(period.first):
        raise Invalid("quarter", period=str(period), code="invalid_month")
    rows = [
        [one.supplied, one.country, percent(one.permille), one.currency, _amount(one.net_cents), _amount(one.vat_cents)]
        for one in one_stop_shop(period)
    ]
    return _csv(["quarter", "country", "rate", "currency", "net", "vat"], rows)


def recapitulative_file(period: Period) -> str:
    """Sales under reverse charge by VAT id, as the Zusammenfassende Meldung names them (S: other services)."""
    rows = [
        [one.vat_id[:2], one.vat_id[2:], str(one.whole), "S", one.currency, _amount(one.net_cents)]
        for one in recapitulative_statement(period)
    ]
    header = ["Laenderkennzeichen", "USt-IdNr.", "Betrag", "Art der Leistung", "Waehrung", "Betrag in Cent genau"]
    return _csv(header, rows)


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    # No cell is a customer's own text: codes, checked VAT ids and amounts need no quotes.
    return "".join(";".join(row) + "\r\n" for row in [header, *rows])


def _amount(cents: int) -> str:
    units, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{units}.{rest:02d}"


KINDS: dict[str, Callable[[Period], str]] = {"vat": vat_file, "oss": oss_file, "zm": recapitulative_file}
DATEV = "datev"


@dataclass(frozen=True, slots=True)
class AccountantFiles:
    """Files by name, and the organisations that they name, by VAT id or by name and order; none where they are sums."""

    files: dict[str, bytes]
    named: frozenset[UUID]


def export(kind: str, period: Period, *, now: datetime) -> AccountantFiles:
    """The files of one kind for a month or a quarter. DATEV's are one for each month and each currency that anything
    was booked in: it takes one currency at a time. Raises Invalid."""
    if kind in KINDS:
        file = KINDS[kind](period).encode()
        return AccountantFiles(
            {f"{kind}-{period}.csv": file}, _sold_under_reverse_charge(period) if kind == "zm" else NOBODY
        )
    if kind != DATEV:
        raise Invalid("export", kind=kind[:20], known=[*KINDS, DATEV], code="invalid_request")
    written: dict[str, bytes] = {}
    named: set[UUID] = set()
    month: Month = period.first
    while month <= period.last:
        booked = bookings(month)
        named |= {one.organisation for one in booked if one.organisation is not None}
        # A provider may keep its fees in a currency that nothing is sold in.
        for currency in sorted({*currencies(), *(one.currency for one in booked)}):
            name = f"EXTF_Buchungsstapel_{month}_{currency}.csv"
            written[name] = datev_file(month, booked, currency=currency, now=now)
        month = month.next
    return AccountantFiles(written, frozenset(named))


NOBODY: frozenset[UUID] = frozenset()


def _sold_under_reverse_charge(period: Period) -> frozenset[UUID]:
    sold = (one.purchase for one in taxed(period))
    return frozenset(one.organisation_id for one in sold if one.vat_treatment == VatTreatment.REVERSE_CHARGE)
