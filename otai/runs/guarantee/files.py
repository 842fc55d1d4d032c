"""Where a guarantee's files lie in the store, and what is told of them: the tickets that it is measured on, and what
its runs train on."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from otai.db import new_id
from otai.errors import Invalid, Unavailable
from otai.jobs.folders import arrivals_folder
from otai.learning.data.attributes import AttributeKind, AttributeSpec
from otai.learning.data.tickets import ATTRIBUTE_PREFIX
from otai.runs.guarantee.holdout import Relabelled
from otai.spreadsheets import harmless
from otai.tickets import queries as tickets
from otai.tickets.files import StoredFile, file_store
from otai.tickets.models import DataSet, TicketsDeleted

TICKETS_DELETED = "deleted"
"""In the place of a guarantee's file whose tickets were deleted."""


def path_of(file: str) -> Path:
    """That file of a guarantee or an included run on this machine. Raises TicketsDeleted."""
    if file == TICKETS_DELETED:
        raise TicketsDeleted("holdout")
    return file_store().local_path(file)


def tickets_of(data_set: DataSet) -> Path:
    """The data set's tickets on this machine. Raises FileStoreUnavailable and TicketsDeleted."""
    return tickets.tickets_path(data_set)


@contextmanager
def tickets_while_there(data_set: DataSet) -> Iterator[Path]:
    """The same, in a `with` that reads them. Raises TicketsDeleted where somebody deletes them meanwhile, too."""
    try:
        yield tickets_of(data_set)
    except (OSError, Invalid, Unavailable):
        # Rows say so before files go, so whoever misses a file finds the reason there.
        DataSet.objects.get(id=data_set.id).require_tickets()
        raise


def table_at(file: str) -> pa.Table:
    """Raises TicketsDeleted."""
    return pq.read_table(path_of(file))


def specs_of(data_set: DataSet, names: Sequence[str]) -> list[AttributeSpec]:
    """The named attributes as training knows them; those that the data set lacks are left out."""
    known = {attribute.name: attribute for attribute in tickets.attributes(data_set)}
    return [
        AttributeSpec(name, AttributeKind(known[name].kind), tuple(known[name].order or ()))
        for name in names
        if name in known
    ]


def has_own_ids(data_set: DataSet) -> bool:
    """Whether the tickets' ids are the customer's. Those that we number ourselves name other tickets in the next
    version."""
    return "ticket" in dict(data_set.roles.get("single") or {})


def keep(path: Path, *, organisation: UUID, guarantee: UUID) -> StoredFile:
    """The file as one of the guarantee's."""
    # A name of its own each time: the same tickets again must not be taken for the file that is being deleted.
    return file_store().put(path, folder=f"guarantees/{organisation}/{guarantee}/{new_id()}", suffix=".parquet")


@contextmanager
def kept(path: Path, *, organisation: UUID, guarantee: UUID) -> Iterator[StoredFile]:
    """The same, in a `with` that writes the row which speaks of it: if that fails, the file goes again."""
    file = keep(path, organisation=organisation, guarantee=guarantee)
    try:
        yield file
    except BaseException:
        file_store().delete(file.path)
        raise


@contextmanager
def scratch() -> Iterator[Path]:
    """A path for a file that is made and then kept."""
    with tempfile.TemporaryDirectory(prefix="guarantee-", dir=arrivals_folder()) as folder:
        yield Path(folder) / "tickets.parquet"


def as_csv(held: Path, corrections: Sequence[Relabelled]) -> Iterator[str]:
    """The tickets to measure on, line by line, for a spreadsheet: with the label that was agreed and, where it differs,
    the one that counts now.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    with pq.ParquetFile(held) as source:
        columns = source.schema_arrow.names
        names = [name.removeprefix(ATTRIBUTE_PREFIX) for name in columns if name.startswith(ATTRIBUTE_PREFIX)]
        now = {(one.ticket, one.attribute): one.now for one in corrections}
        corrected = [name for name in names if any(one.attribute == name for one in corrections)]
        yield _line(["ticket", "subject", "body", "language", *names, *(f"{name} (corrected)" for name in corrected)])
        for batch in source.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
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
