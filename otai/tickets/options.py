"""What somebody may say of a file and of its import; all that is left open is found out.

FormatOptions   how the file is read as a table
ReadOptions     and what its columns are for
ImportOptions   and what becomes of its rows and texts
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from otai.tickets.columns import ColumnRoles


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """How a file is read as a table. `header` is the number of the row that names the columns, 0 where none does;
    `sheet` one of a workbook's."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header: int | None = None


@dataclass(frozen=True, slots=True)
class ReadOptions(FormatOptions):
    """And what its columns are for (`roles`; the rest is guessed), and how 03/04/2026 is read where nothing in the file
    settles it: `dates` is "day-first" or "month-first"."""

    roles: ColumnRoles | None = None
    dates: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a job. `from_dict` reads it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {"roles": self.roles.as_dict() if self.roles is not None else None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The options among the values of `as_dict`; what a version before did not know keeps its default."""
        said = {field.name: values[field.name] for field in dataclasses.fields(cls) if field.name in values}
        if said.get("roles") is not None:
            said["roles"] = ColumnRoles.from_dict(said["roles"])
        return cls(**said)


@dataclass(frozen=True, slots=True)
class ImportOptions(ReadOptions):
    """And what becomes of rows and texts.

    Bad rows are left out and counted with `skip_bad_rows`; otherwise they refuse the file. Earlier mails, signatures
    and the like are cut from the texts unless `keep_quotes`; with `mask` personal data is replaced by its kind before
    anything is stored. With `add` the tickets are added to the newest version of the data set, whose roles are then the
    roles: the newest row of a ticket's id wins.
    """

    skip_bad_rows: bool = False
    keep_quotes: bool = False
    mask: bool = False
    add: bool = False
