"""Files that a page has taken and whose columns nobody has settled yet: put aside on the machine that took them,
listed, imported or dropped."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from otai.db import made_at, new_id, utc_now
from otai.errors import NotFound, Refused
from otai.jobs.folders import arrivals_folder, require_free_room, uploads_folder
from otai.jobs.identity import this_machine
from otai.jobs.models import Job
from otai.jobs.operations import JobHasEnded, cancel, sweep_files, upload_waits_seconds
from otai.jobs.operations import forget as forget_answers
from otai.orgs import quotas
from otai.orgs.data_keys import key_for, key_with
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.sealed_files import MAGIC, NotSealedHere, is_sealed, seal, unseal
from otai.tickets.models import UploadWaiting
from otai.tickets.opened_copies import SealedFileDamaged
from otai.tickets.sources.table import clean_name

most_waiting = 20
"""Files of one organisation, of up to a gigabyte each, that wait on one machine, whichever of its processes took
them."""


class TooManyFilesWait(Refused):
    code = "too_many_files_wait"


class UploadIsTaken(Refused):
    """It is being put aside by another request, here or on another machine."""

    code = "upload_is_taken"


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
    bytes: int = 0
    reading: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What was said about how the file is read: header, sheet, encoding, delimiter, dates."""

    @property
    def made_at(self) -> datetime:
        """When it was uploaded, from its id."""
        return made_at(self.id)


def keep(
    organisation: Organisation,
    *,
    filename: str,
    chunks: Iterable[bytes],
    file: Path | None = None,
    id: UUID | None = None,
) -> WaitingUpload:
    """Puts a file aside until its columns are settled: `file`, which is moved, else what the `chunks` hold. `id`: of
    one that arrived in parts, and has its place already. Raises TooManyFilesWait, QuotaReached and UploadIsTaken."""
    sweep_files()
    has_place, id, now = id is not None, id or new_id(), utc_now()
    folder = folder_of(organisation, id)
    UploadWaiting.objects.filter(kept_at__lt=now - timedelta(seconds=2 * upload_waits_seconds)).delete()
    with transaction.atomic():
        # The organisation's row is ours until the folder is there: two that come at once are counted one after the
        # other, on whatever machines.
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        refuse_taken(id)
        quotas.require(organisation.pk, Quota.WAITING_UPLOADS, more=0 if has_place else 1)
        if (others := len(list(_folder(organisation).glob("*")))) >= most_waiting and not has_place:
            raise TooManyFilesWait("columns", files=others)
        UploadWaiting.objects.create(id=id, organisation=organisation, machine=this_machine(), kept_at=now)
        folder.mkdir(parents=True, mode=0o700)
    path = folder / "file"
    try:
        size = _put(path, chunks, file, organisation=organisation.pk)
    except BaseException:
        forget(WaitingUpload(id, path, filename))
        raise
    filename = clean_name(filename.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "upload"
    kept = WaitingUpload(id, path, filename, bytes=size)
    remember(kept)
    return kept


def _put(path: Path, chunks: Iterable[bytes], file: Path | None, *, organisation: UUID) -> int:
    """Puts the file there, encrypted where the setting says so; how many bytes are in it."""
    plain = path
    if settings.OTAI_ENCRYPT_FILES:
        plain = path.with_name(".arriving")
    if file is not None:
        shutil.move(file, plain)
    else:
        with open(plain, "xb", opener=_for_us_alone) as target:
            for chunk in chunks:
                target.write(chunk)
    size = plain.stat().st_size
    if plain != path:
        with plain.open("rb") as source, open(path, "xb", opener=_for_us_alone) as target:
            seal(source, target, key_for(organisation))
        plain.unlink()
    path.chmod(0o600)
    return size


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


@contextmanager
def opened(upload: WaitingUpload) -> Iterator[Path]:
    """The path of what is in the upload, for a job to take a copy of; of an encrypted one it goes again with the
    block. Raises DiskFull, DataKeyGone and SealedFileDamaged."""
    with upload.path.open("rb") as stored:
        sealed = is_sealed(stored.read(len(MAGIC)))
    if not sealed:
        yield upload.path
        return
    require_free_room(upload.bytes)
    with tempfile.TemporaryDirectory(prefix="opened-", dir=arrivals_folder()) as folder:
        plain = Path(folder) / "file"
        try:
            with upload.path.open("rb") as stored, open(plain, "xb", opener=_for_us_alone) as target:
                unseal(stored, target, key_with)
        except NotSealedHere:
            raise SealedFileDamaged("changed", path=upload.filename) from None
        yield plain


def refuse_taken(id: UUID) -> None:
    """Raises UploadIsTaken where another request is putting it aside."""
    if UploadWaiting.objects.filter(id=id).exists():
        raise UploadIsTaken("now")


def remember(upload: WaitingUpload, **changes: Any) -> WaitingUpload:
    """The upload with what is new about it, kept beside the file."""
    changed = dataclasses.replace(upload, **changes)
    about = {
        "filename": changed.filename,
        "preview": str(changed.preview) if changed.preview else None,
        "importing": str(changed.importing) if changed.importing else None,
        "said": dict(changed.said),
        "reading": dict(changed.reading),
        "bytes": changed.bytes,
    }
    partial = upload.path.with_name(f".about-{new_id()}")
    partial.write_text(json.dumps(about))
    partial.replace(upload.path.with_name("about.json"))
    return changed


def waiting(organisation: Organisation, id: UUID) -> WaitingUpload:
    """Raises NotFound, also for another organisation's."""
    folder = folder_of(organisation, id)
    try:
        about = json.loads((folder / "about.json").read_text())
    except (OSError, ValueError):
        raise NotFound("upload") from None
    preview, importing = (UUID(about[name]) if about.get(name) else None for name in ("preview", "importing"))
    said, reading = (about.get(name) or {} for name in ("said", "reading"))
    # Those that were put aside by the release before are plain.
    size = about.get("bytes") or (folder / "file").stat().st_size
    return WaitingUpload(id, folder / "file", about["filename"], preview, importing, said, size, reading)


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
    forget_folder(upload.path.parent)


def forget_folder(folder: Path) -> None:
    """As `forget`, by the folder that an import took the file from."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(ValueError):
        UploadWaiting.objects.filter(id=UUID(folder.name)).delete()


def all_waiting(organisation: Organisation) -> list[WaitingUpload]:
    """Those of this machine, the newest first: who lost the address of one finds it here."""
    found = []
    for folder in sorted(_folder(organisation).glob("*"), reverse=True):
        # One that is being taken, or dropped, at this moment.
        with suppress(ValueError, NotFound):
            found.append(waiting(organisation, UUID(folder.name)))
    return found


def forget_waiting(organisation: UUID, *, before: datetime) -> int:
    """Drops what came before that moment and is not being worked on: of an export that waits here, most tickets are
    those that were deleted. Whoever was about to settle its columns uploads it again. Returns how many."""
    found = 0
    for folder in (uploads_folder() / str(organisation)).glob("*"):
        with suppress(ValueError):
            if made_at(UUID(folder.name)) <= before and not _is_worked_on(folder):
                forget_folder(folder)
                found += 1
    return found


def _is_worked_on(folder: Path) -> bool:
    try:
        about = json.loads((folder / "about.json").read_text())
    except (OSError, ValueError):
        return False
    jobs = [UUID(about[name]) for name in ("preview", "importing") if about.get(name)]
    return Job.objects.filter(id__in=jobs, ended_at__isnull=True).exists()


def folder_of(organisation: Organisation, id: UUID) -> Path:
    """Where that upload lies on this machine; it need not exist."""
    return _folder(organisation) / str(id)


def _folder(organisation: Organisation) -> Path:
    return uploads_folder() / str(organisation.pk)
