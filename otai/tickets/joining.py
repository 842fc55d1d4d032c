"""Rows that have one ticket's id become one ticket: articles of a thread join, and of repeated exports the newest row
wins.

The text is the ticket's as it came in (of a thread: the customer's first message), the labels are what they were last.
One pass over the ids, one over the labels, one over the texts; only the labels of all rows are in memory at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from otai.learning.data.tickets import ATTRIBUTE_PREFIX
from otai.tickets.linking import LINKS

SENDER = "sender"
"""A column of staged rows (customer, desk, or null) that no data set keeps."""
THREAD_ROWS = 1.3
"""So many rows a ticket on average, mostly with different texts, are the messages of threads; fewer are newer states of
tickets."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining: `rows` came in as `tickets`; `joined` tickets had several rows. `is_thread`: the rows were
    messages.

    `seen_again` counts newer states of tickets that had an agent already, `changed` by attribute those of them that say
    something else than the state before.
    """

    rows: int
    tickets: int
    joined: int
    is_thread: bool
    seen_again: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)


def join(
    parts: Sequence[Path],
    target: Path,
    schema: pa.Schema,
    *,
    add: Callable[[pa.RecordBatch], None],
    base_rows: int = 0,
    agent: str | None = None,
    row_group: int = 8_192,
) -> Joined:
    """Writes the tickets of all `parts` (Parquet files of `schema`, older ones first) to `target`, each id once, and
    hands every batch to `add`.

    Columns that a part lacks are empty in its rows. `agent` is the attribute that says who works on a ticket. The first
    `base_rows` rows are tickets that were joined before (one row each, nobody knows any more who wrote it): articles
    that come later join them and leave their texts.
    """
    tables = [pq.ParquetFile(part) for part in parts]
    ids = _column(parts, "ticket", pa.string())
    codes = ids.dictionary_encode().indices.to_numpy()
    tickets = int(codes.max()) + 1 if len(codes) else 0
    counts = np.bincount(codes, minlength=tickets)
    times = pc.fill_null(
        _column(parts, "created_at", schema.field("created_at").type).cast(pa.int64()), np.iinfo(np.int64).max
    ).to_numpy()
    senders = _column(parts, SENDER, pa.string())
    says_who = pc.is_valid(senders).to_numpy(zero_copy_only=False)
    by_customer = pc.fill_null(pc.equal(senders, "customer"), False).to_numpy(zero_copy_only=False)
    has_text = _has_text(parts)
    is_thread = bool(by_customer.any()) or (
        len(codes) >= THREAD_ROWS * max(tickets, 1) and _texts_differ(parts, codes, counts)
    )
    text_row = _first_messages(codes, times, by_customer, has_text) if is_thread else _last(codes, has_text, tickets)
    # A ticket none of whose rows has a text keeps its last row.
    text_row = np.where(text_row >= 0, text_row, _last(codes, np.ones(len(codes), dtype=bool), tickets))
    is_article = says_who | is_thread
    text_row = _stored_messages_stay(text_row, codes, times, by_customer, has_text, is_article, base_rows)
    order = np.arange(len(codes))
    if is_thread:
        # A ticket's stored row has the time of its first message, or none, and the labels of its last one.
        order = np.r_[order[:base_rows], base_rows + np.argsort(times[base_rows:], kind="stable")]
    labels = {
        name: _newest(_column(parts, name, schema.field(name).type), codes, order, tickets)
        for name in schema.names
        if name.startswith(ATTRIBUTE_PREFIX) or name == "split"
    }
    if LINKS in schema.names:
        labels[LINKS] = _all_links(_column(parts, LINKS, schema.field(LINKS).type), codes, tickets)
    earliest = np.full(tickets, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(earliest, codes, times)
    _write(tables, target, schema, codes, text_row, labels, earliest, add, row_group)
    again, changed = (0, {}) if is_thread or agent is None else _changed_later(parts, schema, codes, agent)
    return Joined(len(codes), tickets, int((counts > 1).sum()), is_thread, again, changed)


def _changed_later(
    parts: Sequence[Path], schema: pa.Schema, codes: np.ndarray, agent: str
) -> tuple[int, dict[str, int]]:
    """How many newer states came of tickets that had an agent, and by attribute how many of them differ."""
    order = np.argsort(codes, kind="stable")
    again = np.flatnonzero(codes[order][1:] == codes[order][:-1])
    before, after = order[again], order[again + 1]
    had_agent = pc.is_valid(_column(parts, ATTRIBUTE_PREFIX + agent, pa.string())).to_numpy(zero_copy_only=False)
    before, after = before[had_agent[before]], after[had_agent[before]]
    changed = {}
    for name in schema.names:
        if not name.startswith(ATTRIBUTE_PREFIX) or pa.types.is_list(schema.field(name).type):
            continue
        codes_of = _column(parts, name, pa.string()).dictionary_encode().indices.fill_null(-1).to_numpy()
        changed[name.removeprefix(ATTRIBUTE_PREFIX)] = int((codes_of[before] != codes_of[after]).sum())
    return len(before), changed


def _column(parts: Sequence[Path], name: str, kind: pa.DataType) -> pa.Array:
    chunks: list[pa.Array] = []
    for part in parts:
        file = pq.ParquetFile(part)
        if name in file.schema_arrow.names:
            read = file.read([name]).column(0)
            if pa.types.is_list(kind) and not pa.types.is_list(read.type):
                read = pa.chunked_array([pa.array([None if one is None else [one] for one in read.to_pylist()], kind)])
            chunks += read.cast(kind).chunks
        else:
            chunks.append(pa.nulls(file.metadata.num_rows, kind))
    return pa.chunked_array(chunks, kind).combine_chunks()


def _text_hashes(parts: Sequence[Path]) -> np.ndarray:
    """A hash of each row's text, 0 where it has none; one row group of texts at a time."""
    found: list[np.ndarray] = []
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(columns=["subject", "body"]):
            pairs = zip(batch.column("subject").to_pylist(), batch.column("body").to_pylist(), strict=True)
            found.append(np.array([hash(pair) if any(pair) else 0 for pair in pairs], dtype=np.int64))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _has_text(parts: Sequence[Path]) -> np.ndarray:
    present = [pc.is_valid(_column([part], name, pa.string())) for part in parts for name in ("subject", "body")]
    pairs = [pc.or_(one, other) for one, other in zip(present[::2], present[1::2], strict=True)]
    return np.concatenate([pair.to_numpy(zero_copy_only=False) for pair in pairs])


def _texts_differ(parts: Sequence[Path], codes: np.ndarray, counts: np.ndarray) -> bool:
    hashes = _text_hashes(parts)
    distinct = len(np.unique(np.stack([codes.astype(np.int64), hashes], axis=1), axis=0))
    several = int((counts > 1).sum())
    return distinct - len(counts) > 0.5 * several


def _first_messages(codes: np.ndarray, times: np.ndarray, by_customer: np.ndarray, has_text: np.ndarray) -> np.ndarray:
    """The row of each ticket's first message: of the customer where the rows say who wrote them, by time and then in
    the order of the file."""
    worst = np.where(has_text, np.where(by_customer | ~by_customer.any(), 0, 1), 2)
    order = np.lexsort((np.arange(len(codes)), times, worst, codes))
    first = np.r_[True, codes[order][1:] != codes[order][:-1]] if len(order) else np.zeros(0, dtype=bool)
    return order[first]


def _stored_messages_stay(
    text_row: np.ndarray,
    codes: np.ndarray,
    times: np.ndarray,
    by_customer: np.ndarray,
    has_text: np.ndarray,
    is_article: np.ndarray,
    base_rows: int,
) -> np.ndarray:
    """`text_row` with the stored row of each ticket that has a text there, unless a newer state of the ticket came (a
    row that is no article and no later than it), or an earlier message of the customer."""
    stored = _last(codes[:base_rows], has_text[:base_rows], len(text_row))
    known = np.iinfo(np.int64).max
    chosen_at, stored_at = times[text_row], times[np.maximum(stored, 0)] if len(times) else times
    is_later = (chosen_at != known) & (stored_at != known) & (chosen_at > stored_at)
    is_earlier = by_customer[text_row] & (chosen_at < stored_at) & (stored_at != known)
    stays = (stored >= 0) & (is_article[text_row] | is_later) & ~is_earlier
    return np.where(stays, stored, text_row)


def _last(codes: np.ndarray, which: np.ndarray, tickets: int) -> np.ndarray:
    rows = np.full(tickets, -1, dtype=np.int64)
    found = np.flatnonzero(which)
    np.maximum.at(rows, codes[found], found)
    return rows


def _newest(column: pa.Array, codes: np.ndarray, order: np.ndarray, tickets: int) -> pa.Array:
    """The last value of each ticket that is one."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    best = np.full(tickets, -1, dtype=np.int64)
    filled = np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False))
    np.maximum.at(best, codes[filled], places[filled])
    rows = np.where(best >= 0, order[np.maximum(best, 0)], -1) if len(order) else best
    return column.take(pa.array(rows, pa.int64(), mask=rows < 0))


def _all_links(links: pa.Array, codes: np.ndarray, tickets: int) -> pa.Array:
    """What any row of each ticket names."""
    owners = codes[pc.list_parent_indices(links).to_numpy()]
    named = pa.table({"ticket": owners, "link": links.flatten()})
    grouped = named.group_by("ticket").aggregate([("link", "distinct")])
    rows = np.full(tickets, -1, dtype=np.int64)
    rows[grouped.column("ticket").to_numpy()] = np.arange(grouped.num_rows)
    return grouped.column("link_distinct").combine_chunks().take(pa.array(rows, pa.int64(), mask=rows < 0))


def _write(
    tables: Sequence[pq.ParquetFile],
    target: Path,
    schema: pa.Schema,
    codes: np.ndarray,
    text_row: np.ndarray,
    labels: dict[str, pa.Array],
    earliest: np.ndarray,
    add: Callable[[pa.RecordBatch], None],
    row_group: int,
) -> None:
    stays = np.zeros(len(codes), dtype=bool)
    stays[text_row] = True
    unknown = np.iinfo(np.int64).max
    at = 0
    repeating = [name for name in schema.names if name not in ("ticket", "subject", "body", "row", "created_at")]
    with pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=repeating) as writer:
        for table in tables:
            for batch in table.iter_batches(batch_size=row_group):
                mask = stays[at : at + batch.num_rows]
                own = codes[at : at + batch.num_rows][mask]
                at += batch.num_rows
                kept = batch.filter(pa.array(mask))
                arrays = []
                for name in schema.names:
                    field = schema.field(name)
                    if name in labels:
                        arrays.append(labels[name].take(pa.array(own)))
                    elif name == "created_at":
                        times = earliest[own]
                        arrays.append(pa.array(times, pa.int64(), mask=times == unknown).cast(field.type))
                    elif name in kept.schema.names:
                        arrays.append(kept.column(name).cast(field.type))
                    else:
                        arrays.append(pa.nulls(kept.num_rows, field.type))
                made = pa.RecordBatch.from_arrays(arrays, schema=schema)
                if made.num_rows:
                    add(made)
                    writer.write_batch(made, row_group_size=row_group)
