"""Files that arrive in parts, by tus 1.0 (https://tus.io/protocols/resumable-upload): core, creation, expiration,
checksum and termination."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.http import http_date
from ninja import Header
from pydantic import Field

from otai.api import keys, uploads
from otai.api.access import CallerRequest
from otai.api.problems import Malformed, MediaTypeUnsupported, TooLarge
from otai.api.v1.waiting_uploads import ARRIVING, ArrivingUploadOut, noun, shown_on_its_way
from otai.db import utc_now
from otai.errors import NotFound
from otai.front.bounds import part_bytes
from otai.orgs.permissions import Action
from otai.tickets import arriving_uploads, waiting_uploads
from otai.tickets.arriving_uploads import ALGORITHMS, Checksum, UploadInvalid
from otai.tickets.models import ArrivingUpload

__all__ = ["noun"]

SPEAKS = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
ByteCount = Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]
Line = Annotated[str, Field(max_length=2_000)]


LENGTH = "How many bytes the whole file has."
METADATA = Header(
    "",
    alias="Upload-Metadata",
    description="Pairs of a key and a base64 value, with commas between: `filename`, and `fingerprint`, your mark of "
    "the file.",
)
OFFSET = "Where this part begins: what `Upload-Offset` said last."
CHECKSUM = Header(
    "",
    alias="Upload-Checksum",
    description=f"An algorithm ({' or '.join(ALGORITHMS)}) and the part's digest in base64.",
)


def _spoken() -> dict[str, str]:
    return {
        "Tus-Resumable": SPEAKS,
        "Tus-Version": SPEAKS,
        "Tus-Extension": "creation,expiration,checksum,termination",
        "Tus-Max-Size": str(uploads.most_bytes()),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


@noun.post(
    "/uploads",
    Action.UPLOAD_TICKETS,
    ArrivingUploadOut,
    status=201,
    example=ARRIVING,
    repeatable=True,
    errors=[413, 503],
    options=_spoken,
)
def begin_upload(
    request: CallerRequest,
    upload_length: Annotated[ByteCount, Header(alias="Upload-Length", description=LENGTH)],
    upload_metadata: Line = METADATA,
) -> HttpResponse:
    """Begin a file that arrives in parts

    For large files and weak connections: what has arrived stays, and a broken connection goes on from there. The file's
    length is held against what may be sent before a byte of it is. The answer's `Location` takes the parts, one `PATCH`
    after the other; then `POST /data-sets?upload=` imports it. This is tus 1.0 (tus.io), for which there are clients in
    many languages; give them a chunk size of 16 MiB at most.
    """
    _require_version(request)
    said = _metadata(upload_metadata)

    def work() -> dict[str, Any]:
        return shown_on_its_way(
            arriving_uploads.begin(
                request.auth.organisation,
                filename=uploads.bare_name(said.get("filename", "")) or "upload",
                size=int(upload_length),
                fingerprint=said.get("fingerprint", ""),
                now=utc_now(),
            )
        )

    response = keys.once(request, work, content_sha256=f"{upload_length} {upload_metadata}")
    id = json.loads(response.content)["id"]
    response["Location"] = f"/api/v1/uploads/{id}"
    response["Tus-Resumable"], response["Upload-Offset"] = SPEAKS, "0"
    return response


@noun.get("/uploads/{uuid:upload}", Action.UPLOAD_TICKETS, ArrivingUploadOut, example=ARRIVING)
def get_upload(request: CallerRequest, upload: UUID) -> HttpResponse:
    """How far is a file on its way?

    `HEAD` says the same in headers (`Upload-Offset`, `Upload-Length`, `Upload-Expires`).
    """
    organisation = request.auth.organisation
    try:
        on_its_way = arriving_uploads.arriving(organisation, upload, now=utc_now())
    except NotFound:
        kept = waiting_uploads.waiting(organisation, upload)
        there: dict[str, Any] = {"id": kept.id, "filename": kept.filename, "bytes": kept.bytes, "received": kept.bytes}
        there |= {"state": "waiting", "fingerprint": "", "begun_at": kept.made_at, "expires_at": None}
        response = _answered(there)
        response["Upload-Offset"] = response["Upload-Length"] = str(kept.bytes)
        response["Tus-Resumable"] = SPEAKS
        return response
    return _as_tus(_answered(shown_on_its_way(on_its_way)), on_its_way)


@noun.patch(
    "/uploads/{uuid:upload}",
    Action.UPLOAD_TICKETS,
    status=204,
    body_content={PART_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    errors=[409, 413, 415, 460, 503],
    options=_spoken,
)
def send_part(
    request: CallerRequest,
    upload: UUID,
    upload_offset: Annotated[ByteCount, Header(alias="Upload-Offset", description=OFFSET)],
    upload_checksum: Line = CHECKSUM,
) -> HttpResponse:
    """Send the next part

    64 KiB at least, but for the last, and 16 MiB at most. A part counts whole or not at all. `Upload-Offset` of the
    answer is where the next one begins; of two parts for the same place one counts, and the other is refused with 409
    and the `Upload-Offset` to go on from. With `Upload-Checksum`, a part that was changed on its way is refused with
    460.
    """
    _require_version(request)
    now = utc_now()
    before = arriving_uploads.arriving(request.auth.organisation, upload, now=now)
    if request.content_type != PART_TYPE:
        raise MediaTypeUnsupported("type", given=(request.content_type or "")[:60])
    checksum = _checksum(upload_checksum) if upload_checksum else None
    try:
        grown = arriving_uploads.add_part(
            before, offset=int(upload_offset), chunks=_pieces(request), checksum=checksum, now=now
        )
    except UnreadablePostError:
        raise Malformed("incomplete") from None
    return _as_tus(HttpResponse(status=204), grown)


def _pieces(request: HttpRequest) -> Any:
    size = 0
    while piece := request.read(uploads.CHUNK_BYTES):
        size += len(piece)
        if size > part_bytes:
            raise TooLarge("part", most_bytes=part_bytes)
        yield piece


def _answered(said: dict[str, Any], status: int = 200) -> HttpResponse:
    content = ArrivingUploadOut(**said).model_dump_json()
    return HttpResponse(content, status=status, content_type="application/json")


def _as_tus(response: HttpResponse, upload: ArrivingUpload) -> HttpResponse:
    response["Tus-Resumable"] = SPEAKS
    response["Upload-Offset"], response["Upload-Length"] = str(upload.received), str(upload.bytes)
    response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    response["Cache-Control"] = "no-store"
    return response


def _require_version(request: HttpRequest) -> None:
    if request.headers.get("Tus-Resumable", SPEAKS) != SPEAKS:
        raise UploadInvalid("version", field="Tus-Resumable", speaks=SPEAKS)


def _metadata(said: str) -> dict[str, str]:
    """`filename d29ybGQ=,fingerprint MTIz` as a dictionary. Raises UploadInvalid."""
    found = {}
    for pair in filter(None, (one.strip() for one in said.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode().replace("\0", "")
        except (binascii.Error, ValueError):
            raise UploadInvalid("metadata", field="Upload-Metadata") from None
    return found


def _checksum(said: str) -> Checksum:
    algorithm, _, digest = said.partition(" ")
    try:
        if algorithm in ALGORITHMS:
            return Checksum(algorithm, base64.b64decode(digest, validate=True))
    except (binascii.Error, ValueError):
        pass
    raise UploadInvalid("checksum", field="Upload-Checksum", algorithms=", ".join(ALGORITHMS))
