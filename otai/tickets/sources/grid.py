"""Rows of cells as people make them: which row is the header, whether there is one at all, and which rows below are no
tickets.

CSV, workbooks and HTML tables share this. Nothing here changes a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median
from typing import Any

from otai.tickets import column_names
from otai.tickets.column_names import folded
from otai.tickets.label_orders import sure_order_of
from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import Noted, RowBatch, RowBatcher, clean_name, unique_header

FRAME_ROWS = 200
"""So many rows are looked at to find the header."""
TITLE_ROWS = 40
"""So many rows may stand above it."""
FOOTER_ROWS = 20
FEWEST_ROWS = 10
"""Of a table that may have a footer: of fewer rows nothing tells what is usual."""
GROUPED_ROWS = 20_000
"""So many rows are looked at for a second group of tickets, where a name stands above the header."""
MOST_GROUPS_NAMED = 50
NAME_OF_GROUP = 200
"""Characters of a group's name that are kept: of a label there are no more."""
MOST_TITLE_ROWS_BETWEEN = 3
"""So many rows above a repeated header may be titles."""

_TOTALS = re.compile(
    r"(grand "
    r"|sub)?total\b|totals\b|sum\b|summe\b|gesamt|zwischensumme|ergebnis\b|insgesamt|totaal\b|eindtotaal|totale\b|somme\b|suma\b|"
    r"razem\b|łącznie|soma\b|copyright|\(c\)|©|generated (by|on|at)\b|erstellt "
    r"(von|am|durch)\b|confidential|vertraulich|page \d|seite \d|"
    r"end of (report|file)|ende des berichts|exported (by|on|at)\b|exportiert\b|count\b|anzahl\b",
    flags=re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?[\d.,  ']*\d%?")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
KNOWN_NAMES = frozenset(
    name
    for names in (
        column_names.SUBJECT, column_names.BODY, column_names.LANGUAGE, column_names.CREATED, column_names.TICKET,
        column_names.SPLIT,
        column_names.AFTERWARDS, column_names.STATUS, column_names.PERSON, column_names.MULTI, column_names.ATTRIBUTE,
    )
    for name in names
) - {"email", "mail", "incident", "request", "question"}  # fmt: skip
"""What headers say; without words that are labels just as often."""

Numbered = tuple[int, Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the table lies. `names` as written, empty for a table without a header; tickets begin at row `first`."""

    names: list[str | None]
    first: int
    title_rows: int = 0
    is_headless: bool = False
    is_told: bool = False
    """By the customer, who then needs no word about it."""
    group: str | None = None
    """The name of the first group, where the rows stand in groups: each under its name and the header again."""


def frame_of(rows: Sequence[Numbered], *, header: int | None = None) -> Frame:
    """The frame of a table, from its first rows with content. `header` is the number of the header's row, if the
    customer names it; 0 says that there is none. Raises DatasetInvalid for a row that is not there."""
    if header is not None and header > 0:
        for at, (number, cells) in enumerate(rows):
            if number == header:
                return Frame(_named(cells), number + 1, title_rows=at)
        raise refused("header_row", header=header)
    filled = [_filled(cells) for _, cells in rows]
    at = _header_at(rows, filled) if header is None else 0
    number, cells = rows[at]
    later = [row for _, row in rows[at + 1 :] if list(row) != list(cells)]
    if header == 0 or looks_like_a_ticket(cells, later):
        width = max(len(row) for _, row in rows[at:])
        return Frame([None] * width, number, title_rows=at, is_headless=True, is_told=header == 0)
    if header is None and _goes_on_below(rows, at):
        # Cells that are merged downwards: each column is named in the one row or the other.
        below, lower = rows[at + 1]
        both = [
            (lower[place] if place < len(lower) and lower[place] else cells[place] if place < len(cells) else None)
            for place in range(max(len(cells), len(lower)))
        ]
        return Frame(_named(both), below + 1, title_rows=at)
    return Frame(_named(cells), number + 1, title_rows=at)


def grouped(frame: Frame, rows: Iterable[Numbered]) -> Frame:
    """The frame with its first group, if the rows from the table's start on stand in groups, as those of a board do:
    above the header and above each of its repetitions a name alone in its row, and not always the same."""
    names = [cell or None for cell in frame.names]
    if frame.is_headless or not frame.title_rows or len(names) <= 3 or not names[0]:
        return frame
    first = above = None
    for _, cells in islice(rows, GROUPED_ROWS):
        if list(cells[: len(names)]) == frame.names or [cell or None for cell in cells[: len(names)]] == names:
            first = first or above
            if first is None:
                return frame
            if above is not None and above != first:
                return replace(frame, group=first)
        above = alone_in_row(cells)
    return frame


def alone_in_row(cells: Sequence[str | None]) -> str | None:
    """What the only filled cell of a row says; None where there are several or none."""
    told = [cell.strip() for cell in cells if cell and cell.strip()]
    return told[0][:NAME_OF_GROUP] if len(told) == 1 else None


def names_below_an_item(row: Sequence[str | None], names: Sequence[str | None]) -> bool:
    """Whether the row is the header of what belongs to the ticket above (subitems of a board): moved by a column, it
    names columns of the table."""
    told = [cell for cell in row[1:] if cell]
    return bool(row[0]) and len(row) > 1 and row[1] == names[0] and sum(cell in names for cell in told) >= 2


def _goes_on_below(rows: Sequence[Numbered], at: int) -> bool:
    """Whether the row below the header names the columns that the header leaves without a name, and only such."""
    if len(rows) < at + 5:
        return False
    upper, lower = rows[at][1], rows[at + 1][1]
    unnamed = [place for place, cell in enumerate(lower) if cell and (place >= len(upper) or not upper[place])]
    named = [place for place, cell in enumerate(upper) if cell]
    told_twice = [place for place in named if place < len(lower) and lower[place]]
    if not unnamed or len(told_twice) >= len(named) or any(_kind(lower[place] or "") for place in unnamed + told_twice):
        return False
    later = [row for _, row in rows[at + 2 :]]
    # A ticket fills the columns that have a name, and its labels come again.
    is_full_below = all(_filled(row) > max(len(named), _filled(lower)) for row in later[:3])
    comes_again = any(
        sum(1 for row in later if place < len(row) and row[place] == lower[place]) > 1 for place in unnamed
    )
    return is_full_below and not comes_again


def _named(cells: Sequence[str | None]) -> list[str | None]:
    names = list(cells)
    while names and not (names[-1] or "").strip():
        names.pop()
    return names


def _filled(cells: Sequence[Any]) -> int:
    return sum(1 for cell in cells if cell and not (isinstance(cell, str) and cell.isspace()))


def _header_at(rows: Sequence[Numbered], filled: Sequence[int]) -> int:
    """Which of the rows is the header: the first one, unless it is a title above a wider table."""
    typical = median(filled[len(filled) // 3 :])
    if typical < 2 or filled[0] > 0.5 * typical:
        return 0
    for at in range(1, min(len(rows), TITLE_ROWS + 1)):
        if filled[at] >= 0.6 * typical and filled[at] >= 2 and not _is_told(rows[at][1]):
            is_title = all(
                (count <= 2 or _is_told(row)) and count < filled[at]
                for count, (_, row) in zip(filled[: at - 1], rows, strict=False)
            )
            above = rows[at - 1][1]
            is_title = is_title and (filled[at - 1] <= 2 or _is_told(above) or _groups(above, filled[at]))
            is_title = is_title and filled[at - 1] < filled[at]
            # Two names above a ticket are a header that leaves columns without a name.
            below = [row for _, row in rows[at + 1 :]]
            is_ticket = max(filled[:at]) > 1 and looks_like_a_ticket(rows[at][1], below)
            return at if is_title and not is_ticket else 0
    return 0


def _is_told(cells: Sequence[str | None]) -> bool:
    """Whether the row says something of the report: "Period:", and then from when to when."""
    return str(cells[0] or "").rstrip().endswith(":") if cells else False


def _groups(cells: Sequence[str | None], names: int) -> bool:
    """Whether the row above a header of so many names groups its columns, each with a name for several."""
    told = [cell.strip() for cell in cells if cell and cell.strip()]
    is_short = all(len(cell) <= 40 and _kind(cell) is None for cell in told)
    return len(told) <= 0.6 * names and is_short and len(set(told)) == len(told)


def looks_like_a_ticket(cells: Sequence[str | None], later: Sequence[Sequence[str | None]]) -> bool:
    """Whether the row that should name the columns is one of the rows below: numbers over numbers, a text over texts, a
    label of theirs."""
    if len(later) < 2 or any(folded(cell) in KNOWN_NAMES for cell in cells if cell):
        return False
    alike = labels = filled = 0
    for position, cell in enumerate(cells):
        if not cell or not cell.strip():
            continue
        filled += 1
        below = [row[position] for row in later if len(row) > position and row[position]]
        kind = _kind(cell)
        if kind is not None and below and sum(_kind(other or "") == kind for other in below) >= 0.7 * len(below):
            alike += 1
        elif sum(other == cell for other in below) >= 2:
            if sure_order_of(set(map(str, below))):
                # "hoch" above hoch, mittel, niedrig: no column is called as one step of its scale.
                return True
            labels += 1
    if filled == 1 and not alike and _is_sentence(cells[0]):
        # Alone in its column: so is what stands below it.
        alone = [row[0] for row in later if row and row[0]]
        return sum(len(str(cell).split()) >= _WORDS_OF_A_SENTENCE for cell in alone) >= 0.7 * len(later)
    # Two of its cells come again, each in its own column: no two columns are called as their tickets are labelled.
    return labels >= 2 or (alike > 0 and (labels > 0 or alike >= 2 or alike == filled))


_WORDS_OF_A_SENTENCE = 4


def _is_sentence(cell: str | None) -> bool:
    """Whether somebody wrote it to somebody: no column is called so."""
    said = str(cell or "").strip()
    is_marked = said.endswith((".", "!")) or ", " in said
    return is_marked and len(said.split()) >= _WORDS_OF_A_SENTENCE


def _kind(cell: str) -> str | None:
    cell = cell.strip()
    if len(cell) > 40 and len(cell.split()) >= 6:
        return "text"
    if _NUMBER.fullmatch(cell):
        return "number"
    if len(cell) <= 40 and _DATE.fullmatch(cell):
        return "date"
    return "mail" if _MAIL.fullmatch(cell) else None


def footer_length(last: Sequence[Numbered]) -> int:
    """How many of the last rows are no tickets: a total, or notes of a report below a gap."""
    if len(last) < FEWEST_ROWS:
        return 0
    counts = [_filled(cells) for _, cells in last]
    typical = median(counts)
    length = 0
    for at in range(len(last) - 1, max(len(last) - 1 - FOOTER_ROWS, 0), -1):
        number, cells = last[at]
        first = next((cell for cell in cells if cell and isinstance(cell, str) and cell.strip()), "")
        has_gap = number > last[at - 1][0] + 1
        is_total = bool(_TOTALS.match(str(first).strip())) and counts[at] <= max(1, 0.6 * typical)
        is_alone = counts[at] <= 1 and typical >= 3
        if is_total or (is_alone and (length or has_gap)) or (has_gap and counts[at] < 0.5 * typical):
            length = len(last) - at
        elif not is_alone:
            break
    return length


class GridReader:
    """Rows of cells under a frame, as batches: short rows filled up, repeated headers and the footer passed over. Where
    the rows stand in groups, the group's name is a further column of them."""

    def __init__(self, frame: Frame, *, limits: Limits, noted: Noted) -> None:
        self._names = [cell or None for cell in frame.names]
        names = [*frame.names, column_names.GROUP] if frame.group else frame.names
        self.columns = unique_header(names, limits, noted, headless=frame.is_headless)
        self._width = len(frame.names)
        self._frame = frame
        self._limits = limits
        self._noted = noted
        noted.title_rows = frame.title_rows
        noted.is_headless = frame.is_headless and not frame.is_told
        noted.group_column = self.columns[-1] if frame.group else ""

    def batches(self, rows: Iterator[Numbered], bad: BadRows) -> Iterator[RowBatch]:
        """`rows` with their numbers, from the start of the table."""
        batch = RowBatcher(len(self.columns))
        group = self._frame.group
        self._note_group(group)
        is_below_item = False
        for number, cells in rows:
            if number < self._frame.first:
                continue
            if number > self._limits.rows:
                raise refused("table_rows", most=self._limits.rows, row=number)
            row = self._fitted(number, cells, bad)
            if row is None:
                continue
            if self._is_header(row):
                note_row(self._noted.headers_repeated, number)
                group = self._drop_title(batch) or group
                self._note_group(group)
                continue
            is_below_item = group is not None and (
                names_below_an_item(row, self._names) or (is_below_item and not row[0])
            )
            if is_below_item:
                note_row(self._noted.rows_of_groups, number)
                continue
            ending = [group] if group is not None else []
            if batch.add(number, row + ending, sum(len(cell) for cell in row if cell)):
                yield batch.take(keeping=FOOTER_ROWS)
        self._drop_summary(batch)
        self._drop_footer(batch)
        if len(batch):
            yield batch.take()

    def _fitted(self, number: int, cells: Sequence[str | None], bad: BadRows) -> list[str | None] | None:
        """The row with as many cells as there are names; None where it has more, which is told."""
        row = list(cells)
        if len(row) > self._width:
            if any(row[self._width :]):
                names = self.columns[: self._width]
                bad.add(number, names[-1], "cells_too_many", cells=len(row), names=self._width)
                return None
            row = row[: self._width]
        return row + [None] * (self._width - len(row))

    def _is_header(self, row: list[str | None]) -> bool:
        names = self._names
        return bool(names[0]) and row[0] == names[0] and [cell or None for cell in row[: len(names)]] == names

    def _note_group(self, group: str | None) -> None:
        if group is not None and group not in self._noted.groups and len(self._noted.groups) < MOST_GROUPS_NAMED:
            self._noted.groups.append(group)

    def _drop_title(self, batch: RowBatcher) -> str | None:
        """Takes back what stands above a repeated header: the name of the next group of tickets, alone in its row, and
        above it what sums the last group up. Returns the name."""
        above = batch.last[-MOST_TITLE_ROWS_BETWEEN:]
        own = [cells[: self._width] for _, cells in above]
        is_ticket = [_filled(cells) > 1 for cells in own]
        if self._width <= 3:
            return None
        titles = next((at for at, told in enumerate(reversed(is_ticket)) if told), len(is_ticket))
        batch.drop_last(titles)
        if self._frame.group is None or not titles:
            return None
        self._drop_summary(batch)
        return alone_in_row(own[-1])

    def _drop_summary(self, batch: RowBatcher) -> None:
        """Takes back the rows below a group that sum it up: where the tickets above have a name, they have none."""
        if self._frame.group is None:
            return
        last = batch.last[-FOOTER_ROWS:]
        rows = next((at for at, (_, cells) in enumerate(reversed(last)) if cells[0]), len(last))
        above = last[: len(last) - rows]
        if 0 < rows <= MOST_TITLE_ROWS_BETWEEN and sum(bool(cells[0]) for _, cells in above) >= 0.8 * len(above) > 0:
            for number, _ in last[-rows:]:
                note_row(self._noted.rows_of_groups, number)
            batch.drop_last(rows)

    def _drop_footer(self, batch: RowBatcher) -> None:
        drop_footer(batch, self._noted)


def drop_footer(batch: RowBatcher, noted: Noted) -> None:
    """Takes the footer off the last rows and notes it."""
    last = batch.last[-3 * FOOTER_ROWS :]
    length = footer_length(last)
    for number, cells in last[len(last) - length :] if length else ():
        note_footer(noted, number, cells)
    batch.drop_last(length)


def note_footer(noted: Noted, number: int, cells: Sequence[Any]) -> None:
    """Notes a row below the tickets, with its text as an example."""
    note_row(noted.footer_rows, number)
    noted.footer_example = noted.footer_example or clean_name(" ".join(str(cell) for cell in cells if cell)[:100])


def note_row(rows: list[int], number: int) -> None:
    """Notes a row's number; of very many only the first."""
    if len(rows) < 1_000:
        rows.append(number)
