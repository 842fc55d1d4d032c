"""Names made to harm, and what must not come of them wherever they are seen: in a page, JSON, CSV, XML, PDF, an
archive, a header, a mail."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from selectolax.lexbor import LexborHTMLParser as HTMLParser

SIGN = "q7z"
"""Stands in each name, so that it is known again."""

PRINTABLE = f"""=1+1{SIGN}"'><script>alert(7)</script><img src=x onerror=alert(7)>&xxe;{{{{7*7}}}}%s../../x"""
"""A formula, markup, an entity, a template, a format and a path at once; nobody refuses any of its signs."""

HIDDEN = {
    "the order of letters turned round": f"{SIGN}\u202egpj.exe",
    "a letter without width": f"{SIGN}\u200bAcme",
    "a header of a mail": f"{SIGN}\r\nBcc: eve@evil.example\r\n\r\nDear",
    "a null": f"{SIGN}\0Acme",
    "longer than anything": SIGN + "x" * 50_000,
}
"""What no name may hold: refused, or made an ordinary name of."""

UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff\0]")
WORKED_OUT = re.compile("[\\s\u200b\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for a formula, in Excel's East Asian languages also its wide forms."""

NUMBER = re.compile(r"[+-]?[\d.,:]+(%|e[+-]?\d+)?\Z")


class Harm(AssertionError):
    """A hostile name did something."""


@dataclass
class Watch:
    """Looks at answers, and keeps what harm it found."""

    harms: list[str] = field(default_factory=list)

    def at(self, answer: Any, *, where: str, is_echo: bool = False) -> None:
        """`is_echo`: it answers a form with what was sent, in its fields, to whoever sent it."""
        try:
            looks_at(answer, where=where)
        except Harm as harm:
            if not (is_echo and isinstance(harm, Unseen)):
                self.harms.append(str(harm))

    def at_file(self, content: bytes, *, kind: str, where: str) -> None:
        try:
            looks_into(content, kind=kind, where=where)
        except Harm as harm:
            self.harms.append(str(harm))

    def at_mail(self, mail: str) -> None:
        try:
            looks_at_mail(mail)
        except Harm as harm:
            self.harms.append(str(harm))


class Unseen(Harm):
    """A sign that nobody sees."""


def looks_at(answer: Any, *, where: str) -> None:
    """Raises Harm where the answer (httpx' or Django's) lets a hostile name do what it is made for."""
    headers: Mapping[str, str] = answer.headers
    content = b"".join(answer.streaming_content) if getattr(answer, "streaming", False) else bytes(answer.content)
    _headers(headers, where)
    found = headers.get("Content-Type", "").partition(";")[0]
    if answer.status_code >= 500 and answer.status_code != 503:
        raise Harm(f"{where}: {answer.status_code}")
    if answer.status_code < 300:
        looks_into(content, kind=found, where=where)


def looks_into(content: bytes, *, kind: str, where: str) -> None:
    """The same of a file by its media type; of an archive each file in it."""
    # The scene's own export is a row with a file that holds none.
    if kind == "application/zip" and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if not re.fullmatch(r"[\w][\w./ -]*", name) or ".." in name or SIGN in name:
                    raise Harm(f"{where}: a file named {name!r}")
                # Tickets in an export are as they were written, to be read by programs: docs/export.md.
                if name.startswith("tickets/"):
                    continue
                looks_into(archive.read(name), kind=_kind_of(name), where=f"{where} {name}")
    elif (look := LOOKS.get(kind)) is not None:
        look(content, where)


def _kind_of(name: str) -> str:
    ending = name.rpartition(".")[2]
    return {"csv": "text/csv", "xml": "application/xml", "pdf": "application/pdf", "json": "application/json",
        "jsonl": "application/x-ndjson"}.get(ending, "")  # fmt: skip


def _headers(headers: Mapping[str, str], where: str) -> None:
    for name, value in headers.items():
        if re.search(r"[\r\n\0]", value):
            raise Harm(f"{where}: header {name}")
    disposition = headers.get("Content-Disposition", "")
    if disposition and not re.fullmatch(r'attachment; filename="[\w.-]+"', disposition):
        raise Harm(f"{where}: {disposition!r}")


def _page(content: bytes, where: str) -> None:
    text = content.decode()
    for element in HTMLParser(text).css("*"):
        harmful = [name for name in element.attributes if name.startswith("on")]
        links = [str(element.attributes.get(name) or "").strip().lower() for name in ("href", "src", "action")]
        if harmful or any(link.startswith(("javascript:", "data:text")) for link in links):
            raise Harm(f"{where}: {element.tag} {element.attributes}")
        is_code = element.tag == "script" and element.attributes.get("type") != "application/json"
        if (is_code and "alert(7)" in element.text()) or (element.tag == "img" and links[1] == "x"):
            raise Harm(f"{where}: {element.tag}")
    _plain(text, where)
    if re.search(r"xxe;49%|xxe;root:", text):
        raise Harm(f"{where}: worked out")


def _plain(text: str, where: str) -> None:
    # What is not of ours: words of tickets are shown as they were written.
    for found in re.finditer(re.escape(SIGN), text):
        around = text[max(0, found.start() - 3) : found.end() + 3]
        if UNSEEN.search(around):
            raise Unseen(f"{where}: {around!r}")


def _json(content: bytes, where: str) -> None:
    for text in _texts(json.loads(content)):
        _plain(text, where)


def _lines(content: bytes, where: str) -> None:
    for line in content.decode().splitlines():
        json.loads(line)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in _texts(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in _texts(part))


def _table(content: bytes, where: str) -> None:
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        for cell in row:
            if WORKED_OUT.match(cell) and not NUMBER.match(cell):
                raise Harm(f"{where}: {cell[:60]!r} is worked out by a spreadsheet")


def _xml(content: bytes, where: str) -> None:
    parser = expat.ParserCreate()

    def declared(*_: Any) -> None:
        raise Harm(f"{where}: a document type")

    parser.StartDoctypeDeclHandler = declared
    parser.Parse(content, True)


def _pdf(content: bytes, where: str) -> None:
    if not content.startswith(b"%PDF-") or re.search(rb"/(JavaScript|JS|Launch|OpenAction)\b.*alert", content):
        raise Harm(f"{where}: no document")


LOOKS = {
    "text/html": _page,
    "application/json": _json,
    "application/x-ndjson": _lines,
    "text/csv": _table,
    "application/xml": _xml,
    "text/xml": _xml,
    "application/pdf": _pdf,
}


def looks_at_mail(mail: str) -> None:
    """A whole mail as it is sent: its headers end before the first empty line."""
    head = mail.replace("\r\n", "\n").partition("\n\n")[0]
    if re.search(r"^bcc:|^to:.*eve@evil\.example", head, re.IGNORECASE | re.MULTILINE):
        raise Harm(f"mail {head[:300]}")
