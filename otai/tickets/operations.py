"""All that changes something in this room: an import from end to end (`erasing.py`: how tickets go again)."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.db import IntegrityError, models, transaction

from otai.db import new_id
from otai.errors import Invalid, Refused
from otai.learning.data.language import detect_languages
from otai.learning.data.profile import Profile
from otai.learning.data.profiling import ProfileBuilder, joined_texts
from otai.learning.data.tickets import AttributeKind
from otai.orgs.models import Organisation
from otai.tickets.cells import TicketMaker
from otai.tickets.columns import ColumnRoles
from otai.tickets.files import FileStoreUnavailable, file_store
from otai.tickets.guessing import Look, guess_roles, look_at, order_of
from otai.tickets.import_findings import findings_of_import
from otai.tickets.limits import LIMITS, Limits
from otai.tickets.models import Attribute, DataSet, Label
from otai.tickets.problems import BadRows, DatasetInvalid, refused
from otai.tickets.sources.opening import open_source
from otai.tickets.sources.table import Source, clean_name

__all__ = [
    "DataSetNameInvalid",
    "DatasetInvalid",
    "Preview",
    "import_tickets",
    "preview_columns",
]

ROW_GROUP_TICKETS = 8_192
ROW_GROUP_BYTES = 64 << 20
LANGUAGES_LOOKED_AT = 20_000
"""Finding a language takes a third of a millisecond. It is found for every ticket up to twice this number; of larger sets for every
second, third ... ticket, so that at least so many are looked at."""
VERSION_ATTEMPTS = 10

Progress = Callable[[float, int], None]
"""Called with the share of the source that is read (0 to 1) and the tickets so far."""


class DataSetNameInvalid(Invalid):
    code = "data_set_name_invalid"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would take each column for: the format found, the rows looked at, the roles with their reasons."""

    format: str
    look: Look
    roles: ColumnRoles


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


def import_tickets(
    *,
    organisation: Organisation,
    name: str,
    source: Path,
    now: datetime,
    filename: str | None = None,
    roles: ColumnRoles | None = None,
    skip_bad_rows: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> DataSet:
    """A new data set from the file at `source`; a new version where the organisation has one of that name.

    `filename` is what the customer calls the file, `roles` what they say about its columns (the rest is guessed), `encoding`,
    `delimiter` and `sheet` what they say about its format (found out otherwise). The source is read in bounded memory: once for its
    encoding, its beginning for the guess, and once for the tickets.

    Raises DatasetInvalid (the file as a whole, or bad rows: `details` has row, column, problems, problem_count), ColumnsInvalid (the
    overrides do not fit), DataSetNameInvalid, FileStoreUnavailable. Then nothing was imported. With `skip_bad_rows` bad rows, and only
    those, are left out and counted on the data set.
    """
    name = _checked_name(name)
    opened = open_source(source, filename=filename, encoding=encoding, delimiter=delimiter, sheet=sheet, limits=limits)
    look = look_at(opened)
    if not look.rows:
        _refuse_without_tickets(opened)
    guessed = guess_roles(look, roles)
    said = (roles or ColumnRoles()).resolved(opened.columns)
    named = frozenset(said.used.difference(said.confirmed))
    bad = BadRows(skip=skip_bad_rows)
    with tempfile.TemporaryDirectory(prefix="otai-import-") as folder:
        staged = Path(folder) / "tickets.parquet"
        reading = _Reading(opened, look, guessed, named, size=source.stat().st_size, limits=limits)
        try:
            reading.run(staged, bad, progress)
        except OSError as error:
            raise FileStoreUnavailable(f"The tickets could not be written: {error}. Nothing was imported.") from error
        if not skip_bad_rows:
            bad.refuse()
        profile, settled = reading.finish(bad)
        stored = file_store().put(staged, folder=f"tickets/{organisation.pk}/{new_id()}", suffix=".parquet")
    try:
        return save_data_set(
            DataSet(
                organisation=organisation,
                name=name,
                file=stored.path,
                sha256=stored.sha256,
                bytes=stored.bytes,
                tickets=profile.tickets,
                left_out_rows=bad.count,
                source_filename=_checked_filename(filename or source.name),
                source_format=opened.format[:100],
                imported_at=now,
                profile=profile.as_dict(),
                roles=settled.as_dict(),
            ),
            profile,
        )
    except BaseException:
        # No row speaks of the file, so nobody would ever delete it.
        file_store().delete(stored.path)
        raise


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


def save_data_set(data_set: DataSet, profile: Profile) -> DataSet:
    """All rows of the data set in one transaction, under the next free version."""
    for _ in range(VERSION_ATTEMPTS):
        newest = DataSet.objects.filter(organisation=data_set.organisation, name=data_set.name)
        data_set.version = (newest.aggregate(newest=models.Max("version"))["newest"] or 0) + 1
        try:
            with transaction.atomic():
                data_set.save(force_insert=True)
                for position, found in enumerate(profile.attributes):
                    attribute = Attribute.objects.create(
                        data_set=data_set, name=found.name, kind=found.kind, order=list(found.order), position=position
                    )
                    Label.objects.bulk_create(
                        [
                            Label(
                                attribute=attribute,
                                name=label.name,
                                count=label.count,
                                training_count=label.training_count,
                            )
                            for label in found.labels
                        ],
                        batch_size=1_000,
                    )
        except IntegrityError as error:
            if "version" not in str(error):
                raise
            # Someone imported under the same name meanwhile: theirs is this version, ours the next.
            continue
        return data_set
    raise Refused(f"{data_set.name!r} is being imported by others at this moment. Try again.", code="data_set_busy")


def _refuse_without_tickets(source: Source) -> None:
    bad = BadRows(skip=True)
    for _ in source.batches(bad):
        break
    bad.refuse()
    raise refused(f"The file has a header ({len(source.columns)} columns) and no tickets.")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise DataSetNameInvalid("A data set needs a name of 1 to 200 characters on one line.", field="name")
    return name


def _checked_filename(name: str) -> str:
    # For display only; it never becomes a path. Both kinds of slashes, since uploads come from either kind of machine.
    return clean_name(name.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "upload"
