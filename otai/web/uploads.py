"""Files that come in through a page: how large a request may be, and where a file waits until its columns are settled.

A request says its length before its body, and one that is too long is refused before a byte of it is read. One that does not say it is
refused as well: its end could not be known. What the header says is also the most that Django reads, so lying about it gains nothing.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from otai.db import made_at, new_id
from otai.errors import Invalid, NotFound
from otai.front.bounds import bound_of
from otai.front.bounds import most_upload_bytes as most_bytes  # noqa: F401  for the page that says it
from otai.jobs.folders import uploads_folder
from otai.jobs.models import Job
from otai.jobs.operations import sweep_files
from otai.orgs.models import Organisation

OTHER_DOORS = ("/api/", "/webhooks/")
"""They say themselves that a body is too large."""


class TooLarge(Invalid):
    code = "too_large"


class LengthRequired(Invalid):
    code = "length_required"


class BoundedBodies:
    """Refuses a page's request by what its head says, before the check against forgery reads its body.

    The front does so before it reads anything and says what it found (`otai.front.refused`); a server without the front is asked here alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(OTHER_DOORS):
            return self.get_response(request)
        if "\0" in unquote(request.META.get("QUERY_STRING", "")):
            # Nothing here has such a name, and PostgreSQL cannot even be asked for it.
            raise Http404
        bound = bound_of(request.path)
        refused = request.META.get("otai.front.refused", "")
        if not refused and request.method not in ("GET", "HEAD", "OPTIONS"):
            said = request.META.get("CONTENT_LENGTH") or ""
            if not said and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
                refused = "length_required"
            elif said and (not said.isdecimal() or int(said) > bound.most_bytes):
                refused = "too_large"
        if refused == "length_required":
            return _refusal(request, LengthRequired(), status=411)
        if refused:
            return _refusal(request, too_large(bound.most_bytes), status=413)
        return self.get_response(request)


def too_large(most: int) -> TooLarge:
    """The refusal of a body above the bound (bytes), with what helps."""
    return TooLarge("page", megabytes=round(most / 1_000_000))


def _refusal(request: HttpRequest, error: Invalid, *, status: int) -> HttpResponse:
    page = render_to_string("web/refusal.html", {"error": error, "status": status}, request=request)
    response = HttpResponse(page, status=status)
    # The body was not read and never will be.
    response["Connection"] = "close"
    return response


@dataclass(frozen=True, slots=True)
class WaitingUpload:
    """A file of the organisation on this machine. `filename` is what the customer calls it; it never becomes a path. `preview` and `importing`
    are the jobs that look at it and import it, `said` is the form that asked for the import."""

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


def keep(organisation: Organisation, upload: UploadedFile) -> WaitingUpload:
    """Puts the file aside until its columns are settled."""
    sweep_files()
    id = new_id()
    folder = _folder(organisation) / str(id)
    folder.mkdir(parents=True, mode=0o700)
    path = folder / "file"
    if isinstance(upload, TemporaryUploadedFile):
        shutil.move(upload.temporary_file_path(), path)
    else:
        with path.open("wb") as target:
            for chunk in upload.chunks():
                target.write(chunk)
    path.chmod(0o600)
    filename = (upload.name or "").replace("\\", "/").rsplit("/", 1)[-1][:255] or "upload"
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
    """Drops what came before that moment and is not being worked on: of an export that waits here, most tickets are those that were deleted.
    Whoever was about to settle its columns uploads it again."""
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
