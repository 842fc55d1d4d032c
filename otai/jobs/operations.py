"""All that changes something in this room: asking for a job, waiting for it, cancelling it, and ending what nobody
conducts any more."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from otai.db import new_id, utc_now
from otai.errors import Refused
from otai.jobs.admission import lost_after
from otai.jobs.conducting import Conducting
from otai.jobs.failures import lost
from otai.jobs.folders import arrivals_folder, bring, folder_of, jobs_folder, uploads_folder
from otai.jobs.identity import is_gone, this_machine, this_worker
from otai.jobs.models import Job
from otai.jobs.status import JobStatus
from otai.jobs.stopping import told_to_stop_as_exception
from otai.jobs.work import JobKind
from otai.orgs import quotas
from otai.orgs.models import Organisation
from otai.orgs.quotas import Quota

most_open_of_one = 20
most_open_of_a_machine = 400
kept_for = timedelta(days=1)
"""A job's answer may hold words of tickets, so it does not stay."""
look_every_seconds = 0.2
tidied_within = timedelta(seconds=30)
"""After its end, a job's conductor removes its folder within so long."""
OWNER = "owner"
ALONE = "alone-"
abandoned_after_seconds = 6 * 3600
upload_waits_seconds = 24 * 3600
"""For somebody to say what its columns are."""

JobSource = Path | Callable[[], AbstractContextManager[Path]]
"""A file that a job reads: where it lies, or how it is made ready, which happens only once the job has its room."""

_waiting: threading.BoundedSemaphore | None = None
_made = threading.Lock()


class TooManyJobs(Refused):
    code = "too_many_jobs"


class JobHasEnded(Refused):
    code = "job_has_ended"


@dataclass(frozen=True, slots=True)
class Asked:
    """A job, and who conducts it: this one here (`conducting`), or whoever asked first."""

    job: Job
    conducting: Conducting | None


def ask(
    *,
    organisation: Organisation,
    kind: JobKind,
    spec: dict[str, Any],
    subject: str,
    who: str,
    now: datetime,
    source: JobSource | None = None,
    content_sha256: str = "",
    in_place: bool = False,
    answered_is_enough: bool = False,
    quota: Quota | None = None,
    secret: str = "",
) -> Asked:
    """The job for this question: the one that is open already, or a new one, which begins when somebody waits for it
    (`wait`).

    `spec` is what the work gets; with `source`, its "source" names the job's own copy of that file. `content_sha256`
    stands for the file in the question; empty: it is found out, of a path alone. `in_place`: the file is somebody's own
    on this machine and is read where it lies.
    `answered_is_enough`: the job that answered the same question before, while its answer is kept. `quota`:
    what such a job counts as, while it is open. `secret`: handed to the process of a kind that reaches out; no part of
    the question. Raises TooManyJobs and QuotaReached.
    """
    if not content_sha256 and isinstance(source, Path):
        content_sha256 = _state_of(source) if in_place else _sha256_of(source)
    question = _question(kind, spec, content_sha256)
    if (open_job := _open_job(organisation, question, now=now)) is not None:
        return Asked(open_job, None)
    if answered_is_enough and (answered := _answered(organisation, question)) is not None:
        return Asked(answered, None)
    sweep_lost_here(now=now)
    _require_room(organisation)
    if quota is not None:
        quotas.refuse_full(organisation.id, quota)
    id = new_id()
    folder = folder_of(id)
    folder.mkdir(mode=0o700)
    owner, size = this_worker(), 0
    try:
        # Until the row is there, this says whose it is.
        (folder / OWNER).write_text(owner)
        if source is not None:
            ours = _brought(source, folder, in_place=in_place)
            spec, size = {**spec, "source": str(ours)}, ours.stat().st_size
        with transaction.atomic():
            if quota is not None:
                quotas.require(organisation.id, quota)
            job = Job.objects.create(
                id=id,
                organisation=organisation,
                kind=kind.name,
                lane=kind.lane,
                question=question,
                subject=subject[:300],
                asked_by=who[:200],
                status=JobStatus.QUEUED,
                owner=owner,
                machine=this_machine(),
                asked_at=now,
                heartbeat_at=utc_now(),
                bytes_total=size,
            )
    except IntegrityError:
        # Somebody asked the same at this very moment.
        shutil.rmtree(folder, ignore_errors=True)
        open_job = _open_job(organisation, question, now=now)
        if open_job is None:
            raise
        return Asked(open_job, None)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Asked(job, Conducting(job, kind, spec, secret))


def wait(asked: Asked, *, seconds: float | None, on_progress: Callable[[Job], None] | None = None) -> Job:
    """The job when it has ended, or as it stands after so many seconds; it goes on by itself then. None: however long
    it takes.

    Of the requests of one process only a few wait; others come back at once, so that threads stay for those who want
    something else.
    """
    if seconds is None:
        with told_to_stop_as_exception():
            _proceed(asked, until=None, on_progress=on_progress)
        return asked.job
    slots = _waiting_slots()
    if seconds <= 0 or not slots.acquire(blocking=False):
        if asked.conducting is not None:
            asked.conducting.proceed_apart()
        return asked.job
    try:
        ended = _proceed(asked, until=time.monotonic() + seconds, on_progress=on_progress)
    finally:
        slots.release()
    if not ended and asked.conducting is not None:
        asked.conducting.proceed_apart()
    return asked.job


def _proceed(asked: Asked, *, until: float | None, on_progress: Callable[[Job], None] | None) -> bool:
    job = asked.job
    if asked.conducting is not None:
        try:
            return asked.conducting.proceed(until=until, on_progress=on_progress)
        except (KeyboardInterrupt, SystemExit):
            asked.conducting.break_off()
            raise
    while not job.has_ended:
        if until is not None and time.monotonic() >= until:
            return False
        time.sleep(look_every_seconds)
        job.look_again()
        end_if_lost(job, now=utc_now())
        if on_progress is not None:
            on_progress(job)
    return True


def _waiting_slots() -> threading.BoundedSemaphore:
    global _waiting
    with _made:
        if _waiting is None:
            _waiting = threading.BoundedSemaphore(int(settings.OTAI_JOBS_WAITING_REQUESTS))
        return _waiting


def cancel(job: Job, *, now: datetime) -> None:
    """Ends the job; its process is killed as soon as whoever conducts it looks. Raises JobHasEnded."""
    moved = Job.objects.filter(id=job.id, ended_at__isnull=True).update(status=JobStatus.CANCELLED, ended_at=now)
    job.look_again()
    if not moved:
        raise JobHasEnded()


def end_if_lost(job: Job, *, now: datetime) -> bool:
    """Ends a job whose conductor is gone: killed, stopped, or silent for a minute. True: it was lost."""
    if job.has_ended or not (job.heartbeat_at < now - lost_after or is_gone(job.owner)):
        return False
    error = lost()
    moved = Job.objects.filter(id=job.id, ended_at__isnull=True, heartbeat_at=job.heartbeat_at).update(
        status=JobStatus.FAILED,
        ended_at=now,
        error_code=error.code,
        error_kind=error.kind,
        error_case=error.case,
    )
    job.look_again()
    if moved:
        shutil.rmtree(folder_of(job.id), ignore_errors=True)
    return bool(moved)


def sweep(*, now: datetime) -> int:
    """Ends lost jobs, forgets old ones, and removes what files they and broken uploads left on this machine. Returns
    how many jobs it touched."""
    touched = sum(end_if_lost(job, now=now) for job in Job.objects.filter(ended_at__isnull=True))
    sweep_left_folders(now=now)
    touched += Job.objects.filter(ended_at__lt=now - kept_for).delete()[0]
    sweep_files()
    return touched


def sweep_files() -> None:
    """What lies on this machine and nobody comes back for: of ended jobs, of uploads that broke, of uploads whose
    columns nobody settled."""
    sweep_folders(older_than_seconds=abandoned_after_seconds)
    for folder in arrivals_folder().iterdir():
        if _age_of(folder) > abandoned_after_seconds:
            _remove(folder)
    for folder in uploads_folder().glob("*/*"):
        if _age_of(folder) > upload_waits_seconds:
            _remove(folder)


def sweep_lost_here(*, now: datetime) -> None:
    """What processes of this machine left that were killed while they conducted a job: their rows end, and their files
    go, at once."""
    open_here = Job.objects.filter(machine=this_machine(), ended_at__isnull=True)
    owners = open_here.order_by().values_list("owner", flat=True).distinct()
    for job in open_here.filter(owner__in=[owner for owner in owners if is_gone(owner)]):
        end_if_lost(job, now=now)
    sweep_left_folders(now=now)


def sweep_left_folders(*, now: datetime) -> None:
    """Removes the folders of jobs that nobody tidies up any more. A job that is just beginning has a folder before it
    has a row."""
    for folder in jobs_folder().iterdir():
        if not _is_open(folder.name) and _is_left(folder, now=now):
            _remove(folder)


@contextmanager
def folder_without_row() -> Iterator[Path]:
    """A folder for work that has no row (`work_alone`), until the block ends. Where that is killed, the next such work
    removes it, the next job of this machine, or housekeeping."""
    for left in jobs_folder().glob(f"{ALONE}*"):
        if _is_left(left, now=utc_now()):
            _remove(left)
    folder = jobs_folder() / f"{ALONE}{new_id()}"
    folder.mkdir(mode=0o700)
    try:
        (folder / OWNER).write_text(this_worker())
        yield folder
    finally:
        _remove(folder)


def _is_left(folder: Path, *, now: datetime) -> bool:
    """Of a folder without an open job: whether no living process of this machine is about to begin with it or to remove
    it."""
    try:
        owner = (folder / OWNER).read_text()
    except OSError:
        return _age_of(folder) > lost_after.total_seconds()
    return is_gone(owner) or _has_ended(folder.name, before=now - tidied_within)


def sweep_folders(*, older_than_seconds: float) -> None:
    """Removes from this machine the folders of jobs that are open no more, or were never written down."""
    for folder in jobs_folder().iterdir():
        if _age_of(folder) > older_than_seconds and not _is_open(folder.name):
            _remove(folder)


def _age_of(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        # Somebody else was quicker.
        return 0.0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def forget(jobs: Iterable[Job]) -> list[UUID]:
    """Deletes these jobs, of which none is open any more: answers and refusals may quote tickets that are being
    deleted. Returns their ids, for `remove_folders` once the transaction is over."""
    ids = [job.id for job in jobs]
    Job.objects.filter(id__in=ids, ended_at__isnull=False).delete()
    return ids


def remove_folders(jobs: Iterable[UUID]) -> None:
    """What these jobs left on this machine, where whoever conducted them died before tidying up."""
    for id in jobs:
        shutil.rmtree(folder_of(id), ignore_errors=True)


def _is_open(name: str) -> bool:
    try:
        id = UUID(name)
    except ValueError:
        return False
    return Job.objects.filter(id=id, ended_at__isnull=True).exists()


def _has_ended(name: str, *, before: datetime) -> bool:
    try:
        id = UUID(name)
    except ValueError:
        return False
    return Job.objects.filter(id=id, ended_at__lt=before).exists()


def _question(kind: JobKind, spec: dict[str, Any], content_sha256: str) -> str:
    told = json.dumps([kind.name, spec, content_sha256], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _open_job(organisation: Organisation, question: str, *, now: datetime) -> Job | None:
    found = Job.objects.filter(organisation=organisation, question=question, ended_at__isnull=True).first()
    return None if found is None or end_if_lost(found, now=now) else found


def _answered(organisation: Organisation, question: str) -> Job | None:
    return Job.objects.filter(organisation=organisation, question=question, status=JobStatus.DONE).first()


def _require_room(organisation: Organisation) -> None:
    open_jobs = Job.objects.filter(ended_at__isnull=True)
    own = open_jobs.filter(organisation=organisation).count()
    if own >= most_open_of_one:
        raise TooManyJobs("own", open=own)
    if open_jobs.filter(machine=this_machine()).count() >= most_open_of_a_machine:
        raise TooManyJobs("all")


def _brought(source: JobSource, folder: Path, *, in_place: bool) -> Path:
    """Where the job reads it."""
    if in_place and isinstance(source, Path):
        return source.absolute()
    ours = folder / "source"
    with made_ready(source) as path:
        bring(path, ours)
    return ours


def made_ready(source: JobSource) -> AbstractContextManager[Path]:
    """The file on this machine, until the block ends. Raises whatever its making raises."""
    return nullcontext(source) if isinstance(source, Path) else source()


def _state_of(path: Path) -> str:
    found = path.stat()
    return f"{path.absolute()} {found.st_size} {found.st_mtime_ns}"


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
