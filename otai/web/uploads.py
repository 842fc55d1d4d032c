"""Files that come in through a page: how large a request may be, and where a file waits until its columns are settled.

A request says its length before its body, and one that is too long is refused before a byte of it is read. One that
does not say it is refused as well: its end could not be known. What the header says is also the most that Django reads,
so lying about it gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from otai.errors import Invalid
from otai.front.bounds import bound_of
from otai.front.bounds import most_upload_bytes as most_bytes  # noqa: F401  for the page that says it
from otai.orgs.models import Organisation
from otai.tickets import waiting_uploads
from otai.tickets.waiting_uploads import WaitingUpload

OTHER_DOORS = ("/api/", "/webhooks/")
"""They say themselves that a body is too large."""


class TooLarge(Invalid):
    code = "too_large"


class LengthRequired(Invalid):
    code = "length_required"


class BoundedBodies:
    """Refuses a page's request by what its head says, before the check against forgery reads its body.

    The front does so before it reads anything and says what it found (`otai.front.refused`); a server without the front
    is asked here alone.
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


def keep(organisation: Organisation, upload: UploadedFile) -> WaitingUpload:
    """Puts a file of a form aside until its columns are settled."""
    file = Path(upload.temporary_file_path()) if isinstance(upload, TemporaryUploadedFile) else None
    return waiting_uploads.keep(organisation, filename=upload.name or "", chunks=upload.chunks(), file=file)
