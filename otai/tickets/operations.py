"""All that changes something in this room: an import from end to end (`erasing.py`: how tickets go again)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, models, transaction

from otai.db import new_id
from otai.errors import Invalid, Refused
from otai.jobs.folders import arrivals_folder
from otai.learning.data.profile import Profile
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.tickets import queries
from otai.tickets.columns import ColumnRoles
from otai.tickets.comparing import Before
from otai.tickets.files import FileStoreUnavailable, StoredFile, file_store
from otai.tickets.limits import LIMITS, Limits
from otai.tickets.models import Attribute, DataSet, Label, TicketsDeleted
from otai.tickets.options import ImportOptions
from otai.tickets.preview import Preview
from otai.tickets.problems import DatasetInvalid
from otai.tickets.reading import ReadingProgress, ReadTickets, preview_columns, read_tickets
from otai.tickets.sources.table import clean_name
from otai.words.kept_facts import stored_fact

__all__ = [
    "DataSetNameInvalid",
    "DatasetInvalid",
    "Preview",
    "import_tickets",
    "preview_columns",
]

VERSION_ATTEMPTS = 10


class DataSetNameInvalid(Invalid):
    code = "data_set_name_invalid"


def import_tickets(
    *,
    organisation: Organisation,
    name: str,
    source: Path,
    now: datetime,
    filename: str | None = None,
    options: ImportOptions = ImportOptions(),
    further: Sequence[Path] = (),
    progress: ReadingProgress | None = None,
    limits: Limits = LIMITS,
) -> DataSet:
    """A new data set from the file at `source`; a new version where the organisation has one of that name.

    `filename` is what the customer calls the file, `options` what they say about it. `further` files are read like the
    first. The source is read in bounded memory: once for its encoding, its beginning for the guess, and once for the
    tickets.

    Raises DatasetInvalid (the file as a whole, or bad rows: `details` has row, column, problems, problem_count),
    ColumnsInvalid (the overrides do not fit), DataSetNameInvalid, FileStoreUnavailable. Then nothing was imported.
    """
    name = checked_name(name)
    newest = version_before(organisation, name, required=options.add)
    with tempfile.TemporaryDirectory(prefix="import-", dir=arrivals_folder()) as folder:
        staged = Path(folder) / "tickets.parquet"
        read = read_tickets(
            source,
            into=staged,
            filename=filename,
            options=options,
            further=further,
            before=as_before(newest, required=options.add),
            progress=progress,
            limits=limits,
        )
        stored = file_store().put(staged, folder=f"tickets/{organisation.pk}/{new_id()}", suffix=".parquet")
    try:
        return save_imported(
            read,
            stored,
            organisation=organisation.pk,
            name=name,
            filenames=[filename or source.name, *(path.name for path in further)],
            now=now,
        )
    except BaseException:
        # No row speaks of the file, so nobody would ever delete it.
        file_store().delete(stored.path)
        raise


def version_before(organisation: Organisation, name: str, *, required: bool) -> DataSet | None:
    """The newest version of a data set, which the next one is compared with; None where there is none, or its tickets
    are deleted. Where tickets shall be added to it (`required`) this raises NotFound and TicketsDeleted instead."""
    if required:
        found = queries.data_set(organisation, name)
        found.require_tickets()
        return found
    return queries.data_sets(organisation, newest_only=True).filter(name=name).first()


def as_before(data_set: DataSet | None, *, required: bool) -> Before | None:
    """Raises FileStoreUnavailable and TicketsDeleted where it is `required`; a comparison alone is no reason to refuse
    an import."""
    if data_set is None:
        return None
    try:
        return Before(queries.tickets_path(data_set), data_set.version, ColumnRoles.from_dict(data_set.roles))
    except (FileStoreUnavailable, TicketsDeleted):
        if required:
            raise
        return None


def save_imported(
    read: ReadTickets, stored: StoredFile, *, organisation: UUID, name: str, filenames: Sequence[str], now: datetime
) -> DataSet:
    """The rows of what was read, under the next free version of the name. All files are named that it was read from.
    Raises QuotaReached."""
    with transaction.atomic():
        quotas.require(organisation, Quota.STORAGE, more=stored.bytes)
        is_new = not DataSet.objects.filter(organisation=organisation, name=name, deleted_at__isnull=True).exists()
        quotas.require(organisation, Quota.DATA_SETS, more=int(is_new))
        return _save_imported(read, stored, organisation=organisation, name=name, filenames=filenames, now=now)


def _save_imported(
    read: ReadTickets, stored: StoredFile, *, organisation: UUID, name: str, filenames: Sequence[str], now: datetime
) -> DataSet:
    return save_data_set(
        DataSet(
            organisation_id=organisation,
            name=name,
            file=stored.path,
            sha256=stored.sha256,
            bytes=stored.bytes,
            tickets=read.profile.tickets,
            left_out_rows=read.left_out_rows,
            source_filename=", ".join(map(checked_filename, filenames))[:255],
            source_format=stored_fact(read.format),
            imported_at=now,
            profile=read.profile.summary().as_dict(),
            roles=read.roles.as_dict(),
        ),
        read.profile,
    )


def save_data_set(data_set: DataSet, profile: Profile) -> DataSet:
    """All rows of the data set in one transaction, under the next free version. `profile` has all labels, which become
    rows; the data set itself keeps its summary. Raises Refused where others took each version number that was tried."""
    for _ in range(VERSION_ATTEMPTS):
        newest = DataSet.objects.filter(organisation=data_set.organisation, name=data_set.name)
        data_set.version = (newest.aggregate(newest=models.Max("version"))["newest"] or 0) + 1
        try:
            with transaction.atomic():
                data_set.save(force_insert=True)
                for position, profiled in enumerate(profile.attributes):
                    attribute = Attribute.objects.create(
                        data_set=data_set,
                        name=profiled.name,
                        kind=profiled.kind,
                        order=list(profiled.order),
                        position=position,
                    )
                    Label.objects.bulk_create(
                        [
                            Label(
                                attribute=attribute,
                                name=label.name,
                                count=label.count,
                                training_count=label.training_count,
                            )
                            for label in profiled.labels
                        ],
                        batch_size=1_000,
                    )
        except IntegrityError as error:
            if "version" not in str(error):
                raise
            # Someone imported under the same name meanwhile: theirs is this version, ours the next.
            continue
        return data_set
    raise Refused("busy", name=data_set.name, code="data_set_busy")


def checked_name(name: str) -> str:
    """The name without blanks at its ends. Raises DataSetNameInvalid."""
    name = name.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise DataSetNameInvalid("name", field="name")
    return name


def checked_filename(name: str) -> str:
    """The file's name to be shown: without folders, on one line, at most 255 characters."""
    # For display only; it never becomes a path. Both kinds of slashes, since uploads come from either kind of machine.
    return clean_name(name.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "upload"
