"""What an import would make of a file, as a page shows it and a job keeps it for a day."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otai.learning.data.texts.threads import holds_threads
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import ColumnRoles
from otai.tickets.day_order import UnsettledDates
from otai.tickets.examples import examples_of, examples_of_messages
from otai.tickets.formats_of_before import format_of
from otai.tickets.sources.table import Noted
from otai.words.sentences import Fact

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would take each column for: the format found, the rows looked at, the roles with their reasons."""

    format: Fact
    look: Look
    roles: ColumnRoles
    sheets: tuple[str, ...] = ()
    """Of a workbook: those that were read, and then the others."""
    unsettled_dates: UnsettledDates | None = None
    rows_become: tuple[Fact, ...] = ()
    """What the number of rows means (`rows_become`)."""

    def as_dict(self) -> dict[str, Any]:
        """Of each column a few of its values: what a page shows, and a job keeps for a day; without personal data."""
        columns = [{"name": one.name, "examples": self._examples_of(one)} for one in self.look.columns]
        return {
            "format": self.format.as_dict(),
            "rows": self.look.rows,
            "is_whole": self.look.is_whole,
            "columns": columns,
            "roles": self.roles.as_dict(),
            "sheets": list(self.sheets),
            "unsettled_dates": dataclasses.asdict(self.unsettled_dates) if self.unsettled_dates else None,
            "rows_become": [one.as_dict() for one in self.rows_become],
        }

    def _examples_of(self, column: ColumnStats) -> list[tuple[str, int]]:
        use, sender = self.roles.use_of(column.name), self.roles.single.get("sender")
        if use in ("subject", "body") and sender is not None and not column.lists and not holds_threads(column.cells):
            return examples_of_messages(column, self.look.column(sender))
        return examples_of(column, as_text=use == "body")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preview:
        """The preview of `as_dict`."""
        stats = [ColumnStats(one["name"], counts=Counter(dict(one["examples"]))) for one in values["columns"]]
        look = Look(values["rows"], values["is_whole"], stats)
        roles = ColumnRoles.from_dict(values["roles"])
        asked = values.get("unsettled_dates")
        dates = UnsettledDates(**asked) if asked else None
        become = tuple(map(Fact.from_dict, values.get("rows_become", ())))
        return cls(format_of(values["format"]), look, roles, tuple(values.get("sheets", ())), dates, become)


def rows_become(look: Look, roles: ColumnRoles, noted: Noted) -> tuple[Fact, ...]:
    """What becomes of the rows that were looked at: tickets of their own, or several one ticket; and which rows are not
    among them."""
    ids = look.column(roles.single["ticket"]) if "ticket" in roles.single else None
    found = []
    if ids is not None and ids.distinct < ids.filled == look.rows and not ids.is_capped:
        found.append(Fact("rows_of_one_id", {"column": ids.name, "tickets": ids.distinct}))
    elif look.is_whole and (ids is None or ids.distinct == ids.filled):
        found.append(Fact("rows_each_a_ticket"))
    if noted.joined_by_id:
        found.append(Fact("rows_joined", {"files": noted.joined_by_id[:MOST_NAMED]}))
    if look.unreadable:
        found.append(Fact("rows_unreadable", {"rows": look.unreadable}))
    no_tickets = len(noted.headers_repeated) + len(noted.footer_rows) + len(noted.rows_of_groups)
    if no_tickets:
        found.append(Fact("rows_no_tickets", {"rows": no_tickets}))
    return tuple(found)
