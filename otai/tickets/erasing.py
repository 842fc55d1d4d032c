"""Tickets go for good: what this room keeps of a data set are its name, counts, hash and figures.

Rows first and files after, in that order: the paths of files that go are rows themselves (`FileToDelete`) until the
files are gone, so that a crash in between leaves nothing behind. Who else made something of the tickets clears it in
the same transaction (`serving.deletion`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Max

from otai.errors import Unavailable
from otai.jobs import operations as jobs
from otai.learning.data.profile import Profile
from otai.tickets.column_names import is_name_of_a_field
from otai.tickets.columns import ColumnRoles
from otai.tickets.erasure_hooks import forget_files_elsewhere
from otai.tickets.files import file_store, forget_vectors
from otai.tickets.models import Attribute, DataSet, ExpectedQuality, FileToDelete
from otai.tickets.ticket_index.keeping import forget as forget_index

log = logging.getLogger(__name__)

looked_at_again_after = timedelta(minutes=10)
"""A worker whose run was cancelled a moment ago may write vectors until it hears of it; they go by then."""


def empty(data_sets: Iterable[DataSet], *, who: str, now: datetime) -> None:
    """Takes everything but figures from the rows; within a transaction. `delete_files` afterwards takes the files."""
    for data_set in data_sets:
        let_go([data_set.file, *forget_index([data_set])], now=now)
        Attribute.objects.filter(data_set=data_set).delete()
        ExpectedQuality.objects.filter(data_set=data_set).delete()
        data_set.profile = Profile.from_dict(data_set.profile).without_content().as_dict()
        data_set.roles = ColumnRoles().as_dict()
        data_set.file, data_set.source_filename, data_set.made_as = "", "", None
        data_set.deleted_at, data_set.deleted_by = now, who[:200]
        gone = ("profile", "roles", "file", "source_filename", "made_as")
        data_set.save(update_fields=[*gone, "deleted_at", "deleted_by"])


def names_that_tickets_may_have_said(data_set: DataSet) -> dict[str, str]:
    """Attributes of the data set whose names could be words of a ticket, taken for the header's: old name -> the number
    that stands for it."""
    attributes = Profile.from_dict(data_set.profile).attributes
    return {
        one.name: f"attribute {position}"
        for position, one in enumerate(attributes, 1)
        if not is_name_of_a_field(one.name)
    }


def forget_names(data_set: DataSet) -> None:
    """Such names go from the row; within a transaction."""
    profile = Profile.from_dict(data_set.profile).renamed(names_that_tickets_may_have_said(data_set))
    data_set.profile = profile.as_dict()
    data_set.save(update_fields=["profile"])


def let_go(paths: Iterable[str], *, now: datetime) -> None:
    """These files of the store go; within the transaction that takes them out of their rows."""
    rows = [FileToDelete(path=path, since=now) for path in sorted(set(paths)) if path]
    FileToDelete.objects.bulk_create(rows, ignore_conflicts=True)


def delete_files() -> int:
    """Deletes the files that were let go of; returns how many. Safe at any time and from any process: what the store
    refuses stays listed."""
    deleted = 0
    for path in FileToDelete.objects.order_by("since", "path").values_list("path", flat=True):
        try:
            file_store().delete(path)
        except Unavailable as error:
            log.warning("%s is to be deleted and could not be; it is tried again: %s", path, error.message)
            continue
        FileToDelete.objects.filter(path=path).delete()
        deleted += 1
    return deleted


def finish_deletions(*, now: datetime) -> None:
    """What a deletion could not reach at once: files of a store that did not answer, and what other machines keep. For
    housekeeping, which also clears what was opened of encrypted files here.

    Each machine has its own vectors and its own copies of a remote store, and remembers in a file until when it has
    forgotten them.
    """
    delete_files()
    file_store().forget_old_copies()
    newest = DataSet.objects.exclude(deleted_at=None).values_list("organisation").annotate(Max("deleted_at"))
    for organisation, deleted_at in newest.order_by():
        mark = Path(settings.OTAI_HOME) / "forgotten" / str(organisation)
        due_at = deleted_at + looked_at_again_after
        if now < due_at or _reads(mark) == due_at.isoformat():
            continue
        forget_on_this_machine(organisation, before=deleted_at)
        jobs.sweep_folders(older_than_seconds=looked_at_again_after.total_seconds())
        file_store().forget_copies()
        if not wipe_freed_pages():
            continue
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(due_at.isoformat())


def forget_on_this_machine(organisation: UUID, *, before: datetime) -> None:
    """What this machine made of the organisation's tickets, and files of theirs that waited here when tickets were
    deleted."""
    forget_vectors(organisation)
    forget_files_elsewhere(organisation, before=before)


def _reads(mark: Path) -> str:
    try:
        return mark.read_text()
    except OSError:
        return ""


def wipe_freed_pages() -> bool:
    """Takes what was deleted out of SQLite's files as well: out of its log, and out of pages that were freed. False:
    others are writing, try again later. PostgreSQL does so by itself, in its own time.

    Not within a transaction: it does nothing there.
    """
    if connection.vendor != "sqlite":
        return True
    if connection.in_atomic_block:
        return False
    try:
        with connection.cursor() as cursor:
            # Pages that were freed before `secure_delete` was in force still hold what they held.
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
            return row is not None and not row[0]
    except DatabaseError as busy:
        log.info("freed pages are wiped later: %s", busy)
        return False
