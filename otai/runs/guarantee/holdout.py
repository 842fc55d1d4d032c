"""The tickets that a guarantee is measured on: chosen before any training, kept as a file of their own, never learnt
from.

An included run trains on a file made for it: the data set without those tickets and everything with the same text, and
those tickets with the split "test", which training measures on and never learns. The improvement run, on whatever data
set, has the same ones. A label that the customer corrected meanwhile in a later version of the data set counts
corrected, for both runs; how many are is shown.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from otai.db import new_id
from otai.errors import Invalid
from otai.learning.data.tickets import ATTRIBUTE_PREFIX, AttributeKind, AttributeSpec, LabelledTickets
from otai.learning.errors import InputFailure
from otai.ledger.queries.statements import harmless
from otai.runs.models import Guarantee
from otai.tickets import queries as tickets
from otai.tickets.files import StoredFile, file_store
from otai.tickets.models import DataSet, TicketsDeleted

TRAIN, TEST = "train", "test"
LEFT_OUT = "left out"
"""The split of a ticket that neither trains nor is measured."""


class HoldoutImpossible(Invalid):
    code = "holdout_impossible"


TICKETS_DELETED = "deleted"
"""In the place of a guarantee's file whose tickets were deleted."""


def table_of(data_set: DataSet) -> pa.Table:
    """The data set's tickets as a table. Raises TicketsDeleted."""
    data_set.require_tickets()
    return pq.read_table(file_store().local_path(data_set.file))


def table_at(path: str) -> pa.Table:
    """Raises TicketsDeleted."""
    if path == TICKETS_DELETED:
        raise TicketsDeleted("holdout")
    return pq.read_table(file_store().local_path(path))


def specs_of(data_set: DataSet, names: Sequence[str]) -> list[AttributeSpec]:
    """The named attributes as training knows them; those that the data set lacks are left out."""
    known = {attribute.name: attribute for attribute in tickets.attributes(data_set)}
    return [
        AttributeSpec(name, AttributeKind(known[name].kind), tuple(known[name].order or ()))
        for name in names
        if name in known
    ]


@dataclass(frozen=True)
class Holdout:
    """Tickets to measure on; `labelled` says how many of them carry each attribute."""

    table: pa.Table
    labelled: Mapping[str, int]

    @property
    def tickets(self) -> int:
        """How many tickets are measured on."""
        return int(self.table.num_rows)


def chosen_from(data_set: DataSet, names: Sequence[str], *, share: float) -> Holdout:
    """Raises HoldoutImpossible when the data set has no tickets to measure on."""
    # The numerical libraries take half a second to load, and most commands choose nothing.
    from otai.learning.evidence.measuring import choose_holdout

    table = table_of(data_set)
    try:
        rows = choose_holdout(labelled_tickets(table), specs_of(data_set, names), share=share)
    except InputFailure as failure:
        raise HoldoutImpossible("tickets", why=failure, where=failure.where) from failure
    kept = table.take(pa.array(rows))
    labelled = {name: kept.num_rows - kept[ATTRIBUTE_PREFIX + name].null_count for name in names}
    return Holdout(kept, labelled)


def labelled_tickets(table: pa.Table) -> LabelledTickets:
    """The table as training reads it."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return LabelledTickets.read_parquet(pa.BufferReader(sink.getvalue()))


def new_folder(guarantee: Guarantee) -> str:
    """Where the next file of the guarantee goes."""
    # A name of its own each time: the same tickets again must not be taken for the file that is being deleted.
    return f"guarantees/{guarantee.organisation_id}/{guarantee.id}/{new_id()}"


@contextmanager
def stored(table: pa.Table, *, folder: str) -> Iterator[StoredFile]:
    """The table as a file of the store, in a `with` that writes the row which speaks of it: if that fails, the file
    goes again."""
    with tempfile.TemporaryDirectory(prefix="otai-guarantee-") as scratch:
        path = Path(scratch) / "tickets.parquet"
        pq.write_table(table, path, compression="zstd")
        file = file_store().put(path, folder=folder, suffix=".parquet")
    try:
        yield file
    except BaseException:
        file_store().delete(file.path)
        raise


@dataclass(frozen=True)
class Relabelled:
    """A label of a ticket to measure on that a later version of the data set has another one for."""

    ticket: str
    attribute: str
    agreed: Any
    now: Any


@dataclass(frozen=True)
class TrainingFile:
    """What an included run trains and is measured on. `left_out` counts tickets of the data set with the text of one
    measured on."""

    table: pa.Table
    corrections: tuple[Relabelled, ...]
    left_out: int


def training_file(data_set: DataSet, held: pa.Table, *, names: Sequence[str]) -> TrainingFile:
    """The data set, told apart into what is learnt and the tickets to measure on, with the data set's own labels where
    it has them.

    Raises HoldoutImpossible when the two do not fit together.
    """
    table, held = _what_training_reads(table_of(data_set), names), _what_training_reads(held, names)
    for column in set(table.column_names) & set(held.column_names):
        if table.schema.field(column).type != held.schema.field(column).type:
            name = column.removeprefix(ATTRIBUTE_PREFIX)
            raise HoldoutImpossible("kind", data_set=data_set, attribute=name)
    keys = text_keys(table)
    held_keys = text_keys(held)
    tested = set(held_keys)
    held_ids = set(held["ticket"].to_pylist()) if has_own_ids(data_set) else set()
    ids = [str(ticket) for ticket in table["ticket"].to_pylist()]
    given = table["split"].to_pylist() if "split" in table.column_names else [None] * table.num_rows
    has_split = TEST in given and TRAIN in given
    out = [key in tested or ticket in held_ids for key, ticket in zip(keys, ids, strict=True)]
    kept = table.filter(pa.array([not one for one in out]))
    splits = [
        TRAIN if not has_split or split == TRAIN else LEFT_OUT for split, one in zip(given, out, strict=True) if not one
    ]
    corrected, corrections = _corrected(held, held_keys, table, keys, ids, names)
    parts = [
        _with_split(kept, splits),
        _with_split(corrected, [TEST] * corrected.num_rows),
    ]
    return TrainingFile(
        pa.concat_tables(parts, promote_options="permissive"), corrections, sum(out) - _found(ids, held, out)
    )


def _what_training_reads(table: pa.Table, names: Sequence[str]) -> pa.Table:
    wanted = {"ticket", "subject", "body", "language", "split", *(ATTRIBUTE_PREFIX + name for name in names)}
    return table.select([column for column in table.column_names if column in wanted])


def _found(ids: Sequence[str], held: pa.Table, out: Sequence[bool]) -> int:
    own = set(held["ticket"].to_pylist())
    return sum(1 for ticket, one in zip(ids, out, strict=True) if one and ticket in own)


def corrections_in(data_set: DataSet, held: pa.Table, *, names: Sequence[str]) -> tuple[Relabelled, ...]:
    """Which labels of the tickets to measure on the data set has otherwise."""
    table = table_of(data_set)
    ids = [str(ticket) for ticket in table["ticket"].to_pylist()]
    return _corrected(held, text_keys(held), table, text_keys(table), ids, names)[1]


def with_corrections(held: pa.Table, corrections: Sequence[Relabelled]) -> pa.Table:
    """The tickets to measure on with the labels that count now."""
    now = {(one.ticket, one.attribute): one.now for one in corrections}
    ids = [str(ticket) for ticket in held["ticket"].to_pylist()]
    for name in {one.attribute for one in corrections}:
        column = ATTRIBUTE_PREFIX + name
        values = [now.get((ticket, name), value) for ticket, value in zip(ids, held[column].to_pylist(), strict=True)]
        at = held.schema.get_field_index(column)
        held = held.set_column(at, column, pa.array(values, held.schema.field(column).type))
    return held


def _corrected(
    held: pa.Table,
    held_keys: Sequence[bytes],
    table: pa.Table,
    keys: Sequence[bytes],
    ids: Sequence[str],
    names: Sequence[str],
) -> tuple[pa.Table, tuple[Relabelled, ...]]:
    by_ticket = {(ticket, key): row for row, (ticket, key) in enumerate(zip(ids, keys, strict=True))}
    by_text: dict[bytes, int] = {}
    times = Counter(keys)
    for row, key in enumerate(keys):
        by_text.setdefault(key, row)
    found: list[int | None] = []
    held_ids = [str(ticket) for ticket in held["ticket"].to_pylist()]
    same: int | None
    for ticket, key in zip(held_ids, held_keys, strict=True):
        same = by_ticket.get((ticket, key))
        # Of several tickets with one text only the same ticket can say what its label is.
        found.append(same if same is not None or times[key] != 1 else by_text[key])
    corrections = []
    for name in names:
        column = ATTRIBUTE_PREFIX + name
        if column not in table.column_names or column not in held.column_names:
            continue
        agreed, newer = held[column].to_pylist(), table[column].to_pylist()
        values = list(agreed)
        for at, place in enumerate(found):
            if place is None or newer[place] is None or newer[place] == agreed[at]:
                continue
            values[at] = newer[place]
            corrections.append(Relabelled(held_ids[at], name, agreed[at], newer[place]))
        position = held.schema.get_field_index(column)
        held = held.set_column(position, column, pa.array(values, held.schema.field(column).type))
    return held, tuple(corrections)


def _with_split(table: pa.Table, splits: Sequence[str]) -> pa.Table:
    column = pa.array(splits, pa.string())
    if "split" in table.column_names:
        return table.set_column(table.schema.get_field_index("split"), "split", column)
    return table.append_column("split", column)


def has_own_ids(data_set: DataSet) -> bool:
    """Whether the tickets' ids are the customer's. Those that we number ourselves name other tickets in the next
    version."""
    return "ticket" in dict(data_set.roles.get("single") or {})


def text_keys(table: pa.Table) -> list[bytes]:
    """By which tickets of the same text are known, one for each row (`learning.data.splitting.same_text_key`)."""
    from otai.learning.data.splitting import same_text_key

    subjects = table["subject"].to_pylist()
    bodies = table["body"].to_pylist()
    return [
        same_text_key(f"{subject or ''}\n{body}" if body is not None else subject or "")
        for subject, body in zip(subjects, bodies, strict=True)
    ]


def as_csv(held: pa.Table, corrections: Sequence[Relabelled]) -> Iterator[str]:
    """The tickets to measure on, line by line, for a spreadsheet: with the label that was agreed and, where it differs,
    the one that counts now.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    names = [name.removeprefix(ATTRIBUTE_PREFIX) for name in held.column_names if name.startswith(ATTRIBUTE_PREFIX)]
    now = {(one.ticket, one.attribute): one.now for one in corrections}
    corrected = [name for name in names if any(one.attribute == name for one in corrections)]
    yield _line(["ticket", "subject", "body", "language", *names, *(f"{name} (corrected)" for name in corrected)])
    for row in held.to_pylist():
        ticket = str(row["ticket"])
        yield _line(
            [
                ticket,
                row["subject"],
                row["body"],
                row.get("language"),
                *(_cell(row[ATTRIBUTE_PREFIX + name]) for name in names),
                *(_cell(now.get((ticket, name))) for name in corrected),
            ]
        )


def _cell(value: Any) -> str:
    return "|".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _line(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([harmless("" if cell is None else str(cell)) for cell in cells])
    return out.getvalue()
