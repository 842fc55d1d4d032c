"""The index of a version in the file store, beside its tickets, and its row.

The newest version of a name keeps its index; those before are made again when somebody looks at them, so that versions
do not pile up indexes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from otai.db import new_id
from otai.tickets.files import StoredFile, file_store
from otai.tickets.models import DataSet, FileToDelete, TicketIndex
from otai.tickets.ticket_index.building import INDEXED
from otai.tickets.ticket_index.reading import TicketIndexReader, opened


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """The files of a version, before rows speak of them."""

    tickets: StoredFile
    index: StoredFile

    def delete(self) -> None:
        """Both; no row speaks of them. Raises FileStoreUnavailable."""
        file_store().delete(self.tickets.path)
        file_store().delete(self.index.path)


def put_version(staged: Path, organisation: UUID) -> StoredVersion:
    """The staged Parquet file and the index beside it, in the store. Raises FileStoreUnavailable."""
    tickets = file_store().put(staged, folder=f"tickets/{organisation}/{new_id()}", suffix=".parquet")
    try:
        return StoredVersion(tickets, put_index(staged.with_name(INDEXED), organisation))
    except BaseException:
        # No row speaks of the file, so nobody would ever delete it.
        file_store().delete(tickets.path)
        raise


def put_index(staged: Path, organisation: UUID) -> StoredFile:
    """An index in the store. Raises FileStoreUnavailable."""
    return file_store().put(staged, folder=f"tickets/{organisation}/{new_id()}", suffix=".index")


def keep_index(data_set: DataSet, stored: StoredFile, *, now: datetime) -> None:
    """The row of an index; those of versions before this one go, and one of this version that another job made
    meanwhile. Within the caller's transaction."""
    same_name = DataSet.objects.filter(organisation=data_set.organisation_id, name=data_set.name)
    before = list(same_name.filter(version__lte=data_set.version).only("id"))
    gone = [FileToDelete(path=path, since=now) for path in forget(before)]
    FileToDelete.objects.bulk_create(gone, ignore_conflicts=True)
    TicketIndex.objects.create(data_set=data_set, file=stored.path, bytes=stored.bytes, made_at=now)


def forget(data_sets: Iterable[DataSet]) -> list[str]:
    """The rows of their indexes go; the paths of their files, which go next."""
    found = TicketIndex.objects.filter(data_set__in=[one.id for one in data_sets])
    paths = list(found.values_list("file", flat=True))
    found.delete()
    return paths


def has_index(data_set: DataSet) -> bool:
    """Whether its tickets can be searched now; `jobs.ask_for_index` makes it so."""
    return TicketIndex.objects.filter(data_set=data_set).exists()


@contextmanager
def opened_index(data_set: DataSet) -> Iterator[TicketIndexReader | None]:
    """Its index, in a `with`; None where it has none. Raises TicketsDeleted and FileStoreUnavailable."""
    data_set.require_tickets()
    path = TicketIndex.objects.filter(data_set=data_set).values_list("file", flat=True).first()
    if path is None:
        yield None
        return
    with opened(file_store().local_path(path)) as reader:
        yield reader
