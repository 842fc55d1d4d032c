"""`/api/v1` as a whole: which nouns are mounted, how exceptions are answered, and what the OpenAPI document says of all
endpoints."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Router
from ninja.utils import replace_path_param_notation

from otai import __version__
from otai.api import problems, reference, uploads
from otai.api.endpoints import guarded
from otai.api.v1 import (
    advice,
    attributes,
    billing,
    credits,
    datasets,
    feedback,
    guarantees,
    jobs,
    models,
    organisation,
    relabelling,
    runs,
    spending,
    team,
    training,
    waiting_uploads,
    webhooks,
)
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
    waiting_uploads.noun,
    jobs.noun,
    training.noun,
    runs.noun,
    spending.noun,
    models.noun,
    feedback.noun,
    advice.noun,
    guarantees.noun,
    team.noun,
    webhooks.noun,
)
ALWAYS = (401, 403, 429, 503)
"""What any endpoint may answer, beside its own statuses; 404 and 422 follow from its parameters."""


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


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document: what ninja derives from types, and what `endpoints.py` was told beside them."""
    document: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX.strip("/") + "/"))
    document["servers"] = [{"url": settings.OTAI_BASE_URL}]
    document["tags"] = [{"name": tag} for tag in dict.fromkeys(noun.tags[0] for noun in NOUNS if noun.tags)]
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    components["securitySchemes"] = {
        "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `otai_<prefix>_<secret>`."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A signed-in browser.",
        },
    }
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, method, address)
    return document


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
                "message": "This run needs 12 credits (available: 9, missing: 3). What covers it: 10-credit package "
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


def _complete(operation: dict[str, Any], method: str, address: str) -> None:
    """Examples, refusals, keys and scopes of one endpoint."""
    said = operation.pop("x-otai")
    operation["security"] = [{"apiKey": []}, {"session": []}]
    operation["x-scopes"] = said["scopes"]
    needs = " or ".join(f"`{scope}`" for scope in said["scopes"]) or "a signed-in person; no key may do this"
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), f"Scope: {needs}."]))
    answers = operation["responses"]
    answered = answers[said["status"]]
    if said["produces"] != ["application/json"]:
        answered["content"] = {
            kind: answered.get("content", {}).get(kind, {"schema": {"type": "string"}}) for kind in said["produces"]
        }
    if said["example"] is not None:
        answered["content"]["application/json"]["examples"] = {"example": {"value": said["example"]}}
    if said["body_example"] is not None:
        operation["requestBody"]["content"]["application/json"]["examples"] = {
            "example": {"value": said["body_example"]}
        }
    for parameter in operation["parameters"]:
        # A parameter that may be left out cannot be sent as null either.
        parameter["schema"] = _without_null(parameter["schema"])
    refusals = {*ALWAYS, *said["errors"]}
    if method != "get":
        refusals.add(409)
    if "{" in address:
        refusals |= {404, 422}
    if operation["parameters"] or "requestBody" in operation:
        refusals.add(422)
    if "requestBody" in operation:
        refusals |= {400, 413} | ({415} if "application/json" in operation["requestBody"]["content"] else set())
    if said["repeatable"]:
        refusals |= {409, 422}
        operation["parameters"].append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": said["repeatable"] == "required",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
                "description": "Of your choice; the same key and request again give the first answer.",
            }
        )
    if said["may_come_later"]:
        answers[202]["headers"] = {"Location": {"schema": {"type": "string"}, "description": "The job."}}
        operation["parameters"].append(
            {
                "in": "header",
                "name": "Prefer",
                "required": False,
                "schema": {"type": "string", "pattern": "^(wait=[0-9]{1,6}|respond-async)$"},
                "description": "wait=20: hold the answer back up to so many seconds (30 at most). Else, or after them, "
                "it is 202 with a job.",
            }
        )
    for status in sorted(refusals):
        answers[status] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1 and len(kinds) < len(schema["anyOf"]):
        rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
        return {**rest, **kinds[0]}
    return schema


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
