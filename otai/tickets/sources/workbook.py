"""Workbooks: Excel (.xlsx, .xls) and OpenDocument (.ods). Their parts are measured before anything is unpacked.

calamine reads Excel twenty times faster than openpyxl, and holds a sheet while it does, each place of its rectangle
whether filled or not. So a sheet is measured first, and one that is too large, or has a stray cell far away, is
streamed by openpyxl, which needs a few megabytes whatever the size.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

from otai.tickets import column_names
from otai.tickets.column_names import folded
from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, refused, told_as
from otai.tickets.sources import shown_numbers
from otai.tickets.sources.grid import FRAME_ROWS, Frame, GridReader, frame_of, grouped
from otai.tickets.sources.kinds import Kinds, Placing, Table, are_of_one_kind, holds_texts, kinds_of
from otai.tickets.sources.number_formats import format_of
from otai.tickets.sources.open_document import OpenDocument
from otai.tickets.sources.table import Beside, Noted, RowBatch, read_as
from otai.words.sentences import Fact

MOST_PARTS = 10_000
MOST_SHEETS = 200
_SHEET = re.compile(rb"<(?:\w{1,20}:)?sheet\b[^<>]*")
_SHEET_PART = re.compile(rb"\b\w{1,20}:id\s?=\s?[\"']([^\"'<>]{1,200})")
_TARGET = re.compile(rb"[Tt]arget\s?=\s?[\"']/?(?:xl/)?(worksheets/[^\"'<>]{1,200})")
BLANK_ROWS_FOLLOWED = 100_000
"""Rows without content in one stretch: a sheet formatted down to its last row has a million of them, and no ticket
after."""
HELD_BYTES = 192 << 20
HELD_CELLS = 6_000_000
"""A workbook that unpacks to no more, with sheets of no more cells, is held in memory; a larger one is streamed."""
SHEET_COLUMN = column_names.SHEET
LIKELY = 0.5
"""A sheet of this share of the largest one's rows may be the tickets; the first of them is taken."""

HEADER_ROWS = 3
"""Cells merged over more rows than this below the first are no header's."""
MERGED_OFTEN = 5
"""So many merged cells in one column are no header's either."""

SheetRow = tuple[int, list[str | None]]
WorkbookKind = Literal["xlsx", "xls", "ods"]
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""Of a sheet of Excel: XFD1048576. A reader makes room for what a cell says of its place."""
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,20})(\d{1,20})["']""")


class _Book(Protocol):
    """An open workbook: the names of its visible sheets, and the rows of one."""

    sheets: list[str]
    hidden: list[str]

    def rows(self, sheet: str) -> Iterator[SheetRow]: ...

    def close(self) -> None: ...


class WorkbookSource:
    """The sheet with the tickets, or all that are tables of its kind, joined by the names of their columns, with the
    sheet's name as a column. The header of each is found. `beside` are sheets that belong to the tickets by their ids.

    Rows are numbered as Excel does; those of a second sheet go on where the first one ends.
    """

    def __init__(
        self,
        path: Path,
        *,
        limits: Limits,
        sheet: str | None = None,
        header: int | None = None,
        kind: WorkbookKind = "xlsx",
    ) -> None:
        self._path = path
        self._limits = limits
        self._read = 0
        self._kind = kind
        with told_as("workbook_damaged"):
            if kind != "xls":
                _measure(path, limits)
            self._is_held = kind == "xls" or (kind == "xlsx" and _can_be_held(path))
        self.noted = Noted()
        with ExitStack() as stack:
            stack.enter_context(told_as("workbook_damaged"))
            book = self._opened(stack)
            first = {
                name: list(islice(book.rows(name), FRAME_ROWS)) for name in [*book.sheets, *book.hidden][:MOST_SHEETS]
            }
            chosen = _chosen(book, first, sheet)
            self._frames = {chosen: _frame(book, chosen, first[chosen], header)}
            kinds = self._sorted(book, chosen, first) if sheet is None else Kinds([0], {}, [])
            names = list(self._frames)
            self._sheets = [names[at] for at in kinds.tickets]
            beside = {names[at]: ticket for at, ticket in kinds.beside.items()}
            others = [name for name in book.sheets if name not in (*self._sheets, *beside) and first.get(name)]
            self._offsets = self._numbered(book)
            self.noted.later_tables = [self._offsets[sheet] + 1 for sheet in self._sheets[1:]]
        self.noted.sheets, self.noted.sheets_left_out = list(self._sheets), others
        self.noted.joined_by_id = list(beside)
        self.beside = [self._beside(name, ticket) for name, ticket in beside.items()]
        self._noted_of, self._grids = self._read_as_grids()
        self._placing = Placing([self._grids[name].columns for name in self._sheets])
        self.columns = list(self._placing.columns)
        if len(self._sheets) > 1:
            self.columns.append(next(name for name in _names(SHEET_COLUMN) if name not in self.columns))
        self.format = read_as(
            Fact("format_opendocument" if kind == "ods" else "format_excel"), _sheets_read(self._sheets)
        )

    def _read_as_grids(self) -> tuple[dict[str, Noted], dict[str, GridReader]]:
        """Of each sheet what is noted and its reader; what is said of a header is of the first one."""
        noted_of = {name: self.noted if name == self._sheets[0] else Noted() for name in self._sheets}
        grids = {
            name: GridReader(self._frames[name], limits=self._limits, noted=noted) for name, noted in noted_of.items()
        }
        self.noted.title_rows = sum(self._frames[name].title_rows for name in self._sheets)
        return noted_of, grids

    def _beside(self, name: str, ticket: str) -> Beside:
        source = WorkbookSource(self._path, limits=self._limits, sheet=name, kind=self._kind)
        # What was left out is said of the tickets' sheet.
        source.noted.sheets_left_out = []
        return Beside(name, source, ticket)

    def bytes_read(self) -> int:
        return self._read

    def _opened(self, stack: ExitStack) -> _Book:
        book: _Book
        if self._kind == "ods":
            book = OpenDocument(self._path, self._limits)
        else:
            book = _Held(self._path, self._kind) if self._is_held else _Streamed(self._path)
        stack.callback(book.close)
        return book

    def _sorted(self, book: _Book, chosen: str, first: dict[str, list[SheetRow]]) -> Kinds:
        """Which visible sheets are the tickets (a sheet for each month or queue), and which belong to them. Frames of
        all that are compared are kept, that of the chosen sheet first in its place."""
        frames = {chosen: self._frames[chosen]}
        for sheet in book.sheets:
            if sheet not in frames and first.get(sheet):
                frame = _frame(book, sheet, first[sheet], None)
                if not frame.is_headless and len([name for name in frame.names if name]) > 1:
                    frames[sheet] = frame
        self._frames = {sheet: frames[sheet] for sheet in (*book.sheets, chosen) if sheet in frames}
        tables = []
        for sheet, frame in self._frames.items():
            grid = GridReader(frame, limits=self._limits, noted=Noted())
            tables.append(Table(grid.columns, _table_rows(first[sheet]), partial(self._values, grid, book, sheet)))
        kinds = kinds_of(tables)
        places = list(self._frames)
        if kinds.beside and places.index(chosen) in (*kinds.tickets, *kinds.beside):
            return kinds
        # The sheet that looks like the tickets is, whatever is larger; those of its kind go with it.
        own = {folded(name) or name for name in tables[places.index(chosen)].columns}
        alike = [at for at, table in enumerate(tables) if are_of_one_kind(own, frozenset(map(folded, table.columns)))]
        links = kinds.beside if places.index(chosen) in kinds.tickets else {}
        return Kinds(sorted({places.index(chosen), *alike} - links.keys()), links, [])

    def _values(self, grid: GridReader, book: _Book, sheet: str) -> dict[str, Any]:
        rows = next(grid.batches(book.rows(sheet), BadRows(skip=True)), None)
        return dict(zip(grid.columns, rows.columns if rows is not None else [()] * len(grid.columns), strict=True))

    def _numbered(self, book: _Book) -> dict[str, int]:
        """What is added to the row numbers of each sheet, so that no number comes twice."""
        offsets, last = {}, 0
        for sheet in self._sheets:
            offsets[sheet] = last
            if sheet != self._sheets[-1]:
                last += max((number for number, _ in book.rows(sheet)), default=0)
        return offsets

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """The rows of the chosen sheets, one sheet after the other."""
        for noted in self._noted_of.values():
            noted.begin()
        with ExitStack() as stack:
            book = self._opened(stack)
            for sheet in self._sheets:
                yield from self._rows_of(book, sheet, bad)
                if sheet != self._sheets[0]:
                    self.noted.note_more(self._noted_of[sheet], after=self._offsets[sheet])
                self._read += self._path.stat().st_size // len(self._sheets)

    def _rows_of(self, book: _Book, sheet: str, bad: BadRows) -> Iterator[RowBatch]:
        offset, grid = self._offsets[sheet], self._grids[sheet]
        pages = grid.batches(book.rows(sheet), bad)
        while True:
            # The reader alone: what is wrong with the rows is found by whoever takes them.
            with told_as("sheet_damaged", sheet=sheet):
                rows = next(pages, None)
            if rows is None:
                return
            rows = self._placing.placed(rows, grid.columns)
            if len(self._sheets) > 1:
                numbers = [number + offset for number in rows.numbers]
                rows = RowBatch(numbers, [*rows.columns, [sheet] * len(numbers)])
            yield rows


def _frame(book: _Book, sheet: str, first: list[SheetRow], header: int | None) -> Frame:
    return grouped(frame_of(first, header=header), book.rows(sheet))


def _sheets_read(sheets: Sequence[str]) -> Fact:
    if len(sheets) == 1:
        return Fact("part_sheet", {"name": repr(sheets[0])})
    return Fact("part_sheets", {"names": ", ".join(map(repr, sheets[:3])) + (" ..." if len(sheets) > 3 else "")})


def _names(name: str) -> Iterator[str]:
    yield name
    for number in range(2, 1_000):
        yield f"{name} ({number})"


def _chosen(book: _Book, first: dict[str, list[SheetRow]], sheet: str | None) -> str:
    """The sheet that the customer names, else the first visible one that is a table of about as many rows as the
    largest: of those with texts, if there are any."""
    if sheet is not None:
        if sheet not in first:
            raise refused("no_sheet", sheet=sheet, sheets=list(book.sheets))
        if not first[sheet]:
            raise refused("sheet_empty", sheet=sheet)
        return sheet
    filled = [name for name in book.sheets if first.get(name)]
    if not filled:
        raise refused("workbook_empty")
    with_texts = [name for name in filled if len(filled) > 1 and _has_texts(first[name])]
    sizes = _sizes(book, first, with_texts or filled)
    largest = max(sizes.values())
    return next(name for name in filled if name in sizes and sizes[name] >= LIKELY * largest)


def _sizes(book: _Book, first: dict[str, list[SheetRow]], sheets: Sequence[str]) -> dict[str, int]:
    """How many rows of a table each has in its beginning; of several long ones only those, by their whole length."""
    sizes = {name: _table_rows(first[name]) for name in sheets}
    full = [name for name in sizes if len(first[name]) >= FRAME_ROWS and sizes[name] >= FRAME_ROWS // 2]
    return {name: sum(1 for _ in book.rows(name)) for name in full} if len(full) > 1 else sizes


def _has_texts(rows: list[SheetRow]) -> bool:
    """Whether the table holds what customers wrote; a page of notes is no table."""
    if _table_rows(rows) < 0.5 * len(rows):
        return False
    frame = frame_of(rows)
    below = [cells for number, cells in rows if number >= frame.first]
    named = {name or str(at): at for at, name in enumerate(frame.names)}
    return holds_texts({name: [row[at] if at < len(row) else None for row in below] for name, at in named.items()})


def _table_rows(rows: list[SheetRow]) -> int:
    """How many of the rows have two cells or more."""
    return sum(1 for _, cells in rows if sum(1 for cell in cells if cell) > 1)


class _Held:
    """A workbook read by calamine."""

    def __init__(self, path: Path, kind: WorkbookKind) -> None:
        import python_calamine

        self._path, self._kind = path, kind
        try:
            # By its content: given a path, calamine goes by the ending, which an upload does not have and a customer
            # may have wrong.
            with path.open("rb") as file:
                self._book = python_calamine.CalamineWorkbook.from_filelike(file)
            sheets = [one for one in self._book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
        except python_calamine.PasswordError:
            raise refused("workbook_password") from None
        self.sheets = [one.name for one in sheets if one.visible == python_calamine.SheetVisibleEnum.Visible]
        self.hidden = [one.name for one in sheets if one.name not in self.sheets]
        self._formats: shown_numbers.Workbook | shown_numbers.OldWorkbook | None = None
        self._loaded: tuple[str, Any, shown_numbers.ShownNumbers] | None = None

    def _load(self, sheet: str) -> tuple[str, Any, shown_numbers.ShownNumbers]:
        if self._formats is None:
            of_kind = shown_numbers.OldWorkbook if self._kind == "xls" else shown_numbers.Workbook
            self._formats = of_kind(self._path)
        return sheet, self._book.get_sheet_by_name(sheet), self._formats.of(sheet)

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        if self._loaded is None or self._loaded[0] != sheet:
            self._loaded = self._load(sheet)
        _, page, formats = self._loaded
        if page.start is None:
            return
        # calamine begins with the first row and column that hold something.
        first, indent = page.start[0] + 1, [None] * page.start[1]
        merged = _Merged(getattr(page, "merged_cell_ranges", None) or ())
        for number, cells in enumerate(page.iter_rows(), start=first):
            if any(cell != "" for cell in cells):
                row = [*indent, *(_text_of(cell) if cell != "" else None for cell in cells)]
                if formats:
                    _as_shown(row, number - 1, len(indent), cells, formats)
                yield number, merged.filled(number - 1, row)

    def close(self) -> None:
        self._loaded = None
        self._book.close()


def _as_shown(
    row: list[str | None], number: int, indent: int, cells: Sequence[Any], formats: shown_numbers.ShownNumbers
) -> None:
    """Puts what people see of the numbers into the row."""
    for column, cell in enumerate(cells, start=indent):
        if isinstance(cell, float) and (shown := formats.shown(number, column, cell)) is not None:
            row[column] = shown


class _Merged:
    """Cells that were merged over several rows say the same in all of them: Excel keeps their value in the first. A
    header over two or three rows is left as it is."""

    def __init__(self, ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        tall = [(start, end) for start, end in ranges if start[1] == end[1] and end[0] > start[0]]
        often = Counter(start[1] for start, _ in tall)
        self._ends: dict[int, list[tuple[int, int]]] = {}
        for start, end in sorted(tall):
            if end[0] - start[0] >= HEADER_ROWS or often[start[1]] >= MERGED_OFTEN:
                self._ends.setdefault(start[1], []).append((start[0], end[0]))
        self._at = dict.fromkeys(self._ends, 0)
        self._value: dict[int, str | None] = {}

    def filled(self, row: int, cells: list[str | None]) -> list[str | None]:
        """The row (counted from 0) with the values of cells that were merged with ones above. Rows come in order."""
        for column, ranges in self._ends.items():
            while self._at[column] < len(ranges) and ranges[self._at[column]][1] < row:
                self._at[column] += 1
                self._value.pop(column, None)
            if column >= len(cells) or self._at[column] == len(ranges) or ranges[self._at[column]][0] > row:
                continue
            if row == ranges[self._at[column]][0]:
                self._value[column] = cells[column]
            cells[column] = cells[column] or self._value.get(column)
        return cells


class _Streamed:
    """A workbook read by openpyxl, row by row."""

    def __init__(self, path: Path) -> None:
        import openpyxl

        # The file itself, not its path: openpyxl goes by a path's ending, and an upload's has none.
        self._file = path.open("rb")
        try:
            with warnings.catch_warnings():
                # It warns about styles and extensions that no ticket needs.
                warnings.simplefilter("ignore")
                self._book = openpyxl.load_workbook(self._file, read_only=True, data_only=True, keep_links=False)
        except Exception as error:  # openpyxl raises what its XML and zip parsers raise
            self._file.close()
            raise refused("workbook_unopened", error=error) from error
        self._has_formats = shown_numbers.Workbook(path).has_formats()
        self.sheets = [page.title for page in self._book.worksheets if page.sheet_state == "visible"]
        self.hidden = [page.title for page in self._book.worksheets if page.sheet_state != "visible"]

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        page = self._book[sheet]
        # The stated size of a sheet is often wrong; without it every row that is there is read, and no more.
        page.reset_dimensions()
        blank = 0
        rows = self._shown(page) if self._has_formats else page.iter_rows(values_only=True)
        for number, cells in enumerate(rows, start=1):
            if not cells or all(cell is None for cell in cells):
                blank += 1
                if blank > BLANK_ROWS_FOLLOWED:
                    return
                continue
            blank = 0
            yield number, [_text_of(cell) for cell in cells]

    def _shown(self, page: Any) -> Iterator[list[Any]]:
        """The values of each row; of numbers what people see."""
        for cells in page.iter_rows():
            yield [_shown_of(cell) if isinstance(cell.value, int | float) else cell.value for cell in cells]

    def close(self) -> None:
        self._book.close()
        self._file.close()


def _shown_of(cell: Any) -> Any:
    format = format_of(cell.number_format) if not isinstance(cell.value, bool) else None
    shown = format.shown(float(cell.value)) if format is not None else None
    return shown if shown is not None else cell.value


def _measure(path: Path, limits: Limits) -> int:
    """How much the workbook unpacks to. Refuses bombs before they go off: by the sizes that the archive states, which
    readers hold it to."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS:
                raise refused("workbook_parts", parts=len(parts), most=MOST_PARTS)
            unpacked = 0
            for part in parts:
                unpacked += part.file_size
                is_bomb = part.file_size > limits.unpacked_ratio * max(part.compress_size, 1)
                if is_bomb and part.file_size > limits.unpacked_bytes_trusted:
                    raise refused("workbook_ratio", part=part.filename, most=limits.unpacked_ratio)
                # The texts of all cells are held in memory while rows are read, and so are styles and the like.
                is_held = not part.filename.startswith(("xl/worksheets/", "xl/media/"))
                if is_held and part.file_size > limits.shared_strings_bytes:
                    raise refused(
                        "workbook_text",
                        megabytes=round(part.file_size / 1000000.0),
                        most=round(limits.shared_strings_bytes / 1000000.0),
                    )
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as handle:
                        if b"<!DOCTYPE" in handle.read(4096):
                            raise refused("workbook_document_type")
            _measure_sheets(archive)
            if unpacked > limits.workbook_bytes:
                raise refused(
                    "workbook_large",
                    size=round(unpacked / 1000000000.0, 1),
                    most=round(limits.workbook_bytes / 1000000000.0, 1),
                )
            return unpacked
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise refused("workbook_unopened", error=error) from error


def _measure_sheets(archive: zipfile.ZipFile) -> None:
    """Each sheet is looked at, so there are so many at most, and each has a part of its own: programs write it so."""
    names = archive.NameToInfo
    if "xl/workbook.xml" not in names:
        return
    sheets = [_SHEET_PART.search(found[0]) for found in _SHEET.finditer(archive.read("xl/workbook.xml"))]
    if len(sheets) > MOST_SHEETS:
        raise refused("workbook_sheets", sheets=len(sheets), most=MOST_SHEETS)
    parts = [found[1] for found in sheets if found]
    targets = []
    if "xl/_rels/workbook.xml.rels" in names:
        targets = [found[1] for found in _TARGET.finditer(archive.read("xl/_rels/workbook.xml.rels"))]
    for named in (parts, targets):
        if len(named) > len(set(named)):
            raise refused("workbook_sheets_share", sheets=len(named), parts=len(set(named)))


def _can_be_held(path: Path) -> bool:
    """Whether calamine may read it: by what it unpacks to, and by the rectangle that each sheet's cells span. Raises
    DatasetInvalid for a cell outside any sheet."""
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist() if not part.filename.startswith("xl/media/")) > HELD_BYTES:
            return False
        for part in archive.infolist():
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                with archive.open(part) as handle:
                    rows = columns = 0
                    rest = b""
                    while chunk := handle.read(1 << 20):
                        # The cell before the row that it lies in: people find a cell by its name.
                        for letters, number in sorted(set(_REFERENCE.findall(rest + chunk)), reverse=True):
                            rows, columns = max(rows, int(number)), max(columns, _column(letters))
                            if rows > LAST_ROW or columns > LAST_COLUMN:
                                raise refused("cell_outside", cell=(letters + number).decode("ascii"))
                        rest = chunk[-80:]
                    if rows * max(columns, 1) > HELD_CELLS:
                        return False
    return True


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number


def _text_of(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        # Excel writes a carriage return inside a cell so.
        return cell.replace("_x000D_", "") if cell and "_x000D_" in cell else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
