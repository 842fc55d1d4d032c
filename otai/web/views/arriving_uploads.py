"""Files that a page sends in parts, so that a broken connection goes on: begun here, sent to the API part by part, and
put aside here once they are whole. Without scripts the form sends the whole file (`tickets.upload`)."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from otai.db import utc_now
from otai.errors import OtaiError
from otai.front.bounds import part_bytes
from otai.orgs.permissions import Action
from otai.tickets import arriving_uploads
from otai.tickets.arriving_uploads import UploadInvalid
from otai.tickets.models import ArrivingUpload
from otai.web.access import MemberRequest, page
from otai.web.middleware import status_of
from otai.web.refusals import in_words
from otai.web.views.tickets import look_at


@require_POST
@page(Action.UPLOAD_TICKETS)
def begin_upload(request: MemberRequest) -> HttpResponse:
    """Where the parts go, and how much is there: of the same file that was begun before, or of a new one. What speaks
    against it is said before a byte is sent."""
    size = request.POST.get("size", "")
    try:
        if not size.isdecimal() or len(size) > 15:
            raise UploadInvalid("empty", field="size")
        upload = _begun(request, int(size))
    except OtaiError as refused:
        return _refused(refused)
    arrived = reverse("web:upload_arrived", args=[request.organisation.slug, upload.id])
    return JsonResponse(
        {
            "address": f"/api/v1/uploads/{upload.id}",
            "received": upload.received,
            "part_bytes": part_bytes,
            "arrived": arrived,
            "drop": reverse("web:drop_upload", args=[request.organisation.slug, upload.id]),
        }
    )


def _begun(request: MemberRequest, size: int) -> ArrivingUpload:
    now, mark = utc_now(), request.POST.get("fingerprint", "")
    same = arriving_uploads.all_arriving(request.organisation, now=now).filter(bytes=size)
    if mark and (before := same.filter(fingerprint=mark.replace("\0", "")).first()):
        return before
    filename = request.POST.get("filename", "")
    return arriving_uploads.begin(request.organisation, filename=filename, size=size, fingerprint=mark, now=now)


@require_POST
@page(Action.UPLOAD_TICKETS)
def upload_arrived(request: MemberRequest, upload: UUID) -> HttpResponse:
    """Puts the whole file aside and looks at its columns: where they are settled, and the job that reads them. Asked
    again, it is the same."""
    try:
        kept = arriving_uploads.put_aside(request.organisation, upload, now=utc_now())
        job = kept.preview or look_at(request, kept).id
    except OtaiError as refused:
        return _refused(refused)
    columns = reverse("web:upload", args=[request.organisation.slug, kept.id])
    return JsonResponse({"columns": columns, "job": f"/api/v1/jobs/{job}"})


def _refused(error: OtaiError) -> HttpResponse:
    return JsonResponse({"code": error.code, "message": in_words(error)}, status=status_of(error))
