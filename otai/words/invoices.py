"""What is printed on an invoice, and how it writes money and days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from otai.words.catalogue import ENGLISH, Sentence, locale_of, say, translated

PRINTED: Mapping[str, str] = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "number": "Number",
    "issued_on": "Date",
    "delivered_on": "Date of supply",
    "period": "Period of supply",
    "reference": "Reference",
    "pay_until": "Please pay by",
    "customer_vat_id": "Your VAT id",
    "description": "Description",
    "quantity": "Qty",
    "unit_price": "Unit price",
    "amount": "Amount",
    "net": "Net total",
    "vat": "VAT",
    "gross": "Total",
    "paid": "Paid in full. Nothing is due.",
    "pay": "Please transfer the total to the account below and name the reference {reference}.",
    "scan": "Scan to pay",
    "credited": "The total is paid back or set off against the invoice.",
    "corrects": "This credit note corrects invoice {number} of {on}.",
    "reason": "Reason",
    "reverse_charge": "Reverse charge: VAT is owed by the recipient of the service (article 196 of Directive 2006/112/EC).",
    "outside": "Not subject to VAT: the place of supply is outside the European Union (article 44 of Directive 2006/112/EC).",
    "package": "Package of {credits} training credits",
    "unused": "Paid back: {unused} unused of {credits} training credits",
    "month": "OTAI Studio {tier}, one month",
    "no_expiry": "Credits do not expire.",
    "specimen": "SPECIMEN: no seller is set up",
    "page": "Page {page} of {pages}",
    "register": "Register",
    "tax_number": "Tax no.",
    "vat_id": "VAT id",
}


def printed(name: str, *, language: str, **values: object) -> str:
    """One of the words and sentences on an invoice. Raises KeyError for a value that is missing."""
    return say(PRINTED[name], values, language=language)


def words_in(language: str) -> dict[str, str]:
    """All of them by name, their places as they are: for `str.format`."""
    return {name: translated(text, language=language) for name, text in PRINTED.items()}


def money(cents: int, currency: str, language: str) -> str:
    """`EUR 1,234.50` in English; `1.234,50 EUR` where a currency comes after."""
    amount = format_decimal(Decimal(cents) / 100, format="#,##0.00", locale=locale_of(language))
    return f"{currency} {amount}" if language == ENGLISH else f"{amount} {currency}"


def day(iso: str, language: str) -> str:
    """`2026-11-02` in English, which everybody reads alike; `02.11.2026`, `2 nov. 2026` as other languages write it."""
    return iso if language == ENGLISH else format_date(date.fromisoformat(iso), "medium", locale=locale_of(language))


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    yield from PRINTED.values()
