"""Files of tickets that are made to harm: archives that lead out or never end, XML that expands or asks for others,
workbooks without an end, documents as deep as they are long. Each is small; what it asks for is not."""

from __future__ import annotations

import gzip
import io
import json
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

CSV = b"text,queue\n" + b"the printer is on fire,it\nno money came,billing\n" * 6
LED_OUT = Path(tempfile.gettempdir()) / "out.csv"
"""Where an archive would lead that is followed."""
SECRET = "file:///etc/passwd"
ENTITIES = "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "printerprinter">' for n in range(10)
)
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE t [{ENTITIES}]>'
OUTSIDE = f'<?xml version="1.0"?><!DOCTYPE t [<!ENTITY x SYSTEM "{SECRET}">]>'
BY_PARAMETER = '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY % p SYSTEM "http://127.0.0.1:9/evil.dtd">%p;]>'
TICKETS = "<tickets>" + "<ticket><text>the printer is on fire {0}</text><queue>it</queue></ticket>" * 8 + "</tickets>"


def harmful_files() -> Iterator[tuple[str, bytes]]:
    """Names, with their endings, and what is in them."""
    yield from _archives()
    yield from _xml()
    yield from _workbooks()
    yield from _deep()


def _zip(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def _tar(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member in members:
            content = CSV if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, *, to: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def _archives() -> Iterator[tuple[str, bytes]]:
    for number, name in enumerate(
        ("../../../out.csv", str(LED_OUT), "..\\..\\out.csv", "C:\\out.csv", "a/../../out.csv")
    ):
        yield f"leads-out-{number}.zip", _zip((name, CSV))
        yield f"leads-out-{number}.tar.gz", _tar(_member(name))
    link = zipfile.ZipInfo("tickets.csv")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    yield "link.zip", _zip((link, b"/etc/passwd"))
    yield "link.tar.gz", _tar(_member("tickets.csv", tarfile.SYMTYPE, to="/etc/passwd"))
    yield "hard-link.tar.gz", _tar(_member("tickets.csv", tarfile.LNKTYPE, to="/etc/passwd"))
    yield "device.tar.gz", _tar(_member("tickets.csv", tarfile.CHRTYPE))
    yield "fifo.tar.gz", _tar(_member("tickets.csv", tarfile.FIFOTYPE))
    zeros = b"text,queue\n" + b"0" * (32 << 20)
    yield "bomb.zip", _zip(*((f"{number}.csv", zeros) for number in range(4)))
    yield "bomb.csv.gz", gzip.compress(zeros * 4, 9)
    inside = CSV
    for _ in range(30):
        inside = _zip(("tickets.zip", inside))
    yield "nested.zip", inside
    yield "many.zip", _zip(*((f"{number}.csv", b"") for number in range(20_000)), method=zipfile.ZIP_STORED)


def _xml() -> Iterator[tuple[str, bytes]]:
    yield "laughs.xml", (LAUGHS + TICKETS.format("&e9;")).encode()
    yield "outside.xml", (OUTSIDE + TICKETS.format("&x;")).encode()
    yield "by-parameter.xml", (BY_PARAMETER + TICKETS.format("")).encode()
    yield "deep.xml", b"<t>" * 200_000 + b"x" + b"</t>" * 200_000
    yield "attributes.xml", b"<t><a " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/></t>"
    include = '<t xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{}" parse="text"/></t>'
    yield "include.xml", include.format(SECRET).encode()


NAMESPACES = "http://schemas.openxmlformats.org"
TYPES = "application/vnd.openxmlformats"


def _element(name: str, inside: str = "", /, **attributes: str) -> str:
    """An element of XML; in the names of attributes `__` stands for the colon of a prefix."""
    said = "".join(f' {key.replace("__", ":")}="{value}"' for key, value in attributes.items())
    return f"<{name}{said}>{inside}</{name}>"


def _relationship(kind: str, target: str) -> bytes:
    to = _element("Relationship", Id="r", Type=f"{NAMESPACES}/officeDocument/2006/relationships/{kind}", Target=target)
    return _element("Relationships", to, xmlns=f"{NAMESPACES}/package/2006/relationships").encode()


def _sheet(*, dimension: str = "A1:B3", head: str = '<?xml version="1.0"?>', text: str = "fire") -> bytes:
    spreadsheet = f"{NAMESPACES}/spreadsheetml/2006/main"
    types = {
        "rels": f"{TYPES}-package.relationships+xml",
        "xml": f"{TYPES}-officedocument.spreadsheetml.sheet.main+xml",
    }
    defaults = "".join(_element("Default", Extension=ending, ContentType=kind) for ending, kind in types.items())
    cells = [("A1", "text"), ("B1", "queue"), ("A2", text), ("B2", "queue"), ("A3", text), ("B3", "queue")]
    written = [_element("c", _element("is", _element("t", said)), r=place, t="inlineStr") for place, said in cells]
    rows = "".join(_element("row", "".join(written[2 * row : 2 * row + 2]), r=str(row + 1)) for row in range(3))
    sheets = _element("sheets", _element("sheet", name="S", sheetId="1", r__id="r"))
    relationships = f"{NAMESPACES}/officeDocument/2006/relationships"
    book = _element("workbook", sheets, xmlns=spreadsheet, xmlns__r=relationships)
    inside = _element("dimension", ref=dimension) + _element("sheetData", rows)
    return _zip(
        ("[Content_Types].xml", _element("Types", defaults, xmlns=f"{NAMESPACES}/package/2006/content-types").encode()),
        ("_rels/.rels", _relationship("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book.encode()),
        ("xl/_rels/workbook.xml.rels", _relationship("worksheet", "worksheets/sheet1.xml")),
        ("xl/worksheets/sheet1.xml", (head + _element("worksheet", inside, xmlns=spreadsheet)).encode()),
    )


def _workbooks() -> Iterator[tuple[str, bytes]]:
    yield "ordinary.xlsx", _sheet()
    yield "without-end.xlsx", _sheet(dimension="A1:XFD1048576")
    yield "laughs.xlsx", _sheet(head=LAUGHS, text="&e9;")
    yield "outside.xlsx", _sheet(head=OUTSIDE, text="&x;")
    yield "no-workbook.xlsx", _zip(("xl/workbook.xml", b"<" * 100_000))
    yield "cut.xlsx", _sheet()[:-40]


def _deep() -> Iterator[tuple[str, bytes]]:
    yield "deep.json", b'[{"text":' + b"[" * 200_000 + b"]" * 200_000 + b"}]"
    yield "deep-object.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "deep.jsonl", b'{"text":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
    yield "number.json", b'[{"text":' + b"9" * 200_000 + b"}]"
    wide = {f"c{number}": "x" for number in range(60_000)}
    yield "wide.json", json.dumps([wide]).encode()
    yield "wide.csv", b",".join(b"c%d" % number for number in range(60_000)) + b"\n" + b"," * 59_999 + b"\n"
    yield "quote.csv", b'text,queue\n"' + b"x" * (8 << 20)
