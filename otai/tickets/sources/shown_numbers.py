"""Which cells of a sheet stand under a format that shows more than their number: what calamine does not tell, read from
the workbook's own parts.

Excel (.xlsx) keeps the formats in `styles.xml` and a style at each cell; old Excel (.xls) keeps records of formats, of
styles (XF) and of cells ([MS-XLS] 2.4). Nothing is read where no style has such a format, as in most exports.
"""

from __future__ import annotations

import re
import struct
import zipfile
from array import array
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import IO

from otai.tickets.sources.compound import stream_of
from otai.tickets.sources.number_formats import BUILT_IN, NumberFormat, format_of

STYLES_READ = 16 << 20
CHUNK_BYTES = 1 << 20
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""Of a sheet of Excel: XFD1048576."""
MOST_FORMATS = 60_000
MOST_COLUMNS = 1_000
"""Columns with such formats; of more, the numbers come as they are."""
_NUMFMT = re.compile(rb"<(?:\w{1,20}:)?numFmt\b([^<>]{0,2000})>")
_CELL_XFS = re.compile(rb"<(?:\w{1,20}:)?cellXfs\b.*?</(?:\w{1,20}:)?cellXfs>", re.DOTALL)
_XF = re.compile(rb"<(?:\w{1,20}:)?xf\b([^<>]{0,1000})>")
_SHEET = re.compile(rb"<(?:\w{1,20}:)?sheet\b([^<>]{0,2000})>")
_RELATIONSHIP = re.compile(rb"<(?:\w{1,20}:)?Relationship\b([^<>]{0,4000})>")
_ROW_OR_CELL = re.compile(rb"<(?:\w{1,20}:)?(row|c)(?=[\s/>])([^<>]{0,500})")
_ATTRIBUTE = re.compile(rb"""(?:\w{1,20}:)?(\w{1,40})\s?=\s?(?:"([^"]*)"|'([^']*)')""")
_STYLE = re.compile(rb"""\bs\s?=\s?["'](\d{1,6})["']""")
_PLACE = re.compile(rb"""\br\s?=\s?["']([A-Za-z]{0,3})(\d{1,7})["']""")


class ShownNumbers:
    """The formats of one sheet's cells, by row and column counted from 0."""

    def __init__(self) -> None:
        self._formats: list[NumberFormat] = []
        self._numbers: dict[NumberFormat, int] = {}
        self._at: dict[int, array[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._at)

    def put(self, row: int, column: int, format: NumberFormat) -> None:
        """Notes the format of a cell."""
        rows = self._at.get(column)
        if rows is None:
            if len(self._at) >= MOST_COLUMNS:
                return
            rows = self._at[column] = array("H")
        if format not in self._numbers:
            if len(self._formats) >= MOST_FORMATS:
                return
            self._formats.append(format)
            self._numbers[format] = len(self._formats)
        if row >= len(rows):
            rows.extend([0] * (row + 1 - len(rows)))
        rows[row] = self._numbers[format]

    def shown(self, row: int, column: int, number: float) -> str | None:
        """What people see in the cell; None where that is the number."""
        rows = self._at.get(column)
        if rows is None or row >= len(rows) or not (at := rows[row]):
            return None
        return self._formats[at - 1].shown(number)


class Workbook:
    """The formats of an .xlsx: `of` reads those of one sheet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with zipfile.ZipFile(path) as archive:
            self._formats = _formats_by_style(archive)
            self._parts = _parts_of_sheets(archive) if self._formats else {}

    def has_formats(self) -> bool:
        """Whether any style shows more than a number."""
        return bool(self._formats)

    def of(self, sheet: str) -> ShownNumbers:
        """The formats of a sheet's cells; none where no style has any."""
        found = ShownNumbers()
        part = self._parts.get(sheet)
        if part is not None:
            with zipfile.ZipFile(self._path) as archive, archive.open(part) as handle:
                for row, column, style in _styled(handle, self._formats):
                    found.put(row, column, self._formats[style])
        return found


def _attributes(text: bytes) -> dict[str, str]:
    return {
        found[1].decode("ascii", "replace"): unescape((found[2] or found[3] or b"").decode("utf-8", "replace"))
        for found in _ATTRIBUTE.finditer(text)
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else 0


def _formats_by_style(archive: zipfile.ZipFile) -> dict[int, NumberFormat]:
    """By the number that cells name their style with; only those that show more than the number."""
    if "xl/styles.xml" not in archive.NameToInfo:
        return {}
    with archive.open("xl/styles.xml") as handle:
        styles = handle.read(STYLES_READ)
    codes = dict(BUILT_IN)
    for found in _NUMFMT.finditer(styles):
        said = _attributes(found[1])
        codes[_number(said.get("numFmtId"))] = said.get("formatCode", "")
    cells = _CELL_XFS.search(styles)
    ids = [_number(_attributes(found[1]).get("numFmtId")) for found in _XF.finditer(cells[0])] if cells else []
    return _with_formats(ids, codes)


def _with_formats(ids: list[int], codes: Mapping[int, str]) -> dict[int, NumberFormat]:
    known = {id: format_of(codes[id]) for id in set(ids) & codes.keys()}
    return {style: format for style, id in enumerate(ids) if (format := known.get(id)) is not None}


def _parts_of_sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """The parts of the archive by the names of their sheets."""
    names = archive.NameToInfo
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names.keys():
        return {}
    targets = {}
    for found in _RELATIONSHIP.finditer(archive.read("xl/_rels/workbook.xml.rels")):
        said = _attributes(found[1])
        target = said.get("Target", "")
        targets[said.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    sheets = (_attributes(found[1]) for found in _SHEET.finditer(archive.read("xl/workbook.xml")))
    return {said.get("name", ""): part for said in sheets if (part := targets.get(said.get("id", ""))) in names}


def _styled(handle: IO[bytes], formats: Mapping[int, NumberFormat]) -> Iterator[tuple[int, int, int]]:
    """(row, column, style) of each cell with one of these styles. A row or cell that does not say where it stands
    follows the one before."""
    row, column, rest = -1, -1, b""
    while True:
        chunk = handle.read(CHUNK_BYTES)
        text = rest + chunk
        # A tag may go on in the next piece.
        cut = text.rfind(b"<") if chunk else len(text)
        text, rest = text[:cut], text[cut:][:4096]
        for tag in _ROW_OR_CELL.finditer(text):
            place = _PLACE.search(tag[2])
            if tag[1] == b"row":
                row, column = (int(place[2]) - 1 if place else row + 1), -1
                continue
            column = _column(place[1]) if place and place[1] else column + 1
            style = _STYLE.search(tag[2])
            is_inside = 0 <= row < LAST_ROW and column < LAST_COLUMN
            if style is not None and is_inside and (known := int(style[1])) in formats:
                yield row, column, known
        if not chunk:
            return


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number - 1


# Old Excel.

_FORMAT, _XF_RECORD, _SHEET_RECORD, _EOF = 0x041E, 0x00E0, 0x0085, 0x000A
_CELLS = frozenset((0x0203, 0x027E, 0x0006, 0x0406, 0x0206))
"""Numbers, compressed numbers, results of formulas: row, column, style come first in each."""
_SEVERAL = 0x00BD


class OldWorkbook:
    """The formats of an .xls: `of` reads those of one sheet."""

    def __init__(self, path: Path) -> None:
        self._content = stream_of(path, ("Workbook", "Book")) or b""
        codes: dict[int, str] = dict(BUILT_IN)
        ids: list[int] = []
        self._starts: dict[str, int] = {}
        for kind, data in _records(self._content, 0):
            if kind == _FORMAT and len(data) > 4:
                codes[int.from_bytes(data[:2], "little")] = _old_text(data[2:], wide=2)
            elif kind == _XF_RECORD and len(data) >= 4:
                ids.append(int.from_bytes(data[2:4], "little"))
            elif kind == _SHEET_RECORD and len(data) > 8:
                self._starts[_old_text(data[6:], wide=1)] = int.from_bytes(data[:4], "little")
        self._formats = _with_formats(ids, codes)

    def of(self, sheet: str) -> ShownNumbers:
        """The formats of a sheet's cells; none where no style has any."""
        found = ShownNumbers()
        start = self._starts.get(sheet)
        if start is None or not self._formats:
            return found
        for kind, data in _records(self._content, start):
            for row, column, style in _old_cells(kind, data):
                if style in self._formats:
                    found.put(row, column, self._formats[style])
        return found


def _old_cells(kind: int, data: bytes) -> Iterator[tuple[int, int, int]]:
    if kind in _CELLS and len(data) >= 6:
        yield struct.unpack_from("<HHH", data)
    elif kind == _SEVERAL and len(data) >= 12:
        row, first = struct.unpack_from("<HH", data)
        for at in range((len(data) - 6) // 6):
            yield row, first + at, int.from_bytes(data[4 + 6 * at : 6 + 6 * at], "little")


def _records(content: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """(kind, data) from there to the end of the part, its beginning left out."""
    depth = 0
    while at + 4 <= len(content):
        kind, length = struct.unpack_from("<HH", content, at)
        data = content[at + 4 : at + 4 + length]
        at += 4 + length
        if kind & 0xFF == 0x09 and length >= 4:
            # A chart in a sheet is a part of its own.
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, data


def _old_text(data: bytes, *, wide: int) -> str:
    """A text with its length in front; since Excel 97 a sign says whether it has two bytes a letter."""
    length = int.from_bytes(data[:wide], "little")
    if wide == 2 and len(data) == 1 + data[0]:
        # Excel 95: one byte of length.
        return data[1:].decode("cp1252", "replace")
    if len(data) == wide + length:
        return data[wide:].decode("cp1252", "replace")
    is_wide = len(data) > wide and data[wide] & 1
    rest = data[wide + 1 :]
    return rest[: 2 * length].decode("utf-16-le", "replace") if is_wide else rest[:length].decode("latin-1")
