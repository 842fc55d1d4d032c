"""The OpenAPI 3.1 document of an API: what ninja derives from types, and what `endpoints.py` was told beside them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from ninja import NinjaAPI, Router

OF_TUS = {460: "Checksum Mismatch"}
ALWAYS = (401, 403, 429, 503)
"""What any endpoint may answer, beside its own statuses; 404 and 422 follow from its parameters."""


def document_of(
    api: NinjaAPI,
    *,
    prefix: str,
    nouns: tuple[Router, ...],
    schemes: Mapping[str, dict[str, Any]],
    error: dict[str, Any],
    error_type: str = "application/json",
    nobody: str = "",
) -> dict[str, Any]:
    """The document of the nouns that are mounted below `prefix`. `schemes`: who may call, as OpenAPI says it; `error`:
    the schema of a refusal, which is answered as `error_type`; `nobody`: what is said where no key may do it."""
    document: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=prefix.strip("/") + "/"))
    document["servers"] = [{"url": settings.OTAI_BASE_URL}]
    document["tags"] = [{"name": tag} for tag in dict.fromkeys(noun.tags[0] for noun in nouns if noun.tags)]
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = error
    components["securitySchemes"] = dict(schemes)
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, method, address, schemes=schemes, error_type=error_type, nobody=nobody)
    return document


def _complete(
    operation: dict[str, Any],
    method: str,
    address: str,
    *,
    schemes: Mapping[str, dict[str, Any]],
    error_type: str,
    nobody: str,
) -> None:
    """Examples, refusals, keys and scopes of one endpoint."""
    said = operation.pop("x-otai")
    operation["security"] = [{scheme: []} for scheme in schemes]
    operation["x-scopes"] = said["scopes"]
    needs = " or ".join(f"`{scope}`" for scope in said["scopes"]) or nobody
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
            "description": OF_TUS.get(status) or HTTPStatus(status).phrase,
            "content": {error_type: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1 and len(kinds) < len(schema["anyOf"]):
        rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
        return {**rest, **kinds[0]}
    return schema
