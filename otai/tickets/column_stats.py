"""What the first rows of a source show: each column's values counted, and a sample of whole rows for what only shows
between columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from otai.tickets.column_names import ColumnName, folded, name_of
from otai.tickets.missing_values import is_missing
from otai.tickets.problems import BadRows
from otai.tickets.sources.table import Source
from otai.words.sentences import Fact

GUESSED_ROWS = 50_000
GUESSED_CHARACTERS = 64_000_000
"""As many rows as these are looked at. Files sorted by queue are common: a few hundred rows would show one queue."""
DISTINCT_KEPT = 2_000_000
"""Different values remembered, all columns together."""

SAMPLED_ROWS = 4_000
SAMPLED_CELLS = 400_000
SAMPLED_CHARACTERS = 4_000
"""Of a cell in the sample. Texts are told apart and compared by their beginnings."""


@dataclass(slots=True)
class ColumnStats:
    """What the first rows show of one column. `counts` holds its values up to a bound; `is_capped` when there were
    more. `cells` are those of the sampled rows, None where empty; lists are joined by line feeds."""

    name: str
    filled: int = 0
    characters: int = 0
    longest: int = 0
    lists: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    is_capped: bool = False
    cells: list[str | None] = field(default_factory=list)

    @property
    def folded(self) -> str:
        """The name without case, accents and separators."""
        return folded(self.name)

    @property
    def words(self) -> ColumnName:
        """The name taken apart."""
        return name_of(self.name)

    @property
    def mean_length(self) -> float:
        """Characters of a filled cell in the mean; 0 where none is filled."""
        return self.characters / self.filled if self.filled else 0.0

    @property
    def distinct(self) -> int:
        """How many different values were seen; bounded (`is_capped`)."""
        return len(self.counts)

    @property
    def tickets_a_value(self) -> float:
        """How many rows share a value in the mean; 0 where none is filled."""
        return self.filled / self.distinct if self.distinct else 0.0

    def share(self, test: Callable[[str], object], *, most: int = 500) -> float:
        """The share of values (each counted as often as it occurs, over the `most` frequent) for which `test` holds."""
        looked = self.counts.most_common(most)
        total = sum(count for _, count in looked)
        return sum(count for value, count in looked if test(value)) / total if total else 0.0


@dataclass(slots=True)
class Look:
    """The first rows of a source: how many, whether these are all, and each column's statistics. `unreadable` rows are
    not among them."""

    rows: int
    is_whole: bool
    columns: list[ColumnStats]
    unreadable: int = 0

    def column(self, name: str) -> ColumnStats:
        """The column of that name, which there must be."""
        return next(column for column in self.columns if column.name == name)

    def rows_of(self, *columns: ColumnStats) -> Iterator[tuple[str | None, ...]]:
        """The sampled rows of some columns."""
        return zip(*(column.cells for column in columns), strict=True)

    @property
    def where(self) -> dict[str, Any]:
        """A fact (`otai.words.columns`): which rows were looked at."""
        return Fact("rows_all" if self.is_whole else "rows_first", {"rows": self.rows}).as_dict()


def look_at(source: Source) -> Look:
    """Statistics of the first rows; bad ones are passed over, the import reports them."""
    stats = [ColumnStats(name) for name in source.columns]
    most_distinct = max(1_000, min(20_000, DISTINCT_KEPT // max(len(stats), 1)))
    rows = characters = 0
    is_whole = True
    stride, sampled = 1, 0
    most_sampled = max(200, min(SAMPLED_ROWS, SAMPLED_CELLS // max(len(stats), 1)))
    # Of several tables joined into one each is looked at, for each may have columns of its own.
    bad = BadRows(skip=True)
    batches = getattr(source, "first_batches", source.batches)(bad)
    for batch in batches:
        first = -rows % stride
        rows += len(batch.numbers)
        for column, cells in zip(stats, batch.columns, strict=True):
            characters += _count(column, cells, most_distinct, first, stride)
        sampled += len(range(first, len(batch.numbers), stride))
        while sampled > 2 * most_sampled:
            # Every second row goes, so that the sample stays spread over all that was looked at.
            stride *= 2
            for column in stats:
                column.cells = column.cells[::2]
            sampled = (sampled + 1) // 2
        if rows >= GUESSED_ROWS or characters >= GUESSED_CHARACTERS:
            is_whole = next(batches, None) is None
            break
    for column in stats:
        _forget_missing(column)
    return Look(rows, is_whole, stats, bad.count)


def _forget_missing(column: ColumnStats) -> None:
    """Cells that say that there is nothing ("-", "N/A", "Not set") are as empty as empty ones."""
    for value in [value for value in column.counts if is_missing(value)]:
        count = column.counts.pop(value)
        column.filled = max(column.filled - count, 0)
        column.characters -= min(len(value) * count, column.characters)


def _count(column: ColumnStats, cells: Any, most_distinct: int, first: int, stride: int) -> int:
    values: list[str] = []
    cells = cells if isinstance(cells, list | tuple) else cells.to_pylist()
    if any(isinstance(cell, str) and cell.startswith(FORMULA_TEXT) for cell in cells):
        cells = [formula_text(cell) if isinstance(cell, str) else cell for cell in cells]
    for cell in cells:
        if isinstance(cell, list):
            column.lists += 1
            values += [label for label in cell if label]
            column.filled += 1
        elif cell and not cell.isspace():
            values.append(cell)
            column.filled += 1
    size = sum(map(len, values))
    column.characters += size
    column.longest = max(column.longest, max(map(len, values), default=0))
    if len(column.counts) < most_distinct:
        # Texts are told apart by their beginnings; keeping them whole would keep the file.
        column.counts.update(value[:300].strip() for value in values)
        column.is_capped = len(column.counts) >= most_distinct
    column.cells += map(_sampled, cells[first::stride])
    return size


FORMULA_TEXT = '="'


def formula_text(cell: str) -> str:
    """The text of a cell written ="0010", so that a spreadsheet keeps its zeros."""
    is_one = cell.startswith(FORMULA_TEXT) and cell.endswith('"') and len(cell) > len(FORMULA_TEXT)
    return cell[len(FORMULA_TEXT) : -1].replace('""', '"') if is_one else cell


def _sampled(cell: Any) -> str | None:
    if isinstance(cell, list):
        return "\n".join(label for label in cell if label)[:SAMPLED_CHARACTERS] or None
    return cell[:SAMPLED_CHARACTERS].strip() or None if cell else None
