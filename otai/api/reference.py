"""The documentation of the API as a page: rendered here from the OpenAPI document, so nothing is loaded from elsewhere
and no script runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


def page_of(openapi: Callable[[], dict[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
    """The view of the page, for anybody: it says nothing of any organisation. `openapi` makes the document, once, when
    first asked."""
    contents = lru_cache(maxsize=1)(lambda: _contents(openapi()))

    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        return render(request, "api/reference.html", contents())

    return page


def _contents(document: dict[str, Any]) -> dict[str, Any]:
    nouns: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            nouns[operation["tags"][0]].append(_endpoint(document, address, method, operation))
    return {
        "title": document["info"]["title"],
        "version": document["info"]["version"],
        "paragraphs": document["info"]["description"].replace("**", "").split("\n\n"),
        "nouns": [{"name": name, "endpoints": endpoints} for name, endpoints in nouns.items()],
    }


def _endpoint(document: dict[str, Any], address: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    good = next(status for status in operation["responses"] if int(status) < 300)
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "address": address,
        "summary": operation["summary"],
        "paragraphs": operation["description"].replace("`", "").split("\n\n"),
        "parameters": [_parameter(parameter) for parameter in operation["parameters"]],
        "body_kinds": list(body),
        "body_fields": _fields(document, body.get("application/json", {}).get("schema", {})),
        "curl": _curl(address, method, body),
        "answer_status": good,
        "answer_kinds": list(operation["responses"][good].get("content", {})),
        "answer": _example(operation["responses"][good].get("content", {}).get("application/json", {})),
        "refusals": [status for status in operation["responses"] if int(status) >= 400],
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = parameter["schema"]
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter["required"],
        "kind": _kind(schema),
        "words": parameter.get("description", ""),
    }


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    needed = set(schema.get("required", []))
    return [
        {"name": name, "required": name in needed, "kind": _kind(field), "words": field.get("description", "")}
        for name, field in schema.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if schema.get("enum"):
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


def _example(content: dict[str, Any]) -> str:
    found = content.get("examples", {}).get("example", {}).get("value")
    return "" if found is None else json.dumps(found, indent=2, ensure_ascii=False)


def _curl(address: str, method: str, body: dict[str, Any]) -> str:
    words = ["curl", *([] if method == "get" else ["-X", method.upper()]), "-H 'Authorization: Bearer otai_...'"]
    if "application/json" in body:
        example = body["application/json"].get("examples", {}).get("example", {}).get("value", {})
        words += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(example, ensure_ascii=False)}'"]
    elif body:
        words += ["--data-binary @tickets.csv", "-H 'Content-Type: text/csv'"]
    return " \\\n  ".join([" ".join([*words[:1], f"https://studio.example{address}"]), *words[1:]])
