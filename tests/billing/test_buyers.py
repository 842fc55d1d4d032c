"""Whom an invoice is made out to: countries, references, Leitweg-ID, and how a small seller is exempt."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import einvoice
import pytest
from pypdf import PdfReader

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import BillingDetails, Invoice, Notice, Subscription
from otai.billing.operations import sign_up
from otai.billing.operations.details import InvalidBillingDetails
from otai.billing.operations.notices import compose
from otai.billing.operations.renewals import sweep_subscriptions
from otai.billing.testing import GOOD_CARD
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.pricing.vat import CountryUnknown
from otai.words.countries import COUNTRIES, countries, country_name
from tests.billing.people import OLGA, details, transfer
from tests.billing.test_invoices import order
from tests.billing.validation import problems

pytestmark = pytest.mark.django_db
LEITWEG_ID = "991-33333TEST-33"
AUTHORITY = {
    "name": "Landesamt Beispiel",
    "address_line_2": "Haus C, Raum 12",
    "buyer_reference": "Referat 7",
    "purchase_order": "4500012345",
}


REGISTER = "HRB 7, Amtsgericht Bonn"
SMALL = """
name = "Muster UG"
street = "Weg 1"
postcode = "53111"
city = "Bonn"
country = "DE"
vat_id = ""
tax_number = "205/000/00000"
registration = "HRB 7, Amtsgericht Bonn"
directors = "Erika Muster"
small_business = true
email = "rechnung@muster.example"
phone = "+49 228 000000"
contact = "Buchhaltung"
iban = "DE02120300000000202051"
bic = "BYLADEM1001"
bank = "Beispielbank"
"""


def invoiced(acme: Organisation, now: datetime, **more: Any) -> Invoice:
    purchase = order(acme, now, **more)
    if purchase.gateway == "bank_transfer":
        transfer(purchase, now)
    return Invoice.objects.get(purchase=purchase)


def text_of(invoice: Invoice) -> str:
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(invoice_pdf(invoice))).pages)


@pytest.mark.pure
def test_countries_are_those_of_iso_3166_in_the_readers_language() -> None:
    assert len(COUNTRIES) == 249
    assert {"DE", "CH", "XK", "ZZ", "EU", "UK"} & COUNTRIES == {"DE", "CH"}
    assert country_name("AT", "de") == "Österreich"
    german = [name for _code, name in countries("de")]
    polish = [name for _code, name in countries("pl")]
    assert polish.index("Litwa") < polish.index("Łotwa") < polish.index("Macedonia Północna")
    assert german.index("Ägypten") < german.index("Albanien") < german.index("Österreich") < german.index("Polen")


@pytest.mark.parametrize("country", ["ZZ", "XX", "UK", "EU", "D", "", "DEU"])
def test_no_country_is_refused(country: str, acme: Organisation, now: datetime) -> None:
    with pytest.raises(CountryUnknown, match="ISO 3166"):
        details(acme, now=now, country=country)
    assert queries.billing_details_of(acme).country == "DE"


def test_a_country_that_was_saved_before_they_were_checked_takes_no_vat_away(now: datetime) -> None:
    acme = sign_up(slug="acme", name="Acme", time_zone="UTC", tier=Tier.PRO, now=now)
    details(acme, now=now)
    BillingDetails.objects.update(country="ZZ")
    with pytest.raises(CountryUnknown):
        order(acme, now)
    ended = now + queries.price_book().payment_grace * 2
    assert sweep_subscriptions(now=ended).failed == 0
    assert Subscription.objects.get().tier == Tier.COMMUNITY, "as one without details"


def test_references_of_the_buyer_are_printed_and_in_the_xml(acme: Organisation, now: datetime) -> None:
    details(acme, now=now, **AUTHORITY)
    invoice = invoiced(acme, now)
    xml = invoice_xml(invoice)
    assert problems(xml) == []
    for text in AUTHORITY.values():
        assert text in text_of(invoice)
        assert text.encode() in xml
    assert b"<ram:BuyerReference>Referat 7<" in xml


@pytest.mark.parametrize(
    ("language", "way", "where"),
    [
        ("de", "transfer", {}),
        ("en", "card", {}),
        ("de", "card", {"country": "AT", "postcode": "1010", "city": "Wien", "vat_id": "ATU13585627"}),
        ("en", "transfer", {"country": "CH", "postcode": "3000", "city": "Bern"}),
    ],
)
def test_who_has_a_leitweg_id_gets_an_xrechnung(
    language: str, way: str, where: dict[str, str], acme: Organisation, fake: Any, now: datetime
) -> None:
    """Also under reverse charge and outside the Union, as every authority is for a seller elsewhere."""
    details(acme, now=now, leitweg_id=LEITWEG_ID, language=language, **AUTHORITY, **where)
    card = {"gateway": "fake", "payment_method": GOOD_CARD} if way == "card" else {}
    invoice = invoiced(acme, now, **card)
    xml = invoice_xml(invoice)
    report = einvoice.validate_bytes(xml, profile="xrechnung")
    assert [found for found in report["violations"] if found["severity"] in ("fatal", "error", "warning")] == []
    assert report["valid"] is True
    assert problems(xml.replace(b"#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", b"")) == []
    for part in (b"xrechnung_3.0", b"<ram:BuyerReference>991-33333TEST-33<", b'schemeID="0204">991-33333TEST-33<'):
        assert part in xml
    inside = PdfReader(BytesIO(invoice_pdf(invoice))).attachments["factur-x.xml"][0]
    assert b"xrechnung" not in inside and problems(inside) == []


def test_the_xrechnung_checks_find_a_missing_reference(acme: Organisation, now: datetime) -> None:
    details(acme, now=now, leitweg_id=LEITWEG_ID)
    xml = invoice_xml(invoiced(acme, now)).replace(b"<ram:BuyerReference>991-33333TEST-33</ram:BuyerReference>", b"")
    report = einvoice.validate_bytes(xml, profile="xrechnung")
    assert "BR-DE-15" in {found["rule"] for found in report["violations"]}


@pytest.mark.parametrize("value", ["991-33333TEST-34", "hello", "991-", "9" * 46])
def test_a_leitweg_id_with_wrong_digits_is_refused(value: str, acme: Organisation, now: datetime) -> None:
    with pytest.raises(InvalidBillingDetails, match="Leitweg-ID"):
        details(acme, now=now, leitweg_id=value)


def test_a_leitweg_id_is_refused_where_the_xrechnung_would_not_be_valid(
    acme: Organisation, now: datetime, settings: Any, tmp_path: Path
) -> None:
    with pytest.raises(InvalidBillingDetails, match="needs a postcode"):
        details(acme, now=now, leitweg_id=LEITWEG_ID, postcode=" ")
    settings.OTAI_SELLER = str(tmp_path / "seller.toml")
    Path(settings.OTAI_SELLER).write_text(SMALL.replace("+49 228 000000", ""), encoding="utf-8")
    with pytest.raises(InvalidBillingDetails, match="seller's telephone number"):
        details(acme, now=now, leitweg_id=LEITWEG_ID)
    details(acme, now=now, postcode="")


def test_the_longest_address_is_printed_above_the_rest(acme: Organisation, now: datetime) -> None:
    longest = {"name": "Bundesamt " * 20, "street": "Weg " * 50, "address_line_2": "Haus " * 40, "city": "Stadt " * 16}
    details(acme, now=now, buyer_reference="7" * 100, purchase_order="4" * 100, leitweg_id=LEITWEG_ID, **longest)
    printed: list[tuple[float, str]] = []

    def keep(text: str, _cm: Any, at: Any, *_font: Any) -> None:
        printed.append((at[5], text.strip()))

    invoice = invoiced(acme, now)
    PdfReader(BytesIO(invoice_pdf(invoice))).pages[0].extract_text(visitor_text=keep)
    [heading] = [height for height, text in printed if text.endswith(invoice.number) and "\n" not in text][-1:]
    for part in ("Stadt", "991-33333TEST-33"):
        assert min(height for height, text in printed if part in text) > heading + 10, printed


def test_a_document_that_was_issued_before_keeps_its_xml(acme: Organisation, now: datetime) -> None:
    details(acme, now=now, country="CH", postcode="3000", city="Bern", leitweg_id=LEITWEG_ID)
    invoice = invoiced(acme, now)
    new = invoice_xml(invoice)
    del invoice.facts["form"]
    rate = b"<ram:RateApplicablePercent>0</ram:RateApplicablePercent>"
    assert rate in new and b"".join(new.replace(rate, b"").split()) == b"".join(invoice_xml(invoice).split())


def test_a_credit_note_is_a_rechnungskorrektur_and_nothing_else(acme: Organisation, now: datetime) -> None:
    """In German law a Gutschrift is an invoice that the buyer writes."""
    details(acme, now=now, language="de")
    invoice = invoiced(acme, now)
    billing.refund_payment(reference=invoice.purchase.reference, who=OLGA, why="no longer needed", now=now)
    note = Invoice.objects.get(kind="credit_note")
    mail = compose(Notice.objects.get(template="payment_refunded"))
    for text in (text_of(note), f"{mail.subject} {mail.body}", invoice_xml(note).decode()):
        assert "gutschrift" not in text.casefold()
    assert "Rechnungskorrektur" in text_of(note)
    german = (files("otai.billing") / "locale/de/LC_MESSAGES/django.po").read_text()
    assert "gutschrift" not in german.casefold(), "neither do pages of the desk"


def test_a_reference_that_is_too_long_is_refused(acme: Organisation, now: datetime) -> None:
    with pytest.raises(InvalidBillingDetails, match="100 printable"):
        details(acme, now=now, purchase_order="4" * 101)


@pytest.mark.parametrize(
    ("field", "text"),
    [("name", "株式会社 Acme"), ("street", "شارع النيل 5"), ("city", "תל אביב"), ("address_line_2", "ชั้น 3")],
)
def test_letters_that_invoices_lack_are_refused_at_the_address(
    field: str, text: str, acme: Organisation, now: datetime
) -> None:
    with pytest.raises(InvalidBillingDetails, match="cannot be printed with"):
        details(acme, now=now, **{field: text})


def test_the_letters_of_europe_are_printed(acme: Organisation, now: datetime) -> None:
    """Also those that came as a letter and an accent."""
    details(
        acme, now=now, name="Žluťoučký Αθήνα Київ Ħaż-Żebbuġ Îles d'Ærø ẞ", city=unicodedata.normalize("NFD", "Łódź")
    )
    text = text_of(invoiced(acme, now))
    for said in ("Žluťoučký", "Αθήνα", "Київ", "Ħaż-Żebbuġ", "Îles d'Ærø ẞ", "Łódź"):
        assert said in text, text


@pytest.mark.parametrize(
    ("buyer", "treatment", "register"),
    [
        ({"country": "DE"}, "small_business", ""),
        ({"country": "FR", "city": "Paris"}, "small_business", REGISTER),
        ({"country": "FR", "city": "Paris", "vat_id": "FR40303265045"}, "reverse_charge", REGISTER),
        ({"country": "CH", "city": "Bern"}, "outside", ""),
    ],
)
def test_a_small_business_adds_no_vat_and_says_why(
    buyer: dict[str, str],
    treatment: str,
    register: str,
    acme: Organisation,
    now: datetime,
    settings: Any,
    tmp_path: Path,
) -> None:
    """Also one that stands in no register: then its tax number tells it apart."""
    settings.OTAI_SELLER = str(tmp_path / "seller.toml")
    Path(settings.OTAI_SELLER).write_text(SMALL.replace(REGISTER, register), encoding="utf-8")
    details(acme, now=now, language="de", **buyer)
    invoice = invoiced(acme, now)
    assert (invoice.facts["vat"]["treatment"], invoice.vat_cents, invoice.gross_cents) == (treatment, 0, 450_00)
    assert problems(invoice_xml(invoice)) == []
    text = text_of(invoice)
    assert ("§ 19 UStG" in text) == (treatment == "small_business")
    assert "Geschäftsführung: Erika Muster" in text
    assert (REGISTER in text) == bool(register)
    billing.refund_payment(reference=invoice.purchase.reference, who=OLGA, why="no longer needed", now=now)
    for mail in map(compose, Notice.objects.exclude(template="purchase_paid")):
        assert "einschließlich" not in mail.body, mail.body
