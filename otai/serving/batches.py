"""Predictions for whole files and for streams, in bounded memory: rows are read, predicted and written some thousands
at a time.

A file may be anything that can be imported (CSV, Excel, JSON, Parquet); which column is the text is found out as in an
import. A row that cannot be read is passed on as such, with its number and the reason, and the others are predicted all
the same: every row of the source is accounted for.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from otai.learning.data.profiling import joined_texts
from otai.learning.model.deciding import Thresholds
from otai.serving.http import RequestInvalid, as_json, text_of
from otai.spreadsheets import harmless
from otai.tickets.cells import TicketMaker
from otai.tickets.columns import ColumnRoles
from otai.tickets.guessing import guess_roles, look_at
from otai.tickets.limits import LIMITS
from otai.tickets.options import ReadOptions
from otai.tickets.problems import BadRows, Problem
from otai.tickets.sources.opening import open_source
from otai.words.sentences import Fact

if TYPE_CHECKING:
    from otai.learning.model.bundle import Bundle, TicketPrediction

lines_at_once = 256
most_line_characters = 2_000_000


@dataclass(frozen=True)
class BatchRow:
    """One row of the source: predicted, or wrong."""

    number: int
    ticket: str
    prediction: TicketPrediction | None
    wrong: str = ""
    text: str = ""


@dataclass
class BatchCount:
    """How it went. `first_wrong` are the first few rows that could not be read, in words."""

    predicted: int = 0
    wrong: int = 0
    first_wrong: list[str] = field(default_factory=list)

    def add(self, row: BatchRow) -> None:
        """Counts one row."""
        if row.prediction is not None:
            self.predicted += 1
            return
        self.wrong += 1
        if len(self.first_wrong) < 5:
            self.first_wrong.append(f"row {row.number}: {row.wrong}")


class Writer(Protocol):
    def write(self, rows: Sequence[BatchRow]) -> None:
        """Writes these rows, in their order, and nothing of them stays in memory."""


class _Passing(BadRows):
    """Bad rows, taken out batch by batch instead of being collected."""

    def __init__(self) -> None:
        super().__init__(skip=True)
        self._now: list[tuple[int, str]] = []

    def add(self, row: int, column: str | None, case: str, **values: Any) -> None:
        self.count += 1
        message = Problem(row, column, Fact(f"row.{case}", values)).message
        self._now.append((row, message if column is None else f"column {column!r}: {message}"))

    def take(self) -> list[BatchRow]:
        taken, self._now = self._now, []
        return [BatchRow(number, f"row {number}", None, wrong) for number, wrong in taken]


def rows_of_file(
    bundle: Bundle,
    path: Path,
    *,
    options: ReadOptions = ReadOptions(),
    progress: Callable[[float, int], None] | None = None,
) -> Iterator[list[BatchRow]]:
    """The rows of a file, batch by batch, in its order. Blank rows are passed over.

    Raises DatasetInvalid for a file that is none, or has no text, and ColumnsInvalid for roles that do not fit it.
    `progress` is told the share that was read and the rows done.
    """
    source = open_source(path, options=options)
    guessed = guess_roles(look_at(source), options.roles)
    # Only what a prediction needs: labels, dates and splits of the file are none of its business.
    wanted = {role: column for role, column in guessed.single.items() if role in ("subject", "body", "ticket")}
    maker = TicketMaker(source.columns, ColumnRoles(single=wanted), limits=LIMITS)
    size, done = max(path.stat().st_size, 1), 0
    bad = _Passing()
    for read in source.batches(bad):
        batch = maker.tickets(read, bad)
        texts = joined_texts(batch).to_pylist()
        rows = [
            BatchRow(number, ticket, prediction, text=text)
            for number, ticket, prediction, text in zip(
                batch.column("row").to_pylist(),
                batch.column("ticket").to_pylist(),
                bundle.predict(texts),
                texts,
                strict=True,
            )
        ]
        done += len(rows)
        yield sorted([*rows, *bad.take()], key=lambda row: row.number)
        if progress is not None:
            progress(min(source.bytes_read() / size, 1.0), done)
    if late := bad.take():
        yield late


def rows_of_lines(bundle: Bundle, stream: IO[bytes]) -> Iterator[list[BatchRow]]:
    """JSON lines, each a text or {"text"} or {"subject", "body"}, with an "id" or "ticket" if wanted; answered as soon
    as they come.

    Whatever has arrived is one batch, so a single line waits for nobody, and a flood is read fast.
    """
    number, rest = 0, b""
    while True:
        chunk = _read_some(stream)
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop() if chunk else b""
        if len(rest) > 4 * most_line_characters:
            yield [
                BatchRow(
                    number + 1,
                    f"row {number + 1}",
                    None,
                    f"a line of more than {most_line_characters:,} characters; reading ends here",
                )
            ]
            return
        for start in range(0, len(lines), lines_at_once):
            some = lines[start : start + lines_at_once]
            numbered = [(number + at, line) for at, line in enumerate(some, 1) if line.strip()]
            number += len(some)
            if numbered:
                yield _predicted(bundle, numbered)
        if not chunk:
            return


def _read_some(stream: IO[bytes]) -> bytes:
    read1 = getattr(stream, "read1", None)
    some: bytes = read1(1 << 16) if read1 else stream.readline()
    return some


def _predicted(bundle: Bundle, lines: Sequence[tuple[int, bytes]]) -> list[BatchRow]:
    texts: list[str] = []
    rows: list[BatchRow | tuple[int, str]] = []
    for number, line in lines:
        try:
            document = json.loads(line)
            text = text_of(document, "The line")
        except RequestInvalid as error:
            rows.append(BatchRow(number, f"row {number}", None, error.message))
        except (ValueError, RecursionError) as error:
            rows.append(BatchRow(number, f"row {number}", None, f"no JSON: {str(error)[:100]}"))
        else:
            texts.append(text)
            rows.append((number, _name(document, number)))
    predicted = iter(zip(bundle.predict(texts), texts, strict=True))
    answered = []
    for row in rows:
        if not isinstance(row, BatchRow):
            prediction, text = next(predicted)
            row = BatchRow(*row, prediction, text=text)
        answered.append(row)
    return answered


def _name(document: object, number: int) -> str:
    if isinstance(document, Mapping):
        for key in ("ticket", "id"):
            if isinstance(document.get(key), str | int):
                return str(document[key])
    return f"row {number}"


@dataclass
class JsonLinesWriter:
    """One object a row: row, ticket, and either attributes or error. With `thresholds`, each attribute says whether it
    may be decided alone."""

    file: IO[str]
    thresholds: Thresholds | None = None

    def write(self, rows: Sequence[BatchRow]) -> None:
        """One line of JSON for each row, written at once."""
        for row in rows:
            said = {"error": row.wrong} if row.prediction is None else as_json(row.prediction, self.thresholds)
            self.file.write(json.dumps({"row": row.number, "ticket": row.ticket, **said}, ensure_ascii=False) + "\n")
        self.file.flush()


class CsvWriter:
    """A row for each row: its number, the ticket, and for each attribute the labels, how sure, and what came second.

    It is read in spreadsheets: a ticket or a label that would be worked out as a formula gets an apostrophe in front.
    With `precision`, also whether it may be decided alone (`Thresholds`). Raises PrecisionUnknown.
    """

    def __init__(self, file: IO[str], bundle: Bundle, *, precision: float | None = None) -> None:
        self._names = [one.spec.name for one in bundle.attributes]
        self._thresholds = None if precision is None else Thresholds.at(bundle, precision)
        self._writer = csv.writer(file)
        header = ["row", "ticket"]
        for name in self._names:
            header += [name, f"{name} confidence", f"{name} second"]
            header += [f"{name} decide alone"] if self._thresholds else []
        self._columns = len(header)
        self._row([*header, "error"])

    def _row(self, cells: Sequence[str | int]) -> None:
        self._writer.writerow([harmless(cell) for cell in cells])

    def write(self, rows: Sequence[BatchRow]) -> None:
        """One line for each row; what is wrong with it stands in the last column."""
        for row in rows:
            cells: list[Any] = [row.number, row.ticket]
            if row.prediction is not None:
                for name in self._names:
                    found = row.prediction[name]
                    second = found.runners_up[0].label if found.runners_up else ""
                    cells += ["|".join(found.labels), f"{found.confidence:.4f}", second]
                    if self._thresholds is not None:
                        cells.append("yes" if self._thresholds.decides_alone(name, found) else "no")
            cells += [""] * (self._columns - len(cells))
            self._row([*cells, row.wrong])
