"""Which column a ticket is known by: by its name first, then by what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from otai.learning.data.privacy.personal import mask
from otai.tickets import column_names as names
from otai.tickets.column_names import is_bare_number
from otai.tickets.column_stats import ColumnStats, Look
from otai.tickets.columns import ColumnReason
from otai.tickets.row_order import ROWS_A_TICKET
from otai.tickets.text_roles import has_blank
from otai.words.sentences import Fact

NUMBER_SIGNS = ("#", "№", "No.", "Nr.", "N.", "N°", "Nº")
"""Names of a column that numbers its rows."""
FEW_CODES = 50
ROWS_OF_SMALL_IDS = 4


class IdRoles:
    """The part of a guess that finds the ids of tickets."""

    look: Look
    single: dict[str, str]
    open: list[ColumnStats]

    def _role(self, role: str, column: ColumnStats, why: ColumnReason) -> None:
        raise NotImplementedError

    def _named(self, vocabulary: Iterable[str], *, worst: int = 3) -> list[ColumnStats]:
        raise NotImplementedError

    def _ticket_id(self) -> None:
        if "ticket" in self.single:
            return
        called = [*self._named(names.TICKET, worst=1), *(one for one in self.open if one.name.strip() in NUMBER_SIGNS)]
        named = [column for column in called if self._could_be_ids(column)]
        sure = [column for column in named if column.words.is_one_of(names.REPEATED_TICKET)]
        if not sure and (thread := self._thread_id()) is not None:
            # Each row is a message: those of one conversation are one ticket.
            rows = round(thread.tickets_a_value, 1)
            self._role("ticket", thread, Fact("column_repeats_id", {"rows": rows}))
            return
        for column in named:
            if self._is_unique(column):
                if (whose := self._ticket_of_messages(column, sure)) is not None:
                    rows = round(whose.tickets_a_value, 1)
                    self._role("ticket", whose, Fact("column_repeats_id", {"rows": rows}))
                    return
                self._role("ticket", column, Fact("column_named_id"))
                return
        if not named and (thread := self._thread_id(least=1.0)) is not None:
            # Mails have no number; the one that began a conversation names it.
            self._role("ticket", thread, Fact("column_named_id"))
            return
        for column in named:
            if (
                column.words.is_one_of(names.REPEATED_TICKET)
                and column.distinct >= max(5, self.look.rows // 50)
                and not self._is_numbered(column)
            ):
                rows = round(column.tickets_a_value, 1)
                self._role("ticket", column, Fact("column_repeats_id", {"rows": rows}))
                return
        self._ticket_id_by_values()

    def _ticket_of_messages(self, ids: ColumnStats, sure: Sequence[ColumnStats]) -> ColumnStats | None:
        """The column that names each row's ticket (ticket_id) where the one that is called an id and no more numbers
        its messages; None where it numbers tickets."""
        if not is_bare_number(ids.words):
            return None
        for column in sure:
            repeats = column.tickets_a_value >= ROWS_A_TICKET and column.distinct >= max(5, self.look.rows // 50)
            if column is not ids and repeats and not is_bare_number(column.words) and not self._is_numbered(column):
                return column
        return None

    def _ticket_id_by_values(self) -> None:
        """Nothing is called an id. The first column that numbers its rows is one: INC-10001, 10001 ..."""
        for column in self.open[:3]:
            if not (self._could_be_ids(column) and self._is_unique(column)):
                continue
            counts_rows = column is self.look.columns[0] and _goes_up(column)
            if counts_rows or column.share(_is_numbering) >= 0.95:
                self._role("ticket", column, Fact("column_numbers_tickets", {"examples": some_of(column)}))
                return

    def _thread_id(self, *, least: float = 1.05) -> ColumnStats | None:
        """A column that says which messages belong together; None where conversations have fewer than `least` of
        them."""
        for column in self._named(names.THREAD, worst=1):
            if column.lists or column.filled < 0.9 * self.look.rows or column.share(_is_id) < 0.9:
                continue
            if column.tickets_a_value >= least and column.distinct >= max(5, self.look.rows // 50):
                return column
        return None

    def _could_be_ids(self, column: ColumnStats) -> bool:
        if (
            column.lists
            or column.filled < 0.9 * self.look.rows
            or column.mean_length > 64
            or column.share(_is_id) < 0.9
        ):
            return False
        words = {word for part in column.words.parts for word in part} | {column.words.last}
        return not words & names.OTHER_THINGS

    def _is_unique(self, column: ColumnStats) -> bool:
        return column.is_capped or (
            column.distinct >= 0.95 * min(column.filled, 1_000) and column.tickets_a_value < 1.05
        )

    def _is_numbered(self, column: ColumnStats) -> bool:
        """A few small numbers, such as codes of labels: no ids, whatever they are called. A column that says of what
        (ticket id) numbers tickets, too, where each number stands in a few rows."""
        if column.tickets_a_value <= ROWS_OF_SMALL_IDS and not is_bare_number(column.words):
            return False
        return column.distinct <= FEW_CODES and column.share(lambda value: len(value) <= 2) > 0.5


def _is_id(value: str) -> bool:
    return not has_blank(value) or re.fullmatch(r"[A-Za-z]{0,10}[-_#/. ]?[\d][\d ./_-]*", value.strip()) is not None


def _is_numbering(value: str) -> bool:
    return (
        re.fullmatch(r"[A-Za-z]{0,8}[-_#/ ]?\d{3,}|[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", value)
        is not None
    )


def _goes_up(column: ColumnStats) -> bool:
    """Whether the cells are whole numbers, each greater than the one above."""
    cells = [cell for cell in column.cells if cell]
    numbers = [int(cell) for cell in cells if cell.isdecimal() and len(cell) <= 18]
    return len(numbers) == len(cells) > 1 and all(left < right for left, right in pairwise(numbers))


def some_of(column: ColumnStats) -> list[str]:
    """Up to four of the column's values, the most frequent first, to be shown."""
    return [shown(value) for value, _ in column.counts.most_common(4)]


def shown(value: str) -> str:
    """An example to be stored and shown, without personal data: what cannot be printed, a NUL or half a character,
    stands as a mark."""
    value = mask(value)
    short = value if len(value) <= 30 else value[:29] + "…"
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in short)
