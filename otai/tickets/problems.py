"""What can be wrong with a file, and how it is counted: every bad row once, the first twenty in full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from otai.errors import Invalid, OtaiError
from otai.learning.data.privacy.personal import mask
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact

PROBLEMS_SHOWN = 20
PROBLEMS_COUNTED = 100_000
"""Without --skip-bad-rows an import gives up here: the file is of another kind than it was taken for."""


class DatasetInvalid(Invalid):
    """The file cannot be imported as it is; nothing was written.

    `details` may hold `row` and `column` (of the first problem), `problems` (up to 20, each with row, column and
    message) and `problem_count`.
    """

    code = "dataset_invalid"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one row. `row` counts as the source does: the header is row 1 of a table, the first line row 1
    of JSON Lines."""

    row: int
    column: str | None
    fact: Fact
    """What is wrong, without the place (`otai/words/tables/rows.py`)."""

    @property
    def placed(self) -> Fact:
        """The same with its row and column."""
        where = {"row": self.row} if self.column is None else {"row": self.row, "column": self.column}
        return Fact("row_and_column" if self.column is not None else "row_alone", {**where, "why": self.fact.as_dict()})

    @property
    def message(self) -> str:
        """What is wrong in the row, as an English sentence without row and column; `fact` is said in any language."""
        return say_fact(self.fact)

    def __str__(self) -> str:
        return say_fact(self.placed)

    def as_dict(self) -> dict[str, Any]:
        """As JSON: row, column, the fact's code and values, and its English sentence as `message`."""
        return {"row": self.row, "column": self.column, **self.fact.as_dict(), "message": self.message}


class BadRows:
    """Collects the bad rows of one pass. A row that has one problem is not looked at further, so problems and rows
    count the same."""

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.count = 0
        self.first: list[Problem] = []

    def add(self, row: int, column: str | None, case: str, **values: Any) -> None:
        """Notes a row that cannot be read. `case` is a code of `otai/words/tables/rows.py`, without the `row.` before
        it; texts of the row are quoted without personal data. Raises DatasetInvalid once they are too many, unless
        they are to be left out."""
        self.count += 1
        if len(self.first) < PROBLEMS_SHOWN:
            quoted = {name: mask(value) if isinstance(value, str) else value for name, value in values.items()}
            self.first.append(Problem(row, column, Fact(f"row.{case}", quoted)))
        if self.count >= PROBLEMS_COUNTED and not self.skip:
            self.refuse()

    def refuse(self) -> None:
        """Raises DatasetInvalid with what was collected, if anything was."""
        if not self.count:
            return
        first = self.first[0]
        raise DatasetInvalid(
            "bad_rows",
            first=first.placed,
            row=first.row,
            column=first.column,
            problems=[problem.as_dict() for problem in self.first],
            problem_count=self.count,
        )


@contextmanager
def told_as(case: str, **details: Any) -> Iterator[None]:
    """While a library reads a customer's bytes: whatever it raises about them is this refusal, with its words as
    `error`. What is not the file's fault (a full disk, no memory left, an interruption) stays what it is."""
    try:
        yield
    except (OtaiError, MemoryError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise refused(case, error=_in_short(error), **details) from error


def _in_short(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    words = " ".join(str(error).split())[:200].rstrip(".")
    return words or type(error).__name__


def refused(case: str, **details: Any) -> DatasetInvalid:
    """A refusal of the file as a whole, in the same shape as one for its rows."""
    error = DatasetInvalid(case, **{"row": None, "column": None, **details})
    fact = {"code": error.key, "values": dict(error.details), "message": error.message}
    problem = {"row": error.details["row"], "column": error.details["column"], **fact}
    error.details |= {"problems": [problem], "problem_count": 1}
    return error
