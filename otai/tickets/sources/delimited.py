"""CSV and its relatives: delimiter and quoting found from the first lines, plain blocks read by Arrow, the others with
Python's strict reader.

Arrow alone reports a bad row without its column, takes a stray quote for data, and stops at the first undecodable byte;
Python's reader costs several times as much. So Arrow reads where both would read the same (`plain_blocks.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import pyarrow as pa
import pyarrow.compute as pc

from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.dialect import can_part_fields, dialect_of, formula_text, quoted_field
from otai.tickets.sources.grid import (
    FOOTER_ROWS,
    FRAME_ROWS,
    Frame,
    GridReader,
    Numbered,
    drop_footer,
    footer_length,
    frame_of,
    grouped,
    note_footer,
    note_row,
)
from otai.tickets.sources.plain_blocks import PlainReader, PlainRecords
from otai.tickets.sources.table import Noted, RowBatch, RowBatcher, clean_name, read_as, unique_header
from otai.tickets.sources.text import TextFile, position_in_file
from otai.words.sentences import Fact

BYTE_ORDER_MARK = "\ufeff"
REPEATED_KEPT = 8
"""Of columns of one name, where there are more columns than an import may have."""
SNIFFED_LINES = 400
SNIFFED_CHARACTERS = 1_000_000
UNCLOSED_QUOTES_FOLLOWED = 50
"""Each unclosed quote costs reading up to one field's bound; after so many the file's quoting is broken as a whole."""

_PAGE = re.compile(r"(?:page|seite|página|pagina|strona|pag\.) ?\d+(?: ?(?:of|von|de|di|van|z|/) ?\d+)?", re.IGNORECASE)
PAGES_BEGIN = frozenset(("page ", "seite", "págin", "pagin", "stron", "pag. "))
_RULE = re.compile(r"\s*(?::?-{2,}:?)?\s*")


def _is_rule(row: Sequence[str], delimiter: str) -> bool:
    """Whether a row draws a line; in a table of bars a field of it may be empty."""
    return len(row) > 1 and all(map(_RULE.fullmatch, row)) and (delimiter == "|" or all(map(str.strip, row)))


ROWS_TOGETHER = 64
"""Rows that are taken from Python's reader at once: of long texts no more than fit into memory."""

KEPT_ROWS = 3 * FOOTER_ROWS
"""Rows that wait for what comes below them, for a footer is told by what stands above it."""
_PAGES = pa.array(sorted(PAGES_BEGIN), pa.string())
_SPELLED = {"\\t": "\t", "tab": "\t"}
"""What people write on a command line, where a tab cannot be typed."""
_KINDS = {
    ",": Fact("format_csv"),
    ";": Fact("format_csv_semicolons"),
    "\t": Fact("format_tsv"),
    "|": Fact("format_csv_bars"),
}


class DelimitedSource:
    """A table in delimited text. Rows are numbered from 1, whatever they hold; the header is found, or named by
    `header`."""

    def __init__(self, text: TextFile, *, delimiter: str | None = None, header: int | None = None) -> None:
        self._text = text
        self._limits = text.limits
        if delimiter is not None:
            delimiter = _SPELLED.get(delimiter.strip().lower(), delimiter)
            if not can_part_fields(delimiter):
                raise refused("delimiter", delimiter=delimiter)
        text.must_have_lines()
        with text.open() as handle:
            self._skip_lines = 0
            start = "".join(islice(handle, SNIFFED_LINES))[:SNIFFED_CHARACTERS].lstrip(BYTE_ORDER_MARK)
        # Excel's own hint; it wins over guessing.
        if start[:4].lower() == "sep=" and start[4:5] and start[5:6] in ("\r", "\n"):
            self._skip_lines = 1
            delimiter = delimiter or start[4]
            start = start.partition("\n")[2]
        self._delimiter, self._escape = dialect_of(start, delimiter)
        self._has_quotes = self._delimiter != "\t" or quoted_field(self._delimiter).search(start) is not None
        self._has_formulas = formula_text(self._delimiter).search(start) is not None
        self._position = 0
        self.noted = Noted(mixed_encodings=text.is_mixed)
        self._frame = self._framed(header)
        names = self._frame.names
        self._kept = _kept(names, self._limits)
        if self._kept is not None:
            left_out = set(range(len(names))).difference(self._kept)
            self.noted.columns_left_out = sorted({clean_name(names[at] or "") or "without a name" for at in left_out})
        kept_names = names if self._kept is None else [names[at] for at in self._kept]
        self._width = len(names)
        self._grid: GridReader | None = None
        if self._frame.group is not None:
            self._grid = GridReader(self._frame, limits=self._limits, noted=self.noted)
            self.columns = self._grid.columns
        else:
            headless = self._frame.is_headless
            self.columns = unique_header(kept_names, self._limits, self.noted, headless=headless)
        kind = _KINDS.get(self._delimiter) or Fact("format_csv_separated", {"sign": repr(self._delimiter)})
        self.format = read_as(kind, *text.written_in)

    def _framed(self, header: int | None) -> Frame:
        """The frame, from the first rows. Raises DatasetInvalid where there is none."""
        unreadable = BadRows(skip=True)
        first = list(islice(self._records(unreadable), FRAME_ROWS))
        if unreadable.first and unreadable.first[0].row == 1:
            raise refused("header_unreadable", why=unreadable.first[0].fact, row=1)
        rows = [(number, row) for number, row, _ in first if any(row)]
        if not rows:
            raise refused("nothing")
        frame = grouped(frame_of(rows, header=header), self._numbered(BadRows(skip=True)))
        # The line below the header of a table in Markdown, or that sqlcmd writes.
        ruled = [number for number, row in rows if number == frame.first and _is_rule(row, self._delimiter)]
        frame = replace(frame, first=frame.first + len(ruled))
        self.noted.title_rows = frame.title_rows
        self.noted.is_headless = frame.is_headless and not frame.is_told
        widths = Counter(len(row) for number, row in rows if number >= frame.first)
        if frame.is_headless and widths:
            # As wide as most rows: of the others each is told by itself.
            return replace(frame, names=[None] * max(widths, key=lambda width: (widths[width], width)))
        if not widths:
            return frame
        return self._with_row_numbers(frame, rows, widths)

    def _with_row_numbers(self, frame: Frame, rows: Sequence[Numbered], widths: Counter[int]) -> Frame:
        """R and others write the number of the row without a name for it: the frame with that column. Raises
        DatasetInvalid where all rows have fewer fields than the header has names. `widths`: fields of the rows below
        the header, counted."""
        common, rows_of_it = widths.most_common(1)[0]
        names, rows_below = frame.names, widths.total()
        if common < len(names) and rows_of_it == rows_below >= 3:
            raise refused("fields_missing", fields=common, names=len(names), columns=list(names[:12]), row=frame.first)
        is_indexed = common == len(names) + 1 and rows_of_it >= 0.95 * rows_below and len(names) > 1
        if is_indexed and all(row[-1] and row[0] for _, row in rows if len(row) == common):
            return replace(frame, names=[None, *names])
        return frame

    def bytes_read(self) -> int:
        return self._position

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """The records below the header, without a footer."""
        self.noted.begin()
        if self._grid is not None:
            yield from self._grid.batches(self._numbered(bad), bad)
            return
        width, kept, first = self._width, self._kept, self._frame.first
        names = [name or "" for name in self._frame.names]
        head = names[0] or None
        batch = RowBatcher(len(self.columns))
        short: list[tuple[int, list[str]]] = []
        head_is_below = partial(self._names_again, head, names)
        for number, part in self._rows(first, bad):
            if isinstance(part, PlainRecords) and not self._is_odd(part, head) and len(part) > KEPT_ROWS:
                self._report(short, bad)
                short = []
                yield from _with_columns(batch, number, part)
                continue
            rows = part.rows() if isinstance(part, PlainRecords) else part
            is_plain = not short and all(len(row) == width for row in rows)
            if is_plain and not any(
                row[0] == head or row[0][:1] == BYTE_ORDER_MARK or row[0][:5].lower() in PAGES_BEGIN for row in rows
            ):
                # Nearly all rows: taken together, for a gigabyte has ten million of them.
                plain = rows if kept is None else [[row[at] for at in kept] for row in rows]
                if batch.extend(number, plain, sum(sum(map(len, row)) for row in rows)):
                    yield batch.take(keeping=KEPT_ROWS)
                continue
            for at, row in enumerate(rows, start=number):
                if 0 < len(row) < width and len(short) < FOOTER_ROWS:
                    # Notes below the tickets look like this; whether they are below is known at the end.
                    short.append((at, row))
                    continue
                fitted = row if len(row) == width else self._fitted(at, row, bad)
                if fitted is None:
                    continue
                if short:
                    self._report(short, bad)
                    short = []
                if head_is_below(fitted):
                    note_row(self.noted.headers_repeated, at)
                    continue
                if _is_page_number(fitted):
                    note_footer(self.noted, at, fitted)
                    continue
                row = fitted if kept is None else [fitted[place] for place in kept]
                if batch.add(at, row, sum(map(len, fitted))):
                    yield batch.take(keeping=KEPT_ROWS)
        self._end(batch, short, bad)
        if len(batch):
            yield batch.take()

    def _numbered(self, bad: BadRows) -> Iterator[Numbered]:
        return ((number, row) for number, row, _ in self._records(bad) if any(row))

    @staticmethod
    def _names_again(head: str | None, names: list[str], row: list[str]) -> bool:
        """Whether the row is the header once more, as where files were joined."""
        if not head or not (row[0] == head or row[0].startswith(BYTE_ORDER_MARK)):
            return False
        return (row[0] == head or row[0].lstrip(BYTE_ORDER_MARK).strip('"') == head) and row[1:] == names[1:]

    def _rows(self, first: int, bad: BadRows) -> Iterator[tuple[int, list[list[str]] | PlainRecords]]:
        """Records from number `first` on, some at a time: the number of the first of them, and they. Many at once as
        far as that gets; from where Python's reader stumbles on, record by record."""
        read = 0
        if not self._has_formulas:
            with suppress(csv.Error):
                for rows in self._many_at_once():
                    number, read = read + 1, read + len(rows)
                    self._must_be_bounded(read)
                    if read >= first:
                        above = max(first - number, 0)
                        yield number + above, rows.below(above) if isinstance(rows, PlainRecords) else rows[above:]
                return
        for number, row, _ in self._records(bad, after=read):
            if number >= first:
                yield number, [row]

    def _many_at_once(self) -> Iterator[list[list[str]] | PlainRecords]:
        """All records from the start, strictly read. Raises csv.Error behind the last that can be."""
        csv.field_size_limit(self._limits.field_characters)
        with self._text.open_bytes() as handle:
            is_first = True
            for part in self._parts(handle):
                if isinstance(part, PlainRecords):
                    self._position = position_in_file(handle)
                    yield part
                    continue
                lines = _without_mark(islice(part, self._skip_lines, None)) if is_first else part
                is_first = False
                reader = self._reader(lines)
                while rows := list(islice(reader, ROWS_TOGETHER)):
                    self._position = position_in_file(handle)
                    yield rows

    def _parts(self, handle: io.BufferedReader) -> Iterator[PlainRecords | Iterator[str]]:
        is_usual = self._escape is None and self._has_quotes and not self._skip_lines and self._kept is None
        if not (is_usual and self._text.is_utf8 and self._width > 1 and self._delimiter.isascii()):
            return iter([self._text.decoded(handle)])
        return PlainReader(self._delimiter, self._width, self._limits.field_characters).parts(handle)

    @staticmethod
    def _is_odd(part: PlainRecords, head: str | None) -> bool:
        """Whether a row may be no ticket: the header once more, a page number."""
        first = part.arrays[0]
        signs = [
            pc.starts_with(first, BYTE_ORDER_MARK),
            pc.is_in(pc.utf8_lower(pc.utf8_slice_codeunits(first, 0, 5)), _PAGES),
        ]
        return any(pc.any(sign).as_py() for sign in (*signs, pc.equal(first, head or BYTE_ORDER_MARK)))

    def _must_be_bounded(self, number: int) -> None:
        if number > self._limits.rows:
            raise refused("rows", most=self._limits.rows, row=number)

    def _end(self, batch: RowBatcher, short: list[tuple[int, list[str]]], bad: BadRows) -> None:
        """What stands below the last full row: a footer, or rows that were cut."""
        if short:
            last = batch.last[-2 * FOOTER_ROWS :]
            length = footer_length([*last, *short])
            if length < len(short):
                self._report(short, bad)
                return
            for number, cells in short:
                note_footer(self.noted, number, cells)
        drop_footer(batch, self.noted)

    def _report(self, short: list[tuple[int, list[str]]], bad: BadRows) -> None:
        for number, row in short:
            self._fitted(number, row, bad)

    def _fitted(self, number: int, row: list[str], bad: BadRows) -> list[str] | None:
        width = self._width
        if not row:
            # A line with nothing on it is no row.
            return None
        if len(row) > width:
            if not any(row[width:]):
                return row[:width]
            bad.add(number, self.columns[-1], "fields_too_many", fields=len(row), names=width)
            return None
        bad.add(number, self._name_of(len(row)), "fields_too_few", fields=len(row), names=width)
        return None

    def _records(self, bad: BadRows, *, after: int = 0) -> Iterator[tuple[int, list[str], int]]:
        """(row number, fields, characters) of each record, the header's and what stands above it included; the first
        `after` were read already."""
        csv.field_size_limit(self._limits.field_characters)
        with self._text.open() as handle:
            lines = _Lines(handle, self._unwrapped() if self._has_formulas else None)
            for _ in range(self._skip_lines):
                next(lines.stream, None)
            reader = self._reader(lines.stream)
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
                    unclosed += self._recover(number, lines, bad, str(error))
                    reader = self._reader(lines.stream)
                    if unclosed > UNCLOSED_QUOTES_FOLLOWED:
                        raise refused("quotes", unclosed=unclosed, row=number) from None
                    continue
                number += 1
                if number > after:
                    yield number, row, sum(map(len, taken)) if len(taken) > 1 else len(taken[0])
                if number & 0x3FF == 0:
                    self._position = position_in_file(handle)
                    self._must_be_bounded(number)

    def _unwrapped(self) -> Callable[[str], str]:
        """Cells written ="0010001", so that Excel keeps their zeros, as "0010001"."""
        between = f'{self._delimiter}="'

        def unwrap(line: str) -> str:
            return line.replace(between, between.replace("=", ""))[1 if line.startswith('="') else 0 :]

        return unwrap

    def _reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self._delimiter,
            strict=True,
            escapechar=self._escape,
            doublequote=self._escape is None,
            quoting=csv.QUOTE_MINIMAL if self._has_quotes else csv.QUOTE_NONE,
        )

    def _recover(self, number: int, lines: _Lines, bad: BadRows, error: str) -> int:
        """Reports the record at which the reader stumbled and finds where the next one begins; 1 for a quote that never
        ends.

        A quoted field either ends where its quotes come in pairs again (then the record ends there), or its closing
        quote is missing (then the next line is the next record).
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
            bad.add(number, column, "field_long", most=self._limits.field_characters)
            return 0
        if closes and (len(kept) == 1 or self._width_of(kept) == getattr(self, "_width", 0)):
            bad.add(number, column, "quote_not_doubled")
            return 0
        if "field limit" in error and quotes == 0:
            bad.add(number, column, "field_long", most=self._limits.field_characters)
            return 0
        lines.put_back(kept[1:])
        bad.add(number, column, "quote_never_ends")
        return 1

    def _width_of(self, lines: list[str]) -> int:
        """How many fields the lines have if every quote opens or closes."""
        outside = "".join(lines).split('"')[::2]
        return 1 + sum(part.count(self._delimiter) for part in outside)

    def _column_of(self, lines: list[str]) -> str | None:
        """The column in which the record's last quoted field begins: the one that the reader could not finish."""
        if not lines or not hasattr(self, "_frame"):
            return None
        fields, inside, last = 0, False, 0
        for character in lines[0]:
            if character == '"':
                inside = not inside
                last = fields
            elif character == self._delimiter and not inside:
                fields += 1
        return self._name_of(min(last, len(self._frame.names) - 1))

    def _name_of(self, position: int) -> str:
        return clean_name(self._frame.names[position] or "") or f"column {position + 1}"


def _without_mark(lines: Iterator[str]) -> Iterator[str]:
    """Marks of the byte order stand at the beginning, twice where such files were joined."""
    return chain((line.lstrip(BYTE_ORDER_MARK) for line in islice(lines, 1)), lines)


def _is_page_number(row: list[str]) -> bool:
    """ "Page 2 of 9" between the tickets of a printed report, and nothing else in the row."""
    return not any(row[1:]) and _PAGE.fullmatch(row[0].strip()) is not None


def _with_columns(batch: RowBatcher, number: int, columns: PlainRecords) -> Iterator[RowBatch]:
    """The rows that wait and those of the columns, but the last of them, which wait then."""
    waiting, taken = batch.take(), len(columns) - KEPT_ROWS
    arrays = [array.slice(0, taken) for array in columns.arrays]
    numbers = list(range(number, number + taken))
    try:
        above = [pa.array(cells, pa.string()) for cells in waiting.columns]
    except UnicodeEncodeError:
        yield waiting
    else:
        # A copy, so that nothing of the block is left beside what is looked through as a whole.
        arrays = [pa.concat_arrays(both) for both in zip(above, arrays, strict=True)]
        numbers = waiting.numbers + numbers
    yield RowBatch(numbers, arrays)
    kept = columns.below(taken).rows()
    batch.extend(number + taken, kept, sum(sum(map(len, row)) for row in kept))


class _Lines:
    """Lines of a text that remembers those of the present record and takes some back. `stream` is a generator: it is
    resumed ten million times for a gigabyte, and that is cheaper than a method."""

    def __init__(self, handle: Iterator[str], change: Callable[[str], str] | None = None) -> None:
        self.taken: list[str] = []
        unmarked = _without_mark(handle)
        self._handle = unmarked if change is None else map(change, unmarked)
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


def _kept(names: Sequence[str | None], limits: Limits) -> list[int] | None:
    """Which columns of a file with too many are read: of those with one name (a comment each) the first few. None:
    all."""
    if len(names) <= limits.columns:
        return None
    seen: Counter[str] = Counter()
    kept = []
    for at, name in enumerate(names):
        seen[name or ""] += 1
        if name and seen[name] <= REPEATED_KEPT:
            kept.append(at)
    return kept
