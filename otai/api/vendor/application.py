"""`/api/vendor/v1` as a whole: refusals as problem details (RFC 9457), each call an event with the key's name."""

from __future__ import annotations

import json
from functools import lru_cache, wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Router
from ninja.utils import replace_path_param_notation

from otai import __version__
from otai.api import problems, reference
from otai.api.document import document_of
from otai.api.endpoints import View, guarded
from otai.api.vendor import organisations, prices
from otai.billing.operations.vendor_keys import BRAND, record_call
from otai.db import utc_now
from otai.errors import NotFound

PREFIX = "/api/vendor/v1"
PROBLEM = "application/problem+json"
DESCRIPTION = f"""\
For the vendor's own systems, such as a shop or a CRM: make organisations, suspend and resume them, grant goodwill, and
set prices. What an organisation works with (tickets, models, trainings) is not here.

**Who calls.** Send `Authorization: Bearer {BRAND}_...` with a vendor key, which an operator makes on the desk or with
`otai vendor-keys create`. It does what its scopes say. An organisation's key opens nothing here.

**Refusals** are problem details (RFC 9457, `application/problem+json`): `status`, `title`, `detail` for people, and
`code` and `case` for programs, with `help` and the `values` of the sentence.

**Repeating.** What makes or gives something takes a header `Idempotency-Key` of your choice: the same key and request
again give the first answer.

**How often.** `RateLimit-*` headers say how many requests are left in this minute; beyond, the answer is 429 with
`Retry-After`. Every call is written into the vendor's events, with the key's name.
"""
NOUNS: tuple[Router, ...] = (organisations.noun, prices.noun)
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status says what kind of problem it is."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people: what happened, with numbers."},
        "code": {"type": "string", "description": "Stable; what programs test for."},
        "case": {"type": "string", "description": "Tells refusals of one code apart."},
        "help": {"type": "string", "description": "What would help."},
        "values": {"type": "object", "additionalProperties": True},
        "field": {"type": "string", "description": "Which field is wrong, for example `body.credits`."},
    },
    "additionalProperties": True,
}

api = NinjaAPI(
    title="OTAI Studio, for the vendor",
    version=__version__,
    description=DESCRIPTION,
    docs_url=None,
    openapi_url=None,
    urls_namespace="api-vendor-v1",
)
for _noun in NOUNS:
    api.add_router("", _noun)


def _answered(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problems.of_exception(request, error if isinstance(error, Exception) else error())


api.add_exception_handler(Exception, _answered)
for _kind in (problems.ValidationError, problems.HttpError, problems.Http404):
    api.add_exception_handler(_kind, _answered)


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the vendor's API."""
    return document_of(
        api,
        prefix=PREFIX,
        nouns=NOUNS,
        error=PROBLEM_SCHEMA,
        error_type=PROBLEM,
        schemes={
            "vendorKey": {
                "type": "http",
                "scheme": "bearer",
                "description": f"A vendor key, `{BRAND}_<prefix>_<secret>`.",
            }
        },
    )


def openapi_view(request: HttpRequest) -> HttpResponse:
    """The document, for anybody: it says nothing of any customer."""
    return JsonResponse(openapi(), json_dumps_params={"ensure_ascii": False})


@csrf_exempt
def nothing_here(request: HttpRequest, **_: Any) -> HttpResponseBase:
    """The answer to an address that there is not, as a problem like all others."""
    return as_problem(problems.answer(NotFound("no_address", path=request.path, prefix=PREFIX)))


def urls() -> list[URLPattern]:
    """What is mounted below `api/`: each view behind what all of them have in common."""
    endpoints = [
        path(
            "vendor/v1" + replace_path_param_notation(template),
            remembered(guarded(view.get_view(), view.operations)),
            name=f"vendor_{view.operations[0].operation_id}",
        )
        for bound in api._get_bound_routers()
        for template, view in bound.path_operations.items()
    ]
    return [
        *endpoints,
        path("vendor/v1/openapi.json", openapi_view, name="vendor_openapi"),
        path("vendor/v1/docs", reference.page_of(openapi), name="vendor_docs"),
        re_path(r"^vendor/.*$", nothing_here),
    ]


def remembered(view: View) -> View:
    """The view, whose calls are events and whose refusals are problem details."""

    @wraps(view)
    def called(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = as_problem(view(request, *arguments, **named))
        key = getattr(request, "otai_vendor_key", None)
        if key is not None:
            operation = view.api_operations[request.method]  # type: ignore[attr-defined]
            record_call(key, what=operation.operation_id, path=request.path, status=response.status_code, now=utc_now())
        return response

    return called


def as_problem(response: HttpResponseBase) -> HttpResponseBase:
    """A refusal in the form of RFC 9457; any other answer as it is."""
    if response.status_code < 400 or not isinstance(response, HttpResponse):
        return response
    said = json.loads(response.content)["error"]
    told = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "detail": said.pop("message"),
    }
    response.content = json.dumps({**said, **told}, ensure_ascii=False)
    response["Content-Type"] = PROBLEM
    return response
