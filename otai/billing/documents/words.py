"""What an invoice says of itself, from its facts: lines, VAT, and the sentence that the law wants. The words are in
`otai.words.invoices`."""

from __future__ import annotations

from typing import Any

from otai.environment import OWN_NAME
from otai.pricing.price_book import Tier
from otai.pricing.vat import EU_STANDARD_RATES, VatTreatment
from otai.words.invoices import printed


def line_title(facts: dict[str, Any], language: str) -> str:
    """What an invoice's line is for, in the invoice's language."""
    line = facts["line"]
    if line["kind"] == "subscription":
        studio = line.get("studio", OWN_NAME)
        return printed(line.get("term", "month"), language=language, studio=studio, tier=Tier(line["tier"]).title)
    if line["unused"]:
        return printed("unused", language=language, unused=line["unused"], credits=line["credits"])
    return printed("package", language=language, credits=line["credits"])


def discount_title(facts: dict[str, Any], language: str) -> str:
    """What a coupon took off, as a line of its own: its code, and its share where it takes one."""
    discount = facts["discount"]
    if discount["percent"] is None:
        return printed("discount", language=language, code=discount["code"])
    return printed("discount_percent", language=language, code=discount["code"], percent=discount["percent"])


def vat_line(facts: dict[str, Any], language: str) -> str:
    """The rate and the country of an invoice's VAT, in its language."""
    vat = facts["vat"]
    return printed("vat", language=language, rate=vat["permille"] / 10, country=vat["country"])


def exemption(facts: dict[str, Any], language: str) -> str:
    """The sentence that the law wants where no VAT is added; "" otherwise."""
    match VatTreatment(facts["vat"]["treatment"]):
        case VatTreatment.REVERSE_CHARGE:
            return printed("reverse_charge", language=language)
        case VatTreatment.OUTSIDE:
            is_part_of_a_member_state = facts["vat"]["country"] in EU_STANDARD_RATES
            return printed("outside_territory" if is_part_of_a_member_state else "outside", language=language)
        case VatTreatment.SMALL_BUSINESS:
            return printed("small_business", language=language)
    return ""
