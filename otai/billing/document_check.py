"""Whether a file that somebody was given is the invoice or credit note of the books: PDF, or its XML alone.

A PDF is made from the facts that were kept when its document was issued, and is the same bytes each time. So a file is
held against the one that the books make, byte for byte, and its electronic part figure by figure, which says what was
changed. The row itself is held against its chain (decision 0420). No PDF is drawn or parsed: of a stranger's file only
the embedded XML is unpacked, to a bounded length.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from otai.billing.chain import START, hash_at, link_hash
from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import ChainLink, Invoice
from otai.billing.operations.invoices import facts_hash
from otai.errors import Invalid, NotFound
from otai.orgs.models import Organisation

largest_document_bytes = 2 << 20
largest_xml_bytes = 1 << 20
most_differences = 20


class InvalidDocument(Invalid):
    """Not an invoice with its electronic part inside, or too large to be one of ours."""

    code = "invalid_document"


class Verdict(StrEnum):
    """`same_figures`: the electronic part is the books', while the file is not byte for byte what they make: its pages
    may have been changed, or an earlier version of the product made them. `books_changed`: the books' own row is not as
    it was chained."""

    GENUINE = "genuine"
    SAME_FIGURES = "same_figures"
    DIFFERENT = "different"
    BOOKS_CHANGED = "books_changed"


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field of the electronic part by its name in EN 16931's XML, as the file and as the books have it; empty where
    one of them has none."""

    field: str
    file: str
    books: str


@dataclass(frozen=True, slots=True)
class DocumentCheck:
    """What became of holding a file against the books."""

    invoice: Invoice
    verdict: Verdict
    differences: list[ChangedField]

    @property
    def clean(self) -> bool:
        """Whether it is the document, unchanged."""
        return self.verdict is Verdict.GENUINE


def check_document(content: bytes, *, organisation: Organisation | None = None) -> DocumentCheck:
    """Holds a file against the document of its number; with an `organisation`, only against its own. Raises
    InvalidDocument and NotFound."""
    if len(content) > largest_document_bytes:
        raise InvalidDocument("too_large", most=largest_document_bytes)
    found = _leaves(_electronic_part(content))
    number = next((text for field, text in found if field == "ExchangedDocument.ID"), "")[:60]
    known = Invoice.objects.filter(number=number)
    invoice = (known.filter(organisation=organisation) if organisation else known).first()
    if invoice is None:
        raise NotFound("invoice", number=number)
    differences = _differences(found, _leaves(_electronic_part(invoice_pdf(invoice))))
    if differences and not content.startswith(b"%PDF"):
        # Alone, the XML of a public buyer is an XRechnung.
        differences = _differences(found, _leaves(invoice_xml(invoice)))
    return DocumentCheck(invoice, _verdict(content, invoice, differences), differences[:most_differences])


def _verdict(content: bytes, invoice: Invoice, differences: list[ChangedField]) -> Verdict:
    if not _is_as_chained(invoice):
        return Verdict.BOOKS_CHANGED
    if differences:
        return Verdict.DIFFERENT
    return Verdict.GENUINE if content in (invoice_pdf(invoice), invoice_xml(invoice)) else Verdict.SAME_FIGURES


def _is_as_chained(invoice: Invoice) -> bool:
    if facts_hash(invoice.facts) != invoice.facts_sha256:
        return False
    link = ChainLink.objects.filter(invoice=invoice).first()
    # A row is chained within a minute of being written.
    return link is None or link_hash(hash_at(link.seq - 1) or START, invoice) == link.hash


def _electronic_part(content: bytes) -> bytes:
    """The XML of a file: all of it, or what a PDF embeds. Raises InvalidDocument."""
    if not content.startswith(b"%PDF"):
        return content
    for begin in re.finditer(rb"stream\r?\n", content):
        described = content[max(0, begin.start() - 500) : begin.start()].rpartition(b" obj")[2]
        if re.search(rb"/EmbeddedFile\b", described):
            if b"/FlateDecode" not in described:
                return content[begin.end() : content.find(b"endstream", begin.end())][:largest_xml_bytes]
            # Ours is not packed; a program that kept the file may have packed it.
            try:
                return zlib.decompressobj().decompress(content[begin.end() :], largest_xml_bytes)
            except zlib.error:
                break
    raise InvalidDocument("no_xml")


def _leaves(xml: bytes) -> list[tuple[str, str]]:
    """Each field with a text, as `parent.name`, in the order of the tree. Raises InvalidDocument."""
    try:
        root = fromstring(xml)
    except (ParseError, DefusedXmlException, ValueError):
        raise InvalidDocument("no_xml") from None
    # Not by recursion: a stranger nests as deep as the file is long.
    parents = ((parent, child) for parent in root.iter() for child in parent)
    return [
        (f"{_name(parent)}.{_name(child)}", " ".join((child.text or "").split()))
        for parent, child in parents
        if not len(child)
    ]


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _differences(file: list[tuple[str, str]], books: list[tuple[str, str]]) -> list[ChangedField]:
    theirs, ours = Counter(file), Counter(books)
    changed = {field: ["", ""] for field, _text in [*file, *books]}
    for place, extra in enumerate((theirs - ours, ours - theirs)):
        for field, text in extra:
            changed[field][place] = text
    return [ChangedField(field, *pair) for field, pair in changed.items() if pair != ["", ""]]
