"""What is printed on an invoice, in English and German."""

from __future__ import annotations

from datetime import date
from typing import Any

from otai.pricing.price_book import Tier
from otai.pricing.vat import VatTreatment, percent

WORDS: dict[str, dict[str, str]] = {
    "en": {
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
    },
    "de": {
        "invoice": "Rechnung",
        "credit_note": "Gutschrift (Rechnungskorrektur)",
        "number": "Nummer",
        "issued_on": "Datum",
        "delivered_on": "Leistungsdatum",
        "period": "Leistungszeitraum",
        "reference": "Verwendungszweck",
        "pay_until": "Zahlbar bis",
        "customer_vat_id": "Ihre USt-IdNr.",
        "description": "Bezeichnung",
        "quantity": "Menge",
        "unit_price": "Einzelpreis",
        "amount": "Betrag",
        "net": "Summe netto",
        "vat": "USt",
        "gross": "Gesamtbetrag",
        "paid": "Vollständig bezahlt. Es ist nichts mehr zu zahlen.",
        "pay": "Bitte überweisen Sie den Gesamtbetrag auf das unten genannte Konto mit dem Verwendungszweck {reference}.",
        "scan": "Scannen und zahlen",
        "credited": "Der Gesamtbetrag wird erstattet oder mit der Rechnung verrechnet.",
        "corrects": "Diese Gutschrift berichtigt die Rechnung {number} vom {on}.",
        "reason": "Grund",
        "reverse_charge": "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge, Artikel 196 der Richtlinie 2006/112/EG).",
        "outside": "Nicht steuerbar: Der Leistungsort liegt außerhalb der Europäischen Union (Artikel 44 der Richtlinie 2006/112/EG).",
        "package": "Paket mit {credits} Trainings-Credits",
        "unused": "Erstattung: {unused} unverbrauchte von {credits} Trainings-Credits",
        "month": "OTAI Studio {tier}, ein Monat",
        "no_expiry": "Credits verfallen nicht.",
        "specimen": "MUSTER: es ist kein Verkäufer eingerichtet",
        "page": "Seite {page} von {pages}",
        "register": "Handelsregister",
        "tax_number": "Steuernr.",
        "vat_id": "USt-IdNr.",
    },
}


def money(cents: int, currency: str, language: str) -> str:
    """`EUR 1,234.50` or `1.234,50 EUR`."""
    units, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    if language == "de":
        return f"{sign}{units:,}".replace(",", ".") + f",{rest:02d} {currency}"
    return f"{currency} {sign}{units:,}.{rest:02d}"


def day(iso: str, language: str) -> str:
    """`2 November 2026` would need month names; both languages read these: `2026-11-02` and `02.11.2026`."""
    return date.fromisoformat(iso).strftime("%d.%m.%Y") if language == "de" else iso


def line_title(facts: dict[str, Any], language: str) -> str:
    line = facts["line"]
    words = WORDS[language]
    if line["kind"] == "subscription":
        return words["month"].format(tier=Tier(line["tier"]).title)
    if line["unused"]:
        return words["unused"].format(unused=line["unused"], credits=line["credits"])
    return words["package"].format(credits=line["credits"])


def vat_line(facts: dict[str, Any], language: str) -> str:
    rate = percent(facts["vat"]["permille"])
    if language == "de":
        rate = rate.replace(".", ",")
    return f"{rate} % {WORDS[language]['vat']} ({facts['vat']['country']})"


def exemption(facts: dict[str, Any], language: str) -> str:
    """The sentence that the law wants where no VAT is added; "" otherwise."""
    match VatTreatment(facts["vat"]["treatment"]):
        case VatTreatment.REVERSE_CHARGE:
            return WORDS[language]["reverse_charge"]
        case VatTreatment.OUTSIDE:
            return WORDS[language]["outside"]
    return ""
