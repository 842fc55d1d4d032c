from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.v1.shapes import MoneyOut, Name, file_out, money
from otai.billing import document_check, queries
from otai.billing.document_lists import archive, documents, signed
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.months import Month
from otai.orgs.permissions import Action

noun = Noun()


class InvoiceOut(Schema):
    """An invoice or a credit note. `corrects` is the invoice that a credit note takes back, `amount` the total with its
    sign, negative for a credit note; `state` is open, paid, cancelled or refunded."""

    number: str
    kind: str
    purchase: str
    issued_at: datetime
    net: MoneyOut
    vat: MoneyOut
    gross: MoneyOut
    corrects: str | None
    state: str
    amount: MoneyOut
    credited: MoneyOut


class InvoicesOut(Schema):
    items: list[InvoiceOut]
    next: str | None


class ChangedFieldOut(Schema):
    """A field of the electronic part by its name in EN 16931's XML; empty where one of the two has none."""

    field: str
    file: str
    books: str


class CheckOut(Schema):
    """`genuine`: byte for byte the document. `same_figures`: its electronic part is the books', the file is not.
    `different`: `differences` says where. `books_changed`: the books' own row is not as it was written; ask the
    vendor."""

    invoice: InvoiceOut
    verdict: document_check.Verdict
    differences: list[ChangedFieldOut] = Field(description="At most 20.")


DOCUMENT_KINDS = ("application/pdf", "application/xml", "application/octet-stream")

INVOICE = {
    "number": "2026-0007",
    "kind": "invoice",
    "purchase": "K7RM2QXA",
    "issued_at": "2026-11-02T09:30:00Z",
    "net": {"cents": 45000, "currency": "EUR"},
    "vat": {"cents": 8550, "currency": "EUR"},
    "gross": {"cents": 53550, "currency": "EUR"},
    "corrects": None,
    "state": "paid",
    "amount": {"cents": 53550, "currency": "EUR"},
    "credited": {"cents": 0, "currency": "EUR"},
}


@noun.get("/invoices", Action.BUY, InvoicesOut, example={"items": [INVOICE], "next": None})
def list_invoices(
    request: CallerRequest,
    page: PageQuery,
    purchase: Annotated[Name | None, Query(description="Only those of this purchase, by its reference.")] = None,
    state: Annotated[Name | None, Query(description="Only those that are open, paid, cancelled or refunded.")] = None,
    month: Annotated[Name | None, Query(description="Only those issued in this month, such as 2026-11.")] = None,
) -> Any:
    """Invoices and credit notes, the newest first"""
    found = documents(
        request.auth.organisation, purchase=purchase, state=state or "", month=Month.parse(month) if month else None
    )
    return page_of(found, request.auth, page, of="invoices", by=["-issued_at", "-number"], shown=_invoice)


@noun.get("/invoices/archive", Action.BUY, produces=["application/zip"])
def download_invoices(
    request: CallerRequest, month: Annotated[Name, Query(description="As people write it: 2026-11.")]
) -> HttpResponse:
    """All PDFs of a month

    Invoices and credit notes as one zip, by the day of issue.
    """
    asked = Month.parse(month)
    found = documents(request.auth.organisation, month=asked)
    return file_out(archive(found), f"invoices-{asked}.zip", "application/zip")


@noun.post(
    "/invoices/check",
    Action.BUY,
    CheckOut,
    example={
        "invoice": INVOICE,
        "verdict": "different",
        "differences": [
            {
                "field": "SpecifiedTradeSettlementHeaderMonetarySummation.GrandTotalAmount",
                "file": "935.50",
                "books": "535.50",
            }
        ],
    },
    body_content={kind: {"schema": {"type": "string", "format": "binary"}} for kind in DOCUMENT_KINDS},
)
def check_document(request: CallerRequest) -> Any:
    """Whether a file is the invoice or credit note of the books

    The body is the PDF, or its XML alone, of at most 2 MB. Nothing of it is kept. A document that the organisation was
    not issued is not found.
    """
    checked = document_check.check_document(
        request.read(document_check.largest_document_bytes + 1), organisation=request.auth.organisation
    )
    found = documents(request.auth.organisation).get(id=checked.invoice.id)
    return {"invoice": _invoice(found), "verdict": checked.verdict, "differences": checked.differences}


@noun.get("/invoices/{number}", Action.BUY, InvoiceOut, example=INVOICE)
def get_invoice(request: CallerRequest, number: Name) -> Any:
    """One invoice or credit note"""
    found = queries.invoice(request.auth.organisation, number)
    return _invoice(documents(request.auth.organisation).get(id=found.id))


@noun.get("/invoices/{number}/pdf", Action.BUY, produces=["application/pdf"])
def download_invoice_pdf(request: CallerRequest, number: Name) -> HttpResponse:
    """The invoice as PDF

    PDF/A-3 with its XML inside (Factur-X, ZUGFeRD); the same bytes whenever it is asked for.
    """
    found = queries.invoice(request.auth.organisation, number)
    return file_out(invoice_pdf(found), f"{found.number}.pdf", "application/pdf")


@noun.get("/invoices/{number}/xml", Action.BUY, produces=["application/xml"])
def download_invoice_xml(request: CallerRequest, number: Name) -> HttpResponse:
    """The invoice as EN 16931 XML"""
    found = queries.invoice(request.auth.organisation, number)
    return file_out(invoice_xml(found), f"{found.number}.xml", "application/xml")


def _invoice(invoice: Any) -> dict[str, Any]:
    """Of `documents`, which says how it stands."""
    currency = invoice.currency
    return {
        "number": invoice.number,
        "kind": invoice.kind,
        "purchase": invoice.purchase.reference,
        "issued_at": invoice.issued_at,
        "net": {"cents": invoice.net_cents, "currency": currency},
        "vat": {"cents": invoice.vat_cents, "currency": currency},
        "gross": {"cents": invoice.gross_cents, "currency": currency},
        "corrects": invoice.corrects.number if invoice.corrects else None,
        "state": invoice.state,
        "amount": money(signed(invoice, invoice.gross_cents)),
        "credited": {"cents": invoice.credited_cents, "currency": currency},
    }
