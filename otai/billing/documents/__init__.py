"""Invoices as documents: EN 16931 XML, and a PDF/A-3 that carries it (Factur-X, ZUGFeRD). Made from the invoice's facts alone.

The same invoice gives the same document whenever it is asked for. Read `xml.py`, then `pdf.py`; `words.py` has the two languages.
"""

from otai.billing.documents.pdf import invoice_pdf
from otai.billing.documents.xml import invoice_xml

__all__ = ["invoice_pdf", "invoice_xml"]
