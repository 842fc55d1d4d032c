"""The tickets that a guarantee is measured on: chosen before any training, kept as a file of their own, never learnt
from.

An included run trains on a file made for it: the data set without those tickets and everything with the same text, and
those tickets with the split "test", which training measures on and never learns. The improvement run, on whatever data
set, has the same ones. A label that the customer corrected meanwhile in a later version of the data set counts
corrected, for both runs; how many are is shown.

Files in, files out; no tables, no settings. Choosing and telling apart read every ticket of a data set, so that for the
web they are jobs (`otai.runs.jobs`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from otai.errors import Invalid
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.tickets import ATTRIBUTE_PREFIX, LabelledTickets
from otai.learning.errors import InputFailure
from otai.tickets.changing import text_key
from otai.tickets.reading import ROW_GROUP_TICKETS, ReadingProgress

TRAIN, TEST = "train", "test"
LEFT_OUT = "left out"
"""The split of a ticket that neither trains nor is measured."""


class HoldoutImpossible(Invalid):
    code = "holdout_impossible"


@dataclass(frozen=True, slots=True)
class Chosen:
    """How many tickets are measured on, and how many of them carry each attribute."""

    tickets: int
    labelled: Mapping[str, int]


def choose(
    source: Path,
    specs: Sequence[AttributeSpec],
    *,
    share: float,
    into: Path,
    progress: ReadingProgress = lambda share, tickets: None,
) -> Chosen:
    """Writes the tickets of `source` to measure on to `into`. Raises HoldoutImpossible when there are none."""
    # The numerical libraries take half a second to load, and most commands choose nothing.
    from otai.learning.evidence.measuring import choose_holdout

    names = [spec.name for spec in specs]
    try:
        rows = choose_holdout(LabelledTickets.read_parquet(source, attributes=names), specs, share=share).tolist()
    except InputFailure as failure:
        raise HoldoutImpossible("tickets", why=failure, where=failure.where) from failure
    progress(0.8, len(rows))
    labelled = dict.fromkeys(names, 0)
    with pq.ParquetFile(source) as tickets, pq.ParquetWriter(into, tickets.schema_arrow, compression="zstd") as target:
        chosen, at = set(rows), 0
        for batch in tickets.iter_batches(batch_size=ROW_GROUP_TICKETS):
            here = [row for row in range(batch.num_rows) if at + row in chosen]
            at += batch.num_rows
            if not here:
                continue
            kept = batch.take(pa.array(here))
            target.write_batch(kept)
            for name in names:
                labelled[name] += kept.num_rows - kept[ATTRIBUTE_PREFIX + name].null_count
    return Chosen(len(rows), labelled)


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A label of a ticket to measure on that a later version of the data set has another one for."""

    ticket: str
    attribute: str
    agreed: Any
    now: Any


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """What an included run trains and is measured on. `corrected` counts labels of tickets to measure on that are
    others now, `left_out` tickets of the data set with the text of one measured on."""

    tickets: int
    corrected: int
    left_out: int


def write_training_file(
    source: Path,
    held: Path,
    *,
    names: Sequence[str],
    own_ids: bool,
    called: str,
    into: Path,
    progress: ReadingProgress = lambda share, tickets: None,
) -> TrainingFile:
    """Writes to `into` the tickets of `source`, told apart into what is learnt and the tickets to measure on (`held`,
    at the end), with the data set's own labels where it has them. `own_ids`: the tickets' ids are the customer's; those
    that we number ourselves name other tickets in the next version. `called`: what people call the data set.

    Raises HoldoutImpossible when the two do not fit together.
    """
    measured = _what_training_reads(pq.read_table(held), names)
    with pq.ParquetFile(source) as tickets:
        schema = _what_training_reads(tickets.schema_arrow.empty_table(), names).schema
        _require_same_kinds(schema, measured.schema, data_set=called)
        parting = _Parting(measured, [name for name in names if ATTRIBUTE_PREFIX + name in schema.names], own_ids)
        total = max(tickets.metadata.num_rows, 1)
        for batch in tickets.iter_batches(batch_size=ROW_GROUP_TICKETS):
            parting.look_at(batch)
            progress(0.6 * len(parting.is_out) / total, len(parting.is_out))
        corrected, corrections = parting.corrected()
        whole = pa.unify_schemas(
            [_with_split(schema.empty_table(), []).schema, _with_split(measured, [TEST] * measured.num_rows).schema],
            promote_options="permissive",
        ).with_metadata(schema.metadata)
        written = at = 0
        with pq.ParquetWriter(into, whole, compression="zstd") as target:
            for batch in tickets.iter_batches(batch_size=ROW_GROUP_TICKETS):
                kept = _what_training_reads(parting.kept(batch, first_row=at), names)
                at += batch.num_rows
                if kept.num_rows:
                    target.write_table(_as(whole, kept))
                    written += kept.num_rows
                progress(0.6 + 0.4 * at / total, at)
            target.write_table(
                _as(whole, _with_split(corrected, [TEST] * corrected.num_rows)), row_group_size=ROW_GROUP_TICKETS
            )
    return TrainingFile(written + corrected.num_rows, len(corrections), parting.left_out)


def _require_same_kinds(schema: pa.Schema, other: pa.Schema, *, data_set: str) -> None:
    for column in schema.names:
        if column in other.names and schema.field(column).type != other.field(column).type:
            raise HoldoutImpossible("kind", data_set=data_set, attribute=column.removeprefix(ATTRIBUTE_PREFIX))


class _Parting:
    """Which tickets of a data set are measured on, have the text of one that is, or are learnt from; and what the data
    set calls the labels of those that are measured on. It remembers something of those tickets alone, however many
    there are beside them."""

    def __init__(self, measured: pa.Table, names: Sequence[str], own_ids: bool) -> None:
        self.measured, self.names = measured, names
        self.ids = [str(ticket) for ticket in measured["ticket"].to_pylist()]
        self.keys = text_keys(measured)
        self._tested, self._known = set(self.keys), set(self.ids)
        self._held_ids = self._known if own_ids else set()
        self._pairs = set(zip(self.ids, self.keys, strict=True))
        self._of_ticket: dict[tuple[str, bytes], tuple[Any, ...]] = {}
        self._of_text: dict[bytes, tuple[Any, ...]] = {}
        self._times: Counter[bytes] = Counter()
        self._splits: set[str | None] = set()
        self.is_out = bytearray()
        self.left_out = 0

    def look_at(self, batch: pa.RecordBatch) -> None:
        """The next tickets of the data set."""
        if "split" in batch.schema.names:
            self._splits.update(batch["split"].to_pylist())
        for row, (ticket, key) in enumerate(zip(batch["ticket"].to_pylist(), text_keys(batch), strict=True)):
            is_out = key in self._tested or str(ticket) in self._held_ids
            self.is_out.append(is_out)
            if not is_out:
                continue
            self.left_out += str(ticket) not in self._known
            if key not in self._tested:
                continue
            labels = tuple(batch[ATTRIBUTE_PREFIX + name][row].as_py() for name in self.names)
            self._times[key] += 1
            self._of_text.setdefault(key, labels)
            if (str(ticket), key) in self._pairs:
                self._of_ticket[str(ticket), key] = labels

    def kept(self, batch: pa.RecordBatch, *, first_row: int) -> pa.Table:
        """Of these tickets those that are learnt from, or left out by the customer's own split."""
        has_split = {TRAIN, TEST} <= self._splits
        given = batch["split"].to_pylist() if "split" in batch.schema.names else [None] * batch.num_rows
        here = [row for row in range(batch.num_rows) if not self.is_out[first_row + row]]
        splits = [TRAIN if not has_split or given[row] == TRAIN else LEFT_OUT for row in here]
        return _with_split(pa.Table.from_batches([batch.take(pa.array(here, pa.int64()))]), splits)

    def corrected(self) -> tuple[pa.Table, list[Relabelled]]:
        """The tickets to measure on with the labels that the data set has for them."""
        table, corrections = self.measured, []
        # Of several tickets with one text only the same ticket can say what its label is.
        newer = [
            self._of_ticket.get((ticket, key)) or (self._of_text[key] if self._times[key] == 1 else None)
            for ticket, key in zip(self.ids, self.keys, strict=True)
        ]
        for number, name in enumerate(self.names):
            column = ATTRIBUTE_PREFIX + name
            if column not in table.column_names:
                continue
            agreed = table[column].to_pylist()
            values = list(agreed)
            for at, labels in enumerate(newer):
                if labels is None or labels[number] is None or labels[number] == agreed[at]:
                    continue
                values[at] = labels[number]
                corrections.append(Relabelled(self.ids[at], name, agreed[at], labels[number]))
            position = table.schema.get_field_index(column)
            table = table.set_column(position, column, pa.array(values, table.schema.field(column).type))
        return table, corrections


def _what_training_reads(table: pa.Table, names: Sequence[str]) -> pa.Table:
    wanted = {"ticket", "subject", "body", "language", "split", *(ATTRIBUTE_PREFIX + name for name in names)}
    return table.select([column for column in table.column_names if column in wanted])


def _with_split(table: pa.Table, splits: Sequence[str]) -> pa.Table:
    column = pa.array(splits, pa.string())
    if "split" in table.column_names:
        return table.set_column(table.schema.get_field_index("split"), "split", column)
    return table.append_column("split", column)


def _as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """The table with the columns of the schema; those that it lacks are empty."""
    empty = schema.empty_table()
    return pa.concat_tables([empty, table], promote_options="permissive").select(schema.names).cast(schema)


def text_keys(table: pa.Table | pa.RecordBatch) -> list[bytes]:
    """By which tickets of the same text are known, one for each row."""
    subjects, bodies = table["subject"].to_pylist(), table["body"].to_pylist()
    return [text_key(subject, body) for subject, body in zip(subjects, bodies, strict=True)]


def corrections_of(held: Path, trained_on: Path, *, names: Sequence[str]) -> tuple[Relabelled, ...]:
    """Which labels of the tickets to measure on are others in the file that was made to train on: its last tickets are
    the same ones, in the same order. Of neither file more than labels is read."""
    with pq.ParquetFile(held) as agreed, pq.ParquetFile(trained_on) as trained:
        count = agreed.metadata.num_rows
        there = [
            name
            for name in names
            if ATTRIBUTE_PREFIX + name in agreed.schema_arrow.names
            and ATTRIBUTE_PREFIX + name in trained.schema_arrow.names
        ]
        columns = [ATTRIBUTE_PREFIX + name for name in there]
        ids = [str(ticket) for ticket in agreed.read(["ticket"])["ticket"].to_pylist()]
        groups: list[int] = []
        rows = 0
        for group in reversed(range(trained.num_row_groups)):
            if rows >= count:
                break
            groups.insert(0, group)
            rows += trained.metadata.row_group(group).num_rows
        was, now = agreed.read(columns), trained.read_row_groups(groups, columns).slice(rows - count)
    return tuple(
        Relabelled(ticket, name, old, new)
        for name, column in zip(there, columns, strict=True)
        for ticket, old, new in zip(ids, was[column].to_pylist(), now[column].to_pylist(), strict=True)
        if old != new
    )


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


def labelled_tickets(table: pa.Table) -> LabelledTickets:
    """The table as training reads it."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return LabelledTickets.read_parquet(pa.BufferReader(sink.getvalue()))
