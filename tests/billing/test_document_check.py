"""A file that somebody was given is held against the books: on the page, and by command."""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from typer.testing import CliRunner

from otai.billing import operations as billing
from otai.billing.chain import START
from otai.billing.document_check import InvalidDocument, Verdict, check_document, largest_document_bytes
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.documents.xml import factur_x_xml
from otai.billing.models import Invoice
from otai.billing.operations.chaining import chain_new
from otai.cli.billing import billing_app
from otai.errors import NotFound
from otai.ledger.proof import statement_proof
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role, Scope
from tests.api.callers import Program, answered
from tests.billing.people import ALICE, CAROL, details, transfer
from tests.billing.test_chain import LINKS, behind_the_books_back
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(acme: Organisation, now: datetime) -> Invoice:
    return invoice_of(acme, ALICE, now)


def invoice_of(organisation: Organisation, who: str, now: datetime) -> Invoice:
    asked: dict[str, Any] = {"organisation": organisation, "package": "50", "key": "k", "who": who, "now": now}
    purchase = billing.buy(**asked).purchase
    transfer(purchase, now)
    return Invoice.objects.get(purchase=purchase)


def test_what_was_given_out_is_genuine(invoice: Invoice) -> None:
    for content in (invoice_pdf(invoice), invoice_xml(invoice)):
        check = check_document(content)
        assert (check.invoice, check.verdict, check.differences) == (invoice, Verdict.GENUINE, [])


def test_the_xrechnung_of_a_public_buyer_is_genuine_too(acme: Organisation, now: datetime) -> None:
    details(acme, now=now, country="DE", vat_id="", leitweg_id="991-33333TEST-33")
    invoice = invoice_of(acme, ALICE, now)
    assert b"xrechnung" in invoice_xml(invoice)
    assert check_document(invoice_xml(invoice)).clean and check_document(invoice_pdf(invoice)).clean


def test_another_amount_is_named_in_a_pdf(invoice: Invoice) -> None:
    check = check_document(invoice_pdf(invoice).replace(b">535.50<", b">935.50<"))
    assert check.verdict is Verdict.DIFFERENT
    assert {(one.file, one.books) for one in check.differences} == {("935.50", "535.50")}
    assert "SpecifiedTradeSettlementHeaderMonetarySummation.GrandTotalAmount" in {
        one.field for one in check.differences
    }


def test_another_buyer_is_named(invoice: Invoice) -> None:
    name = invoice.facts["buyer"]["name"]
    check = check_document(invoice_pdf(invoice).replace(f">{name}<".encode(), b">Globex Ltd<"))
    assert [(one.file, one.books) for one in check.differences] == [("Globex Ltd", name)]


def test_another_amount_is_named_in_the_xml_alone(invoice: Invoice) -> None:
    check = check_document(invoice_xml(invoice).replace(b">535.50<", b">53.55<"))
    assert check.verdict is Verdict.DIFFERENT
    assert {(one.file, one.books) for one in check.differences} == {("53.55", "535.50")}


def test_changed_pages_over_an_untouched_electronic_part_are_not_genuine(invoice: Invoice) -> None:
    check = check_document(invoice_pdf(invoice) + b"\n% and one page more\n")
    assert (check.verdict, check.differences) == (Verdict.SAME_FIGURES, [])


def test_a_program_that_packs_the_electronic_part_changes_no_figure(invoice: Invoice) -> None:
    xml = factur_x_xml(invoice)
    packed = b"%PDF-1.7\n1 0 obj\n<</Filter /FlateDecode /Type /EmbeddedFile>>\nstream\n" + zlib.compress(xml)
    assert check_document(packed).verdict is Verdict.SAME_FIGURES


def test_changed_books_vouch_for_nothing(invoice: Invoice, now: datetime) -> None:
    pdf = invoice_pdf(invoice)
    chain_new(now=now)
    assert check_document(pdf).clean
    behind_the_books_back(f"UPDATE {LINKS} SET hash = '{START}' WHERE invoice_id IS NOT NULL")
    assert check_document(pdf).verdict is Verdict.BOOKS_CHANGED


def test_what_is_no_document_of_ours_is_refused(invoice: Invoice, acme: Organisation) -> None:
    bomb = b"%PDF-1.7\n1 0 obj\n<</Filter /FlateDecode /Type /EmbeddedFile>>\nstream\n" + zlib.compress(
        b"<a>" * (30 << 20)
    )
    for content, case in (
        (b"", "no_xml"),
        (b"%PDF-1.7 with nothing inside", "no_xml"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "no_xml"),
        (bomb, "no_xml"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, ""),
        (b"%PDF" + bytes(largest_document_bytes), "too_large"),
    ):
        with pytest.raises((InvalidDocument, NotFound)) as found:
            check_document(content)
        assert not case or found.value.case == case


def test_on_the_page_alice_checks_what_is_acmes_and_nothing_else(
    client: Client, acme: Organisation, globex: Organisation, invoice: Invoice, now: datetime
) -> None:
    alice = person("alice")
    joins(acme, alice, Role.OWNER, now)
    client.force_login(alice)

    def checked(content: bytes) -> tuple[int, str]:
        answer = client.post("/acme/credits/invoices/check/", {"file": SimpleUploadedFile("a", content)})
        return answer.status_code, answer.content.decode()

    assert "Check a document" in client.get("/acme/credits/invoices/").content.decode()
    status, page = checked(invoice_pdf(invoice))
    assert status == 200 and f"Genuine: this is {invoice.number}" in page and "535.50" in page
    status, page = checked(invoice_xml(invoice).replace(b">535.50<", b">1.00<"))
    assert status == 200 and f"the books have another {invoice.number}" in page
    globexs = invoice_of(globex, CAROL, now)
    status, page = checked(invoice_pdf(globexs))
    assert status == 422 and "globex" not in page.lower() and "450" not in page
    assert checked(b"")[0] == 422
    proof = statement_proof(acme.id, now=now).encode()
    status, page = checked(proof)
    assert status == 200 and "movements of this statement are in the books, unchanged" in page
    assert "is not the one of the books" in checked(proof.replace(b'"credits": 50', b'"credits": 51'))[1]
    assert checked(statement_proof(globex.id, now=now).encode())[0] == 422


def test_over_the_api_a_program_checks_what_is_its_organisations_and_nothing_else(
    acme: Organisation, globex: Organisation, invoice: Invoice
) -> None:
    def checked(content: bytes, program: Program) -> tuple[int, Any]:
        return answered(program.upload("/invoices/check", content, "application/pdf"))

    alice, carol = Program(acme), Program(globex)
    status, told = checked(invoice_pdf(invoice), alice)
    assert (status, told["verdict"], told["differences"]) == (200, "genuine", [])
    assert (told["invoice"]["number"], told["invoice"]["gross"]["cents"]) == (invoice.number, 535_50)
    told = checked(invoice_pdf(invoice).replace(b">535.50<", b">935.50<"), alice)[1]
    assert told["verdict"] == "different"
    assert {"535.50", "935.50"} in [{one["books"], one["file"]} for one in told["differences"]]
    assert checked(invoice_pdf(invoice), carol)[0] == 404, "no program of globex learns what acme was invoiced"
    assert checked(invoice_pdf(invoice), Program(acme, [Scope.READ]))[0] == 403
    for content, case in ((b"", "no_xml"), (b"%PDF" + bytes(largest_document_bytes), "too_large")):
        status, refused = checked(content, alice)
        assert (status, refused["error"]["code"], refused["error"]["case"]) == (422, "invalid_document", case)


def test_at_the_command_line(invoice: Invoice, tmp_path: Path) -> None:
    file = tmp_path / "given.pdf"
    file.write_bytes(invoice_pdf(invoice))
    done = CliRunner().invoke(billing_app, ["invoices", "verify", str(file)])
    assert done.exit_code == 0 and "genuine, unchanged" in done.output
    file.write_bytes(invoice_xml(invoice).replace(b">535.50<", b">1.00<"))
    done = CliRunner().invoke(billing_app, ["invoices", "verify", str(file), "--json"])
    assert (done.exit_code, json.loads(done.output)["verdict"]) == (1, "different")
