"""Tables that belong to tickets of another: their messages, or more labels, one row a message or a label, with the
ticket's id in a column.

They come as a second file, sheet, or file of an archive. Their rows join the tickets; a column of theirs becomes an
attribute where it says the same in all rows of a ticket.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from otai.tickets.column_stats import Look
from otai.tickets.columns import ColumnRoles
from otai.tickets.guessing import guess_roles
from otai.tickets.limits import Limits
from otai.tickets.options import FormatOptions
from otai.tickets.row_order import ROWS_A_TICKET, RowsOfTickets, tells_of_messages
from otai.tickets.sources.kinds import Values, link_of
from otai.tickets.sources.opening import open_source
from otai.tickets.sources.table import Source, first_values

MOST_IDS = 50_000
MOST_COMPARED = 50
"""Of more files the order is the one in which they are given."""


@dataclass(frozen=True, slots=True)
class GivenTable:
    """A table that is to be read: `ticket` is the column that names the tickets of another, where that is known;
    `size` in bytes, for progress."""

    source: Source
    size: int
    ticket: str | None = None


def given_tables(files: Sequence[tuple[Path, str]], options: FormatOptions, limits: Limits) -> list[GivenTable]:
    """The tables of files in the order in which they are read: those that belong to tickets of others come after them.
    Raises DatasetInvalid as `open_source` does."""
    sources = [open_source(path, filename=name, options=options, limits=limits) for path, name in files]
    sizes = [path.stat().st_size for path, _ in files]
    order = list(range(len(files)))
    if 1 < len(files) <= MOST_COMPARED:
        values = [first_values(one) for one in sources]
        owned = [any(link_of(values[other], values[at]) is not None for other in order if other != at) for at in order]
        order.sort(key=lambda at: owned[at])
        for at in order:
            if owned[at]:
                sources[order[0]].noted.joined_by_id.append(files[at][1])
    tables = []
    for at in order:
        tables.append(GivenTable(sources[at], sizes[at]))
        tables += [GivenTable(one.source, sizes[at], one.ticket) for one in getattr(sources[at], "beside", ())]
    return tables


def known_of_look(look: Look, roles: ColumnRoles) -> Values | None:
    """What of tickets tells whether another table belongs to them: their columns, and ids of theirs. None without
    ids."""
    ticket = roles.single.get("ticket")
    if ticket is None:
        return None
    ids = look.column(ticket)
    is_unique = ids.tickets_a_value < ROWS_A_TICKET
    return {column.name: list(ids.counts) if column is ids and is_unique else () for column in look.columns}


def known_of_version(path: Path, roles: ColumnRoles) -> Values | None:
    """The same of a version that is there."""
    ticket = roles.single.get("ticket")
    if ticket is None:
        return None
    first = next(pq.ParquetFile(path).iter_batches(batch_size=MOST_IDS, columns=["ticket"]), None)
    ids: Sequence[str] = first.column(0).to_pylist() if first is not None else []
    return {name: ids if name == ticket else () for name in (ticket, *roles.single.values(), *roles.used)}


def ticket_beside(known: Values | None, look: Look) -> str | None:
    """The column of a further file that names the tickets it belongs to; None where it has tickets of its own."""
    if known is None:
        return None
    return link_of(known, {column.name: column.cells for column in look.columns})


def roles_beside(look: Look, ticket: str, source: Source) -> ColumnRoles:
    """What the columns of such a table are for."""
    said = ColumnRoles(single={"ticket": ticket}, confirmed=(ticket,))
    roles = guess_roles(look, said, must_have_text=False)
    rows = RowsOfTickets(source, look, ticket)
    of_tickets = tuple(
        found for found in roles.attributes if not any(rows.ever_varies(column) for column in found.columns)
    )
    dropped = [column for found in roles.attributes if found not in of_tickets for column in found.columns]
    return dataclasses.replace(roles, attributes=of_tickets, ignored=(*roles.ignored, *dropped))


def is_of_messages(look: Look, roles: ColumnRoles) -> bool:
    """Whether its rows are messages: texts, of which a ticket has several, or whose columns say so."""
    if "subject" not in roles.single and "body" not in roles.single:
        return False
    repeats = look.column(roles.single["ticket"]).tickets_a_value >= ROWS_A_TICKET
    return repeats or any(tells_of_messages(column.words) for column in look.columns)
