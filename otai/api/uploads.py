"""Files that come in: streamed to a temporary file in bounded memory, and refused as soon as they are too large.

Two ways: the request's body is the file itself (`?filename=`), or a form with the field `file` (multipart/form-data).
The name serves for its ending and for people; it never becomes a path.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, UnreadablePostError

from otai.api.problems import Malformed, TooLarge
from otai.db import utc_now
from otai.errors import Invalid
from otai.front.bounds import PARTS, bound_of, form_bytes, part_bytes
from otai.front.bounds import most_upload_bytes as most_bytes
from otai.jobs.folders import arrivals_folder
from otai.jobs.operations import JobSource
from otai.orgs.models import Organisation
from otai.tickets import arriving_uploads

CHUNK_BYTES = 1 << 20

BODY_CONTENT: dict[str, Any] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    "text/csv": {"schema": {"type": "string"}},
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}},
        }
    },
}


@dataclass(frozen=True, slots=True)
class Upload:
    """`source` is ours and gone after the request; `filename` is what the customer calls it, without folders."""

    source: JobSource
    filename: str
    sha256: str
    bytes: int


class FileMissing(Invalid):
    code = "file_missing"


def too_large() -> TooLarge:
    """The refusal of a file above the installation's bound, with the bound in MiB and bytes."""
    most = most_bytes()
    return TooLarge("file", most=round(most / (1 << 20)), most_bytes=most)


def not_read(request: HttpRequest) -> TooLarge:
    """The refusal of a body that the front found too large."""
    if PARTS.fullmatch(request.path):
        return TooLarge("part", most_bytes=part_bytes)
    if bound_of(request.path).is_upload:
        return too_large()
    most = bound_of(request.path).most_bytes
    return TooLarge("body", most_bytes=most)


def prepare(request: HttpRequest) -> None:
    """Before anything reads the request: a form's file goes to disk, and stops at the limit."""
    if request.content_type == "multipart/form-data" and not hasattr(request, "_files"):
        request.upload_handlers = [_UpTo(request), TemporaryFileUploadHandler(request)]


class _UpTo(FileUploadHandler):
    """Counts, and stops the form's reading past the limit. It keeps nothing itself."""

    def new_file(self, *arguments: Any, **named: Any) -> None:
        super().new_file(*arguments, **named)
        self._left = most_bytes()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._left -= len(raw_data)
        if self._left < 0:
            assert self.request is not None
            self.request.otai_too_large = True  # type: ignore[attr-defined]
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


@contextmanager
def received(request: HttpRequest, *, filename: str) -> Iterator[Upload]:
    """The file, in a `with`. Raises TooLarge, FileMissing, Malformed (the line broke)."""
    stated = request.META.get("CONTENT_LENGTH") or "0"
    # What is announced as too large is not read at all; a form has some bytes beside its file.
    if stated.isdigit() and int(stated) > most_bytes() + form_bytes:
        raise too_large()
    with tempfile.TemporaryDirectory(prefix="api-", dir=arrivals_folder()) as folder:
        target = Path(folder) / "file"
        if request.content_type == "multipart/form-data":
            given = request.FILES.get("file")
            if getattr(request, "otai_too_large", False):
                raise too_large()
            if given is None:
                raise FileMissing("no_field", field="file")
            filename = filename or str(given.name)
            chunks: Iterator[bytes] = iter(given.chunks(CHUNK_BYTES))
        else:
            chunks = iter(lambda: request.read(CHUNK_BYTES), b"")
        digest, size = hashlib.sha256(), 0
        try:
            with target.open("wb") as out:
                for chunk in chunks:
                    size += len(chunk)
                    if size > most_bytes():
                        raise too_large()
                    digest.update(chunk)
                    out.write(chunk)
        except UnreadablePostError:
            raise Malformed("incomplete") from None
        if not size:
            raise FileMissing("no_body")
        yield Upload(target, bare_name(filename) or "upload", digest.hexdigest(), size)


def arrived(organisation: Organisation, id: UUID, *, filename: str) -> Upload:
    """A file that came in parts; its source is assembled by the job that reads it, once that has its room. Raises
    NotFound and UploadIncomplete."""
    found = arriving_uploads.arriving(organisation, id, now=utc_now())
    arriving_uploads.require_complete(found)
    source = partial(arriving_uploads.assembled, found)
    return Upload(source, bare_name(filename) or found.filename, f"upload {id}", found.bytes)


def bare_name(filename: str) -> str:
    """The last part of a path in any system's writing, without what cannot be printed: `..\\..\\etc/passwd` is
    `passwd`."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    bare = "".join(character for character in last if character.isprintable()).strip()
    return "" if bare in (".", "..") else bare[-200:]
