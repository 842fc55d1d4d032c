"""CSV and its relatives: delimiter and quoting found from the first lines, rows read with Python's strict reader.

Python's reader gives 110 MB/s on two cores' worth of nothing else; pyarrow's would give 660, but it reports a bad row without its
column, takes a stray quote for data, and stops at the first undecodable byte. The rest of an import costs several times the reading.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import islice

from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import RowBatcher, Rows, unique_header
from otai.tickets.sources.text import TextFile, position_in_file

DELIMITERS = (",", ";", "\t", "|")
SNIFFED_LINES = 400
SNIFFED_CHARACTERS = 1_000_000
UNCLOSED_QUOTES_FOLLOWED = 50
"""Each unclosed quote costs reading up to one field's bound; after so many the file's quoting is broken as a whole."""

_NAMES = {",": "CSV", ";": "CSV separated by semicolons", "\t": "TSV", "|": "CSV separated by bars"}


class DelimitedSource:
    """A table in delimited text. The first row names the columns; the header is row 1."""

    def __init__(self, text: TextFile, *, delimiter: str | None = None) -> None:
        self._text = text
        self._limits = text.limits
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise refused(f"The delimiter {delimiter!r} cannot be used; it is one character, for example ';'.")
        with text.open() as handle:
            self._skip_lines = 0
            start = "".join(islice(handle, SNIFFED_LINES))[:SNIFFED_CHARACTERS]
        # Excel's own hint; it wins over guessing.
        if start[:4].lower() == "sep=" and start[4:5] and start[5:6] in ("\r", "\n"):
            self._skip_lines = 1
            delimiter = delimiter or start[4]
            start = start.partition("\n")[2]
        self._delimiter, self._escape = _dialect(start, delimiter)
        header = next(self._records(BadRows(skip=True), header=True), None)
        if header is None:
            raise refused("The file is empty.")
        self.columns = unique_header(header[1], self._limits)
        self.format = f"{_NAMES.get(self._delimiter, f'CSV separated by {self._delimiter!r}')}, {text.description}"
        self._position = 0

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[Rows]:
        width = len(self.columns)
        batch = RowBatcher(width)
        for number, row, characters in self._records(bad):
            if len(row) != width:
                fitted = self._fitted(number, row, bad)
                if fitted is None:
                    continue
                row = fitted
            if batch.add(number, row, characters):
                yield batch.take()
        if len(batch):
            yield batch.take()

    def _fitted(self, number: int, row: list[str], bad: BadRows) -> list[str] | None:
        width = len(self.columns)
        if not row:
            # A line with nothing on it is no row.
            return None
        if len(row) > width:
            if not any(row[width:]):
                return row[:width]
            bad.add(
                number,
                self.columns[-1],
                f"it has {len(row)} fields, the header has {width}; a delimiter in an unquoted text?",
            )
            return None
        bad.add(
            number, self.columns[len(row)], f"it has {len(row)} of {width} fields; this is the first that is missing"
        )
        return None

    def _records(self, bad: BadRows, *, header: bool = False) -> Iterator[tuple[int, list[str], int]]:
        """(row number, fields, characters) of each record but the header, or of the header alone."""
        csv.field_size_limit(self._limits.field_characters)
        with self._text.open() as handle:
            lines = _Lines(handle)
            for _ in range(self._skip_lines):
                next(lines.stream, None)
            reader = self._reader(lines)
            number = 0
            unclosed = 0
            taken = lines.taken
            while True:
                taken.clear()
                try:
                    row = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    number += 1
                    if header:
                        raise refused(f"The header cannot be read: {error}.", row=1) from None
                    unclosed += self._recover(number, lines, bad, str(error))
                    reader = self._reader(lines)
                    if unclosed > UNCLOSED_QUOTES_FOLLOWED:
                        raise refused(
                            f"{unclosed} quoted fields begin and never end, the last in row {number:,}: the quoting of this file is "
                            "broken. Export it again with quotes doubled inside quoted fields.",
                            row=number,
                        ) from None
                    continue
                number += 1
                if number == 1 and not header:
                    continue
                yield number, row, sum(map(len, taken)) if len(taken) > 1 else len(taken[0])
                if header:
                    return
                if number & 0x3FF == 0:
                    self._position = position_in_file(handle)
                    if number > self._limits.rows:
                        raise refused(
                            f"The file has more than {self._limits.rows:,} rows. Import it in parts.", row=number
                        )

    def _reader(self, lines: _Lines) -> Iterator[list[str]]:
        return csv.reader(
            lines.stream,
            delimiter=self._delimiter,
            strict=True,
            escapechar=self._escape,
            doublequote=self._escape is None,
        )

    def _recover(self, number: int, lines: _Lines, bad: BadRows, error: str) -> int:
        """Reports the record at which the reader stumbled and finds where the next one begins; 1 for a quote that never ends.

        A quoted field either ends where its quotes come in pairs again (then the record ends there), or its closing quote is missing
        (then the next line is the next record).
        """
        kept = list(lines.taken)
        column = self._column_of(kept)
        quotes = sum(line.count('"') for line in kept)
        size = sum(map(len, kept))
        most = 2 * self._limits.field_characters
        while quotes % 2 and size < most:
            line = next(lines.stream, None)
            if line is None:
                break
            kept.append(line)
            quotes += line.count('"')
            size += len(line)
        closes = quotes % 2 == 0
        if closes and "field limit" in error:
            bad.add(number, column, f"a field is longer than {self._limits.field_characters:,} characters")
            return 0
        if closes and (len(kept) == 1 or self._width_of(kept) == len(self.columns)):
            bad.add(number, column, "a quote inside a quoted field is not doubled")
            return 0
        if "field limit" in error and quotes == 0:
            bad.add(number, column, f"a field is longer than {self._limits.field_characters:,} characters")
            return 0
        lines.put_back(kept[1:])
        bad.add(number, column, "a quoted field begins and never ends")
        return 1

    def _width_of(self, lines: list[str]) -> int:
        """How many fields the lines have if every quote opens or closes."""
        outside = "".join(lines).split('"')[::2]
        return 1 + sum(part.count(self._delimiter) for part in outside)

    def _column_of(self, lines: list[str]) -> str | None:
        """The column in which the record's last quoted field begins: the one that the reader could not finish."""
        if not lines or not hasattr(self, "columns"):
            return None
        fields, inside, last = 0, False, 0
        for character in lines[0]:
            if character == '"':
                inside = not inside
                last = fields
            elif character == self._delimiter and not inside:
                fields += 1
        return self.columns[min(last, len(self.columns) - 1)]


class _Lines:
    """Lines of a text that remembers those of the present record and takes some back. `stream` is a generator: it is resumed ten million
    times for a gigabyte, and that is cheaper than a method."""

    def __init__(self, handle: Iterator[str]) -> None:
        self.taken: list[str] = []
        self._handle = handle
        self._back: deque[str] = deque()
        self.stream = self._lines()

    def _lines(self) -> Iterator[str]:
        take, back = self.taken.append, self._back
        while back:
            line = back.popleft()
            take(line)
            yield line
        for line in self._handle:
            take(line)
            yield line

    def put_back(self, lines: list[str]) -> None:
        """Gives `lines` again, before the rest, in a new `stream`: the old one may have reached the end."""
        self._back.extendleft(reversed(lines))
        self.stream = self._lines()


def _dialect(start: str, delimiter: str | None) -> tuple[str, str | None]:
    """The delimiter and the escape character (None: quotes are doubled) under which the first lines make the most regular table."""
    candidates = [delimiter] if delimiter else list(DELIMITERS)
    best: tuple[float, int, str, str | None] = (-1.0, 0, delimiter or ",", None)
    # A backslash before a quote is an escape only if reading it so makes the table more regular.
    escapes: list[str | None] = [None, "\\"] if '\\"' in start else [None]
    for rank, candidate in enumerate(candidates):
        for escape in escapes:
            width, regular = _regularity(start, candidate, escape)
            score = regular if width > 1 or delimiter else 0.0
            if (score, -rank) > (best[0], -best[1]) and score > best[0] + 1e-9:
                best = (score, rank, candidate, escape)
    return best[2], best[3]


def _regularity(start: str, delimiter: str, escape: str | None) -> tuple[int, float]:
    """The header's width under this dialect, and the share of the first records that have it (0 to 1, a little more for wider)."""
    reader = csv.reader(
        io.StringIO(start, newline=""), delimiter=delimiter, strict=True, escapechar=escape, doublequote=escape is None
    )
    width, good, all_records = 0, 0, 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            all_records += 1
            continue
        if not row:
            continue
        if not width:
            width = len(row)
            continue
        all_records += 1
        good += len(row) == width
    if not width:
        return 0, 0.0
    return width, (good / all_records if all_records else 0.5) + min(width, 50) * 1e-4
