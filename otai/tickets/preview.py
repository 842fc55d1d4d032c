"""What an import would make of a file, as a page shows it and a job keeps it for a day."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otai.learning.data.personal import mask
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import ColumnRoles
from otai.tickets.day_order import UnsettledDates
from otai.tickets.formats_of_before import format_of
from otai.words.sentences import Fact

EXAMPLES_KEPT = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would take each column for: the format found, the rows looked at, the roles with their reasons."""

    format: Fact
    look: Look
    roles: ColumnRoles
    sheets: tuple[str, ...] = ()
    """Of a workbook: those that were read, and then the others."""
    unsettled_dates: UnsettledDates | None = None

    def as_dict(self) -> dict[str, Any]:
        """Of each column a few of its values: what a page shows, and a job keeps for a day; without personal data."""
        columns = [
            {
                "name": one.name,
                "examples": [[mask(value), count] for value, count in one.counts.most_common(EXAMPLES_KEPT)],
            }
            for one in self.look.columns
        ]
        return {
            "format": self.format.as_dict(),
            "rows": self.look.rows,
            "is_whole": self.look.is_whole,
            "columns": columns,
            "roles": self.roles.as_dict(),
            "sheets": list(self.sheets),
            "unsettled_dates": dataclasses.asdict(self.unsettled_dates) if self.unsettled_dates else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preview:
        """The preview of `as_dict`."""
        stats = [ColumnStats(one["name"], counts=Counter(dict(one["examples"]))) for one in values["columns"]]
        look = Look(values["rows"], values["is_whole"], stats)
        roles = ColumnRoles.from_dict(values["roles"])
        asked = values.get("unsettled_dates")
        dates = UnsettledDates(**asked) if asked else None
        return cls(format_of(values["format"]), look, roles, tuple(values.get("sheets", ())), dates)
