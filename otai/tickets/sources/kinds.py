"""Several tables in one archive or workbook: which are the tickets, which hold more of the same kind, which belong to
them (messages, labels) by their ids, and which are something else.

Tables are told apart by the names of their columns and the values of their ids, whatever the order of columns or rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from otai.tickets import column_names as names
from otai.tickets.column_names import folded, is_bare_number, name_of
from otai.tickets.sources.table import RowBatch

SAME = 0.5
"""Of the columns of the narrower table so many are in the other too, where both are of one kind."""
SHARED = 0.5
"""Of the ids in a table that belongs to tickets so many are ids of tickets."""
UNIQUE = 0.95
FEWEST_TEXTS = 10
"""Of a table with fewer rows nothing tells whether they are texts."""
TEXTS_LOOKED_AT = 500
MOST_KINDS = 50
"""So many different headers are compared; what else there is, is something else."""

Values = Mapping[str, Sequence[str | None]]
"""The first cells of a table, by column."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, its size (of whatever unit, the same for all), and what gives its first cells."""

    columns: Sequence[str]
    size: int
    values: Callable[[], Values]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Places among the tables: `tickets` are of one kind, `beside` belong to them with the column that names the
    ticket, `others` are something else."""

    tickets: list[int]
    beside: dict[int, str]
    others: list[int]


def kinds_of(tables: Sequence[Table]) -> Kinds:
    """Sorts tables. The largest kind that belongs to no other is the tickets."""
    groups: dict[frozenset[str], list[int]] = {}
    for at, table in enumerate(tables):
        groups.setdefault(_key(table.columns), []).append(at)
    sizes = {key: sum(tables[at].size for at in members) for key, members in groups.items()}
    looked = sorted(groups, key=lambda key: -sizes[key])[:MOST_KINDS]
    if len(looked) == 1:
        return Kinds(sorted(groups[looked[0]]), {}, _rest(tables, groups[looked[0]]))
    values = {key: tables[groups[key][0]].values() for key in looked}
    links = _links(values)
    best = _best(looked, values, links)
    chosen, together = [best], set(best)
    for key in looked:
        if key != best and (best, key) not in links and are_of_one_kind(together, key):
            chosen.append(key)
            together |= key
    beside = {
        at: column for (one, other), column in links.items() if one in chosen and other not in chosen
        for at in groups[other]
    }  # fmt: skip
    tickets = sorted(at for key in chosen for at in groups[key])
    return Kinds(tickets, beside, _rest(tables, [*tickets, *beside]))


def _best(
    looked: Sequence[frozenset[str]],
    values: Mapping[frozenset[str], Values],
    links: Mapping[tuple[frozenset[str], frozenset[str]], str],
) -> frozenset[str]:
    """The first kind that belongs to no other, and lists no people and has texts where another is there that does."""
    owned = {other for _, other in links}
    owners = [key for key in looked if key not in owned] or looked
    owners = [key for key in owners if not _is_of_people(values[key])] or owners
    return next((key for key in owners if holds_texts(values[key])), owners[0])


def holds_texts(table: Values) -> bool:
    """Whether some column is what customers wrote: called so and filled, or long and ever other words."""
    for name, cells in table.items():
        filled = [cell for cell in cells if isinstance(cell, str) and cell.strip()][:TEXTS_LOOKED_AT]
        if len(filled) < FEWEST_TEXTS or len(set(filled)) < 0.5 * len(filled):
            continue
        mean_length = sum(map(len, filled)) / len(filled)
        mean_words = sum(cell.count(" ") + 1 for cell in filled) / len(filled)
        if mean_words >= (2 if _is_called_text(name) else 5) and mean_length >= (8 if _is_called_text(name) else 30):
            return True
    return False


def _links(values: Mapping[frozenset[str], Values]) -> dict[tuple[frozenset[str], frozenset[str]], str]:
    """Pairs of headers of which the second belongs to the tickets of the first, with the column that names them."""
    pairs = ((one, other) for one in values for other in values if one is not other)
    named = ((pair, link_of(values[pair[0]], values[pair[1]])) for pair in pairs)
    return {pair: column for pair, column in named if column is not None}


def _rest(tables: Sequence[Table], used: Sequence[int]) -> list[int]:
    return [at for at in range(len(tables)) if at not in set(used)]


def _key(columns: Sequence[str]) -> frozenset[str]:
    return frozenset(folded(column) or column for column in columns)


def are_of_one_kind(one: frozenset[str] | set[str], other: frozenset[str]) -> bool:
    """Whether two headers (folded names) are of tables of one kind."""
    common = one & other
    return len(common) >= 2 and len(common) >= SAME * min(len(one), len(other))


def link_of(tickets: Values, other: Values) -> str | None:
    """The column of another table that names tickets of this one; None where it holds tickets of its own, or something
    else."""
    ids = _ids_of(tickets)
    texts = {folded(name) for name in tickets if _is_called_text(name)}
    if not ids or (texts and texts <= {folded(name) for name in other} and not _has_own_key(tickets, other)):
        return None
    for name in other:
        words = name_of(name)
        for id in ids:
            is_same = folded(name) == folded(id)
            if not (_names_ticket(name) or is_same) or (is_same and is_bare_number(words) and _is_unique(other[name])):
                continue
            if _shared(tickets[id], other[name]) >= SHARED:
                return name
    return None


def _ids_of(tickets: Values) -> list[str]:
    """The columns that number the tickets of a table; none where it lists people."""
    if _is_of_people(tickets):
        return []
    # Beside a column that names tickets, a bare number is that of the row: of a message, say.
    is_of_others = any(_names_ticket(name) for name in tickets)
    called = (name for name in tickets if _is_called_id(name) and not (is_of_others and is_bare_number(name_of(name))))
    return [name for name in called if _is_unique(tickets[name])]


def _is_of_people(table: Values) -> bool:
    """Whether it lists people (users, agents, contacts): their numbers may be those of tickets, by chance."""
    called = [name_of(name) for name in table]
    tells_people = any(name.is_one_of(_OF_PEOPLE) for name in called)
    return tells_people and not any(
        not name.is_one_of(_OF_PEOPLE)
        and name.folded != "name"
        and (_is_called_text(name.raw) or name.fits(names.SORTING - names.AGENT - names.MULTI))
        for name in called
    )


_OF_PEOPLE = frozenset(
    (
        "email", "emailaddress", "mail", "emailadresse", "phone", "phonenumber", "telephone", "telefon", "telefono",
        "telefone", "telefoon", "login", "username", "role", "rolle", "locale", "timezone", "lastlogin", "lastloginat",
    )
)  # fmt: skip


def _has_own_key(tickets: Values, other: Values) -> bool:
    """Whether the other table names tickets in a column that the tickets do not have."""
    known = {folded(name) for name in tickets}
    return any(_names_ticket(name) for name in other if folded(name) not in known)


def _names_ticket(name: str) -> bool:
    words = name_of(name)
    return words.is_one_of(names.REPEATED_TICKET) and not is_bare_number(words)


def _is_called_id(name: str) -> bool:
    rank = name_of(name).rank(names.TICKET)
    return (rank is not None and rank[0] <= 1) or is_bare_number(name_of(name))


def _is_called_text(name: str) -> bool:
    ranks = [name_of(name).rank(vocabulary) for vocabulary in (names.SUBJECT, names.BODY)]
    return any(rank is not None and rank[0] == 0 for rank in ranks)


def _is_unique(cells: Sequence[str | None]) -> bool:
    filled = [cell for cell in cells if cell]
    return len(filled) >= 0.9 * len(cells) > 0 and len(set(filled)) >= UNIQUE * len(filled)


def _shared(ids: Sequence[str | None], cells: Sequence[str | None]) -> float:
    known = {cell.strip() for cell in ids if isinstance(cell, str)}
    named = {cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()}
    return len(named & known) / len(named) if named else 0.0


class Placing:
    """Columns of several tables of one kind as those of one: each name once, in the order in which they come."""

    def __init__(self, headers: Sequence[Sequence[str]]) -> None:
        self.columns: list[str] = []
        place_of: dict[str, int] = {}
        for header in headers:
            for column in header:
                key = column.casefold()
                if key not in place_of:
                    place_of[key] = len(self.columns)
                    self.columns.append(column)
        self._places = place_of

    def placed(self, rows: RowBatch, header: Sequence[str]) -> RowBatch:
        """Rows under a header of their own, under that of all; what a table lacks is empty."""
        if list(header) == self.columns:
            return rows
        empty = (None,) * len(rows.numbers)
        columns: list[Sequence[str | None]] = [empty] * len(self.columns)
        for column, cells in zip(header, rows.columns, strict=True):
            columns[self._places[column.casefold()]] = cells
        return RowBatch(rows.numbers, columns)
