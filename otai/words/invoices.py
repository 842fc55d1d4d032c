"""What is printed on an invoice, and how it writes money and days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from otai.words.catalogue import DAY, locale_of, say, translated
from otai.words.sentences import Sentence

PRINTED: Mapping[str, str] = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "order_confirmation": "Order confirmation",
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
    "discount": "Discount with the code {code}",
    "discount_percent": "Discount with the code {code}, {percent} %",
    "net": "Net total",
    "vat": "{rate:number} % VAT ({country})",
    "gross": "Total",
    "paid": "Paid in full. Nothing is due.",
    "pay": "Please transfer the total to the account below and name the reference {reference}.",
    "no_invoice": "This is not an invoice: no VAT can be deducted with it. The invoice comes with the payment.",
    "scan": "Scan to pay",
    "credited": "The total is paid back or set off against the invoice.",
    "corrects": "This credit note corrects invoice {number} of {on}.",
    "reason": "Reason",
    "reverse_charge": "Reverse charge: VAT is owed by the recipient of the service (article 196 of Directive "
    "2006/112/EC).",
    "outside": "Not subject to VAT: the place of supply is outside the European Union (article 44 of Directive "
    "2006/112/EC).",
    "outside_territory": "Not subject to VAT: the place of supply is outside the European Union's territory for VAT "
    "(articles 6 and 44 of Directive 2006/112/EC).",
    "small_business": "No VAT is shown: the seller is a small business (section 19 UStG).",
    "buyer_reference": "Your reference",
    "purchase_order": "Purchase order",
    "leitweg_id": "Leitweg-ID",
    "directors": "Managing directors",
    "package": "Package of {credits} training credits",
    "unused": "Paid back: {unused} unused of {credits} training credits",
    "month": "{studio} {tier}, one month",
    "year": "{studio} {tier}, one year",
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


def money(
    cents: int, currency: str, language: str, *, least_decimals: int = 2, minus: str = "-", blank: str = " "
) -> str:
    """`EUR 1,234.50` in English, `1.234,50 EUR` in German: the currency where the language puts it.

    With `least_decimals=0` a whole amount has none: `EUR 450`. `minus` stands before what is below zero, `blank`
    between amount and currency.
    """
    locale = locale_of(language)
    value = Decimal(abs(cents)) / 100
    places = 2 if cents % 100 else least_decimals
    amount = format_decimal(value, format="#,##0.00" if places else "#,##0", locale=locale)
    sign = minus if cents < 0 else ""
    is_before = locale.currency_formats["standard"].pattern.startswith("\N{CURRENCY SIGN}")
    return f"{currency}{blank}{sign}{amount}" if is_before else f"{sign}{amount}{blank}{currency}"


def count(number: int, language: str) -> str:
    """A whole number as the language writes it: 1,000 or 1.000."""
    return format_decimal(number, locale=locale_of(language))


def day(iso: str, language: str) -> str:
    """`2026-11-02` as the language's book writes days: English ones so that everybody reads them alike."""
    return format_date(date.fromisoformat(iso), translated(DAY, language=language), locale=locale_of(language))


def sentences() -> Iterator[Sentence]:
    """All of them, for the translators' books."""
    yield DAY
    yield from PRINTED.values()
