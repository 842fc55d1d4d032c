"""Files that a page has taken and whose columns nobody has settled yet: put aside on the machine that took them,
listed, imported or dropped."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from otai.db import made_at, new_id, utc_now
from otai.errors import NotFound, Refused
from otai.jobs.folders import uploads_folder
from otai.jobs.models import Job
from otai.jobs.operations import JobHasEnded, cancel, sweep_files
from otai.jobs.operations import forget as forget_answers
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.tickets.sources.table import clean_name

most_waiting = 20
"""Files of one organisation, of up to a gigabyte each, that wait on one machine, whichever of its processes took
them."""


class TooManyFilesWait(Refused):
    code = "too_many_files_wait"


@dataclass(frozen=True, slots=True)
class WaitingUpload:
    """A file of the organisation on this machine. `filename` is what the customer calls it; it never becomes a path.
    `preview` and `importing` are the jobs that look at it and import it, `said` is the form that asked for the
    import."""

    id: UUID
    path: Path
    filename: str
    preview: UUID | None = None
    importing: UUID | None = None
    said: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reading: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What was said about how the file is read: header, sheet, encoding, delimiter, dates."""

    @property
    def made_at(self) -> datetime:
        """When it was uploaded, from its id."""
        return made_at(self.id)


def keep(
    organisation: Organisation, *, filename: str, chunks: Iterable[bytes], file: Path | None = None
) -> WaitingUpload:
    """Puts a file aside until its columns are settled: `file`, which is moved, else what the `chunks` hold. Raises
    TooManyFilesWait and QuotaReached."""
    sweep_files()
    bound = quotas.bounds(organisation.pk)[Quota.WAITING_UPLOADS]
    id = new_id()
    folder = _folder(organisation) / str(id)
    folder.mkdir(parents=True, mode=0o700)
    # It is there before it is counted: two that come at once may both be refused, and never both be let in.
    others = len(list(_folder(organisation).glob("*"))) - 1
    try:
        quotas.refuse_beyond(bound, Quota.WAITING_UPLOADS, used=others)
        if others >= most_waiting:
            raise TooManyFilesWait("columns", files=others)
    except Refused:
        folder.rmdir()
        raise
    path = folder / "file"
    if file is not None:
        shutil.move(file, path)
    else:
        with path.open("wb") as target:
            for chunk in chunks:
                target.write(chunk)
    path.chmod(0o600)
    filename = clean_name(filename.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "upload"
    kept = WaitingUpload(id, path, filename)
    remember(kept)
    return kept


def remember(upload: WaitingUpload, **changes: Any) -> WaitingUpload:
    """The upload with what is new about it, kept beside the file."""
    changed = dataclasses.replace(upload, **changes)
    about = {
        "filename": changed.filename,
        "preview": str(changed.preview) if changed.preview else None,
        "importing": str(changed.importing) if changed.importing else None,
        "said": dict(changed.said),
        "reading": dict(changed.reading),
    }
    partial = upload.path.with_name(f".about-{new_id()}")
    partial.write_text(json.dumps(about))
    partial.replace(upload.path.with_name("about.json"))
    return changed


def waiting(organisation: Organisation, id: UUID) -> WaitingUpload:
    """Raises NotFound, also for another organisation's."""
    folder = _folder(organisation) / str(id)
    try:
        about = json.loads((folder / "about.json").read_text())
    except (OSError, ValueError):
        raise NotFound("upload") from None
    preview, importing = (UUID(about[name]) if about.get(name) else None for name in ("preview", "importing"))
    said, reading = (about.get(name) or {} for name in ("said", "reading"))
    return WaitingUpload(id, folder / "file", about["filename"], preview, importing, said, reading)


def drop(upload: WaitingUpload) -> None:
    """Deletes the upload, ends what is being done with it, and forgets what was said of it: a look at columns shows
    cells, and so does a refusal."""
    doing = Job.objects.filter(id__in=[id for id in (upload.preview, upload.importing) if id])
    for job in doing.filter(ended_at__isnull=True):
        with suppress(JobHasEnded):
            cancel(job, now=utc_now())
    forget_answers(doing)
    forget(upload)


def forget(upload: WaitingUpload) -> None:
    """Deletes the upload with its folder."""
    shutil.rmtree(upload.path.parent, ignore_errors=True)


def all_waiting(organisation: Organisation) -> list[WaitingUpload]:
    """Those of this machine, the newest first: who lost the address of one finds it here."""
    found = []
    for folder in sorted(_folder(organisation).glob("*"), reverse=True):
        # One that is being taken, or dropped, at this moment.
        with suppress(ValueError, NotFound):
            found.append(waiting(organisation, UUID(folder.name)))
    return found


def forget_waiting(organisation: UUID, *, before: datetime) -> None:
    """Drops what came before that moment and is not being worked on: of an export that waits here, most tickets are
    those that were deleted. Whoever was about to settle its columns uploads it again."""
    for folder in (uploads_folder() / str(organisation)).glob("*"):
        with suppress(ValueError):
            if made_at(UUID(folder.name)) <= before and not _is_worked_on(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_worked_on(folder: Path) -> bool:
    try:
        about = json.loads((folder / "about.json").read_text())
    except (OSError, ValueError):
        return False
    jobs = [UUID(about[name]) for name in ("preview", "importing") if about.get(name)]
    return Job.objects.filter(id__in=jobs, ended_at__isnull=True).exists()


def _folder(organisation: Organisation) -> Path:
    return uploads_folder() / str(organisation.pk)
