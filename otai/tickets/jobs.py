"""What this room leaves to jobs (`otai.jobs`): looking at a file's columns, importing it, trying out what quality to
expect.

asked = ask_for_import(organisation=..., source=path, ...)   # nothing is read yet
job = jobs.wait(asked, seconds=10)                            # or None: to its end
refuse_if_failed(job); imported(job)                          # the data set
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from otai.db import utc_now
from otai.errors import OtaiError
from otai.jobs import operations as jobs
from otai.jobs import queries as job_queries
from otai.jobs.conducting import work_alone
from otai.jobs.models import Job
from otai.jobs.operations import Asked, JobSource
from otai.jobs.status import JobStatus
from otai.jobs.stopping import told_to_stop_as_exception
from otai.jobs.work import Bounds, JobKind, JobLane, JobOutcome, ResultOnly
from otai.learning.encoders import default_store
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.tickets import arriving_uploads, expected_quality, queries
from otai.tickets.files import StoredFile, file_store
from otai.tickets.models import DataSet, TicketsDeleted
from otai.tickets.operations import (
    as_before,
    checked_filename,
    checked_name,
    save_imported,
    version_before,
)
from otai.tickets.options import ImportOptions, ReadOptions
from otai.tickets.preview import Preview
from otai.tickets.problems import DatasetInvalid, refused
from otai.tickets.quotas import IMPORTS
from otai.tickets.reading import ReadTickets
from otai.tickets.ticket_index.building import INDEXED
from otai.tickets.ticket_index.keeping import StoredVersion, keep_index, put_index, put_version
from otai.tickets.waiting_uploads import forget_folder
from otai.tickets.work import STAGED

NEXT_VERSION, LOOK, INDEX = "next_version", "look", "ticket_index"
HOLDOUT, INCLUDED_RUN = "holdout", "included_run"
"""Of the rooms above (`otai.serving.jobs`, `otai.runs.jobs`); they read a data set too."""

MAKING = (NEXT_VERSION, LOOK, INDEX, HOLDOUT, INCLUDED_RUN)
"""Kinds of jobs that make something of a data set's tickets."""

REFUSALS = (DatasetInvalid,)
"""ColumnsInvalid has the same code, and what to do about it is the same."""


def long_bounds() -> Bounds:
    """What an import may use, from the settings: bytes and seconds."""
    seconds = int(settings.OTAI_JOB_SECONDS)
    return Bounds(settings.OTAI_JOB_MEMORY_BYTES, cpu_seconds=seconds, wall_seconds=seconds)


def quick_bounds() -> Bounds:
    """What a job may use for which somebody waits: a twentieth of an import's processor seconds, 5 at least, and 1 GiB
    of files."""
    seconds = max(5, int(settings.OTAI_JOB_SECONDS) // 20)
    return Bounds(settings.OTAI_JOB_MEMORY_BYTES, cpu_seconds=seconds, wall_seconds=2 * seconds, file_bytes=1 << 30)


def trial_bounds() -> Bounds:
    """What a trial of Maximum may use: a sixth of an import's processor seconds."""
    seconds = max(60, int(settings.OTAI_JOB_SECONDS) // 6)
    return Bounds(settings.OTAI_JOB_MEMORY_BYTES, cpu_seconds=seconds, wall_seconds=2 * seconds, file_bytes=1 << 30)


class Imported:
    """What was read becomes files of the store and the rows of a data set."""

    def store(self, outcome: JobOutcome) -> StoredVersion:
        """Puts the tickets and their index into the file store; returns the stored files."""
        return put_version(outcome.folder / STAGED, outcome.organisation)

    def record(self, outcome: JobOutcome, stored: StoredVersion) -> dict[str, Any]:
        """Makes the data set; returns its id."""
        if base := outcome.spec.get("base_id"):
            # Tickets that were deleted meanwhile do not come back as part of a new version.
            DataSet.objects.get(id=base).require_tickets()
        data_set = save_imported(
            ReadTickets.from_dict(outcome.values),
            stored.tickets,
            organisation=outcome.organisation,
            name=outcome.spec["name"],
            filenames=[outcome.spec["filename"], *(Path(path).name for path in outcome.spec.get("further", ()))],
            now=outcome.now,
        )
        keep_index(data_set, stored.index, now=outcome.now)
        upload = outcome.spec.get("upload")
        # The upload is gone then; whoever sends its form again is led to what came of it.
        return {"data_set": str(data_set.id), "upload": Path(upload).name if upload else None}

    def done(self, outcome: JobOutcome) -> None:
        """What a page had put aside is not needed any more, whether or not somebody comes back to look."""
        if upload := outcome.spec.get("upload"):
            forget_folder(Path(upload))
        if arrived := outcome.spec.get("arrived"):
            arriving_uploads.forget(UUID(arrived), now=outcome.now)

    def discard(self, stored: StoredVersion) -> None:
        """Deletes the stored files."""
        stored.delete()


class Indexed:
    """The index of a version that has none: one of a release before, or one that is not the newest."""

    def store(self, outcome: JobOutcome) -> StoredFile:
        """Puts the index into the file store; returns the stored file."""
        return put_index(outcome.folder / INDEXED, outcome.organisation)

    def record(self, outcome: JobOutcome, stored: StoredFile) -> dict[str, Any]:
        """Keeps it with the data set. Raises TicketsDeleted where they were deleted meanwhile."""
        data_set = DataSet.objects.select_for_update(no_key=True).get(id=outcome.spec["data_set"])
        data_set.require_tickets()
        keep_index(data_set, stored, now=outcome.now)
        return {"data_set": str(data_set.id), **outcome.values}

    def done(self, outcome: JobOutcome) -> None:
        """Nothing is left to do."""

    def discard(self, stored: StoredFile) -> None:
        """Deletes the stored file."""
        file_store().delete(stored.path)


class MaximumTriedOut(ResultOnly):
    """What fine-tuning gained is kept beside the other expectations."""

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        """Keeps it with the data set, where that still has its tickets."""
        data_set = outcome.spec["data_set"]
        if found := DataSet.objects.filter(id=data_set, deleted_at__isnull=True).first():
            expected_quality.keep_maximum(found, outcome.values)
        return {"data_set": data_set}


class TriedOut(ResultOnly):
    """What quality to expect is kept with the data set, which never changes."""

    def record(self, outcome: JobOutcome, stored: Any) -> dict[str, Any]:
        """Keeps the expected quality of the data set, where it still has its tickets."""
        data_set = outcome.spec["data_set"]
        # A data set whose tickets were deleted meanwhile keeps nothing of them.
        if found := DataSet.objects.filter(id=data_set, deleted_at__isnull=True).first():
            expected_quality.keep(found, outcome.values, now=outcome.now)
        return {"data_set": data_set}


def file_harms() -> DatasetInvalid:
    """Of a file that its reader did not survive."""
    return refused("file_harms")


PREVIEW = JobKind("preview", "otai.tickets.work:preview", JobLane.QUICK, quick_bounds, ResultOnly(), file_harms)


def _files_of_an_import(spec: Mapping[str, Any]) -> list[str]:
    """All that an import reads: the files that were sent, and the version that they follow."""
    before = spec.get("before")
    return [spec["source"], *spec.get("further", ()), *([before["path"]] if before else [])]


def base_is_deleted(spec: Mapping[str, Any]) -> TicketsDeleted | None:
    """Of an import that adds to tickets which were deleted while it read them."""
    try:
        if base := spec.get("base_id"):
            DataSet.objects.get(id=base).require_tickets()
    except TicketsDeleted as deleted:
        return deleted
    return None


IMPORT = JobKind(
    "import",
    "otai.tickets.work:read",
    JobLane.LONG,
    long_bounds,
    Imported(),
    file_harms,
    _files_of_an_import,
    base_is_deleted,
)
EXPECTED_QUALITY = JobKind("expected_quality", "otai.tickets.work:try_out", JobLane.QUICK, quick_bounds, TriedOut())
# Somebody waits for it, but for a minute or two, which would shut the quick lane to others.
MAXIMUM_TRIAL = JobKind("maximum_trial", "otai.tickets.work:try_maximum", JobLane.LONG, trial_bounds, MaximumTriedOut())
INDEXING = JobKind(INDEX, "otai.tickets.work:index", JobLane.QUICK, long_bounds, Indexed())
"""Somebody waits for it."""
TRIALS = (EXPECTED_QUALITY.name, MAXIMUM_TRIAL.name)


def ask_for_preview(
    *,
    organisation: Organisation,
    source: JobSource,
    filename: str,
    who: str,
    now: datetime,
    content_sha256: str = "",
    options: ReadOptions = ReadOptions(),
    must_have_text: bool = True,
) -> Asked:
    """A look at the columns of the file, as `preview_columns` does it. `preview(job)` when it is done. Raises
    TooManyJobs."""
    spec = {"filename": filename, "must_have_text": must_have_text, **options.as_dict()}
    return jobs.ask(
        organisation=organisation, kind=PREVIEW, spec=spec, subject=checked_filename(filename), who=who, now=now,
        source=source, content_sha256=content_sha256,
    )  # fmt: skip


def ask_for_import(
    *,
    organisation: Organisation,
    name: str,
    source: JobSource,
    filename: str,
    who: str,
    now: datetime,
    content_sha256: str = "",
    options: ImportOptions = ImportOptions(),
    further: Sequence[Path] = (),
    in_place: bool = False,
    upload: Path | None = None,
    arrived: UUID | None = None,
) -> Asked:
    """An import as `import_tickets` does it. `further` files are read where they lie; once they are imported, the
    folder `upload` and the upload that `arrived` in parts go. `imported(job)` when it is done. Raises
    DataSetNameInvalid, QuotaReached and TooManyJobs, and with `options.add` NotFound where there is no such data
    set."""
    spec = {
        **spec_of_import(organisation=organisation, name=name, filename=filename, options=options),
        "upload": str(upload) if upload else None,
        "arrived": str(arrived) if arrived else None,
        "further": [str(path.absolute()) for path in further],
    }
    return jobs.ask(
        organisation=organisation, kind=IMPORT, spec=spec, subject=checked_filename(filename), who=who, now=now,
        source=source, content_sha256=content_sha256, in_place=in_place, quota=Quota.IMPORTS,
    )  # fmt: skip


def spec_of_import(*, organisation: Organisation, name: str, filename: str, options: ImportOptions) -> dict[str, Any]:
    """What an import under this name is told (`work.read`) and recorded by (`Imported`), but for its source. Raises as
    `ask_for_import` does, but for TooManyJobs."""
    name = checked_name(name)
    # Known before anything is read; what others bring meanwhile is counted when the rows are written.
    quotas.refuse_full(organisation.id, Quota.STORAGE)
    if not queries.data_sets(organisation).filter(name=name, deleted_at__isnull=True).exists():
        quotas.refuse_full(organisation.id, Quota.DATA_SETS)
    before = version_before(organisation, name, required=options.add)
    beside = as_before(before, required=options.add)
    return {
        **options.as_dict(),
        "filename": filename,
        "name": name,
        "before": beside.as_dict() if beside is not None else None,
        "base_id": str(before.id) if options.add and before is not None else None,
    }


def preview_here(source: Path, options: ReadOptions) -> Preview:
    """The same look for somebody on this machine: within the same bounds, without a row. Raises as `preview_columns`
    does."""
    spec = {
        "source": str(source.absolute()),
        "filename": source.name,
        "must_have_text": True,
        **options.as_dict(),
    }
    with told_to_stop_as_exception(), jobs.folder_without_row() as folder:
        try:
            return Preview.from_dict(work_alone(PREVIEW, spec, folder))
        except OtaiError as error:
            raise job_queries.as_known(error, REFUSALS) from None


def ask_for_expected_quality(*, data_set: DataSet, who: str, now: datetime) -> Asked:
    """Tries out what quality to expect; `expected_quality.stored` has it when it is done. Raises TicketsDeleted,
    FileStoreUnavailable, TooManyJobs."""
    spec = {
        "data_set": str(data_set.id),
        "tickets": str(queries.tickets_path(data_set)),
        "attributes": attributes_to_try(data_set),
    }
    return jobs.ask(
        organisation=data_set.organisation, kind=EXPECTED_QUALITY, spec=spec, subject=str(data_set), who=who, now=now
    )


def ask_for_maximum_trial(*, data_set: DataSet, who: str, now: datetime) -> Asked | None:
    """Tries out what Maximum gains; `expected_quality.stored` has it when it is done. None: the other modes' quality is
    not known yet, or a trial of Maximum has ended already, or failed within a day and would again. Raises
    TicketsDeleted, FileStoreUnavailable, TooManyJobs."""
    if not expected_quality.is_maximum_untried(data_set):
        return None
    of_it = Job.objects.filter(organisation=data_set.organisation, kind=MAXIMUM_TRIAL.name, subject=str(data_set)[:300])
    if of_it.filter(status=JobStatus.FAILED, ended_at__gt=now - timedelta(days=1)).exists():
        return None
    spec = {
        "data_set": str(data_set.id),
        "tickets": str(queries.tickets_path(data_set)),
        "attributes": attributes_to_try(data_set),
        "encoders": str(default_store()),
    }
    return jobs.ask(
        organisation=data_set.organisation, kind=MAXIMUM_TRIAL, spec=spec, subject=str(data_set), who=who, now=now
    )


def ask_for_index(*, data_set: DataSet, who: str, now: datetime) -> Asked:
    """Makes the index of a version that has none; `ticket_index.keeping.path_of` has it when it is done. Raises
    TicketsDeleted, FileStoreUnavailable, TooManyJobs."""
    spec = {"data_set": str(data_set.id), "tickets": str(queries.tickets_path(data_set))}
    return jobs.ask(
        organisation=data_set.organisation, kind=INDEXING, spec=spec, subject=str(data_set), who=who, now=now
    )


def attributes_to_try(data_set: DataSet) -> list[dict[str, Any]]:
    """What a trial is told of the attributes that a run can learn."""
    return [
        {"name": one.name, "kind": one.kind, "order": list(one.order)} for one in queries.usable_attributes(data_set)
    ]


def cancel_jobs_that_make_of(organisation: UUID, data_sets: Sequence[DataSet]) -> None:
    """The first thing in a transaction that deletes these tickets: jobs that make something of them are cancelled. One
    that is just writing its rows has its own first and then others (docs/ledger.md); we wait for it while we hold
    nothing."""
    making = Job.objects.filter(organisation=organisation, kind__in=MAKING, ended_at__isnull=True)
    ids = making.filter(subject__in=[str(one)[:300] for one in data_sets]).order_by("id").values_list("id", flat=True)
    for id in list(ids):
        Job.objects.filter(id=id, ended_at__isnull=True).update(status=JobStatus.CANCELLED, ended_at=utc_now())


def forget_jobs(organisation: UUID, data_sets: Sequence[DataSet], *, but: UUID | None = None) -> list[UUID]:
    """Within the transaction that deletes these tickets, and before anything else of them goes: a job that tries them
    out is cancelled, and takes or keeps its row until it is done, so that neither of us writes after the other. Returns
    the ids of all jobs that are forgotten.

    Which ended job had which tickets before it nobody knows (a preview, an import that was refused): all of them go,
    but for those that say no more than which data set came of them, and it is still there; and for `but`, which does
    the deleting.
    """
    now = utc_now()
    of_it = Job.objects.filter(organisation=organisation)
    trying = of_it.filter(kind__in=TRIALS, subject__in=[str(one)[:300] for one in data_sets])
    trying.filter(ended_at__isnull=True).update(status=JobStatus.CANCELLED, ended_at=now)
    there = queries.ids_with_tickets(organisation) - {one.id for one in data_sets}
    still_true = Q(status=JobStatus.DONE, result__data_set__in=[str(id) for id in there])
    ended = of_it.filter(ended_at__isnull=False)
    # A row without a result is neither in nor out of a list: asked by id.
    kept = ended.filter(still_true).values_list("id", flat=True)
    return jobs.forget(ended.exclude(id__in=[*kept, *([but] if but else [])]))


def refuse_if_failed(job: Job) -> None:
    """Raises why the job came to nothing: what the work refused (DatasetInvalid, ColumnsInvalid ...), or how its
    process ended."""
    job_queries.refuse_if_failed(job, REFUSALS)


def imported(job: Job) -> DataSet:
    """The data set that an import, which is done, has made. Raises NotFound where it was deleted meanwhile."""
    assert job.kind in IMPORTS and job.result is not None
    return queries.data_set_with_id(job.organisation, UUID(job.result["data_set"]))


def import_of_upload(organisation: Organisation, upload: UUID) -> Job | None:
    """The import that a waiting upload, which is gone, has become; None once that is forgotten (a day later)."""
    done = Job.objects.filter(organisation=organisation, kind=IMPORT.name, result__upload=str(upload))
    return done.order_by("-ended_at").first()


def preview(job: Job) -> Preview:
    """The preview that a finished job left."""
    assert job.kind == PREVIEW.name and job.result is not None
    return Preview.from_dict(job.result)
