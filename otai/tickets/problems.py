"""What can be wrong with a file, and how it is counted: every bad row once, the first twenty in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otai.errors import Invalid

PROBLEMS_SHOWN = 20
PROBLEMS_COUNTED = 100_000
"""Without --skip-bad-rows an import gives up here: the file is of another kind than it was taken for."""


class DatasetInvalid(Invalid):
    """The file cannot be imported as it is; nothing was written.

    `details` may hold `row` and `column` (of the first problem), `problems` (up to 20, each with row, column and message) and
    `problem_count`.
    """

    code = "dataset_invalid"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one row. `row` counts as the source does: the header is row 1 of a table, the first line row 1 of JSON Lines."""

    row: int
    column: str | None
    message: str

    def __str__(self) -> str:
        place = f"row {self.row:,}" if self.column is None else f"row {self.row:,}, column {self.column!r}"
        return f"{place}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"row": self.row, "column": self.column, "message": self.message}


class BadRows:
    """Collects the bad rows of one pass. A row that has one problem is not looked at further, so problems and rows count the same."""

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.count = 0
        self.first: list[Problem] = []

    def add(self, row: int, column: str | None, message: str) -> None:
        """Notes a row that cannot be read. Raises DatasetInvalid once they are too many, unless they are to be left
        out."""
        self.count += 1
        if len(self.first) < PROBLEMS_SHOWN:
            self.first.append(Problem(row, column, message))
        if self.count >= PROBLEMS_COUNTED and not self.skip:
            self.refuse()

    def refuse(self) -> None:
        """Raises DatasetInvalid with what was collected, if anything was."""
        if not self.count:
            return
        first = self.first[0]
        rows = "1 row" if self.count == 1 else f"{self.count:,} rows"
        more = "" if self.count == 1 else f" ({self.count - 1:,} more)"
        them = "it" if self.count == 1 else "them"
        raise DatasetInvalid(
            f"{rows} cannot be read: {first}{more}. Nothing was imported. Correct {them}, or leave {them} out: --skip-bad-rows.",
            row=first.row,
            column=first.column,
            problems=[problem.as_dict() for problem in self.first],
            problem_count=self.count,
        )


def refused(message: str, **details: Any) -> DatasetInvalid:
    """A refusal of the file as a whole, in the same shape as one for its rows."""
    facts: Mapping[str, Any] = {"row": None, "column": None, **details}
    problem = {"row": facts["row"], "column": facts["column"], "message": message}
    return DatasetInvalid(message, **{"problems": [problem], "problem_count": 1, **facts})
