"""Excel workbooks (.xlsx), read row by row. Their parts are measured before anything is unpacked."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, DatasetInvalid, refused
from otai.tickets.sources.table import RowBatcher, Rows, unique_header

MOST_PARTS = 10_000
BLANK_ROWS_FOLLOWED = 100_000
"""Rows without content in one stretch: a sheet formatted down to its last row has a million of them, and no ticket after."""


class WorkbookSource:
    """One sheet of a workbook: the one named, else the first visible one with more than a header. Rows are numbered as Excel does."""

    def __init__(self, path: Path, *, limits: Limits, sheet: str | None = None) -> None:
        self._path = path
        self._limits = limits
        self._position = 0
        _measure(path, limits)
        with _Workbook(path) as book:
            self._sheet = self._chosen(book, sheet)
            header = next(self._raw_rows(book), None)
            if header is None:
                raise refused(f"The sheet {self._sheet!r} is empty.")
            self._header_row, names = header
        while names and not names[-1]:
            names.pop()
        self.columns = unique_header(names, limits)
        self.format = f"Excel, sheet {self._sheet!r}"

    def bytes_read(self) -> int:
        return self._position

    def _chosen(self, book: Any, sheet: str | None) -> str:
        names = [page.title for page in book.worksheets]
        if sheet is not None:
            if sheet not in names:
                raise refused(f"There is no sheet {sheet!r}. The workbook has: {', '.join(map(repr, names))}.")
            return sheet
        for page in book.worksheets:
            if page.sheet_state == "visible" and next(self._rows_of(page), None) is not None:
                return str(page.title)
        raise refused("The workbook has no visible sheet with anything on it.")

    def batches(self, bad: BadRows) -> Iterator[Rows]:
        width = len(self.columns)
        batch = RowBatcher(width)
        with _Workbook(self._path) as book:
            try:
                for number, row in self._raw_rows(book):
                    if number <= self._header_row:
                        continue
                    if number > self._limits.rows:
                        raise refused(f"The sheet has more than {self._limits.rows:,} rows.", row=number)
                    if len(row) > width:
                        if any(row[width:]):
                            bad.add(number, self.columns[-1], f"it has {len(row)} cells, the header has {width}")
                            continue
                        row = row[:width]
                    # Excel does not store empty cells at a row's end.
                    row += [None] * (width - len(row))
                    if batch.add(number, row, sum(len(cell) for cell in row if cell)):
                        yield batch.take()
            except DatasetInvalid:
                raise
            except Exception as error:  # openpyxl raises what its XML and zip parsers raise
                raise refused(
                    f"The sheet {self._sheet!r} is damaged: {error}. Save the workbook again in Excel."
                ) from error
        if len(batch):
            yield batch.take()

    def _raw_rows(self, book: Any) -> Iterator[tuple[int, list[str | None]]]:
        return self._rows_of(book[self._sheet])

    def _rows_of(self, page: Any) -> Iterator[tuple[int, list[str | None]]]:
        """(row number, cells) of each row with content."""
        # The stated size of a sheet is often wrong; without it every row that is there is read, and no more.
        page.reset_dimensions()
        blank = 0
        for number, cells in enumerate(page.iter_rows(values_only=True), start=1):
            if not cells or all(cell is None for cell in cells):
                blank += 1
                if blank > BLANK_ROWS_FOLLOWED:
                    return
                continue
            blank = 0
            yield number, [_text_of(cell) for cell in cells]


class _Workbook:
    """openpyxl's workbook, open for streaming and closed again; DatasetInvalid where it cannot be opened."""

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
            raise refused(f"The workbook cannot be opened: {error}. Save it again in Excel as .xlsx.") from error

    def __enter__(self) -> Any:
        return self._book

    def __exit__(self, *_: object) -> None:
        self._book.close()
        self._file.close()


def _measure(path: Path, limits: Limits) -> None:
    """Refuses bombs before they go off: by the sizes that the archive states, which zipfile then holds it to."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS:
                raise refused(f"The workbook has {len(parts):,} parts; {MOST_PARTS:,} is the most.")
            unpacked = 0
            for part in parts:
                unpacked += part.file_size
                is_bomb = part.file_size > limits.unpacked_ratio * max(part.compress_size, 1)
                if is_bomb and part.file_size > limits.unpacked_bytes_trusted:
                    raise refused(
                        f"The workbook's part {part.filename!r} unpacks to more than {limits.unpacked_ratio} times its size: this is "
                        "no table of tickets."
                    )
                # The texts of all cells are held in memory while rows are read, and so are styles and the like.
                streamed = part.filename.startswith("xl/worksheets/")
                if (
                    not streamed
                    and not part.filename.startswith("xl/media/")
                    and part.file_size > limits.shared_strings_bytes
                ):
                    raise refused(
                        f"The workbook holds {part.file_size / 1e6:,.0f} MB of text in one part; {limits.shared_strings_bytes / 1e6:,.0f} "
                        "MB is the most. Save the sheet as CSV and import that: CSV has no such bound."
                    )
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as handle:
                        if b"<!DOCTYPE" in handle.read(4096):
                            raise refused(
                                "The workbook's XML declares a document type; Excel writes none. It is not opened."
                            )
            if unpacked > limits.workbook_bytes:
                raise refused(
                    f"The workbook unpacks to {unpacked / 1e9:.1f} GB; {limits.workbook_bytes / 1e9:.1f} GB is the most. Save as CSV."
                )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise refused(f"The workbook cannot be opened: {error}. Save it again in Excel as .xlsx.") from error


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
