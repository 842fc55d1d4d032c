"""What every source looks like to the import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, DatasetInvalid, refused
from otai.words.sentences import Fact

BATCH_ROWS = 4_096
BATCH_CHARACTERS = 4_000_000
"""A batch ends at whichever comes first, so that long tickets do not fill the memory either."""


@dataclass(slots=True)
class RowBatch:
    """Some rows, column by column. `numbers` are the row numbers of the source; a cell is a string, None, or a list of
    strings where the format has lists (JSON, Parquet). A column may be an array of Arrow's (CSV, Parquet)."""

    numbers: list[int]
    columns: list[Sequence[Any]]

    def lists(self) -> list[Sequence[Any]]:
        """The columns as sequences of Python's cells, whatever the source."""
        return [column.to_pylist() if hasattr(column, "to_pylist") else column for column in self.columns]


@dataclass(slots=True)
class Noted:
    """What was understood about a file beyond its rows, to be said before anything is paid. Counts are of the present
    pass."""

    title_rows: int = 0
    """Rows above the header."""
    is_headless: bool = False
    """The first row is a ticket, and nobody said so: the columns have numbers for names."""
    headers_repeated: list[int] = field(default_factory=list)
    """Row numbers of headers in the middle, as files joined end to end have; the first ones."""
    footer_rows: list[int] = field(default_factory=list)
    """Row numbers below the tickets: totals, notes of a report."""
    footer_example: str = ""
    groups: list[str] = field(default_factory=list)
    """Names of the groups that the rows stand in, each above its rows; the first ones."""
    group_column: str = ""
    """The column that says of each row in which group it stands."""
    rows_of_groups: list[int] = field(default_factory=list)
    """Row numbers of what sums a group up or belongs to a ticket (subitems): no tickets."""
    columns_left_out: list[str] = field(default_factory=list)
    """Of a file with more columns than an import may have: those that repeat a name many times."""
    names_cut: list[str] = field(default_factory=list)
    """Columns whose names are longer than a name may be: what is left of them."""
    sheets: list[str] = field(default_factory=list)
    """The sheets that were read."""
    sheets_left_out: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    """The files of an archive that were read."""
    files_left_out: list[str] = field(default_factory=list)
    later_tables: list[int] = field(default_factory=list)
    """Of several files or sheets read as one table: row numbers at which the second and every further one begin."""
    joined_by_id: list[str] = field(default_factory=list)
    """Files or sheets that hold more about the same tickets."""
    list_at: str = ""
    """Where in a JSON or XML document the tickets lie, such as `_embedded.conversations`."""
    mixed_encodings: bool = False
    """Lines in Windows-1252 among lines in UTF-8."""

    def begin(self) -> None:
        """A new pass over the rows."""
        self.headers_repeated, self.footer_rows, self.footer_example = [], [], ""
        self.groups, self.rows_of_groups = [], []

    def note_more(self, other: Noted, *, after: int) -> None:
        """What was noted of the rows of a further table, whose first row is the one `after` so many."""
        self.headers_repeated += [after + row for row in other.headers_repeated]
        self.footer_rows += [after + row for row in other.footer_rows]
        self.footer_example = self.footer_example or other.footer_example
        self.groups += [name for name in other.groups if name not in self.groups]
        self.group_column = self.group_column or other.group_column
        self.rows_of_groups += [after + row for row in other.rows_of_groups]


def read_as(*parts: Fact) -> Fact:
    """As what a file was read: its format first, then what of it, and how it was written."""
    return Fact("read_as", {"parts": [part.as_dict() for part in parts]})


class Source(Protocol):
    """A file as a table. `format` says as what it is read (`read_as`); `columns` are its header, each name once."""

    format: Fact
    columns: list[str]
    noted: Noted

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """All rows from the start. Rows that cannot be read go to `bad` instead. Raises DatasetInvalid where no row
        can."""
        ...

    def bytes_read(self) -> int:
        """How far into the file the present pass is, for progress."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """A table that belongs to the tickets of another: what it is called, and the column that names the ticket."""

    name: str
    source: Source
    ticket: str


LOOKED_AT_ROWS = 50_000
MOST_LOOKED_INTO = 50
"""Of tables that are joined, so many at most are open at a time for a look into each."""


def some_of_each(tables: Sequence[Iterator[RowBatch]]) -> Iterator[RowBatch]:
    """All rows: first some of each table, as each may have columns of its own, then the rest of each."""
    for rows_of in tables if len(tables) <= MOST_LOOKED_INTO else ():
        rows = 0
        for batch in rows_of:
            yield batch
            rows += len(batch.numbers)
            if rows >= LOOKED_AT_ROWS // len(tables):
                break
    for rows_of in tables:
        yield from rows_of


def first_values(source: Source) -> dict[str, Sequence[Any]]:
    """The first cells of each column; empty where no row can be read."""
    try:
        first = next(iter(source.batches(BadRows(skip=True))), None)
    except DatasetInvalid:
        first = None
    cells = first.lists() if first else []
    return dict(zip(source.columns, cells or [()] * len(source.columns), strict=True))


def unique_header(names: Sequence[str | None], limits: Limits, noted: Noted, *, headless: bool = False) -> list[str]:
    """Header cells as column names: trimmed, empty ones numbered, a repeated one told apart as in `Labels`, `Labels
    (2)`.

    A `headless` table has numbers only. A name that is too long is cut, and `noted`. Raises
    DatasetInvalid for more columns than an import may have, and for a header in which nothing is written.
    """
    if len(names) > limits.columns:
        raise refused("columns", columns=len(names), most=limits.columns)
    whole = [clean_name(name or "") for name in names]
    cleaned = [name[: limits.label_characters] for name in whole]
    noted.names_cut = [kept for kept, name in zip(cleaned, whole, strict=True) if kept != name]
    if not any(cleaned) and not headless:
        raise refused("header_empty", row=1)
    header: list[str] = []
    taken = {name for name in cleaned if name}
    seen: dict[str, int] = {}
    for position, name in enumerate(cleaned, start=1):
        if not name:
            header.append(_free(f"column {position}", taken))
            continue
        seen[name] = seen.get(name, 0) + 1
        header.append(name if seen[name] == 1 else _free(f"{name} ({seen[name]})", taken))
    return header


UNSEEN = re.compile("[\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
"""Signs without a shape of their own: blanks without width, and those that turn the letters after them round. Two names
that differ in them look the same, and one that holds them looks like another."""


def clean_name(name: str) -> str:
    """A column's name as it can be stored and shown: no control characters, none that nobody sees, and a mark for what
    is no character at all."""
    shown = UNSEEN.sub("", name.encode("utf-8", errors="replace").decode())
    return " ".join(
        "".join(" " if character < " " or character == "\x7f" else character for character in shown).split()
    )


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


class RowBatcher:
    """Gathers rows, given one at a time as lists of cells, into batches."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._numbers: list[int] = []
        self._rows: list[Sequence[Any]] = []
        self._characters = 0

    def add(self, number: int, row: Sequence[Any], characters: int) -> bool:
        """True when the batch is full and should be taken."""
        self._numbers.append(number)
        self._rows.append(row)
        self._characters += characters
        return len(self._rows) >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS

    def extend(self, number: int, rows: Sequence[Sequence[Any]], characters: int) -> bool:
        """As `add`, for rows that follow each other from `number` on."""
        self._numbers.extend(range(number, number + len(rows)))
        self._rows.extend(rows)
        self._characters += characters
        return len(self._rows) >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS

    def take(self, *, keeping: int = 0) -> RowBatch:
        """The rows so far but the last `keeping`, which stay for the next batch."""
        end = max(len(self._rows) - keeping, 0)
        rows = self._rows[:end]
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * self.width
        taken = RowBatch(self._numbers[:end], columns)
        self._numbers, self._rows, self._characters = self._numbers[end:], self._rows[end:], 0
        return taken

    @property
    def last(self) -> list[tuple[int, Sequence[Any]]]:
        """The rows that are not taken yet, with their numbers."""
        return list(zip(self._numbers, self._rows, strict=True))

    def drop_last(self, rows: int) -> None:
        """Takes back the last rows: they were a footer."""
        if rows:
            del self._numbers[-rows:], self._rows[-rows:]

    def __len__(self) -> int:
        return len(self._rows)


def rows_by_keys(
    objects: Iterable[tuple[int, Mapping[str, Any], int]],
    keys: Sequence[str],
    *,
    limits: Limits,
    late_keys: dict[str, int],
) -> Iterator[RowBatch]:
    """Batches of objects, given with their number and characters, as cells in the order of `keys`. A key that came too
    late to be a column is noted in `late_keys`, with the row that had it first."""
    batch = RowBatcher(len(keys))
    known = set(keys)
    for number, row, characters in objects:
        if not row.keys() <= known:
            for key in row.keys() - known:
                if len(late_keys) < limits.columns:
                    late_keys.setdefault(clean_name(key)[: limits.label_characters], number)
        if batch.add(number, [row.get(key) for key in keys], characters):
            yield batch.take()
    if len(batch):
        yield batch.take()
