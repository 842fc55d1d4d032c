"""Labelled tickets: what training is given, and the one file format in which it travels between processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from otai.learning.data.cuts.cut_columns import rules_of_schema, schema_with_rules
from otai.learning.data.cuts.cutting import TextRules
from otai.learning.data.language_names import CODES, language_code
from otai.learning.errors import InputFailure

ATTRIBUTE_PREFIX = "attribute:"

_OF_A_TICKET = {"ticket", "subject", "body", "language", "split", "links"}

LabelName = str
LabelNames = tuple[str, ...]
Value = LabelName | LabelNames | None
"""What one ticket says about one attribute. None: nobody labelled it. An empty tuple: labelled, and none applies."""


@dataclass(frozen=True)
class LabelledTickets:
    """Tickets as parallel columns, all of the same length.

    `texts` holds subject, newline, body. `languages` may be codes of any form or names ("de", "DE-at", "deu",
    "German"): they are kept as codes. `splits` is given only where the customer fixed beforehand which tickets to
    measure on: "train" and "test" mean what they say, a ticket with anything else takes no part. `created_at` says when
    tickets came in (None: nobody knows). Raises `InputFailure` (`dataset_invalid`) when the columns differ in length.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    languages: Sequence[str | None]
    attributes: Mapping[str, Sequence[Value]]
    splits: Sequence[str | None] | None = field(default=None)
    text_rules: TextRules | None = None
    """What was cut from the texts; a model that learns from them cuts the same from every text it reads."""
    created_at: Sequence[datetime | None] | None = field(default=None)
    links: Sequence[Sequence[str]] | None = field(default=None)
    """What each ticket is called and what it names (hashes): tickets that share one belong together and are never both
    learnt from and measured on. None: nobody knows."""

    def __post_init__(self) -> None:
        columns: dict[str, Sequence[object]] = {"texts": self.texts, "languages": self.languages}
        columns |= {f"attribute {name}": column for name, column in self.attributes.items()}
        if self.splits is not None:
            columns["splits"] = self.splits
        if self.created_at is not None:
            columns["created_at"] = self.created_at
        if self.links is not None:
            columns["links"] = self.links
        for name, column in columns.items():
            if len(column) != len(self.ids):
                raise InputFailure("lengths", tickets=len(self.ids), entries=len(column), column=name, where=name)
        if any(language and language not in CODES for language in set(self.languages)):
            # "English", "DE-at" and "deu" are what programs say, too.
            codes = {language: language_code(language) or language for language in set(self.languages)}
            object.__setattr__(self, "languages", [codes[language] for language in self.languages])

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def read_parquet(cls, path: Path | str, *, attributes: Collection[str] | None = None) -> LabelledTickets:
        """Reads what `write_parquet` wrote, or what the tickets room exported; of the attributes only those named.

        Columns: `ticket` (id), `subject`, `body`, `language`, `created_at`, `split` and `links` (optional), and one
        `attribute:<name>` for each attribute, string or list of strings. Raises `InputFailure` (`dataset_invalid`) for
        a file that is not Parquet or lacks `ticket`, `subject` and `body`.
        """
        try:
            with pq.ParquetFile(path) as source:
                return cls(**_columns_of(source, attributes))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputFailure("unreadable", error=error) from error

    def write_parquet(self, path: Path | str) -> None:
        """Writes the tickets so that `read_parquet` gives the same ones back. The first line of a text is its
        subject."""
        parted = [text.partition("\n") for text in self.texts]
        columns: dict[str, pa.Array] = {
            "ticket": pa.array(self.ids, pa.string()),
            "subject": pa.array([subject for subject, _, _ in parted], pa.string()),
            "body": pa.array([body if newline else None for _, newline, body in parted], pa.string()),
            "language": pa.array(self.languages, pa.string()),
        }
        if self.splits is not None:
            columns["split"] = pa.array(self.splits, pa.string())
        if self.created_at is not None:
            columns["created_at"] = pa.array(self.created_at, _TIME)
        if self.links is not None:
            columns["links"] = pa.array([list(row) for row in self.links], pa.list_(pa.string()))
        for name, values in self.attributes.items():
            lists = any(isinstance(value, tuple) for value in values)
            kind = pa.list_(pa.string()) if lists else pa.string()
            columns[ATTRIBUTE_PREFIX + name] = pa.array(
                [list(value) if isinstance(value, tuple) else value for value in values], kind
            )
        table = pa.table(columns)
        if self.text_rules is not None:
            table = table.cast(schema_with_rules(self.text_rules, table.schema))
        pq.write_table(table, path)


_TIME = pa.timestamp("us", tz="UTC")


def _has_times(schema: pa.Schema) -> bool:
    return "created_at" in schema.names and pa.types.is_timestamp(schema.field("created_at").type)


def _columns_of(source: pq.ParquetFile, attributes: Collection[str] | None) -> dict[str, Any]:
    schema = source.schema_arrow
    if missing := {"ticket", "subject", "body"} - set(schema.names):
        raise InputFailure("missing_column", columns=sorted(missing), where=min(missing))
    there = [name.removeprefix(ATTRIBUTE_PREFIX) for name in schema.names if name.startswith(ATTRIBUTE_PREFIX)]
    values: dict[str, list[Value]] = {name: [] for name in there if attributes is None or name in attributes}
    ids: list[str] = []
    texts: list[str] = []
    languages: list[str | None] = []
    splits: list[str | None] = []
    times: list[datetime | None] = []
    links: list[list[str]] = []
    own = _OF_A_TICKET | ({"created_at"} if _has_times(schema) else set())
    read = [*sorted(own & set(schema.names)), *(ATTRIBUTE_PREFIX + name for name in values)]
    # A part at a time: the texts of a million tickets need not lie in memory twice.
    for batch in source.iter_batches(batch_size=8_192, columns=read):
        ids += [str(ticket) for ticket in batch["ticket"].to_pylist()]
        texts += map(_text, _strings(batch, "subject"), _strings(batch, "body"))
        languages += _strings(batch, "language")
        splits += _strings(batch, "split")
        if "created_at" in own:
            times += batch["created_at"].cast(_TIME).to_pylist()
        if "links" in schema.names:
            links += [row or [] for row in batch["links"].to_pylist()]
        for name, column in values.items():
            column += _values(batch[ATTRIBUTE_PREFIX + name])
    return {
        "ids": ids,
        "texts": texts,
        "languages": languages,
        "attributes": values,
        "splits": splits if "split" in schema.names else None,
        "text_rules": rules_of_schema(schema),
        "links": links if any(links) else None,
        "created_at": times if any(time is not None for time in times) else None,
    }


def _text(subject: str | None, body: str | None) -> str:
    if body is None:
        return subject or ""
    return f"{subject or ''}\n{body}"


def _strings(batch: pa.RecordBatch, name: str) -> list[str | None]:
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    return [None if value is None else str(value) for value in batch[name].to_pylist()]


def _values(column: pa.Array) -> list[Value]:
    values: list[Value] = []
    for value in column.to_pylist():
        if value is None:
            values.append(None)
        elif isinstance(value, list):
            values.append(tuple(str(label) for label in value if label is not None))
        else:
            values.append(str(value))
    return values
