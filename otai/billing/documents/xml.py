"""The invoice as EN 16931 XML in UN/CEFACT CII syntax, checked against the XSD before it leaves (drafthorse)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from drafthorse.models.accounting import ApplicableTradeTax, CategoryTradeTax, TradeAllowanceCharge
from drafthorse.models.document import Document
from drafthorse.models.note import IncludedNote
from drafthorse.models.party import TaxRegistration
from drafthorse.models.payment import PaymentMeans, PaymentTerms
from drafthorse.models.tradelines import LineItem

from otai.billing.documents.facts import before_discount
from otai.billing.documents.words import discount_title, exemption, line_title
from otai.billing.models import Invoice
from otai.pricing.vat import VatTreatment
from otai.words.invoices import words_in

GUIDELINE = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{GUIDELINE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
"""XRechnung wants the business process named; this is the plain one, an invoice for what was bought."""
INVOICE, CREDIT_NOTE = "380", "381"
"""UNTDID 1001."""
SEPA_TRANSFER, CARD, ONLINE_SERVICE = "58", "48", "68"
"""UNTDID 4461. XRechnung wants digits of the card with CARD (BR-DE-24), which only the provider knows."""

DISCOUNT = "95"
"""UNTDID 5189."""
EMAIL, LEITWEG_ID = "EM", "0204"
"""The code list of electronic addresses."""

CATEGORY = {
    VatTreatment.DOMESTIC: "S",
    VatTreatment.DESTINATION: "S",
    VatTreatment.REVERSE_CHARGE: "AE",
    VatTreatment.OUTSIDE: "O",
    VatTreatment.SMALL_BUSINESS: "E",
}
"""UNTDID 5305: standard rate, reverse charge, services outside the scope of tax, exempt."""
EXEMPTION_CODE = {VatTreatment.REVERSE_CHARGE: "VATEX-EU-AE", VatTreatment.OUTSIDE: "VATEX-EU-O"}
"""The code list has none for small businesses; the reason stands in words."""


def invoice_xml(invoice: Invoice) -> bytes:
    """For German public buyers, who give a Leitweg-ID, an XRechnung; else what the PDF carries.

    Raises AssertionError where the XML breaks the schema: a bug of ours, not something a customer could cause.
    """
    return _xml(invoice, is_xrechnung=bool(invoice.facts["buyer"].get("leitweg_id")))


def factur_x_xml(invoice: Invoice) -> bytes:
    """The XML inside the PDF, of Factur-X's profile EN 16931 whoever buys. Raises as `invoice_xml` does."""
    return _xml(invoice, is_xrechnung=False)


def _xml(invoice: Invoice, *, is_xrechnung: bool) -> bytes:
    facts: dict[str, Any] = invoice.facts
    language = invoice.language
    treatment = VatTreatment(facts["vat"]["treatment"])
    document = Document()
    document.context.guideline_parameter.id = XRECHNUNG if is_xrechnung else GUIDELINE
    if is_xrechnung:
        document.context.business_parameter.id = BILLING_PROCESS
    document.header.id = facts["number"]
    document.header.type_code = INVOICE if facts["kind"] == "invoice" else CREDIT_NOTE
    document.header.issue_date_time = date.fromisoformat(facts["issued_on"])
    for text in _notes(facts, language):
        note = IncludedNote()
        note.content = text
        document.header.notes.add(note)
    _parties(document, facts, treatment)
    _delivery(document, facts)
    _line(document, facts, treatment, language)
    _settlement(document, facts, treatment, language, by_provider=ONLINE_SERVICE if is_xrechnung else CARD)
    if is_xrechnung and not _is_of_the_first_form(facts):
        _german_rules(document, facts, treatment)
    xml: bytes = document.serialize(schema="FACTUR-X_EN16931")
    return xml


def _is_of_the_first_form(facts: dict[str, Any]) -> bool:
    return "form" not in facts


def _german_rules(document: Any, facts: dict[str, Any], treatment: VatTreatment) -> None:
    """What an XRechnung wants beyond EN 16931: of an address to deliver to also town and postcode (BR-DE-10, 11), and a
    rate where nothing is taxed (BR-DE-14)."""
    if treatment is VatTreatment.REVERSE_CHARGE:
        delivered_to = document.trade.delivery.ship_to.address
        delivered_to.postcode, delivered_to.city_name = facts["buyer"]["postcode"], facts["buyer"]["city"]
    if treatment is VatTreatment.OUTSIDE:
        for tax in document.trade.settlement.trade_tax.children:
            tax.rate_applicable_percent = Decimal(0)


def _decimal(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _notes(facts: dict[str, Any], language: str) -> list[str]:
    words = words_in(language)
    notes = [facts["reason"]] if facts["reason"] else []
    if facts["seller"]["is_specimen"]:
        notes.append(words["specimen"])
    return notes


def _parties(document: Any, facts: dict[str, Any], treatment: VatTreatment) -> None:
    agreement = document.trade.agreement
    seller, buyer = facts["seller"], facts["buyer"]
    # Documents issued before buyers had these fields have none of them.
    leitweg_id = buyer.get("leitweg_id", "")
    agreement.buyer_reference = leitweg_id or buyer.get("buyer_reference") or facts["reference"]
    if purchase_order := buyer.get("purchase_order"):
        agreement.buyer_order.issuer_assigned_id = purchase_order
    if line_two := buyer.get("address_line_2"):
        agreement.buyer.address.line_two = line_two
    for party, facts_of_party in ((agreement.seller, seller), (agreement.buyer, buyer)):
        party.name = facts_of_party["name"]
        party.address.line_one = facts_of_party["street"]
        if facts_of_party["postcode"]:
            party.address.postcode = facts_of_party["postcode"]
        party.address.city_name = facts_of_party["city"]
        party.address.country_id = facts_of_party["country"]
        party.electronic_address.uri_ID = (EMAIL, facts_of_party["email"])
    if leitweg_id:
        agreement.buyer.electronic_address.uri_ID = (LEITWEG_ID, leitweg_id)
    if seller["registration"] or _is_of_the_first_form(facts):
        agreement.seller.legal_organization.id = ("", seller["registration"])
    else:
        # Whoever stands in no register is told apart by the tax number (BR-CO-26), which every such seller has.
        agreement.seller.id = seller["tax_number"]
    agreement.seller.contact.person_name = seller["contact"] or seller["name"]
    if seller["phone"]:
        agreement.seller.contact.telephone.number = seller["phone"]
    agreement.seller.contact.email.address = seller["email"]
    # EN 16931 forbids VAT ids of either side on what is outside the scope of tax (BR-O-02).
    if treatment is not VatTreatment.OUTSIDE:
        _tax_registration(agreement.seller, "VA", seller["vat_id"])
        _tax_registration(agreement.buyer, "VA", buyer["vat_id"])
    _tax_registration(agreement.seller, "FC", seller["tax_number"])


def _tax_registration(party: Any, scheme: str, number: str) -> None:
    if number:
        registration = TaxRegistration()
        registration.id = (scheme, number)
        party.tax_registrations.add(registration)


def _delivery(document: Any, facts: dict[str, Any]) -> None:
    if facts["period_from_on"]:
        document.trade.settlement.period.start = date.fromisoformat(facts["period_from_on"])
        document.trade.settlement.period.end = date.fromisoformat(facts["period_until_on"])
    document.trade.delivery.event.occurrence = date.fromisoformat(facts["delivered_on"])
    if facts["vat"]["treatment"] == VatTreatment.REVERSE_CHARGE:
        document.trade.delivery.ship_to.address.country_id = facts["buyer"]["country"]


def _line(document: Any, facts: dict[str, Any], treatment: VatTreatment, language: str) -> None:
    line = LineItem()
    line.document.line_id = "1"
    line.product.name = line_title(facts, language)
    line.agreement.net.amount = _decimal(before_discount(facts))
    line.delivery.billed_quantity = (Decimal(1), "C62")
    line.settlement.trade_tax.type_code = "VAT"
    line.settlement.trade_tax.category_code = CATEGORY[treatment]
    if treatment is not VatTreatment.OUTSIDE:
        line.settlement.trade_tax.rate_applicable_percent = _rate(facts)
    line.settlement.monetary_summation.total_amount = _decimal(before_discount(facts))
    document.trade.items.add(line)


def _rate(facts: dict[str, Any]) -> Decimal:
    return Decimal(facts["vat"]["permille"]).scaleb(-1)


def _settlement(
    document: Any, facts: dict[str, Any], treatment: VatTreatment, language: str, *, by_provider: str
) -> None:
    settlement = document.trade.settlement
    settlement.payment_reference = facts["reference"]
    settlement.currency_code = facts["currency"]
    means = PaymentMeans()
    means.type_code = SEPA_TRANSFER if facts["gateway"] == "bank_transfer" else by_provider
    if facts["gateway"] == "bank_transfer":
        means.payee_account.iban = facts["seller"]["iban"]
        means.payee_account.account_name = facts["seller"]["name"]
        if facts["seller"]["bic"]:
            means.payee_institution.bic = facts["seller"]["bic"]
    settlement.payment_means.add(means)
    tax = ApplicableTradeTax()
    tax.calculated_amount = _decimal(facts["vat_cents"])
    tax.type_code = "VAT"
    if reason := exemption(facts, language):
        tax.exemption_reason = reason
        if treatment in EXEMPTION_CODE:
            tax.exemption_reason_code = EXEMPTION_CODE[treatment]
    tax.basis_amount = _decimal(facts["net_cents"])
    tax.category_code = CATEGORY[treatment]
    if treatment is not VatTreatment.OUTSIDE:
        tax.rate_applicable_percent = _rate(facts)
    settlement.trade_tax.add(tax)
    if "discount" in facts:
        settlement.allowance_charge.add(_allowance(facts, treatment, language))
    terms = PaymentTerms()
    terms.description = _terms(facts, language)
    if facts["kind"] == "invoice" and not facts["is_paid"]:
        terms.due = date.fromisoformat(facts["pay_until_on"])
    settlement.terms.add(terms)
    sums = settlement.monetary_summation
    sums.line_total = _decimal(before_discount(facts))
    sums.charge_total = Decimal(0)
    sums.allowance_total = _decimal(before_discount(facts) - facts["net_cents"])
    sums.tax_basis_total = _decimal(facts["net_cents"])
    sums.tax_total = (_decimal(facts["vat_cents"]), facts["currency"])
    sums.grand_total = _decimal(facts["gross_cents"])
    sums.prepaid_total = _decimal(facts["gross_cents"] if facts["is_paid"] else 0)
    sums.due_amount = _decimal(0 if facts["is_paid"] else facts["gross_cents"])
    if facts["corrects"]:
        settlement.invoice_referenced_document.issuer_assigned_id = facts["corrects"]
        settlement.invoice_referenced_document.issue_date_time = date.fromisoformat(facts["corrects_on"])


def _allowance(facts: dict[str, Any], treatment: VatTreatment, language: str) -> TradeAllowanceCharge:
    """What a coupon took off, as an allowance of the whole document (BG-20), in the VAT category of its line."""
    discount = facts["discount"]
    allowance = TradeAllowanceCharge()
    allowance.indicator = False
    if discount["percent"] is not None:
        allowance.calculation_percent = Decimal(discount["percent"])
        allowance.basis_amount = _decimal(before_discount(facts))
    allowance.actual_amount = _decimal(discount["cents"])
    allowance.reason_code = DISCOUNT
    allowance.reason = discount_title(facts, language)
    tax = CategoryTradeTax()
    tax.type_code = "VAT"
    tax.category_code = CATEGORY[treatment]
    if treatment is not VatTreatment.OUTSIDE:
        tax.rate_applicable_percent = _rate(facts)
    allowance.trade_tax.add(tax)
    return allowance


def _terms(facts: dict[str, Any], language: str) -> str:
    words = words_in(language)
    if facts["kind"] == "credit_note":
        return words["credited"]
    return words["paid"] if facts["is_paid"] else f"{words['pay_until']} {facts['pay_until_on']}"
