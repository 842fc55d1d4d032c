"""The order of rows that are one ticket: which is the newest, and which message was written first.

A row's time of change decides which is the newest, whichever was imported first. A row without one counts as changed
when it was created; one of a file that has no such times counts as what came in after all that was there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from otai.tickets.row_order import MESSAGE_ID, SAID_AT, UPDATED

SENDER = "sender"
"""A column of staged rows (customer, desk, or null)."""
WRITER = "writer"
"""The same of a data set: who wrote the message that is the ticket's text, where that is known."""
UNKNOWN = np.iinfo(np.int64).max
"""A time of creation or of a message that nobody knows."""
NEVER = np.iinfo(np.int64).min
"""A time of change that nobody knows."""
MOSTLY = 2
"""A file is written newest first where later rows of a ticket are so many times oftener older than newer."""
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(slots=True)
class TicketRows:
    """What is known of all rows beside texts and labels; arrays have shape (rows,), times are microseconds since 1970.

    `codes` number the tickets; `said` is when the row's message was written, `own_times` the same where a column of
    its own says it; `numbers` rank the numbers of messages, -1 where there is none; `ends` are the row numbers at which
    the parts end; `tables` are the parts, those of several files or sheets taken apart.
    """

    codes: np.ndarray
    tickets: int
    base_rows: int
    ends: list[int]
    tables: list[slice]
    created: np.ndarray
    updated: np.ndarray
    own_times: np.ndarray
    said: np.ndarray
    numbers: np.ndarray
    writers: pa.Array
    by_customer: np.ndarray
    by_desk: np.ndarray
    has_subject: np.ndarray
    has_body: np.ndarray
    has_own_text: np.ndarray

    @classmethod
    def of(
        cls, parts: Sequence[Path], schema: pa.Schema, base_rows: int, later_tables: Sequence[Sequence[int]] = ()
    ) -> TicketRows:
        """Of Parquet files with staged rows or, the first, a data set. `later_tables`: of each part but that the
        numbers of rows at which it comes to a further file or sheet."""
        codes = column_of(parts, "ticket", pa.string()).dictionary_encode().indices.to_numpy()
        created = _micros(column_of(parts, "created_at", schema.field("created_at").type), UNKNOWN)
        own_times = _micros(column_of(parts, SAID_AT, _TIME), UNKNOWN)
        senders = pc.coalesce(column_of(parts, SENDER, pa.string()), column_of(parts, WRITER, pa.string()))
        has_subject, has_body = (
            pc.is_valid(column_of(parts, name, pa.string())).to_numpy(zero_copy_only=False)
            for name in ("subject", "body")
        )
        ends = np.cumsum([pq.ParquetFile(part).metadata.num_rows for part in parts]).tolist()
        return cls(
            codes=codes,
            tickets=int(codes.max()) + 1 if len(codes) else 0,
            base_rows=base_rows,
            ends=ends,
            tables=_tables(parts, ends, [(), *later_tables] if base_rows else later_tables),
            created=created,
            updated=_micros(column_of(parts, UPDATED, _TIME), NEVER),
            own_times=own_times,
            said=np.where(own_times != UNKNOWN, own_times, created),
            numbers=_ranks(column_of(parts, MESSAGE_ID, pa.string())),
            writers=senders,
            by_customer=_is(senders, "customer"),
            by_desk=_is(senders, "desk"),
            has_subject=has_subject,
            has_body=has_body,
            has_own_text=_own_texts(has_subject, has_body, ends),
        )

    @property
    def says_who(self) -> np.ndarray:
        """Whether a row says who wrote it."""
        return self.by_customer | self.by_desk

    @property
    def has_text(self) -> np.ndarray:
        """Whether a row has a subject or a body."""
        return self.has_subject | self.has_body

    def parts(self) -> list[slice]:
        """The rows of each part."""
        return [slice(start, end) for start, end in zip([0, *self.ends], self.ends, strict=False)]

    def of_parts(self, numbers: Sequence[int]) -> int:
        """How many rows these parts have, counted from 0 without the base."""
        return sum(self._later_parts()[at].stop - self._later_parts()[at].start for at in numbers)

    def texts_come_first(self, numbers: Sequence[int]) -> None:
        """The rows of these parts (counted from 0 without the base) are tickets, and others their messages: the text
        of a ticket is what the customer wrote before all of them."""
        for at in numbers:
            part = self._later_parts()[at]
            own = self.has_body[part] & ~self.says_who[part]
            self.by_customer[part] |= own
            self.said[part] = np.where(own, NEVER, self.said[part])

    def _later_parts(self) -> list[slice]:
        return self.parts()[1:] if self.base_rows else self.parts()

    def order_of_messages(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Keys for `np.lexsort`, the weakest first: place in the file, number, time. Where not all messages of a ticket
        have a time and all have numbers, the numbers decide."""
        lacks_time = np.bincount(self.codes, self.said == UNKNOWN, minlength=self.tickets) > 0
        lacks_number = np.bincount(self.codes, self.numbers < 0, minlength=self.tickets) > 0
        by_number = (lacks_time & ~lacks_number)[self.codes] if self.tickets else np.zeros(0, dtype=bool)
        numbers = np.where(self.numbers < 0, UNKNOWN, self.numbers)
        return self._places(), numbers, np.where(by_number, 0, self.said)

    def _places(self) -> np.ndarray:
        """Places in the order of files, from the last row to the first in a part that is written newest first."""
        places = np.arange(len(self.codes))
        for part in self.parts():
            order = np.lexsort((places[part], self.codes[part]))
            same = self.codes[part][order][1:] == self.codes[part][order][:-1]
            down = up = 0
            for key in (self.said[part][order], np.where(self.numbers < 0, UNKNOWN, self.numbers)[part][order]):
                known = same & (key[1:] != UNKNOWN) & (key[:-1] != UNKNOWN)
                down += int((known & (key[1:] < key[:-1])).sum())
                up += int((known & (key[1:] > key[:-1])).sum())
            if down > MOSTLY * up:
                places[part] = places[part][::-1].copy()
        return places


@dataclass(frozen=True, slots=True)
class Newest:
    """`places` of all rows (shape (rows,)), the newest of each ticket last; `latest` is the time of its last change
    (shape (tickets,), NEVER where unknown); `by_update`: times of change decided."""

    places: np.ndarray
    latest: np.ndarray
    by_update: bool


def _tables(parts: Sequence[Path], ends: Sequence[int], later: Sequence[Sequence[int]]) -> list[slice]:
    """The rows of each table: of a part with several each begins at one of its row numbers."""
    tables = []
    for at, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        begins = [start]
        if at < len(later) and later[at]:
            numbers = pq.read_table(parts[at], columns=["row"]).column(0).to_numpy()
            begins += [start + int(place) for place in np.searchsorted(numbers, later[at])]
        tables += [slice(one, other) for one, other in zip(begins, [*begins[1:], end], strict=True)]
    return tables


def newest_last(rows: TicketRows, *, is_thread: bool) -> Newest:
    """The order in which rows of one ticket say what its labels are; ties go to the row that came in later."""
    changed = rows.updated.copy()
    by_update = bool((changed[rows.base_rows :] != NEVER).any())
    said = np.where(rows.said == UNKNOWN, NEVER, rows.said)
    latest = np.full(rows.tickets, NEVER, dtype=np.int64)
    is_any = bool((changed != NEVER).any())
    for at, part in enumerate(rows.tables):
        codes = rows.codes[part]
        is_base = at == 0 and rows.base_rows > 0
        if (changed[part] != NEVER).any():
            created = np.where(rows.created[part] == UNKNOWN, NEVER, rows.created[part])
            changed[part] = np.where(changed[part] == NEVER, NEVER if is_base else created, changed[part])
        elif is_thread and not is_base:
            changed[part] = np.where(said[part] == NEVER, latest[codes], said[part])
        elif is_any and not is_base:
            changed[part] = latest[codes]
        elif not is_any and not is_base:
            changed[part] = np.where(rows.created[part] == UNKNOWN, NEVER, rows.created[part])
        np.maximum.at(latest, codes, changed[part])
    weaker = (rows.numbers, said) if is_thread else ()
    order = np.lexsort((np.arange(len(changed)), *weaker, changed))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return Newest(places, latest if is_any or is_thread else np.full_like(latest, NEVER), by_update)


def column_of(parts: Sequence[Path], name: str, kind: pa.DataType) -> pa.Array:
    """The column of all parts, one after the other; empty where a part lacks it. Shape (rows,)."""
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


def _micros(times: pa.Array, unknown: int) -> np.ndarray:
    return pc.fill_null(times.cast(_TIME).cast(pa.int64()), unknown).to_numpy()


def _is(senders: pa.Array, who: str) -> np.ndarray:
    return pc.fill_null(pc.equal(senders, who), False).to_numpy(zero_copy_only=False)


def _ranks(numbers: pa.Array) -> np.ndarray:
    if numbers.null_count == len(numbers):
        return np.full(len(numbers), -1, dtype=np.int64)
    encoded = numbers.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank_of = np.empty(len(order), dtype=np.int64)
    rank_of[order] = np.arange(len(order))
    at = encoded.indices.fill_null(-1).to_numpy()
    return np.where(at >= 0, rank_of[np.maximum(at, 0)], -1)


def _own_texts(has_subject: np.ndarray, has_body: np.ndarray, ends: Sequence[int]) -> np.ndarray:
    """Whether a row has a text of its own: a subject alone is none in a file without bodies, beside others with them
    (tickets beside their messages)."""
    found = has_subject | has_body
    starts = [0, *ends]
    for start, end in zip(starts, ends, strict=False):
        if not has_body[start:end].any() and has_body.any():
            found[start:end] = False
    return found
