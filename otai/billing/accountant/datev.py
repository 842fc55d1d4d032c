"""Bookings of a month for DATEV: a Buchungsstapel in the EXTF format, version 700, as Windows-1252.

Each invoice is a booking of a debtor against revenue, each credit note the same the other way round, each payment money
against the debtor, and what went back the other way round; a write-off is a loss against the debtor. What a provider
keeps and pays out is booked where the chart names accounts for it (decision 0441). Revenue is booked with the invoice:
what of it is not earned yet is in the month's close, and the accountant defers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import OuterRef, Subquery

from otai.billing.accountant.accounts import Accounts, accounts
from otai.billing.accountant.datev_columns import COLUMNS
from otai.billing.gateway import MoveKind
from otai.billing.models import BalanceMove, Invoice, InvoiceKind, Payment, PaymentRefund
from otai.billing.months import Month
from otai.billing.reversal_money import losses_moved, money_moved
from otai.billing.seller import seller
from otai.pricing.vat import VatTreatment

FORMAT_VERSION, CATEGORY, BATCH_VERSION = 700, 21, 13
most_letters_of_a_title = 30
"""Of a batch: "Bezeichnung" in DATEV's header."""
LONGEST_TEXT, LONGEST_DOCUMENT = 60, 36


@dataclass(frozen=True, slots=True)
class Booking:
    """`cents` of `account` against `contra`, as debit where positive and as credit where negative; `organisation`:
    whose order it is, which the file names; None for what is between the vendor and a provider."""

    organisation: UUID | None
    at: datetime
    cents: int
    currency: str
    account: int
    contra: int
    document: str
    text: str
    supplied_on: str = ""
    eu_country_or_vat_id: str = ""
    eu_permille: int = 0


def bookings(month: Month) -> list[Booking]:
    """All of a month, in every currency, in the order of their time."""
    zone, chart = seller().zone, accounts()
    since, until = month.begins(zone), month.ends(zone)
    found = [
        *_of_documents(chart, since, until),
        *_of_money_that_came(chart, since, until),
        *_of_money_that_went(chart, since, until),
        *_of_losses(chart, since, until),
        *_of_providers(chart, since, until),
    ]
    return sorted(found, key=lambda one: one.at)


def _of_documents(chart: Accounts, since: datetime, until: datetime) -> Iterator[Booking]:
    documents = Invoice.objects.filter(issued_at__gte=since, issued_at__lt=until).select_related("purchase")
    for document in documents.order_by("issued_at", "number"):
        vat = document.facts["vat"]
        destination = {
            VatTreatment.REVERSE_CHARGE: document.facts["buyer"]["vat_id"],
            VatTreatment.DESTINATION: vat["country"],
        }.get(vat["treatment"], "")
        yield Booking(
            organisation=document.purchase.organisation_id,
            at=document.issued_at,
            cents=-document.gross_cents if document.kind == InvoiceKind.CREDIT_NOTE else document.gross_cents,
            currency=document.currency,
            account=chart.debtor,
            contra=chart.revenue_of(vat["treatment"], vat["permille"]),
            document=document.number,
            text=f"{document.facts['buyer']['name']} {document.purchase.reference}",
            supplied_on=document.facts["delivered_on"],
            eu_country_or_vat_id=destination,
            eu_permille=vat["permille"] if vat["treatment"] == VatTreatment.DESTINATION else 0,
        )


def _of_money_that_came(chart: Accounts, since: datetime, until: datetime) -> Iterator[Booking]:
    invoiced = Invoice.objects.filter(
        purchase=OuterRef("purchase"), kind=InvoiceKind.INVOICE, issued_at__lte=OuterRef("received_at")
    )
    came = Payment.objects.filter(received_at__gte=since, received_at__lt=until).select_related("purchase")
    came = came.annotate(invoice=Subquery(invoiced.order_by("issued_at").values("number")[:1]))
    for one in came.order_by("received_at", "id"):
        bought, money = one.purchase, chart.money_of(one.gateway)
        yield Booking(
            bought.organisation_id,
            one.received_at,
            one.cents,
            one.currency,
            money,
            chart.debtor,
            # Of a part payment that waits for the rest there is no invoice yet.
            one.invoice or bought.reference,
            f"Payment {bought.reference}",
        )


def _of_money_that_went(chart: Accounts, since: datetime, until: datetime) -> Iterator[Booking]:
    refunds = PaymentRefund.objects.filter(requested_at__gte=since, requested_at__lt=until)
    for sent in refunds.select_related("purchase").order_by("requested_at", "id"):
        money = chart.money_of(sent.gateway)
        bought = sent.purchase
        yield Booking(
            bought.organisation_id,
            sent.requested_at,
            -sent.gross_cents,
            sent.currency,
            money,
            chart.debtor,
            bought.reference,
            "Payment refund",
        )
    for moved in money_moved(since, until):
        lost = moved.reversal
        money = chart.money_of(lost.payment.gateway)
        text = f"{'Taken' if moved.cents > 0 else 'Given'} back {lost.external_id}"
        bought = lost.purchase
        yield Booking(
            bought.organisation_id, moved.at, -moved.cents, lost.currency, money, chart.debtor, bought.reference, text
        )


def _of_losses(chart: Accounts, since: datetime, until: datetime) -> Iterator[Booking]:
    for moved in losses_moved(since, until):
        one = moved.write_off
        text = "Written off" if moved.sign > 0 else "Written off, paid after all"
        cents, bought = moved.sign * one.gross_cents, one.purchase
        yield Booking(
            bought.organisation_id, moved.at, cents, one.currency, chart.loss, chart.debtor, bought.reference, text
        )


def _of_providers(chart: Accounts, since: datetime, until: datetime) -> Iterator[Booking]:
    """Fees and payouts, in the month in which the daily comparison read them: what was handed over stays as it was."""
    moves = BalanceMove.objects.filter(fetched_at__gte=since, fetched_at__lt=until)
    for move in moves.order_by("fetched_at", "id").iterator(chunk_size=500):
        at, currency, money = move.fetched_at, move.currency, chart.money_of(move.gateway)
        document = move.subject or move.payment or move.external_id
        kept = move.fee_cents - (move.cents if move.kind == MoveKind.FEE else 0)
        if kept and chart.fees is not None:
            yield Booking(None, at, kept, currency, chart.fees, money, document, f"Fee of {move.gateway}")
        if move.kind == MoveKind.PAYOUT and chart.payouts is not None:
            yield Booking(None, at, -move.cents, currency, chart.payouts, money, document, f"Payout of {move.gateway}")


def datev_file(month: Month, booked: Iterable[Booking], *, currency: str = "EUR", now: datetime) -> bytes:
    """The file of a month's bookings in one currency as DATEV imports it: header, columns, a booking a line. `now` is
    said to be when it was made."""
    chart, zone = accounts(), seller().zone
    lines = [_header(month, currency, chart, now=now.astimezone(zone)), ";".join(COLUMNS)]
    lines += [_line(one, one.at.astimezone(zone)) for one in booked if one.currency == currency]
    # What Windows-1252 cannot write (a Greek name) is a question mark: DATEV reads nothing else.
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252", errors="replace")


def _header(month: Month, currency: str, chart: Accounts, *, now: datetime) -> str:
    zone = seller().zone
    last = month.ends(zone) - timedelta(days=1)
    begins = int(chart.fiscal_year_begins[:2])
    year = month.year if month.number >= begins else month.year - 1
    made = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
    title = f"{settings.OTAI_NAME[: most_letters_of_a_title - len(str(month)) - 1].strip()} {month}"
    entries = [
        *(_quoted("EXTF"), FORMAT_VERSION, CATEGORY, _quoted("Buchungsstapel"), BATCH_VERSION, made, ""),
        *(_quoted(""), _quoted(""), _quoted("")),
        *(chart.consultant, chart.client, f"{year}{begins:02d}01", chart.account_length),
        *(f"{month.begins(zone):%Y%m%d}", f"{last:%Y%m%d}", _quoted(title), _quoted(""), 1, 0, 0, _quoted(currency)),
        *("", _quoted(""), "", "", _quoted(""), "", "", _quoted(""), _quoted("")),
    ]
    return ";".join(str(entry) for entry in entries)


def _line(one: Booking, at: datetime) -> str:
    values = {
        "Umsatz (ohne Soll/Haben-Kz)": _amount(one.cents),
        "Soll/Haben-Kennzeichen": _quoted("S" if one.cents >= 0 else "H"),
        "WKZ Umsatz": _quoted(one.currency),
        "Konto": str(one.account),
        "Gegenkonto (ohne BU-Schlüssel)": str(one.contra),
        "Belegdatum": f"{at:%d%m}",
        "Belegfeld 1": _quoted(one.document[:LONGEST_DOCUMENT]),
        "Buchungstext": _quoted(one.text[:LONGEST_TEXT]),
        "Festschreibung": "0",
    }
    if one.supplied_on:
        year, month, day = one.supplied_on.split("-")
        values["Leistungsdatum"] = f"{day}{month}{year}"
    if one.eu_country_or_vat_id:
        values["EU-Land u. UStID (Bestimmung)"] = _quoted(one.eu_country_or_vat_id)
    if one.eu_permille:
        values["EU-Steuersatz (Bestimmung)"] = f"{one.eu_permille // 10},{one.eu_permille % 10}0"
    return ";".join(values.get(column, "") for column in COLUMNS)


def _amount(cents: int) -> str:
    units, rest = divmod(abs(cents), 100)
    return f"{units},{rest:02d}"


def _quoted(text: str) -> str:
    plain = "".join(character if character.isprintable() else " " for character in text)
    return '"' + plain.replace('"', '""') + '"'
