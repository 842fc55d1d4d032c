"""The pages on the APIs name the fields of what they are about, as the OpenAPI documents have them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from otai.api.application import openapi
from otai.api.vendor.application import openapi as vendors_document

DOCS = Path(__file__).parents[2] / "docs"
MONEY = {"packages", "purchases", "tier", "tiers", "invoices", "spending"}
ROW = re.compile(r"^\| `(?:([A-Z][A-Za-z]+)|GET (/\S+))` \|.*?((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)
NO_OBJECT_OF_THEIRS = {"ErrorOut", "ErrorDetailOut", "MoneyOut"}


def fields_of(document: dict[str, Any], prefix: str, nouns: set[str]) -> dict[str, set[str]]:
    """The fields of each object in bodies and answers of these nouns' endpoints, by the object's name; what may be
    asked for in an address, by the address."""
    found: dict[str, set[str]] = {}
    for address, methods in document["paths"].items():
        path = address.removeprefix(prefix)
        if path.split("/")[1] not in nouns:
            continue
        for operation in methods.values():
            asked = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
            if asked:
                found[path] = asked
            answers = [said for status, said in operation["responses"].items() if int(status) < 300]
            for said in (operation.get("requestBody", {}), *answers):
                _objects(document, said, found)
    return found


def _objects(document: dict[str, Any], said: Any, found: dict[str, set[str]]) -> None:
    """Puts into `found` each object that a part of the document refers to."""
    if isinstance(said, list):
        for one in said:
            _objects(document, one, found)
    elif isinstance(said, dict):
        name = str(said.get("$ref", "")).rpartition("/")[2]
        if name and name not in found:
            schema = document["components"]["schemas"][name]
            found[name] = set(schema.get("properties", {}))
            _objects(document, schema, found)
        for one in said.values():
            _objects(document, one, found)


def as_rows(fields: dict[str, set[str]]) -> str:
    """As the page has them."""
    named = {name: each for name, each in fields.items() if each and name not in NO_OBJECT_OF_THEIRS}
    rows = [
        f"| `{f'GET {name}' if name.startswith('/') else name}` | {', '.join(f'`{field}`' for field in sorted(each))} |"
        for name, each in sorted(named.items())
    ]
    return "\n".join(rows)


def told(page: str) -> str:
    rows = ROW.findall((DOCS / page).read_text())
    return as_rows({name or path: set(re.findall(r"`(\w+)`", listed)) for name, path, listed in rows})


@pytest.mark.pure
def test_the_vendors_page_names_every_field() -> None:
    document = vendors_document()
    nouns = {address.removeprefix("/api/vendor/v1").split("/")[1] for address in document["paths"]}
    assert told("vendor-api.md") == as_rows(fields_of(document, "/api/vendor/v1", nouns))


@pytest.mark.pure
def test_the_page_names_every_field_of_what_is_bought() -> None:
    assert told("api.md") == as_rows(fields_of(openapi(), "/api/v1", MONEY))
