"""Which documents a purchase brings, when, and by which mail: a transfer has its invoice when it came, dated as the
supply is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core import mail
from pypdf import PdfReader
from pytest_django import Settings

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.documents import invoice_pdf, invoice_xml, order_confirmation_pdf
from otai.billing.models import Invoice, Notice, Purchase
from otai.billing.operations import invoices
from otai.billing.operations.notices import send_notices
from otai.billing.revenue import month_close
from otai.billing.seller import seller
from otai.billing.testing import GOOD_CARD
from otai.errors import NotFound
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, transfer
from tests.billing.test_invoices import order
from tests.billing.validation import problems

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 4, 9, 0, tzinfo=UTC)


def text_of(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def attached() -> list[str]:
    """The names of all files that were mailed, in their order."""
    return [str(name) for message in mail.outbox for name, _content, _kind in message.attachments]


def test_a_transfer_of_december_for_an_order_of_november_is_an_invoice_of_december(acme: Organisation) -> None:
    purchase = order(acme, NOVEMBER)
    assert Invoice.objects.count() == 0, "nothing was supplied yet"
    transfer(purchase, DECEMBER)
    invoice = Invoice.objects.get()
    assert invoice.issued_on.isoformat() == "2026-12-04"
    assert (invoice.facts["delivered_on"], invoice.facts["is_paid"]) == ("2026-12-04", True)
    vat = {month: month_close(2026, month, zone=seller().zone).vat.cents for month in (11, 12)}
    assert vat == {11: 0, 12: 85_50}
    assert problems(invoice_xml(invoice)) == []


def test_a_month_of_a_tier_is_invoiced_with_the_period_that_was_paid(acme: Organisation) -> None:
    change = billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=NOVEMBER)
    assert change.purchase is not None
    transfer(change.purchase, DECEMBER)
    facts = Invoice.objects.get().facts
    assert (facts["period_from_on"], facts["period_until_on"]) == ("2026-12-04", "2027-01-03")


def test_a_document_keeps_the_name_that_the_studio_had_when_it_was_issued(
    acme: Organisation, settings: Settings
) -> None:
    settings.OTAI_NAME = "Acme Desk"
    change = billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=NOVEMBER)
    assert change.purchase is not None
    transfer(change.purchase, DECEMBER)
    settings.OTAI_NAME = "OTAI Studio"
    issued = Invoice.objects.get()
    assert "Acme Desk Pro, one month" in text_of(invoice_pdf(issued))
    del issued.facts["line"]["studio"]
    assert "OTAI Studio Pro, one month" in text_of(invoice_pdf(issued)), "as before there were names"


def test_the_order_confirmation_says_what_to_pay_and_that_it_is_no_invoice(acme: Organisation) -> None:
    purchase = order(acme, NOVEMBER)
    pdf = order_confirmation_pdf(purchase)
    text = text_of(pdf)
    for printed in (
        "Order confirmation",
        purchase.reference,
        "EUR 450.00",
        "EUR 535.50",
        "This is not an invoice",
        "IBAN",
    ):
        assert printed in text
    assert "INV-" not in text
    assert PdfReader(BytesIO(pdf)).attachments == {}, "only an invoice is an electronic invoice"
    transfer(purchase, DECEMBER)
    assert order_confirmation_pdf(Purchase.objects.get()) == pdf, "it says what was ordered, whatever came of it"


def test_what_is_paid_by_card_has_an_invoice_at_once_and_no_confirmation(acme: Organisation, fake: Any) -> None:
    purchase = order(acme, NOVEMBER, gateway="fake", payment_method=GOOD_CARD)
    assert Invoice.objects.get().issued_at == NOVEMBER
    with pytest.raises(NotFound, match="not paid by bank transfer"):
        queries.order_to_confirm(acme, purchase.reference)


def test_an_order_of_the_version_before_keeps_the_invoice_it_has(acme: Organisation) -> None:
    purchase = order(acme, NOVEMBER)
    before = invoices.issue(purchase, now=NOVEMBER)
    transfer(purchase, DECEMBER)
    assert Invoice.objects.get() == before
    later = order(acme, NOVEMBER, key="another")
    invoices.issue(later, now=NOVEMBER)
    billing.cancel(organisation=acme, reference=later.reference, who=ALICE, why="changed our minds", now=DECEMBER)
    send_notices(now=DECEMBER)
    assert attached()[-1] == "CN-2026-000001.pdf", "its credit note is mailed too"


def test_every_document_is_mailed(acme: Organisation, fake: Any) -> None:
    by_bank, by_card = order(acme, NOVEMBER), order(acme, NOVEMBER, key="2", gateway="fake", payment_method=GOOD_CARD)
    transfer(by_bank, NOVEMBER)
    billing.refund_payment(reference=by_bank.reference, who=OLGA, why="no longer needed", now=NOVEMBER)
    for verdict in ("opened", "lost", "won"):
        fake.dispute(by_card.gateway_reference, verdict=verdict)
        billing.book_reversals(by_card.id, fake.reversals(by_card.gateway_reference), who="fake", now=NOVEMBER)
    send_notices(now=NOVEMBER)
    mailed = attached()
    assert sorted(name for name in mailed if name.startswith(("INV", "CN"))) == sorted(
        f"{number}.pdf" for number in Invoice.objects.values_list("number", flat=True)
    )
    assert Invoice.objects.count() == 5, "two purchases, two credit notes, and what came back was invoiced again"
    assert f"{by_bank.reference}.pdf" in mailed
    assert f"{by_card.reference}.pdf" not in mailed


def test_a_mail_brings_its_invoice_though_a_credit_note_came_before_it_was_sent(acme: Organisation) -> None:
    purchase = order(acme, NOVEMBER)
    transfer(purchase, NOVEMBER)
    billing.refund_payment(reference=purchase.reference, who=OLGA, why="no longer needed", now=NOVEMBER)
    send_notices(now=NOVEMBER + timedelta(minutes=5))
    assert "INV-2026-000001.pdf" in attached()
    assert Notice.objects.filter(sent_at__isnull=True).count() == 0


def test_the_fee_that_is_paid_back_has_its_credit_note_mailed(acme: Organisation) -> None:
    transfer(order(acme, NOVEMBER), NOVEMBER)
    lot = billing.give_goodwill(organisation=acme, credits=3, who=OLGA, why="guarantee", key="g", now=NOVEMBER).lot
    billing.refund_fee(
        organisation=acme,
        credits=3,
        lot=lot,
        key="fee",
        reference="guarantee:1",
        who=OLGA,
        why="criteria were missed",
        now=NOVEMBER,
    )
    send_notices(now=NOVEMBER)
    assert attached()[-1] == "CN-2026-000001.pdf"
    assert str(Money(Invoice.objects.get(kind="credit_note").gross_cents)) == "EUR 35.70"
