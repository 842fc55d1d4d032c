"""An index is made of a Parquet file of tickets: no tables, no settings, bounded memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from otai.learning.data.normalisation import same_text_key
from otai.learning.data.tickets import ATTRIBUTE_PREFIX

MOST_TICKETS = 200_000
"""Of a version with more, those that stand last in its file are indexed: what a data set grew by stands there."""
MOST_CHARACTERS = 4_000
"""Of a ticket's text, whose words are indexed."""
EXCERPT_CHARACTERS = 160
ROWS_AT_ONCE = 4_096

FORMAT = 1
INDEXED = "tickets.index"
"""As what a job leaves it in its folder."""

SCHEMA = """
PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;
CREATE TABLE about (name TEXT PRIMARY KEY, value);
CREATE TABLE attribute (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, is_multi INTEGER NOT NULL);
CREATE TABLE label (
    number INTEGER PRIMARY KEY, attribute INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (attribute, name)
);
CREATE TABLE ticket (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL, key BLOB NOT NULL, language TEXT, created INTEGER,
    subject TEXT NOT NULL, excerpt TEXT NOT NULL
);
CREATE TABLE carries (label INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (label, row)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, tokenize='unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
"""
AFTERWARDS = """
CREATE INDEX ticket_id ON ticket (id);
CREATE INDEX ticket_key ON ticket (substr(key, 1, 8));
CREATE INDEX ticket_time ON ticket (created);
CREATE INDEX carries_row ON carries (row);
"""


def build(tickets: Path, into: Path, *, most_tickets: int = MOST_TICKETS) -> int:
    """Writes the index of the Parquet file `tickets` to the file `into`, which is not there yet; returns how many
    tickets are in it. One batch of a few thousand tickets is in memory at a time."""
    with pq.ParquetFile(tickets) as source, closing(sqlite3.connect(into)) as made:
        made.executescript(SCHEMA)
        all_rows = source.metadata.num_rows
        names = [name for name in source.schema_arrow.names if name.startswith(ATTRIBUTE_PREFIX)]
        labels = _Labels(made, source.schema_arrow, names)
        read = [
            name
            for name in ("ticket", "subject", "body", "language", "created_at", *names)
            if name in source.schema_arrow.names
        ]
        for first, batch in _last(source, read, most=most_tickets):
            _add(made, first, batch.to_pydict(), labels)
        made.executescript(AFTERWARDS)
        kept = min(all_rows, most_tickets)
        about = {"format": FORMAT, "tickets": all_rows, "indexed": kept}
        made.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        made.commit()
        return kept


def _last(source: pq.ParquetFile, columns: Sequence[str], *, most: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The last `most` tickets in batches, each with the number of its first row."""
    skip = max(0, source.metadata.num_rows - most)
    first = 0
    for group in range(source.num_row_groups):
        rows = source.metadata.row_group(group).num_rows
        if first + rows <= skip:
            first += rows
            continue
        for batch in source.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=[group], columns=list(columns)):
            beyond = max(0, skip - first)
            if beyond < batch.num_rows:
                yield first + beyond, batch.slice(beyond)
            first += batch.num_rows


def _add(made: sqlite3.Connection, first: int, columns: dict[str, list[Any]], labels: _Labels) -> None:
    count = len(columns["ticket"])
    nothing: list[Any] = [None] * count
    subjects, bodies = columns.get("subject", nothing), columns.get("body", nothing)
    texts = [ticket_text(subject, body) for subject, body in zip(subjects, bodies, strict=True)]
    numbers = range(first, first + count)
    made.executemany(
        "INSERT INTO ticket VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (row, str(id), same_text_key(text), language, _seconds(created), *_shown(subject, body))
            for row, id, text, language, created, subject, body in zip(
                numbers,
                columns["ticket"],
                texts,
                columns.get("language", nothing),
                columns.get("created_at", nothing),
                subjects,
                bodies,
                strict=True,
            )
        ),
    )
    made.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)",
        ((row, text[:MOST_CHARACTERS]) for row, text in zip(numbers, texts, strict=True)),
    )
    for name in labels.columns:
        carried = ((labels.number(name, label), row) for row, label in _each(numbers, columns[name]))
        made.executemany("INSERT OR IGNORE INTO carries VALUES (?, ?)", carried)


def ticket_text(subject: str | None, body: str | None) -> str:
    """A ticket's text as a training reads it."""
    return f"{subject or ''}\n{body}" if body is not None else subject or ""


def _shown(subject: str | None, body: str | None) -> tuple[str, str]:
    """One line each: the subject, and how the body begins."""
    return " ".join((subject or "")[:EXCERPT_CHARACTERS].split()), " ".join(
        (body or "")[: 2 * EXCERPT_CHARACTERS].split()
    )[:EXCERPT_CHARACTERS]


def _seconds(moment: Any) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _each(rows: Iterable[int], values: Iterable[Any]) -> Iterator[tuple[int, str]]:
    for row, value in zip(rows, values, strict=True):
        for label in value if isinstance(value, list) else () if value is None else (value,):
            yield row, label


class _Labels:
    """Labels by number, each written down when it is met first."""

    def __init__(self, made: sqlite3.Connection, schema: pa.Schema, columns: Sequence[str]) -> None:
        self.columns = columns
        self._made = made
        self._numbers: dict[tuple[int, str], int] = {}
        self._attributes = {name: number for number, name in enumerate(columns)}
        made.executemany(
            "INSERT INTO attribute VALUES (?, ?, ?)",
            (
                (number, name.removeprefix(ATTRIBUTE_PREFIX), int(pa.types.is_list(schema.field(name).type)))
                for name, number in self._attributes.items()
            ),
        )

    def number(self, column: str, label: str) -> int:
        known = (self._attributes[column], label)
        if known not in self._numbers:
            self._numbers[known] = len(self._numbers)
            self._made.execute("INSERT INTO label VALUES (?, ?, ?)", (self._numbers[known], *known))
        return self._numbers[known]
