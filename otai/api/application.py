"""`/api/v1` as a whole: which nouns are mounted, how exceptions are answered, and what the OpenAPI document says of all
endpoints."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Router
from ninja.utils import replace_path_param_notation

from otai import __version__
from otai.api import problems, reference, uploads
from otai.api.document import document_of
from otai.api.endpoints import guarded
from otai.api.v1 import (
    advice,
    arriving_uploads,
    attributes,
    billing,
    credits,
    data,
    datasets,
    feedback,
    guarantees,
    helpdesks,
    jobs,
    label_review,
    models,
    notifications,
    organisation,
    relabelling,
    runs,
    spending,
    team,
    ticket_search,
    training,
    webhooks,
)
from otai.api.vendor import application as vendor
from otai.errors import NotFound

PREFIX = "/api/v1"
DESCRIPTION = """\
Everything that the pages of OTAI Studio can do, for programs.

**Who calls.** Send `Authorization: Bearer otai_...` with an API key; a key belongs to one organisation and does what
its scopes say. A signed-in browser may call too: it names its organisation (`Otai-Organisation: acme` or
`?organisation=acme`) and sends `X-CSRFToken` with what changes something.

**Refusals** all look alike: `{"error": {"code", "case", "message", "help", "values", ...}}`. Test for `code` (and
`case`, which tells refusals of one code apart); show `message`, or say it yourself from `values`; `help` says what to
do. What belongs to another organisation is answered like what does not exist.

**Repeating.** A POST that creates or spends takes a header `Idempotency-Key` of your choice: the same key and request
again give the first answer.

**Long lists** come in pages: pass `next` of an answer as `cursor` to get the next one; `next` is null on the last.

**How often.** `RateLimit-*` headers say how many requests are left in this minute; beyond, the answer is 429 with
`Retry-After`.

Credits are whole numbers, money is in cents with a currency, times are ISO 8601 with a zone, shares are from 0 to 1.
"""
NOUNS: tuple[Router, ...] = (
    organisation.noun,
    credits.noun,
    billing.noun,
    datasets.noun,
    attributes.noun,
    relabelling.noun,
    ticket_search.noun,
    label_review.noun,
    arriving_uploads.noun,
    helpdesks.noun,
    jobs.noun,
    training.noun,
    runs.noun,
    spending.noun,
    models.noun,
    feedback.noun,
    advice.noun,
    guarantees.noun,
    team.noun,
    data.noun,
    webhooks.noun,
    notifications.noun,
)


def _answered(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problems.of_exception(request, error if isinstance(error, Exception) else error())


api = NinjaAPI(
    title="OTAI Studio",
    version=__version__,
    description=DESCRIPTION,
    docs_url=None,
    openapi_url=None,
    urls_namespace="api-v1",
)
for _noun in NOUNS:
    api.add_router("", _noun)
api.add_exception_handler(Exception, _answered)
for _kind in (problems.ValidationError, problems.HttpError, problems.Http404):
    api.add_exception_handler(_kind, _answered)


ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "help"],
            "properties": {
                "code": {"type": "string", "description": "Stable; what programs test for."},
                "message": {"type": "string", "description": "For people: what happened, with numbers."},
                "help": {"type": "string", "description": "What would help."},
                "case": {"type": "string", "description": "Tells refusals of one code apart."},
                "values": {
                    "type": "object",
                    "description": "The facts that the sentence is made from.",
                    "additionalProperties": True,
                },
                "field": {"type": "string", "description": "Which field is wrong, for example `body.texts.0`."},
            },
            "additionalProperties": True,
        }
    },
    "examples": [
        {
            "error": {
                "code": "insufficient_credits",
                "case": "covered",
                "message": "This training needs 12 credits (available: 9, missing: 3). What covers it: "
                "10-credit package "
                "(EUR 100).",
                "help": problems.HELP_FOR_CODE["insufficient_credits"],
                "values": {"needed": 12, "available": 9, "missing": 3},
                "needed": 12,
                "available": 9,
                "missing": 3,
                "packages": [{"credits": 10, "price_cents": 10000, "currency": "EUR"}],
            }
        }
    ],
}


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of all endpoints."""
    return document_of(
        api,
        prefix=PREFIX,
        nouns=NOUNS,
        error=ERROR_SCHEMA,
        nobody="a signed-in person; no key may do this",
        schemes={
            "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `otai_<prefix>_<secret>`."},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": settings.SESSION_COOKIE_NAME,
                "description": "A signed-in browser.",
            },
        },
    )


def openapi_view(request: HttpRequest) -> HttpResponse:
    """The document, for anybody: it says nothing of any organisation."""
    return JsonResponse(openapi(), json_dumps_params={"ensure_ascii": False})


@csrf_exempt
def nothing_here(request: HttpRequest, **_: Any) -> HttpResponse:
    """The answer to an address that there is not, as JSON like all other errors."""
    return problems.answer(NotFound("no_address", path=request.path, prefix=PREFIX))


def urls() -> list[URLPattern]:
    """What config mounts below `api/`: ninja's views, each behind what all of them have in common."""
    endpoints = [
        path(
            "v1" + replace_path_param_notation(template),
            _prepared(guarded(view.get_view(), view.operations)),
            name=view.operations[0].operation_id,
        )
        for bound in api._get_bound_routers()
        for template, view in bound.path_operations.items()
    ]
    return [
        *endpoints,
        path("v1/openapi.json", openapi_view, name="openapi"),
        path("v1/docs", reference.page_of(openapi), name="docs"),
        *vendor.urls(),
        re_path(r"^.*$", nothing_here),
    ]


def _prepared(view: Any) -> Any:
    def prepared(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        if request.META.get("otai.front.refused"):
            # The front has not read it: it is larger than what this address takes.
            return problems.answer(uploads.not_read(request))
        uploads.prepare(request)
        return view(request, *arguments, **named)

    prepared.csrf_exempt = True  # type: ignore[attr-defined]
    prepared.api_operations = view.api_operations  # type: ignore[attr-defined]
    return prepared
