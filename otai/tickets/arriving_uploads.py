"""Files that arrive in parts, so that a broken connection goes on where it was: how far each is stands in the database,
its parts lie in the file store, and any machine takes the next one.

upload = begin(organisation, filename="big.csv", size=3_000_000_000, fingerprint="...", now=now)
upload = add_part(upload, offset=upload.received, chunks=chunks, now=now)     # until received == bytes
kept = put_aside(organisation, upload.id, now=now)        # or: with assembled(upload) as path, once all else is known
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from otai.db import new_id
from otai.errors import Invalid, NotFound, Refused, Unavailable
from otai.jobs.folders import arrivals_folder, require_free_room
from otai.jobs.operations import upload_waits_seconds
from otai.orgs import quotas
from otai.orgs.concurrency_limits import ORGANISATION, TakenUp, shared
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota
from otai.sealed_files import NotSealedHere
from otai.tickets import waiting_uploads
from otai.tickets.erasing import delete_files, let_go
from otai.tickets.files import CHUNK_BYTES, FileStoreUnavailable, file_store
from otai.tickets.models import ArrivingUpload, UploadPart
from otai.tickets.opened_copies import SealedFileDamaged
from otai.tickets.sources.table import clean_name
from otai.tickets.waiting_uploads import WaitingUpload

least_part_bytes = 64 << 10
"""Of each part but the last: a gigabyte in parts of one byte would be a thousand million rows."""

ALGORITHMS = ("sha1", "sha256")
"""Of checksums of parts; `sha1` because every client of tus knows it."""


class UploadTooLarge(Invalid):
    code = "too_large"


class UploadInvalid(Invalid):
    code = "invalid_upload"


class OffsetConflict(Refused):
    """`details`: the `offset` that was sent, and how many bytes are `received`: go on from there."""

    code = "upload_offset"


class ChecksumMismatch(Invalid):
    """The part was changed on its way; nothing of it was kept."""

    code = "checksum_mismatch"


class UploadIncomplete(Refused):
    code = "upload_incomplete"


class AssemblingBusy(Unavailable):
    """Another upload of the organisation is being assembled; it takes seconds. Ask again."""

    code = "assembling_busy"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a part should hash to: `algorithm` is one of ALGORITHMS, `digest` its bytes."""

    algorithm: str
    digest: bytes


def begin(
    organisation: Organisation, *, filename: str, size: int, fingerprint: str = "", now: datetime
) -> ArrivingUpload:
    """Takes note of a file of `size` bytes that is to come; it goes a day later at the latest. `fingerprint` is the
    sender's own mark of the file, by which it is found again. Raises UploadInvalid, UploadTooLarge, QuotaReached and
    TooManyFilesWait: all before a byte is sent."""
    most = int(settings.OTAI_UPLOAD_MOST_BYTES)
    if size < 1:
        raise UploadInvalid("empty", field="Upload-Length")
    if size > most:
        raise UploadTooLarge("upload", megabytes=round(most / 1_000_000), most_bytes=most)
    if len(fingerprint) > 200 or not fingerprint.isprintable():
        raise UploadInvalid("fingerprint", field="Upload-Metadata")
    named = clean_name(filename.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "upload"
    # Known before anything is sent; what others bring meanwhile is counted when the import's rows are written.
    quotas.refuse_full(organisation.id, Quota.STORAGE)
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        quotas.require(organisation.id, Quota.WAITING_UPLOADS)
        if (others := all_arriving(organisation, now=now).count()) >= waiting_uploads.most_waiting:
            raise waiting_uploads.TooManyFilesWait("columns", files=others)
        return ArrivingUpload.objects.create(
            id=new_id(),
            organisation=organisation,
            filename=named,
            bytes=size,
            fingerprint=fingerprint,
            begun_at=now,
            expires_at=now + timedelta(seconds=upload_waits_seconds),
        )


def arriving(organisation: Organisation, id: UUID, *, now: datetime) -> ArrivingUpload:
    """Raises NotFound, also for another organisation's and for one that has expired."""
    found = all_arriving(organisation, now=now).filter(id=id).first()
    if found is None:
        raise NotFound("upload")
    return found


def all_arriving(organisation: Organisation, *, now: datetime) -> QuerySet[ArrivingUpload]:
    """Those that have not expired, the newest first."""
    return ArrivingUpload.objects.filter(organisation=organisation, expires_at__gt=now).order_by("-id")


def add_part(
    upload: ArrivingUpload, *, offset: int, chunks: Iterable[bytes], checksum: Checksum | None = None, now: datetime
) -> ArrivingUpload:
    """The upload with the next part, which begins at `offset` (bytes). A part counts as a whole or not at all, and of
    two that are sent at once for the same place one does; an empty one at the file's end changes nothing. Raises
    OffsetConflict, UploadInvalid, ChecksumMismatch, NotFound where the upload went meanwhile, and
    FileStoreUnavailable."""
    if offset != upload.received:
        raise OffsetConflict("elsewhere", offset=offset, received=upload.received)
    part = new_id()
    with tempfile.TemporaryDirectory(prefix="part-", dir=arrivals_folder()) as folder:
        path = Path(folder) / "part"
        size = _written(path, chunks, most=upload.bytes - offset, checksum=checksum)
        if size < min(least_part_bytes, upload.bytes - offset):
            raise UploadInvalid("part_small", least=least_part_bytes, bytes=size)
        if not size:
            return upload
        # A folder for each try: who comes second takes away its own file alone, were it the same to the byte.
        stored = file_store().put(path, folder=f"uploads/{upload.organisation_id}/{part}", suffix=".part")
    try:
        return _recorded(upload, UploadPart(id=part, offset=offset, bytes=size, file=stored.path), now=now)
    except BaseException:
        with suppress(FileStoreUnavailable):
            file_store().delete(stored.path)
        raise


def _written(path: Path, chunks: Iterable[bytes], *, most: int, checksum: Checksum | None) -> int:
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    size = 0
    with path.open("xb") as target:
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise UploadInvalid("part_beyond", most=most)
            if digest is not None:
                digest.update(chunk)
            target.write(chunk)
    if checksum and digest and digest.digest() != checksum.digest:
        raise ChecksumMismatch("part", algorithm=checksum.algorithm)
    return size


@transaction.atomic
def _recorded(upload: ArrivingUpload, part: UploadPart, *, now: datetime) -> ArrivingUpload:
    locked = ArrivingUpload.objects.select_for_update(no_key=True).filter(id=upload.id, expires_at__gt=now).first()
    if locked is None:
        raise NotFound("upload")
    if locked.received != part.offset:
        raise OffsetConflict("elsewhere", offset=part.offset, received=locked.received)
    part.upload = locked
    part.save(force_insert=True)
    locked.received += part.bytes
    locked.save(update_fields=["received"])
    return locked


@contextmanager
def assembled(upload: ArrivingUpload) -> Iterator[Path]:
    """The file as a whole on this machine, until the block ends: one of an organisation at a time, over all server
    processes. Before a byte is copied it raises UploadIncomplete, UploadIsTaken, DiskFull where the disk would have
    less room than `OTAI_UPLOADS_LEAVE_FREE_BYTES` afterwards, and AssemblingBusy; then FileStoreUnavailable,
    DataKeyGone and SealedFileDamaged."""
    require_complete(upload)
    waiting_uploads.refuse_taken(upload.id)
    with (
        _only_one_of(upload.organisation_id),
        tempfile.TemporaryDirectory(prefix="arrived-", dir=arrivals_folder()) as folder,
    ):
        require_free_room(upload.bytes)
        path = Path(folder) / "file"
        with path.open("xb") as target:
            for part in UploadPart.objects.filter(upload=upload).order_by("offset"):
                try:
                    with file_store().reading(part.file) as source:
                        shutil.copyfileobj(source, target, CHUNK_BYTES)
                except NotSealedHere:
                    raise SealedFileDamaged("changed", path=upload.filename) from None
        yield path


@contextmanager
def _only_one_of(organisation: UUID) -> Iterator[None]:
    try:
        place = shared.take("assembling", of=f"organisation {organisation}", limits={ORGANISATION: 1})
    except TakenUp:
        raise AssemblingBusy("one", seconds=2) from None
    try:
        yield
    finally:
        place.give_back()
        shared.settle()


def require_complete(upload: ArrivingUpload) -> None:
    """Raises UploadIncomplete where bytes are lacking."""
    if upload.received != upload.bytes:
        raise UploadIncomplete("lacking", received=upload.received, bytes=upload.bytes)


def put_aside(organisation: Organisation, id: UUID, *, now: datetime) -> WaitingUpload:
    """The whole file waits on this machine for its columns to be settled, under the same id: asked again, it is the
    same one. Raises NotFound, UploadIncomplete, UploadIsTaken and what `assembled` raises."""
    with suppress(NotFound):
        return waiting_uploads.waiting(organisation, id)
    upload = arriving(organisation, id, now=now)
    with assembled(upload) as file:
        kept = waiting_uploads.keep(organisation, filename=upload.filename, chunks=(), file=file, id=upload.id)
    forget(upload.id, now=now)
    return kept


def drop(organisation: Organisation, id: UUID, *, now: datetime) -> None:
    """The file goes, on its way or waiting, and what is being done with it ends. Raises NotFound."""
    try:
        waiting = waiting_uploads.waiting(organisation, id)
    except NotFound:
        forget(arriving(organisation, id, now=now).id, now=now)
        # Of one that was just being put aside.
        waiting_uploads.forget_folder(waiting_uploads.folder_of(organisation, id))
    else:
        waiting_uploads.drop(waiting)


def forget(id: UUID, *, now: datetime) -> None:
    """Its row and its bytes go; one that is gone already is fine."""
    _let_go_of(id, now=now)
    delete_files()


@transaction.atomic
def _let_go_of(id: UUID, *, now: datetime) -> None:
    if ArrivingUpload.objects.select_for_update(no_key=True).filter(id=id).first() is None:
        return
    let_go(UploadPart.objects.filter(upload=id).values_list("file", flat=True), now=now)
    UploadPart.objects.filter(upload=id).delete()
    ArrivingUpload.objects.filter(id=id).delete()


def forget_arriving(organisation: UUID, *, before: datetime, now: datetime) -> int:
    """Those that were begun by then: of an export that is on its way, most tickets are those that were deleted. Returns
    how many."""
    return _forget_all(ArrivingUpload.objects.filter(organisation=organisation, begun_at__lte=before), now=now)


def forget_expired(*, now: datetime) -> int:
    """Those that nobody brought to an end within a day. For housekeeping; returns how many."""
    return _forget_all(ArrivingUpload.objects.filter(expires_at__lte=now), now=now)


def _forget_all(going: QuerySet[ArrivingUpload], *, now: datetime) -> int:
    ids = list(going.order_by("id").values_list("id", flat=True))
    for id in ids:
        _let_go_of(id, now=now)
    if ids:
        delete_files()
    return len(ids)
