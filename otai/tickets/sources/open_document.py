"""OpenDocument sheets (.ods), read row by row with expat: repeated cells and rows count up to the bounds of an import,
and no further."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from otai.tickets.limits import Limits
from otai.tickets.problems import refused
from otai.tickets.sources.number_formats import same_number

CHUNK_BYTES = 1 << 20
MOST_COPIES = 1_000
"""Of one row with content; more of the same are no tickets."""


class OpenDocument:
    """An open sheet: the names of its visible tables, and the rows of one."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self.sheets: list[str] = []
        self.hidden: list[str] = []
        names: dict[str, None] = {}
        for name, _, _ in self._all_rows(None):
            names[name] = None
        self.sheets = list(names)

    def close(self) -> None:
        """Nothing is held open."""

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str | None]]]:
        """The sheet's rows with their numbers from 1."""
        return ((number, cells) for _, number, cells in self._all_rows(sheet))

    def _all_rows(self, sheet: str | None) -> Iterator[tuple[str, int, list[str | None]]]:
        """(table, row number, cells) of each row with content, of one table or of all."""
        reader = _Reader(self._limits, sheet)
        parser = expat.ParserCreate(encoding="utf-8")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
        parser.CharacterDataHandler = reader.data
        parser.StartDoctypeDeclHandler = _refuse_document_type
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open("content.xml") as handle:
                while chunk := handle.read(CHUNK_BYTES):
                    parser.Parse(chunk, False)
                    yield from reader.done
                    reader.done.clear()
                parser.Parse(b"", True)
        except (expat.ExpatError, zipfile.BadZipFile, KeyError, RuntimeError, EOFError) as error:
            raise refused("ods_damaged", error=error) from error
        yield from reader.done


def _refuse_document_type(*_: Any) -> None:
    raise refused("sheet_document_type")


class _Reader:
    def __init__(self, limits: Limits, sheet: str | None) -> None:
        self._limits = limits
        self._wanted = sheet
        self._sheet = ""
        self._number = self._row_copies = 0
        self._cells: list[str | None] = []
        self._cell: list[str] | None = None
        self._value: str | None = None
        self._is_number = False
        self._copies = 1
        self._characters = 0
        self._notes = 0
        self.done: list[tuple[str, int, list[str | None]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table:table":
            self._sheet, self._number = attributes.get("table:name", ""), 0
        elif self._wanted is not None and self._sheet != self._wanted:
            return
        elif name == "table:table-row":
            self._row_copies = _count(attributes.get("table:number-rows-repeated"))
            self._cells = []
        elif name in ("table:table-cell", "table:covered-table-cell"):
            self._cell = []
            self._value = attributes.get("office:date-value") or attributes.get("office:boolean-value")
            type = attributes.get("office:value-type")
            if self._value is None and type in ("float", "currency", "percentage"):
                self._value = _number(attributes.get("office:value"))
                self._is_number = type != "currency"
            self._copies = _count(attributes.get("table:number-columns-repeated"))
        elif name == "office:annotation":
            self._notes += 1
        elif name in ("text:line-break", "text:tab", "text:s") and self._cell is not None:
            self._cell.append({"text:line-break": "\n", "text:tab": "\t"}.get(name, " "))
        elif name == "text:p" and self._cell:
            self._cell.append("\n")

    def data(self, text: str) -> None:
        if self._cell is not None and not self._notes:
            self._cell.append(text)
            self._characters += len(text)
            if self._characters > self._limits.field_characters * 4:
                raise refused("row_text", row=self._number + 1)

    def end(self, name: str) -> None:
        if self._wanted is not None and self._sheet != self._wanted:
            return
        if name == "office:annotation":
            self._notes = max(self._notes - 1, 0)
        elif name in ("table:table-cell", "table:covered-table-cell"):
            text = "".join(self._cell or ()).strip("\n") or None
            if self._value is not None:
                text = (_as_shown(self._value, text) if text and self._is_number else None) or self._value
            self._cell, self._is_number = None, False
            # A style that reaches to the last column is no content; a cell of text so often would be beyond the bound.
            copies = self._copies if text is None else min(self._copies, self._limits.columns + 1)
            if text is not None and len(self._cells) + copies > self._limits.columns + 1:
                raise refused("sheet_columns", most=self._limits.columns)
            self._cells += [text] * min(copies, max(self._limits.columns + 1 - len(self._cells), 0))
        elif name == "table:table-row":
            self._characters = 0
            if any(self._cells):
                for copy in range(min(self._row_copies, MOST_COPIES)):
                    self.done.append((self._sheet, self._number + copy + 1, self._cells))
            self._number += self._row_copies


def _count(text: str | None) -> int:
    return min(max(int(text), 1), 1 << 24) if text and text.isdecimal() and len(text) < 10 else 1


def _number(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else text


def _as_shown(value: str, text: str) -> str | None:
    """What people see of a number, where it says no less than the number."""
    try:
        return same_number(float(value), text)
    except ValueError:
        return None
