"""JSON: one object a line, a list of objects, a list inside an object (a page of an API), or objects one after the
other.

Nested objects become columns with a dot. Only one ticket is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.json_cursor import Cursor, kind_of, parse, reason_of
from otai.tickets.sources.json_lists import NO_LIST, list_of_tickets, tickets_at
from otai.tickets.sources.json_tables import rows_of_lists, table_by_columns
from otai.tickets.sources.nested import Flattener
from otai.tickets.sources.no_tickets import must_hold_tickets, small_document
from otai.tickets.sources.table import Noted, RowBatch, read_as, rows_by_keys, unique_header
from otai.tickets.sources.text import TextFile, position_in_file
from otai.words.sentences import Fact

KEYS_FROM_ROWS = 20_000
"""The columns are the keys of the first rows; one that appears only later is left out and reported."""
JOINED_LINES = 500
"""A text with real line breaks may go over so many lines."""


class JsonSource:
    """A table of JSON objects. Rows are numbered from 1: the line in JSON Lines, else the object."""

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._limits = text.limits
        self._position = 0
        self.noted = Noted(mixed_encodings=text.is_mixed)
        self._flatten = Flattener()
        with text.open() as handle:
            cursor = Cursor(handle, self._limits)
            # A list is looked for in an object only: a list of objects is a list of tickets.
            self._is_array = cursor.peek() == "["
            self._where = NO_LIST if self._is_array else list_of_tickets(cursor)
        must_hold_tickets(small_document(text), self._where)
        is_found = self._where is not NO_LIST
        self._by_columns = None if self._is_array or is_found else table_by_columns(text)
        is_found = is_found or self._by_columns is not None
        may_be_lines = not self._is_array and not is_found and text.longest_line <= self._limits.line_bytes
        self._is_lines = may_be_lines and self._first_line_is_an_object()
        self.late_keys: dict[str, int] = {}
        self._keys = self._first_keys()
        self.columns = unique_header(self._keys, self._limits, self.noted)
        self.noted.list_at = ".".join(self._where.path)
        kind = "format_json_array" if self._is_array else "format_json_lines" if self._is_lines else "format_json"
        at = [Fact("part_list", {"name": repr(self.noted.list_at)})] if self._where.path else []
        self.format = read_as(Fact(kind), *at, *text.written_in)

    def _first_keys(self) -> list[str]:
        keys: dict[str, None] = {}
        first_problem = BadRows(skip=True)
        for seen, (_, row, _) in enumerate(self._objects(first_problem), start=1):
            keys.update(dict.fromkeys(row))
            if len(keys) > self._limits.columns:
                raise refused("json_keys", most=self._limits.columns)
            if seen >= KEYS_FROM_ROWS:
                break
        if not keys:
            BadRows.refuse(first_problem)
            raise refused("json_no_objects")
        return list(keys)

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """One ticket an object, nested values flattened."""
        self.late_keys = {}
        yield from rows_by_keys(self._objects(bad), self._keys, limits=self._limits, late_keys=self.late_keys)

    def _objects(self, bad: BadRows) -> Iterator[tuple[int, dict[str, Any], int]]:
        documents = self._lines(bad) if self._is_lines else self._elements()
        for number, characters, document in documents:
            if number > self._limits.rows:
                raise refused("rows", most=self._limits.rows, row=number)
            if not isinstance(document, dict):
                bad.add(number, None, "json_no_object", kind=kind_of(document))
                continue
            yield number, self._flatten.row(document), characters

    def _first_line_is_an_object(self) -> bool:
        with self._text.open() as handle:
            for line in handle:
                if line.strip("\ufeff \t\r\n"):
                    try:
                        return isinstance(parse(line), dict)
                    except (ValueError, RecursionError):
                        # Damage in the first of many lines is a bad row; an object over several lines begins with its
                        # brace alone.
                        return line.strip("\ufeff \t\r\n") not in ("{", "[") and self._some_line_is_an_object(handle)
        return False

    def _some_line_is_an_object(self, rest: Iterator[str]) -> bool:
        for _, line in zip(range(JOINED_LINES), rest, strict=False):
            if line.startswith("{"):
                try:
                    return isinstance(parse(line), dict)
                except (ValueError, RecursionError):
                    continue
        # One object, or rubbish: either way what is wrong is said for each line.
        return True

    def _lines(self, bad: BadRows) -> Iterator[tuple[int, int, Any]]:
        """(line number, characters, document) of each line, and of lines that only together are one: a text with real
        line breaks."""
        with self._text.open() as handle:
            lines = enumerate(handle, start=1)
            waiting: tuple[int, str] | None = None
            while True:
                numbered = waiting or next(lines, None)
                waiting = None
                if numbered is None:
                    return
                number, line = numbered
                if number & 0xFF == 0:
                    self._position = position_in_file(handle)
                if line.isspace() or not line:
                    continue
                try:
                    yield number, len(line), parse(line)
                    continue
                except RecursionError as error:
                    bad.add(number, None, "no_json", reason=reason_of(error))
                    continue
                except ValueError as error:
                    first_error = error
                joined, waiting = self._joined(line, lines)
                if joined is None:
                    bad.add(number, None, "no_json", reason=reason_of(first_error))
                else:
                    yield number, len(line), joined

    def _joined(self, line: str, lines: Iterator[tuple[int, str]]) -> tuple[Any, tuple[int, str] | None]:
        """The document that begins in `line` and ends in a later one, or None; and the line that was read too far."""
        if not line.lstrip("\ufeff \t").startswith("{") or line.rstrip().endswith("}"):
            return None, None
        parts, size = [line], len(line)
        for number, more in lines:
            if more.startswith("{") and more.rstrip().endswith("}"):
                return None, (number, more)
            parts.append(more)
            size += len(more)
            if more.rstrip().endswith("}"):
                try:
                    return parse("".join(parts)), None
                except (ValueError, RecursionError):
                    # Whatever it is, the line that ends like an object ends the damage.
                    return None, None
            if len(parts) > JOINED_LINES or size > self._limits.field_characters:
                return None, None
        return None, None

    def _elements(self) -> Iterator[tuple[int, int, Any]]:
        """(number, characters, document) of each object, wherever in the file the list lies."""
        number = 0
        if self._by_columns is not None:
            for number, document in enumerate(self._by_columns, start=1):
                yield number, sum(len(cell) for cell in document.values() if isinstance(cell, str)), document
            return
        with self._text.open() as handle:
            cursor = Cursor(handle, self._limits)
            while cursor.peek():
                for element, characters in rows_of_lists(tickets_at(cursor, self._where)):
                    number += 1
                    if number & 0xFF == 0:
                        self._position = position_in_file(handle)
                    yield number, characters, element
                # Commas between objects that somebody has put one after the other.
                cursor.skip(",")
