from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query, Schema

from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.v1.shapes import MoneyOut, Name, file_out
from otai.billing import queries
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import Invoice
from otai.orgs.permissions import Action

noun = Noun()


class InvoiceOut(Schema):
    """An invoice or a credit note. `corrects` is the invoice that a credit note takes back."""

    number: str
    kind: str
    purchase: str
    issued_at: datetime
    net: MoneyOut
    vat: MoneyOut
    gross: MoneyOut
    corrects: str | None


class InvoicesOut(Schema):
    items: list[InvoiceOut]
    next: str | None


INVOICE = {
    "number": "2026-0007",
    "kind": "invoice",
    "purchase": "K7RM2QXA",
    "issued_at": "2026-11-02T09:30:00Z",
    "net": {"cents": 45000, "currency": "EUR"},
    "vat": {"cents": 8550, "currency": "EUR"},
    "gross": {"cents": 53550, "currency": "EUR"},
    "corrects": None,
}


@noun.get("/invoices", Action.BUY, InvoicesOut, example={"items": [INVOICE], "next": None})
def list_invoices(
    request: CallerRequest,
    page: PageQuery,
    purchase: Annotated[Name | None, Query(description="Only those of this purchase, by its reference.")] = None,
) -> Any:
    """Invoices and credit notes, the newest first"""
    found = queries.invoices(request.auth.organisation, purchase=purchase)
    return page_of(found, request.auth, page, of="invoices", by=["-issued_at", "-number"], shown=_invoice)


@noun.get("/invoices/{number}", Action.BUY, InvoiceOut, example=INVOICE)
def get_invoice(request: CallerRequest, number: Name) -> Any:
    """One invoice or credit note"""
    return _invoice(queries.invoice(request.auth.organisation, number))


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


def _invoice(invoice: Invoice) -> dict[str, Any]:
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
    }
