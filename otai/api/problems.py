"""How a refusal looks, whatever raised it: one body, one table from kinds of error to HTTP statuses.

{"error": {"code": "insufficient_credits", "case": "available", "message": "...", "help": "...", "values": {...},
"needed": 12, ...}}

`values` are the facts of the sentence; each stands beside it by its own name as well, as in release 0.1.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja.errors import HttpError, ValidationError

from otai.api.people import as_told
from otai.db import busy, new_id
from otai.errors import Invalid, NotAllowed, NotFound, OtaiError, Refused, Unavailable
from otai.orgs.streams import TooManyStreams
from otai.tickets.arriving_uploads import ChecksumMismatch, OffsetConflict, UploadTooLarge
from otai.tickets.files import FileStoreUnavailable

log = logging.getLogger(__name__)


class NotSignedIn(NotAllowed):
    """Nobody is known to be calling (HTTP 401), where NotAllowed means that they are known and may not (403)."""

    code = "not_signed_in"


class Malformed(Invalid):
    code = "malformed_request"


class TooLarge(Invalid):
    code = "too_large"


class MediaTypeUnsupported(Invalid):
    code = "media_type_unsupported"


class NotAcceptable(Invalid):
    code = "not_acceptable"


class MethodNotAllowed(Invalid):
    code = "method_not_allowed"


class TooManyRequests(Refused):
    """`details["seconds"]` says how long to wait."""

    code = "too_many_requests"


STATUSES: tuple[tuple[type[OtaiError], int], ...] = (
    (NotSignedIn, 401),
    (TooManyRequests, 429),
    (TooManyStreams, 429),
    (Malformed, 400),
    (TooLarge, 413),
    (UploadTooLarge, 413),
    (ChecksumMismatch, 460),
    (MediaTypeUnsupported, 415),
    (NotAcceptable, 406),
    (MethodNotAllowed, 405),
    (Refused, 409),
    (Invalid, 422),
    (NotFound, 404),
    (NotAllowed, 403),
    (Unavailable, 503),
)
"""The first kind that fits. The rooms raise the last five; the others are about HTTP and raised here alone."""

HELP_FOR_STATUS = {
    400: "Send one JSON document, in UTF-8, as the documentation of this endpoint shows it.",
    401: "Send the header `Authorization: Bearer otai_...` with a key from the page API keys.",
    403: "Use a key with the scope named here, or ask an owner of the organisation for another role.",
    404: "Ask for the list first: it names everything that is yours.",
    405: "The header `Allow` names what this address understands.",
    406: "Send `Accept: application/json`, or leave the header out.",
    409: "Look at what is there now, change the request or what stands in its way, and ask again.",
    413: "Send less at once.",
    415: "Send the content type that the documentation of this endpoint names.",
    422: "Correct what `field` names and send it again; nothing was changed.",
    429: "Wait as long as the header `Retry-After` says.",
    460: "Send the same part again; nothing of it was kept.",
    500: "This is our mistake. Tell us the `id` of this error; what you asked for was not done.",
    503: "Try again in a minute; the same request is safe to repeat with the same Idempotency-Key.",
}
HELP_FOR_CODE = {
    "too_many_streams": "Close a stream, or ask for JSON now and then: `after` tells only what is new.",
    "quota_reached": "GET /api/v1/organisation/quotas says what there is and may be; the message says what lifts it.",
    "length_required": "Send the header Content-Length.",
    "insufficient_credits": "Buy one of the `packages` (POST /api/v1/purchases), then order the same quote again.",
    "no_gain_expected": "Order Business, or order again with accept_no_gain.",
    "equal_order": "Look at the first (`run` or `reference`), or order again with again.",
    "quote_expired": "Make a new quote (POST /api/v1/quotes) and order that.",
    "mode_not_in_tier": "Choose a mode that your tier includes, or change the tier (POST /api/v1/tier).",
    "duplicate_request": "Take a new Idempotency-Key for a new request, or send exactly the first request again.",
    "request_in_progress": "Wait a second and send the same request with the same Idempotency-Key again.",
    "billing_details_missing": "Enter whom invoices are made out to (PUT /api/v1/billing-details), then buy.",
    "invalid_cursor": "Take the cursor from `next` of the answer before, unchanged, or begin without one.",
    "organisation_not_named": "Name the organisation: the header `Otai-Organisation: acme`, or `?organisation=acme`.",
    "vendor_key_needed": "An operator makes one on the desk, or with `otai vendor-keys create`.",
    "organisation_suspended": "Settle it with the vendor; what you have can be read and used meanwhile.",
    "upload_offset": "Go on from `received` (the header `Upload-Offset` says it too).",
    "upload_incomplete": "Send what is lacking (PATCH), from `received` on, and ask again.",
    "upload_is_taken": "Wait a moment, then look at GET /api/v1/uploads.",
    "run_has_ended": "Nothing is left to do: an ended run holds no credits.",
}
RESERVED = frozenset({"code", "case", "message", "help", "values"})


def status_of(error: OtaiError) -> int:
    """The HTTP status of an error by its kind; 500 for what has none."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def answer(error: OtaiError) -> HttpResponse:
    """The refusal as an answer."""
    if isinstance(error, FileStoreUnavailable):
        # Its words name folders and buckets of ours, which are for operators.
        log.error("the file store: %s", error.message)
        error = Unavailable("file_store", code="file_store_unavailable")
    status = status_of(error)
    facts = {"case": error.case, "values": error.details}
    response = body(
        status, error.code, error.said("api"), facts | {k: v for k, v in error.details.items() if k not in RESERVED}
    )
    if isinstance(error, OffsetConflict):
        response["Upload-Offset"] = str(error.details["received"])
    if isinstance(error, NotSignedIn):
        response["WWW-Authenticate"] = 'Bearer realm="otai"'
    if status == 429:
        response["Retry-After"] = str(math.ceil(error.details.get("seconds", 1)))
    elif error.code == "request_in_progress":
        response["Retry-After"] = "1"
    elif status == 503:
        response["Retry-After"] = str(error.details.get("seconds", 60))
    return response


BAD_ROWS_HELP = "Correct the rows in `problems`, or send `skip_bad_rows=true` to leave bad rows out."
BAD_FILE_HELP = (
    "Correct the file, or say how to read it (`POST /api/v1/data-sets/preview` shows what its columns are taken for), "
    "and send it again; nothing was changed."
)


def help_for(status: int, code: str, details: Mapping[str, Any]) -> str:
    """What would help against the refusal, in a sentence."""
    if code == "dataset_invalid":
        in_rows = any(problem.get("row") for problem in details.get("problems", []))
        return BAD_ROWS_HELP if in_rows else BAD_FILE_HELP
    return HELP_FOR_CODE.get(code) or HELP_FOR_STATUS[status]


def body(status: int, code: str, message: str, details: Mapping[str, Any]) -> HttpResponse:
    """The answer to an error: its code, sentence, what would help, and its values, as JSON."""
    document = {"error": {"code": code, "message": message, "help": help_for(status, code, details), **details}}
    text = json.dumps(document, ensure_ascii=False, cls=_Encoder)
    # A lone surrogate from the outside has no UTF-8 form; it is answered as a question mark rather than with a mistake
    # of ours.
    return HttpResponse(text.encode("utf-8", errors="replace"), status=status, content_type="application/json")


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def of_exception(request: HttpRequest, error: Exception) -> HttpResponse:
    """Any exception as an answer. What nobody expected is logged with an id, and told as 500 without its words."""
    match error:
        case OtaiError():
            # Who was first is said to whoever may know it.
            error.details = as_told(getattr(request, "auth", None), error.details)
            return answer(error)
        case ValidationError():
            return body(422, "invalid_request", *_fields(error.errors))
        case HttpError() if error.status_code == 400:
            return answer(Malformed("unreadable", error=error.message))
        case RequestDataTooBig() | TooManyFilesSent():
            return answer(TooLarge("request"))
        case SuspiciousOperation():
            # A thousand parameters, a host that is not ours: no client of ours sends that.
            return answer(Malformed("parts"))
        case MultiPartParserError():
            return answer(Malformed("form", error=error))
        case Http404():
            return answer(NotFound("nothing_here"))
        case OperationalError():
            return answer(busy(error))
    id_ = str(new_id())
    log.error("error %s at %s %s", id_, request.method, request.path, exc_info=error)
    return body(500, "internal_error", "Something went wrong on our side.", {"id": id_})


def _fields(errors: Iterable[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """All wrong fields with their paths (`body.texts.0`), and a sentence about the first."""
    problems = [{"field": _path(error["loc"]), "message": _sentence(str(error["msg"]))} for error in errors]
    first = problems[0]
    more = f" ({len(problems) - 1} more in `problems`)" if len(problems) > 1 else ""
    return f"{first['field']}: {first['message']}{more}", {"field": first["field"], "problems": problems}


def _path(place: Iterable[Any]) -> str:
    parts = [str(part) for part in place]
    # Ninja names the view's argument too: ("body", "asked", "mode"). Callers do not know our arguments.
    if parts[:1] == ["body"] and len(parts) > 2:
        del parts[1]
    return ".".join(parts)


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message if message.endswith(".") else message + "."
