"""The invoice as a PDF/A-3b with its XML inside (Factur-X 1.0, profile EN 16931). fpdf2: a plain pip install
suffices."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from xml.sax.saxutils import escape

import segno
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from otai.billing.documents.facts import before_discount
from otai.billing.documents.words import discount_title, exemption, line_title, vat_line
from otai.billing.documents.xml import factur_x_xml
from otai.billing.letters import BOLD, REGULAR
from otai.billing.models import Invoice
from otai.words.countries import country_name
from otai.words.invoices import day, money, words_in

XML_NAME = "factur-x.xml"
ORDER_CONFIRMATION = "order_confirmation"
INK, QUIET, RULE, ALERT = (28, 32, 40), (96, 104, 118), (208, 213, 221), (190, 30, 30)
LEFT, RIGHT, WIDTH = 22.0, 188.0, 166.0
"""Millimetres on A4."""


def invoice_pdf(invoice: Invoice) -> bytes:
    """The same bytes for the same invoice: nothing in it depends on when or where it is made."""
    return document_pdf(invoice.facts, language=invoice.language, xml=factur_x_xml(invoice))


def document_pdf(facts: dict[str, Any], *, language: str, xml: bytes | None = None) -> bytes:
    """A document from its facts; what is no invoice has no XML inside."""
    page = _Page(facts, language, xml)
    page.draw()
    return bytes(page.output())


class _Page(FPDF):
    def __init__(self, facts: dict[str, Any], language: str, xml: bytes | None) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-3B")
        self.facts = facts
        self.language = language
        self.words = words_in(self.language)
        self.heading = f"{self.words[self.facts['kind']]} {self.facts['number']}"
        issued = datetime.combine(date.fromisoformat(facts["issued_on"]), time.min, tzinfo=UTC)
        self.set_creation_date(issued)
        self.add_font("Noto", "", REGULAR)
        self.add_font("Noto", "B", BOLD)
        self.set_title(self.heading)
        self.set_author(self.facts["seller"]["name"])
        self.set_lang(self.language)
        self.set_margins(LEFT, 20, 210 - RIGHT)
        self.set_auto_page_break(True, margin=38)
        self.set_xmp_metadata(
            _xmp(self.heading, facts["seller"]["name"], language, issued, is_factur_x=xml is not None)
        )
        if xml is not None:
            self.embed_file(
                bytes=xml,
                basename=XML_NAME,
                mime_type="text/xml",
                desc="Factur-X invoice",
                modification_date=issued,
                associated_file_relationship="Alternative",
            )
        self.alias_nb_pages()
        self.add_page()

    def footer(self) -> None:
        seller = self.facts["seller"]
        self.set_y(-32)
        self._rule()
        self.ln(2)
        top = self.get_y()
        columns = (
            [seller["name"], seller["street"], f"{seller['country']}-{seller['postcode']} {seller['city']}"],
            [
                f"{self.words['vat_id']} {seller['vat_id']}" if seller["vat_id"] else "",
                f"{self.words['tax_number']} {seller['tax_number']}" if seller["tax_number"] else "",
                seller["registration"],
                f"{self.words['directors']}: {seller['directors']}" if seller.get("directors") else "",
            ],
            [seller["bank"], f"IBAN {_grouped(seller['iban'])}", f"BIC {seller['bic']}" if seller["bic"] else ""],
        )
        for index, lines in enumerate(columns):
            self.set_xy(LEFT + index * WIDTH / 3, top)
            self._font(7.5, QUIET)
            text = "\n".join(line for line in lines if line)
            self.multi_cell(WIDTH / 3 - 3, 3.7, text, align="L", new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.set_xy(LEFT, -12)
        self.cell(WIDTH, 4, self.words["page"].format(page=self.page_no(), pages="{nb}"), align="R")

    def draw(self) -> None:
        self._letterhead()
        self._recipient_and_dates()
        self._table()
        self._sums()
        self._what_to_do()

    def _font(self, size: float, ink: tuple[int, int, int] = INK, style: str = "") -> None:
        self.set_font("Noto", style, size)
        self.set_text_color(*ink)

    def _rule(self, thick: float = 0.2) -> None:
        self.set_draw_color(*RULE)
        self.set_line_width(thick)
        self.line(LEFT, self.get_y(), RIGHT, self.get_y())

    def _letterhead(self) -> None:
        seller = self.facts["seller"]
        self._font(15, style="B")
        self.cell(WIDTH, 7, seller["name"], new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._font(8.5, QUIET)
        self.cell(WIDTH, 5, "  ·  ".join(p for p in (seller["email"], seller["phone"]) if p))
        if seller["is_specimen"]:
            self.set_xy(LEFT, 34)
            self._font(9, ALERT, "B")
            self.cell(WIDTH, 5, self.words["specimen"])

    def _recipient_and_dates(self) -> None:
        facts, buyer, words = self.facts, self.facts["buyer"], self.words
        self.set_xy(LEFT, 48)
        self._font(10)
        self.multi_cell(88, 5, "\n".join(self._address()), align="L")
        bottom = self.get_y()
        entries = [(words["number"], facts["number"]), (words["issued_on"], day(facts["issued_on"], self.language))]
        if facts["period_from_on"]:
            span = f"{day(facts['period_from_on'], self.language)} - {day(facts['period_until_on'], self.language)}"
            entries.append((words["period"], span))
        elif facts["kind"] != ORDER_CONFIRMATION:
            entries.append((words["delivered_on"], day(facts["delivered_on"], self.language)))
        entries.append((words["reference"], facts["reference"]))
        if facts["kind"] != "credit_note" and not facts["is_paid"]:
            entries.append((words["pay_until"], day(facts["pay_until_on"], self.language)))
        if buyer["vat_id"]:
            entries.append((words["customer_vat_id"], buyer["vat_id"]))
        for name in ("buyer_reference", "purchase_order", "leitweg_id"):
            if value := buyer.get(name):
                entries.append((words[name], value))
        self.set_y(48)
        for name, value in entries:
            self.set_x(116)
            self._font(8.5, QUIET)
            self.cell(33, 5.2, name)
            self._font(9)
            self.multi_cell(RIGHT - 149, 5.2, value, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        # A long address, or long references beside it, move the rest down.
        self.set_xy(LEFT, max(98.0, bottom + 6, self.get_y() + 6))
        self._font(17, style="B")
        self.cell(WIDTH, 9, self.heading, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if facts["corrects"]:
            self._font(9.5)
            text = words["corrects"].format(number=facts["corrects"], on=day(facts["corrects_on"], self.language))
            self.multi_cell(WIDTH, 5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if facts["reason"]:
            self._font(9.5)
            self.multi_cell(
                WIDTH, 5, f"{words['reason']}: {facts['reason']}", align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
            )
        self.ln(5)

    def _address(self) -> list[str]:
        """Whom the document is made out to; the country by name where a letter leaves the seller's."""
        buyer = self.facts["buyer"]
        country = "" if buyer["country"] == self.facts["seller"]["country"] else buyer["country"]
        lines = [
            buyer["name"],
            buyer["street"],
            buyer.get("address_line_2", ""),
            f"{buyer['postcode']} {buyer['city']}".strip(),
            country_name(country, self.language),
        ]
        return [line for line in lines if line]

    def _table(self) -> None:
        facts, words = self.facts, self.words
        amount = money(before_discount(facts), facts["currency"], self.language)
        widths = (92.0, 14.0, 30.0, 30.0)
        self._font(8.5, QUIET)
        for width, name, align in zip(
            widths, ("description", "quantity", "unit_price", "amount"), ("L", "R", "R", "R"), strict=True
        ):
            self.cell(width, 6, words[name], align=align)
        self.ln(7)
        self._rule(0.4)
        self.ln(2)
        top = self.get_y()
        self._font(10, style="B")
        self.multi_cell(
            widths[0] - 2, 5.2, line_title(facts, self.language), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        if facts["line"]["kind"] == "package" and facts["kind"] != "credit_note":
            self._font(8.5, QUIET)
            self.cell(widths[0], 5, words["no_expiry"], new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        bottom = self.get_y()
        self.set_xy(LEFT + widths[0], top)
        self._font(10)
        for width, text in zip(widths[1:], ("1", amount, amount), strict=True):
            self.cell(width, 5.2, text, align="R")
        self.set_y(bottom + 2)
        if "discount" in facts:
            self.cell(sum(widths[:3]), 5.2, discount_title(facts, self.language))
            less = money(-facts["discount"]["cents"], facts["currency"], self.language)
            self.cell(widths[3], 5.2, less, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(2)
        self._rule()
        self.ln(3)

    def _sums(self) -> None:
        facts, words = self.facts, self.words
        rows = [(words["net"], facts["net_cents"], ""), (vat_line(facts, self.language), facts["vat_cents"], "")]
        if exemption(facts, self.language):
            rows.pop()
        rows.append((words["gross"], facts["gross_cents"], "B"))
        for name, cents, style in rows:
            self.set_x(112)
            self._font(11 if style else 10, style=style)
            self.cell(42, 6.5, name)
            self.cell(RIGHT - 154, 6.5, money(cents, facts["currency"], self.language), align="R")
            self.ln(6.5)
        self.ln(4)
        if sentence := exemption(facts, self.language):
            self._font(9)
            self.multi_cell(WIDTH, 5, sentence, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(2)

    def _what_to_do(self) -> None:
        facts, words = self.facts, self.words
        if facts["kind"] == ORDER_CONFIRMATION:
            self._font(9)
            self.multi_cell(WIDTH, 5, words["no_invoice"], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(2)
        self._font(10)
        if facts["kind"] == "credit_note":
            self.multi_cell(WIDTH, 5, words["credited"], align="L")
            return
        if facts["is_paid"]:
            self.multi_cell(WIDTH, 5, words["paid"], align="L")
            return
        self.multi_cell(
            WIDTH, 5, words["pay"].format(reference=facts["reference"]), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        self.ln(3)
        if facts["currency"] == "EUR":
            self._payment_code()

    def _payment_code(self) -> None:
        """The EPC 069-12 code that banking apps read: account, amount and reference without typing."""
        seller = self.facts["seller"]
        payload = "\n".join(
            [
                *("BCD", "002", "1", "SCT", seller["bic"], seller["name"][:70], seller["iban"]),
                f"EUR{self.facts['gross_cents'] // 100}.{self.facts['gross_cents'] % 100:02d}",
                *("", "", self.facts["reference"]),
            ]
        )
        code = segno.make(payload, error="m", micro=False)
        if self.will_page_break(30):
            self.add_page()
        dot = 28 / len(code.matrix)
        left, top = LEFT, self.get_y()
        self.set_fill_color(*INK)
        for row, bits in enumerate(code.matrix):
            for column, bit in enumerate(bits):
                if bit:
                    self.rect(left + column * dot, top + row * dot, dot, dot, style="F")
        self.set_xy(left + 32, top + 1)
        self._font(9, QUIET)
        lines = [self.words["scan"], seller["name"], f"IBAN {_grouped(seller['iban'])}", self.facts["reference"]]
        self.multi_cell(90, 5, "\n".join(lines), align="L")


def _grouped(iban: str) -> str:
    compact = iban.replace(" ", "")
    return " ".join(compact[i : i + 4] for i in range(0, len(compact), 4))


def _xmp(title: str, author: str, language: str, made_at: datetime, *, is_factur_x: bool) -> str:
    """What PDF/A-3b wants said in the file's metadata, and Factur-X where its XML is inside."""
    at = made_at.isoformat(timespec="seconds")
    factur_x = _factur_x() if is_factur_x else ""
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>{escape(author)}</rdf:li></rdf:Seq></dc:creator><dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate></rdf:Description>
{factur_x}</rdf:RDF></x:xmpmeta>"""


def _factur_x() -> str:
    """The extension schema of Factur-X, and what the attachment is."""
    schema = "".join(
        f"<rdf:li rdf:parseType='Resource'><pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text"
        "</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
        for name, what in (
            ("DocumentFileName", "name of the embedded XML invoice file"),
            ("DocumentType", "INVOICE"),
            ("Version", "version of the Factur-X XML schema"),
            ("ConformanceLevel", "conformance level of the embedded XML"),
        )
    )
    return f"""<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema><pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>{schema}</rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"><fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{XML_NAME}</fx:DocumentFileName><fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
"""
