"""HTML tables, as many helpdesks write what they call an Excel file: the table with the most cells, row by row."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from otai.learning.data.texts.html_text import text_of_html
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.grid import FRAME_ROWS, GridReader, frame_of, grouped
from otai.tickets.sources.table import Noted, RowBatch, read_as
from otai.tickets.sources.text import TextFile, position_in_file
from otai.words.sentences import Fact

READ_CHARACTERS = 1 << 20
_TAG = re.compile(r"<(/?)(table|tr|td|th)\b([^<>]*)>", flags=re.IGNORECASE)
"""No "<" inside: an unclosed tag ends at the next one, so that reading stays linear."""
_SPAN = re.compile(r"colspan\s*=\s*[\"']?(\d{1,3})", flags=re.IGNORECASE)
MOST_SPAN = 500
FEWEST_CELLS = 20
"""The fields of a form may stand in a table as small as this."""
_PASSWORD = re.compile(r"<input\b[^<>]{0,500}\btype\s?=\s?[\"']?password\b", flags=re.IGNORECASE)


class HtmlTableSource:
    """The largest table of an HTML file. Rows are numbered from 1, the header's included."""

    def __init__(self, text: TextFile, *, header: int | None = None) -> None:
        self._text = text
        self._position = 0
        self.noted = Noted()
        cells: Counter[int] = Counter()
        for table, _, row in self._all_rows():
            cells[table] += len(row) if len(row) > 1 else 0
        most = max(cells.values(), default=0)
        if not most or (most < FEWEST_CELLS and self._asks_for_a_password()):
            raise refused("web_page")
        self._table = max(cells, key=lambda table: cells[table])
        first = list(islice(self._rows(), FRAME_ROWS))
        frame = grouped(frame_of(first, header=header), self._rows())
        self._grid = GridReader(frame, limits=text.limits, noted=self.noted)
        self.columns = self._grid.columns
        self.format = read_as(Fact("format_html"), *text.written_in)

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """The table's rows below its header."""
        self.noted.begin()
        yield from self._grid.batches(self._rows(), bad)

    def _asks_for_a_password(self) -> bool:
        with self._text.open() as handle:
            return _PASSWORD.search(handle.read(READ_CHARACTERS)) is not None

    def _rows(self) -> Iterator[tuple[int, list[str | None]]]:
        return ((number, row) for table, number, row in self._all_rows() if table == self._table)

    def _all_rows(self) -> Iterator[tuple[int, int, list[str | None]]]:
        """(which table, row number in it, cells) of each row with content; tables inside cells belong to the cell."""
        most = 4 * self._text.limits.field_characters
        with self._text.open() as handle:
            buffer, at, depth, tables, number = "", 0, 0, -1, 0
            row: list[str | None] = []
            cell_from: int | None = None
            span = 1

            def close_cell(end: int) -> None:
                nonlocal cell_from
                if cell_from is not None and len(row) < self._text.limits.columns:
                    row.extend([_text(buffer[cell_from:end]), *([None] * (span - 1))])
                cell_from = None

            while True:
                match = _TAG.search(buffer, at)
                if match is None or match.end() > len(buffer) - 200:
                    chunk = handle.read(max(READ_CHARACTERS, len(buffer)))
                    if chunk:
                        self._position = position_in_file(handle)
                        # Keep the cell that is open, and what may be half a tag.
                        keep = (
                            cell_from
                            if cell_from is not None
                            else (match.start() if match else max(at, len(buffer) - 200))
                        )
                        if len(buffer) - keep > most:
                            raise refused("cell_never_ends", row=number + 1)
                        at = (match.start() if match else max(at, len(buffer) - 200)) - keep
                        buffer, cell_from = buffer[keep:] + chunk, (0 if cell_from is not None else None)
                        continue
                    if match is None:
                        close_cell(len(buffer))
                        if any(row):
                            yield tables, number + 1, row
                        return
                at = match.end()
                closes, name = bool(match[1]), match[2].lower()
                if name == "table":
                    depth += -1 if closes else 1
                    if depth == 1 and not closes:
                        tables, number = tables + 1, 0
                if depth != 1:
                    continue
                close_cell(match.start())
                if name == "tr" or (name == "table" and closes):
                    if any(row):
                        number += 1
                        yield tables, number, row
                    row = []
                elif not closes and name in ("td", "th"):
                    cell_from = match.end()
                    given = _SPAN.search(match[3])
                    span = min(max(int(given[1]), 1), MOST_SPAN) if given else 1


def _text(inner: str) -> str | None:
    if "<" in inner:
        inner = text_of_html(f"<div>{inner}</div>")
    elif "&" in inner:
        inner = html.unescape(inner)
    return inner.strip() or None
