"""A file read from end to end, without tables: what its columns are taken for, and its tickets as a Parquet file with their profile.

preview_columns(file)            the guess, from the first rows
read_tickets(file, into=target)  all tickets; what an import writes into the database comes from its answer
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from otai.learning.data.language import detect_languages
from otai.learning.data.profile import Profile
from otai.learning.data.profiling import ProfileBuilder, joined_texts
from otai.learning.data.tickets import AttributeKind
from otai.tickets.cells import TicketMaker
from otai.tickets.columns import ColumnRoles
from otai.tickets.files import FileStoreUnavailable
from otai.tickets.guessing import ColumnStats, Look, guess_roles, look_at, order_of
from otai.tickets.import_findings import findings_of_import
from otai.tickets.limits import LIMITS, Limits
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.opening import open_source
from otai.tickets.sources.table import Source

ROW_GROUP_TICKETS = 8_192
ROW_GROUP_BYTES = 64 << 20
LANGUAGES_LOOKED_AT = 20_000
"""Finding a language takes a third of a millisecond. It is found for every ticket up to twice this number; of larger sets for every
second, third ... ticket, so that at least so many are looked at."""

EXAMPLES_KEPT = 5

Progress = Callable[[float, int], None]
"""Called with the share of the source that is read (0 to 1) and the tickets so far."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would take each column for: the format found, the rows looked at, the roles with their reasons."""

    format: str
    look: Look
    roles: ColumnRoles

    def as_dict(self) -> dict[str, Any]:
        """Of each column a few of its values: what a page shows."""
        columns = [
            {"name": one.name, "examples": [list(pair) for pair in one.counts.most_common(EXAMPLES_KEPT)]}
            for one in self.look.columns
        ]
        return {
            "format": self.format,
            "rows": self.look.rows,
            "is_whole": self.look.is_whole,
            "columns": columns,
            "roles": self.roles.as_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preview:
        stats = [ColumnStats(one["name"], counts=Counter(dict(one["examples"]))) for one in values["columns"]]
        return cls(
            values["format"], Look(values["rows"], values["is_whole"], stats), ColumnRoles.from_dict(values["roles"])
        )


def preview_columns(
    source: Path,
    *,
    filename: str | None = None,
    roles: ColumnRoles | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    must_have_text: bool = True,
    limits: Limits = LIMITS,
) -> Preview:
    """The guess that `import_tickets` would make, without importing. Raises DatasetInvalid and ColumnsInvalid as it would.

    Without `must_have_text` a file in which no column looks like the text of a ticket is shown all the same, so that a person can say it.
    """
    opened = open_source(source, filename=filename, encoding=encoding, delimiter=delimiter, sheet=sheet, limits=limits)
    look = look_at(opened)
    return Preview(opened.format, look, guess_roles(look, roles, must_have_text=must_have_text))


@dataclass(frozen=True, slots=True)
class ReadTickets:
    """What a file holds: its profile, what each column was used for, its format in words, and how many bad rows were left out."""

    profile: Profile
    roles: ColumnRoles
    format: str
    left_out_rows: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "profile": self.profile.as_dict(),
            "roles": self.roles.as_dict(),
            "format": self.format,
            "left_out_rows": self.left_out_rows,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReadTickets:
        return cls(
            Profile.from_dict(values["profile"]),
            ColumnRoles.from_dict(values["roles"]),
            values["format"],
            values["left_out_rows"],
        )


def read_tickets(
    source: Path,
    *,
    into: Path,
    filename: str | None = None,
    roles: ColumnRoles | None = None,
    skip_bad_rows: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> ReadTickets:
    """Writes the tickets of `source` to the Parquet file `into`. Bounded memory: the source is read once for its encoding, its beginning for
    the guess, and once for the tickets. Raises DatasetInvalid and ColumnsInvalid as `import_tickets` does, and FileStoreUnavailable where
    there is no room to write."""
    opened = open_source(source, filename=filename, encoding=encoding, delimiter=delimiter, sheet=sheet, limits=limits)
    look = look_at(opened)
    if not look.rows:
        _refuse_without_tickets(opened)
    guessed = guess_roles(look, roles)
    said = (roles or ColumnRoles()).resolved(opened.columns)
    named = frozenset(said.used.difference(said.confirmed))
    bad = BadRows(skip=skip_bad_rows)
    reading = _Reading(opened, look, guessed, named, size=source.stat().st_size, limits=limits)
    try:
        reading.run(into, bad, progress)
    except OSError as error:
        raise FileStoreUnavailable(f"The tickets could not be written: {error}. Nothing was imported.") from error
    if not skip_bad_rows:
        bad.refuse()
    profile, settled = reading.finish(bad)
    return ReadTickets(profile, settled, opened.format, bad.count)


class _Reading:
    """The one pass over the source: rows to tickets, tickets to a Parquet file and to the profile."""

    def __init__(
        self, source: Source, look: Look, roles: ColumnRoles, named: frozenset[str], *, size: int, limits: Limits
    ) -> None:
        self._source = source
        self._roles = roles
        self._named = named
        self._limits = limits
        self._size = max(size, 1)
        self._maker = TicketMaker(source.columns, roles, limits=limits, named=named)
        self._language_stride = 1
        languages_from = f"the column {roles.single.get('language')}"
        if "language" not in roles.single:
            expected = look.rows if look.is_whole else look.rows * self._size // max(source.bytes_read(), 1)
            self._language_stride = max(1, expected // LANGUAGES_LOOKED_AT)
            every = "every ticket" if self._language_stride == 1 else f"one ticket in {self._language_stride:,}"
            languages_from = f"detected for {every}"
        self._builder = ProfileBuilder(
            {found.name: str(found.kind) for found in roles.attributes},
            orders={found.name: found.order for found in roles.attributes},
            languages_from=languages_from,
        )
        self._tickets = 0

    def run(self, target: Path, bad: BadRows, progress: Progress | None) -> None:
        schema = self._maker.schema
        repeating = [name for name in schema.names if name not in ("ticket", "subject", "body", "row", "created_at")]
        with pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=repeating) as writer:
            waiting: list[pa.RecordBatch] = []
            size = rows = 0
            for read in self._source.batches(bad):
                batch = self._maker.tickets(read, bad)
                batch = self._with_languages(batch)
                self._tickets += batch.num_rows
                for found in self._roles.attributes:
                    if self._builder.label_count(found.name) > self._limits.labels:
                        self._refuse_labels(found.name, found.columns[0])
                waiting.append(batch)
                size += batch.nbytes
                rows += batch.num_rows
                if rows >= ROW_GROUP_TICKETS or size >= ROW_GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows or 1)
                    waiting, size, rows = [], 0, 0
                if progress is not None:
                    progress(min(self._source.bytes_read() / self._size, 1.0), self._tickets)
            if rows:
                writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)
        if progress is not None:
            progress(1.0, self._tickets)

    def _with_languages(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The language of each ticket, or of some, if no column says it; and the batch into the profile with it."""
        rows = batch.num_rows
        if "language" in self._roles.single or rows == 0:
            self._builder.add(batch)
            return batch
        # Continues over batches: which tickets are looked at does not depend on how the source was cut.
        picked = np.arange(-self._tickets % self._language_stride, rows, self._language_stride)
        texts = joined_texts(batch).take(pa.array(picked)).to_pylist()
        languages: list[str | None] = [None] * rows
        for index, language in zip(picked.tolist(), detect_languages(texts), strict=True):
            languages[index] = language
        position = batch.schema.get_field_index("language")
        batch = batch.set_column(position, batch.schema.field(position), pa.array(languages, pa.string()))
        known = np.zeros(rows, dtype=bool)
        known[picked] = True
        self._builder.add(batch, language_known=known)
        return batch

    def _refuse_labels(self, attribute: str, column: str) -> None:
        raise refused(
            f"{attribute} has more than {self._limits.labels:,} different labels; that is the most. It looks like a name or a number: "
            f"leave it out with --ignore {column!r}.",
            column=column,
        )

    def finish(self, bad: BadRows) -> tuple[Profile, ColumnRoles]:
        """The profile with what the import noticed, and the roles as they ended. Raises DatasetInvalid when no ticket came in."""
        if not self._tickets:
            bad.refuse()
            _refuse_without_tickets(self._source)
        profile = self._builder.finish()
        roles = self._roles
        for found in roles.attributes:
            if found.kind is not AttributeKind.ORDERED or self._is_order_given(found.columns[0], found.order):
                continue
            # The order was found in the first rows; labels that came later may belong to it, or show that there is none.
            order = order_of([label.name for label in profile.attribute(found.name).labels])
            kind = AttributeKind.ORDERED if order else AttributeKind.SINGLE
            profile = profile.with_attribute(found.name, kind=str(kind), order=order)
            changed = dataclasses.replace(found, kind=kind, order=order)
            roles = dataclasses.replace(
                roles, attributes=tuple(changed if one is found else one for one in roles.attributes)
            )
        noticed = findings_of_import(self._source, self._maker.noticed, roles, left_out=bad)
        return profile.with_findings(noticed, source=self._source.format), roles

    def _is_order_given(self, column: str, order: tuple[str, ...]) -> bool:
        return column in self._named and bool(order) and order != order_of(order)


def _refuse_without_tickets(source: Source) -> None:
    bad = BadRows(skip=True)
    for _ in source.batches(bad):
        break
    bad.refuse()
    raise refused(f"The file has a header ({len(source.columns)} columns) and no tickets.")
