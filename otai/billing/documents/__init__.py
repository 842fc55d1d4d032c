"""Invoices as documents: EN 16931 XML, and a PDF/A-3 that carries it (Factur-X, ZUGFeRD). Made from the invoice's facts
alone.

The same invoice gives the same document whenever it is asked for. Read `xml.py`, then `pdf.py`; the words of each
language are in `otai.words.invoices`.
"""

from __future__ import annotations

from otai.billing.documents.facts import confirmation_facts
from otai.billing.models import Invoice, Purchase

# The libraries that draw take half a second to import: only who wants a document waits for them, not every command.


def invoice_pdf(invoice: Invoice) -> bytes:
    """The invoice as PDF/A-3 with its XML inside; the same bytes for the same invoice."""
    from otai.billing.documents.pdf import invoice_pdf

    return invoice_pdf(invoice)


def order_confirmation_pdf(purchase: Purchase) -> bytes:
    """What confirms an order that a bank transfer is to pay: amounts, account and reference; no invoice, and no number
    of their series."""
    from otai.billing.documents.pdf import document_pdf

    return document_pdf(confirmation_facts(purchase), language=purchase.language)


def invoice_xml(invoice: Invoice) -> bytes:
    """The invoice as EN 16931 XML (CII); an XRechnung where the buyer has a Leitweg-ID."""
    from otai.billing.documents.xml import invoice_xml

    return invoice_xml(invoice)
