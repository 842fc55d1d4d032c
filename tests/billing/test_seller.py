"""Who sells: read from a file, refused with a reason where an invoice would be wrong."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pypdf import PdfReader

from otai.billing import operations as billing
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import Invoice
from otai.billing.seller import SPECIMEN, seller
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, transfer
from tests.billing.validation import problems

GOOD = """
name = "Helpful Models GmbH"
street = "Am Kai 3"
postcode = "1020"
city = "Wien"
country = "AT"
vat_id = "ATU13585627"
tax_number = ""
registration = "FN 000000a, Handelsgericht Wien"
email = "rechnung@helpful.example"
phone = ""
contact = ""
iban = "AT611904300234573201"
bic = ""
bank = "Beispielbank"
time_zone = "Europe/Vienna"
invoice_prefix = "RE"
"""


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "seller.toml"
    path.write_text(GOOD, encoding="utf-8")
    settings.OTAI_SELLER = str(path)
    return path


@pytest.mark.django_db
def test_a_sellers_own_invoice_is_no_specimen_and_passes_the_checks(
    file: Path, acme: Organisation, now: datetime
) -> None:
    purchase = billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now).purchase
    transfer(purchase, now)
    invoice = Invoice.objects.get()
    assert invoice.number == "RE-2026-000001"
    assert (purchase.vat_treatment, purchase.vat_permille) == ("destination", 190)
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(invoice_pdf(invoice))).pages)
    assert "Helpful Models GmbH" in text
    assert "SPECIMEN" not in text
    assert problems(invoice_xml(invoice)) == []


@pytest.mark.pure
def test_without_a_file_a_specimen_stands_in(settings: Any) -> None:
    settings.OTAI_SELLER = ""
    assert seller() is SPECIMEN
    assert seller().is_specimen


@pytest.mark.pure
@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('iban = "AT611904300234573201"', 'iban = "AT611904300234573202"', "not valid"),
        ('vat_id = "ATU13585627"', 'vat_id = "ATU13585628"', "not valid"),
        ('name = "Helpful Models GmbH"', 'name = ""', "leaves name empty"),
        ('name = "Helpful Models GmbH"', "", "incomplete"),
        ('bank = "Beispielbank"', 'bank = "x"\nmotto = "hello"', "motto"),
        ('bank = "Beispielbank"', "bank =", "cannot be read"),
        ('bank = "Beispielbank"', 'bank = "x"\nis_specimen = true', "is_specimen"),
    ],
)
def test_a_seller_that_would_make_wrong_invoices_is_refused(line: str, instead: str, said: str, file: Path) -> None:
    file.write_text(GOOD.replace(line, instead), encoding="utf-8")
    with pytest.raises(ImproperlyConfigured, match=said):
        seller()


@pytest.mark.pure
def test_a_file_that_is_not_there_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.OTAI_SELLER = str(tmp_path / "none.toml")
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        seller()
