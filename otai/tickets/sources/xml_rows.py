"""XML: the element that repeats is a ticket. Read with expat piece by piece; a document type, and with it every entity
trick, is refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.grid import FRAME_ROWS, GridReader, frame_of, grouped
from otai.tickets.sources.nested import Flattener
from otai.tickets.sources.no_tickets import MOST_ERRORS, must_be_elements_of_tickets
from otai.tickets.sources.number_formats import NumberFormat, format_of
from otai.tickets.sources.shown_numbers import MOST_FORMATS
from otai.tickets.sources.table import Noted, RowBatch, read_as, rows_by_keys, unique_header
from otai.tickets.sources.text import CHUNK_BYTES, TextFile
from otai.words.sentences import Fact

LOOKED_BYTES = 8 << 20
"""So much is looked at to find which element repeats."""
KEYS_FROM_ROWS = 20_000
DEEPEST = 100
SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_NAMED_FORMATS = {"Fixed": "0.00", "Standard": "#,##0.00", "Percent": "0.00%"}
"""As "XML Spreadsheet 2003" calls formats that show more than the number."""
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,2})?")
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")


@dataclass(slots=True)
class _Element:
    """An open element of a ticket."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: dict[str, list[Any]] = field(default_factory=dict)


class _Reader:
    """The tickets of an XML text: values of the elements at `path`, one by one."""

    def __init__(self, text: TextFile, path: tuple[str, ...], listed: set[tuple[str, ...]]) -> None:
        self._text = text
        self._path = path
        self._listed = listed
        self._here: list[str] = []
        self._open: list[_Element] = []
        self._done: list[tuple[int, int, Any]] = []
        self._characters = 0
        self.number = 0

    def tickets(self) -> Iterator[tuple[int, int, Any]]:
        """(number, characters, value); a value is a dict, or a text for an element without any inside."""
        parser = _parser(self._text)
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._data
        for _ in _fed(parser, self._text):
            yield from self._done
            self._done.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        self._here.append(name)
        if len(self._here) > DEEPEST:
            raise refused("xml_nested", most=DEEPEST)
        if self._open or tuple(self._here) == self._path:
            self._open.append(_Element(name, {_local(key): value for key, value in attributes.items()}))

    def _data(self, data: str) -> None:
        if self._open:
            self._open[-1].text.append(data)
            self._characters += len(data)
            if self._characters > 4 * self._text.limits.field_characters:
                raise refused("element_text", row=self.number + 1)

    def _end(self, _: str) -> None:
        place = tuple(self._here)
        self._here.pop()
        if not self._open:
            return
        element = self._open.pop()
        value = self._value(element, place)
        if self._open:
            siblings = self._open[-1].children.setdefault(element.name, [])
            siblings.append(value)
            if len(siblings) > 1:
                self._listed.add(place)
            return
        self.number += 1
        self._done.append((self.number, self._characters, value if isinstance(value, dict) else {element.name: value}))
        self._characters = 0

    def _value(self, element: _Element, place: tuple[str, ...]) -> Any:
        text = "".join(element.text).strip()
        attributes = {
            key: value for key, value in element.attributes.items() if key not in ("type", "nil", "space", "lang")
        }
        if element.attributes.get("nil") == "true" and not element.children:
            return None
        if not element.children:
            if "display_value" in attributes:
                return attributes["display_value"] or text
            if text or not attributes:
                return text or None
            return attributes
        fields: dict[str, Any] = dict(attributes)
        for name, values in element.children.items():
            is_list = len(values) > 1 or (*place, name) in self._listed
            fields[name] = [value for value in values if value is not None] if is_list else values[0]
        if text:
            fields["text"] = text
        # <tags type="array"><tag>a</tag></tags> is a list called tags, also where it has one element.
        if len(fields) == 1:
            ((name, inner),) = fields.items()
            is_plural = element.attributes.get("type") == "array" or element.name.lower() in (
                f"{name.lower()}s",
                f"{name.lower()}list",
            )
            if isinstance(inner, list) or is_plural:
                return inner if isinstance(inner, list) else [inner]
        return fields


class XmlSource:
    """A table of the elements that repeat. Rows are numbered from 1."""

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._limits = text.limits
        self._path = _repeating(text)
        self._listed: set[tuple[str, ...]] = set()
        self._flatten = Flattener()
        self._position = 0
        self.noted = Noted(list_at="/".join(self._path))
        self.late_keys: dict[str, int] = {}
        keys: dict[str, None] = {}
        first: list[Any] = []
        for number, _, document in _Reader(text, self._path, self._listed).tickets():
            first += [document] if number <= MOST_ERRORS + 1 else []
            keys.update(dict.fromkeys(self._flatten.row(document)))
            if len(keys) > self._limits.columns:
                raise refused("xml_fields", most=self._limits.columns)
            if number >= KEYS_FROM_ROWS:
                break
        must_be_elements_of_tickets(self._path, first)
        if not keys:
            raise refused("xml_nothing_repeats")
        self._keys = list(keys)
        self.columns = unique_header(self._keys, self._limits, self.noted)
        self.format = read_as(Fact("format_xml"), Fact("part_elements", {"name": repr(self._path[-1])}))

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """One ticket an element, nested values flattened."""
        self.late_keys = {}
        yield from rows_by_keys(self._objects(), self._keys, limits=self._limits, late_keys=self.late_keys)

    def _objects(self) -> Iterator[tuple[int, dict[str, Any], int]]:
        for number, characters, document in _Reader(self._text, self._path, self._listed).tickets():
            if number > self._limits.rows:
                raise refused("xml_tickets", most=self._limits.rows, row=number)
            yield number, self._flatten.row(document), characters


class SpreadsheetXmlSource:
    """A workbook saved as "XML Spreadsheet 2003", as many helpdesks write what they call .xls: the largest of its
    sheets."""

    def __init__(self, text: TextFile, *, sheet: str | None = None, header: int | None = None) -> None:
        self._text = text
        self.noted = Noted()
        sizes: Counter[str] = Counter()
        for name, _, _ in _SheetReader(text).rows():
            sizes[name] += 1
        if not sizes:
            raise refused("sheets_empty")
        if sheet is not None and sheet not in sizes:
            raise refused("no_sheet", sheet=sheet, sheets=list(sizes))
        self._sheet = sheet or max(sizes, key=lambda name: sizes[name])
        self.noted.sheets = [self._sheet]
        self.noted.sheets_left_out = [name for name in sizes if name != self._sheet]
        first = []
        for row in self._rows():
            first.append(row)
            if len(first) >= FRAME_ROWS:
                break
        frame = grouped(frame_of(first, header=header), self._rows())
        self._grid = GridReader(frame, limits=text.limits, noted=self.noted)
        self.columns = self._grid.columns
        self.format = read_as(Fact("format_excel_xml"), Fact("part_sheet", {"name": repr(self._sheet)}))

    def bytes_read(self) -> int:
        return 0

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """The sheet's rows below its header."""
        self.noted.begin()
        yield from self._grid.batches(self._rows(), bad)

    def _rows(self) -> Iterator[tuple[int, list[str | None]]]:
        return ((number, cells) for name, number, cells in _SheetReader(self._text).rows() if name == self._sheet)


class _SheetReader:
    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._sheet = ""
        self._number = self._column = self._merged = 0
        self._cells: list[str | None] = []
        self._data: list[str] | None = None
        self._done: list[tuple[str, int, list[str | None]]] = []
        self._formats: dict[str, NumberFormat] = {}
        self._styles_of_columns: dict[int, str] = {}
        self._style = self._style_of_row = ""
        self._is_number = False

    def rows(self) -> Iterator[tuple[str, int, list[str | None]]]:
        """(sheet, row number, cells) of each row with content."""
        parser = _parser(self._text)
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = lambda data: self._data.append(data) if self._data is not None else None
        for _ in _fed(parser, self._text):
            yield from self._done
            self._done.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        said = {_local(key): value for key, value in attributes.items()}
        if name == "Data":
            self._data, self._is_number = [], said.get("Type") == "Number"
        elif name == "Cell":
            self._begin_cell(said)
        elif name == "Row":
            self._number = _counted(said, "Index") or self._number + 1
            self._cells, self._column, self._merged = [], 0, 0
            self._style_of_row = said.get("StyleID", "")
        elif name == "Worksheet":
            self._sheet = said.get("Name", "")
            self._number = self._column = 0
            self._styles_of_columns = {}
        elif name == "Column":
            self._begin_column(said)
        elif name == "Style":
            self._begin_style(said)
        elif name == "NumberFormat":
            code = said.get("Format", "")
            self._keep(self._style, format_of(_NAMED_FORMATS.get(code, code)))

    def _begin_cell(self, said: Mapping[str, str]) -> None:
        self._column = _counted(said, "Index") or self._column + 1 + self._merged
        self._merged = _counted(said, "MergeAcross")
        if self._column > self._text.limits.columns:
            raise refused("sheet_columns", most=self._text.limits.columns)
        self._style = said.get("StyleID") or self._style_of_row or self._styles_of_columns.get(self._column, "")

    def _begin_column(self, said: Mapping[str, str]) -> None:
        first = _counted(said, "Index") or self._column + 1
        self._column = first + _counted(said, "Span")
        if "StyleID" in said and self._column <= self._text.limits.columns:
            self._styles_of_columns |= dict.fromkeys(range(first, self._column + 1), said["StyleID"])

    def _begin_style(self, said: Mapping[str, str]) -> None:
        self._style = said.get("ID", "")
        self._keep(self._style, self._formats.get(said.get("Parent", "")))

    def _keep(self, style: str, format: NumberFormat | None) -> None:
        if format is None:
            self._formats.pop(style, None)
        elif len(self._formats) < MOST_FORMATS:
            self._formats[style] = format

    def _end(self, name: str) -> None:
        name = _local(name)
        if name == "Data" and self._data is not None:
            self._cells += [None] * (self._column - len(self._cells))
            if self._column:
                self._cells[self._column - 1] = self._shown("".join(self._data)) or None
            self._data = None
        elif name == "Row" and any(self._cells):
            self._done.append((self._sheet, self._number, self._cells))

    def _shown(self, cell: str) -> str:
        format = self._formats.get(self._style) if self._is_number else None
        if format is None or _NUMBER.fullmatch(cell) is None:
            return cell
        return format.shown(float(cell)) or cell


def _counted(said: Mapping[str, str], name: str) -> int:
    value = said.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 8 else 0


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _parser(text: TextFile) -> Any:
    parser = expat.ParserCreate(encoding="utf-8")
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise refused("xml_document_type")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _fed(parser: Any, text: TextFile) -> Iterator[None]:
    """Gives the text to the parser; stands still after each piece. Raises DatasetInvalid where the XML is damaged."""
    with text.open() as handle:
        try:
            while chunk := handle.read(CHUNK_BYTES):
                # The encoding was found by reading all of it; what the declaration says is often not true.
                parser.Parse(chunk.lstrip("\ufeff").encode("utf-8", errors="replace").translate(None, _CONTROLS), False)
                yield
            parser.Parse(b"", True)
            yield
        except expat.ExpatError as error:
            raise refused("xml_damaged", line=error.lineno, error=expat.ErrorString(error.code), row=None) from None


def _repeating(text: TextFile) -> tuple[str, ...]:
    """The path of the element that is a ticket: going down from the root, the first level where one with others inside
    repeats."""
    counts: Counter[tuple[str, ...]] = Counter()
    has_children: set[tuple[str, ...]] = set()
    sizes: Counter[tuple[str, ...]] = Counter()
    here: list[str] = []
    attributes_of: Counter[tuple[str, ...]] = Counter()

    def start(name: str, attributes: dict[str, str]) -> None:
        here.append(_local(name))
        path = tuple(here[:8])
        if len(here) > 1:
            has_children.add(tuple(here[:-1])[:8])
        counts[path] += len(here) <= 8
        attributes_of[path] += len(attributes) > 1
        if len(here) > DEEPEST or len(counts) > 20_000:
            raise refused("xml_kinds")

    def data(piece: str) -> None:
        sizes[tuple(here[:8])] += len(piece)

    parser = _parser(text)
    parser.StartElementHandler, parser.EndElementHandler = start, lambda _: here.pop()
    parser.CharacterDataHandler = data
    read = 0
    for _ in _fed(parser, text):
        read += CHUNK_BYTES
        if read >= LOOKED_BYTES:
            break
    if not counts:
        raise refused("xml_empty")
    path = next(iter(counts))
    while True:
        inside = [one for one in counts if len(one) == len(path) + 1 and one[:-1] == path]
        rows = [one for one in inside if counts[one] > 1 and (one in has_children or attributes_of[one] > 0)]
        if rows:
            return max(rows, key=lambda one: (_below(sizes, one), counts[one]))
        deeper = [one for one in inside if one in has_children]
        if not deeper:
            return path
        largest = max(deeper, key=lambda one: _below(sizes, one))
        if not any(counts[one] > 1 and (one in has_children) for one in counts if one[: len(largest)] == largest):
            # Nothing repeats below: one ticket.
            return largest if len(deeper) == 1 else path
        path = largest


def _below(sizes: Counter[tuple[str, ...]], path: tuple[str, ...]) -> int:
    return sum(size for one, size in sizes.items() if one[: len(path)] == path)


__all__ = ["SPREADSHEET", "SpreadsheetXmlSource", "XmlSource"]
