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
from otai.tickets.newest_rows import NEVER, SENDER, UNKNOWN, WRITER, Newest, TicketRows, column_of, newest_last
from otai.tickets.row_order import MESSAGE_ID, SAID_AT, UPDATED

OF_JOINED = (UPDATED, SAID_AT, MESSAGE_ID, WRITER)
"""Columns that a data set keeps so that rows which come later find their place, whichever was imported first."""
THREAD_ROWS = 1.3
"""So many rows a ticket on average, mostly with different texts, are the messages of threads; fewer are newer states of
tickets, unless the rows have numbers or times of messages."""
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining: `rows` of `tickets` were read now, some of them of tickets that were there before;
    `repeated` rows have an id that another one has, here or before. `is_thread`: the rows were messages. `by_update`:
    the time of a row's last change says which is the newest, else its creation and the order of the files.

    `seen_again` counts newer states of tickets that had an agent already, `changed` by attribute those of them that say
    something else than the state before.
    """

    rows: int
    tickets: int
    repeated: int
    is_thread: bool
    by_update: bool = False
    seen_again: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)
    messages: int | None = None
    """Of the rows those that are messages beside tickets; None where all are."""


def join(
    parts: Sequence[Path],
    target: Path,
    schema: pa.Schema,
    *,
    add: Callable[[pa.RecordBatch], None],
    base_rows: int = 0,
    agent: str | None = None,
    of_messages: Sequence[bool] = (),
    are_beside: Sequence[bool] = (),
    later_tables: Sequence[Sequence[int]] = (),
    row_group: int = 8_192,
) -> Joined:
    """Writes the tickets of all `parts` (Parquet files of `schema`, older ones first) to `target`, each id once, and
    hands every batch to `add`.

    Columns that a part lacks are empty in its rows. `agent` is the attribute that says who works on a ticket. The first
    `base_rows` rows are tickets that were joined before (one row each): articles that come later join them and leave
    their texts. `of_messages` says of each part but the base whether its rows are called messages, `are_beside`
    whether they belong to tickets of another part: then those tickets' own texts are the customers' first messages.
    `later_tables` are the row numbers of each at which a further file of an archive, or sheet, begins.
    """
    rows = TicketRows.of(parts, schema, base_rows, later_tables)
    tickets, codes = rows.tickets, rows.codes
    has_messages = any(one and beside for one, beside in zip(of_messages, are_beside, strict=True))
    if has_messages:
        rows.texts_come_first([at for at, beside in enumerate(are_beside) if not beside])
    is_thread = has_messages or _are_messages(parts, rows, are_called_so=any(of_messages))
    newest = newest_last(rows, is_thread=is_thread)
    text_row = _text_rows(rows, newest.places, is_thread=is_thread)
    subjects = _subjects_of_others(parts, rows, text_row, newest.places, is_thread=is_thread)
    schema = _with_order(schema, parts, is_thread=is_thread)
    labels = {
        name: _newest(column_of(parts, name, schema.field(name).type), codes, newest.places, tickets)
        for name in schema.names
        if name.startswith(ATTRIBUTE_PREFIX) or name == "split"
    }
    if LINKS in schema.names:
        labels[LINKS] = _all_links(column_of(parts, LINKS, schema.field(LINKS).type), codes, tickets)
    labels |= _kept_of_order(parts, rows, newest, text_row, schema)
    earliest = np.full(tickets, UNKNOWN, dtype=np.int64)
    np.minimum.at(earliest, codes, rows.created)
    labels["created_at"] = _times(earliest, unknown=UNKNOWN)
    _write(parts, target, schema, codes, text_row, labels, subjects, add, row_group)
    again, changed = (0, {}) if is_thread or agent is None else _changed_later(parts, schema, codes, newest, agent)
    read = len(np.unique(codes[base_rows:]))
    messages = rows.of_parts([at for at, one in enumerate(are_beside) if one]) if has_messages else None
    return Joined(
        len(codes) - base_rows, read, len(codes) - tickets, is_thread, newest.by_update, again, changed, messages
    )


def _are_messages(parts: Sequence[Path], rows: TicketRows, *, are_called_so: bool) -> bool:
    """Whether rows are messages: by who wrote them, else by how many different texts a ticket has."""
    with_text = rows.codes[rows.has_text]
    are_many = len(with_text) >= THREAD_ROWS * max(rows.tickets, 1)
    if rows.by_customer.any() or not (are_called_so or are_many):
        return bool(rows.by_customer.any())
    return _texts_differ(parts, rows.codes, np.bincount(with_text, minlength=rows.tickets))


def _kept_of_order(
    parts: Sequence[Path], rows: TicketRows, newest: Newest, text_row: np.ndarray, schema: pa.Schema
) -> dict[str, pa.Array]:
    """What later imports need to know, by column of the schema; shape (tickets,) each."""
    kept: dict[str, pa.Array] = {}
    if UPDATED in schema.names:
        kept[UPDATED] = _times(newest.latest, unknown=NEVER)
    if SAID_AT in schema.names:
        kept[SAID_AT] = _times(rows.own_times[text_row], unknown=UNKNOWN)
    if MESSAGE_ID in schema.names:
        kept[MESSAGE_ID] = column_of(parts, MESSAGE_ID, pa.string()).take(pa.array(text_row))
    if WRITER in schema.names:
        kept[WRITER] = rows.writers.take(pa.array(text_row))
    return kept


def _times(values: np.ndarray, *, unknown: int) -> pa.Array:
    return pa.array(values, pa.int64(), mask=values == unknown).cast(_TIME)


def _with_order(schema: pa.Schema, parts: Sequence[Path], *, is_thread: bool) -> pa.Schema:
    """The schema with what later imports need to know, where any part says it."""
    there = {name for part in parts for name in pq.read_schema(part).names}
    there |= {UPDATED} if is_thread else set()
    there |= {WRITER} if SENDER in there else set()
    for name in OF_JOINED:
        if name in schema.names:
            continue
        if name in there:
            schema = schema.append(pa.field(name, _TIME if name in (UPDATED, SAID_AT) else pa.string()))
    return schema


def _text_rows(rows: TicketRows, places: np.ndarray, *, is_thread: bool) -> np.ndarray:
    """The row whose text is the ticket's; shape (tickets,)."""
    if is_thread:
        text_row = _first_messages(rows)
    else:
        text_row = _last(rows.codes, rows.has_own_text, places, rows.tickets)
        text_row = np.where(text_row >= 0, text_row, _last(rows.codes, rows.has_text, places, rows.tickets))
    # A ticket none of whose rows has a text keeps its last row.
    everything = np.ones(len(rows.codes), dtype=bool)
    text_row = np.where(text_row >= 0, text_row, _last(rows.codes, everything, places, rows.tickets))
    return _stored_messages_stay(rows, text_row, is_thread=is_thread)


def _changed_later(
    parts: Sequence[Path], schema: pa.Schema, codes: np.ndarray, newest: Newest, agent: str
) -> tuple[int, dict[str, int]]:
    """How many newer states came of tickets that had an agent, and by attribute how many of them differ."""
    order = np.lexsort((newest.places, codes))
    again = np.flatnonzero(codes[order][1:] == codes[order][:-1])
    before, after = order[again], order[again + 1]
    had_agent = pc.is_valid(column_of(parts, ATTRIBUTE_PREFIX + agent, pa.string())).to_numpy(zero_copy_only=False)
    before, after = before[had_agent[before]], after[had_agent[before]]
    changed = {}
    for name in schema.names:
        if not name.startswith(ATTRIBUTE_PREFIX) or pa.types.is_list(schema.field(name).type):
            continue
        codes_of = column_of(parts, name, pa.string()).dictionary_encode().indices.fill_null(-1).to_numpy()
        changed[name.removeprefix(ATTRIBUTE_PREFIX)] = int((codes_of[before] != codes_of[after]).sum())
    return len(before), changed


def _text_hashes(parts: Sequence[Path]) -> np.ndarray:
    """A hash of each row's text, 0 where it has none; one row group of texts at a time."""
    found: list[np.ndarray] = []
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(columns=["subject", "body"]):
            pairs = zip(batch.column("subject").to_pylist(), batch.column("body").to_pylist(), strict=True)
            found.append(np.array([hash(pair) if any(pair) else 0 for pair in pairs], dtype=np.int64))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _texts_differ(parts: Sequence[Path], codes: np.ndarray, counts: np.ndarray) -> bool:
    """`counts` are the rows with a text of each ticket."""
    hashes = _text_hashes(parts)
    pairs = np.stack([codes.astype(np.int64), hashes], axis=1)[hashes != 0]
    distinct = len(np.unique(pairs, axis=0))
    several = int((counts > 1).sum())
    return distinct - int((counts > 0).sum()) > 0.5 * several


def _first_messages(rows: TicketRows) -> np.ndarray:
    """The row of each ticket's first message: of the customer where the rows say who wrote them, then of whom nobody
    knows; by the message's time, then by its number, then in the order of the file."""
    known = np.where(rows.by_customer, 0, np.where(rows.by_desk, 2, 1))
    worst = np.where(rows.has_own_text, known, np.where(rows.has_text, 3, 4))
    order = np.lexsort((*rows.order_of_messages(), worst, rows.codes))
    first = np.r_[True, rows.codes[order][1:] != rows.codes[order][:-1]] if len(order) else np.zeros(0, dtype=bool)
    return order[first]


def _stored_messages_stay(rows: TicketRows, text_row: np.ndarray, *, is_thread: bool) -> np.ndarray:
    """`text_row` with the stored row of each ticket that has a text there, unless a newer state of the ticket came (a
    row that is no article and no later than it), an earlier message, or the customer's where the stored is the
    desk's."""
    if not rows.base_rows:
        return text_row
    base = slice(0, rows.base_rows)
    stored = _last(rows.codes[base], rows.has_text[base], np.arange(rows.base_rows), rows.tickets)
    at = np.maximum(stored, 0)
    chosen_at, stored_at = rows.said[text_row], rows.said[at]
    both = (chosen_at != UNKNOWN) & (stored_at != UNKNOWN)
    is_later = both & (chosen_at > stored_at)
    numbers = rows.numbers
    numbered = (numbers[text_row] >= 0) & (numbers[at] >= 0)
    by_number = numbered & (numbers[text_row] < numbers[at]) & (~both | (chosen_at == stored_at))
    is_first = (both & (chosen_at < stored_at)) | by_number
    is_article = rows.says_who | is_thread
    is_earlier = is_article[text_row] & ~rows.by_desk[text_row] & is_first
    is_customers = rows.by_customer[text_row] & rows.by_desk[at]
    says_more = rows.has_own_text[text_row] & ~rows.has_own_text[at]
    stays = (stored >= 0) & (is_article[text_row] | is_later) & ~is_earlier & ~is_customers & ~says_more
    stays |= (stored >= 0) & rows.has_own_text[at] & ~rows.has_own_text[text_row]
    return np.where(stays, stored, text_row)


def _last(codes: np.ndarray, which: np.ndarray, places: np.ndarray, tickets: int) -> np.ndarray:
    """Of each ticket the row among `which` that is in the last place; -1 where there is none."""
    best = np.full(tickets, -1, dtype=np.int64)
    found = np.flatnonzero(which)
    np.maximum.at(best, codes[found], places[found])
    row_at = np.empty(len(codes), dtype=np.int64)
    row_at[places] = np.arange(len(codes))
    return np.where(best >= 0, row_at[np.maximum(best, 0)], -1) if len(codes) else best


def _newest(column: pa.Array, codes: np.ndarray, places: np.ndarray, tickets: int) -> pa.Array:
    """The last value of each ticket that is one."""
    rows = _last(codes, pc.is_valid(column).to_numpy(zero_copy_only=False), places, tickets)
    return column.take(pa.array(rows, pa.int64(), mask=rows < 0))


def _subjects_of_others(
    parts: Sequence[Path], rows: TicketRows, text_row: np.ndarray, places: np.ndarray, *, is_thread: bool
) -> dict[int, str]:
    """By ticket: the subject of another of its rows, where the row with the text has none."""
    lacking = ~rows.has_subject[text_row] if rows.tickets else np.zeros(0, dtype=bool)
    which = rows.has_subject & lacking[rows.codes] if rows.tickets else rows.has_subject
    if not which.any():
        return {}
    if is_thread:
        order = np.lexsort(rows.order_of_messages())
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))[::-1]
    chosen = _last(rows.codes, which, places, rows.tickets)
    wanted = np.zeros(len(rows.codes), dtype=bool)
    wanted[chosen[chosen >= 0]] = True
    subjects: dict[int, str] = {}
    at = 0
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(columns=["subject"]):
            mask = wanted[at : at + batch.num_rows]
            own = rows.codes[at : at + batch.num_rows][mask]
            subjects.update(zip(own.tolist(), batch.column(0).filter(pa.array(mask)).to_pylist(), strict=True))
            at += batch.num_rows
    return subjects


def _all_links(links: pa.Array, codes: np.ndarray, tickets: int) -> pa.Array:
    """What any row of each ticket names."""
    owners = codes[pc.list_parent_indices(links).to_numpy()]
    named = pa.table({"ticket": owners, "link": links.flatten()})
    grouped = named.group_by("ticket").aggregate([("link", "distinct")])
    rows = np.full(tickets, -1, dtype=np.int64)
    rows[grouped.column("ticket").to_numpy()] = np.arange(grouped.num_rows)
    return grouped.column("link_distinct").combine_chunks().take(pa.array(rows, pa.int64(), mask=rows < 0))


def _write(
    parts: Sequence[Path],
    target: Path,
    schema: pa.Schema,
    codes: np.ndarray,
    text_row: np.ndarray,
    by_ticket: dict[str, pa.Array],
    subjects: dict[int, str],
    add: Callable[[pa.RecordBatch], None],
    row_group: int,
) -> None:
    stays = np.zeros(len(codes), dtype=bool)
    stays[text_row] = True
    at = 0
    single = ("ticket", "subject", "body", "row", "created_at", *OF_JOINED[:3])
    repeating = [name for name in schema.names if name not in single]
    with pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=repeating) as writer:
        for part in parts:
            for batch in pq.ParquetFile(part).iter_batches(batch_size=row_group):
                mask = stays[at : at + batch.num_rows]
                own = codes[at : at + batch.num_rows][mask]
                at += batch.num_rows
                kept = batch.filter(pa.array(mask))
                arrays = []
                for name in schema.names:
                    field = schema.field(name)
                    if name in by_ticket:
                        arrays.append(by_ticket[name].take(pa.array(own)))
                    elif name == "subject" and subjects:
                        texts = zip(kept.column(name).to_pylist(), own.tolist(), strict=True)
                        arrays.append(pa.array([text or subjects.get(code) for text, code in texts], field.type))
                    elif name in kept.schema.names:
                        arrays.append(kept.column(name).cast(field.type))
                    else:
                        arrays.append(pa.nulls(kept.num_rows, field.type))
                made = pa.RecordBatch.from_arrays(arrays, schema=schema)
                if made.num_rows:
                    add(made)
                    writer.write_batch(made, row_group_size=row_group)
