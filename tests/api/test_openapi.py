"""The OpenAPI document and the page made from it: complete, and true."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import get_resolver

from otai.api.application import NOUNS, openapi
from otai.api.vendor.application import openapi as vendors_document
from tests.api.test_another_organisation import endpoints


def test_the_document_is_openapi_3_1_and_open_to_anybody(db: None) -> None:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200 and response.json()["openapi"] == "3.1.0"
    assert response.json() == json.loads(json.dumps(openapi()))


@pytest.mark.pure
def test_every_endpoint_says_what_it_does_needs_and_refuses() -> None:
    seen = set()
    for address, method, operation in endpoints():
        where = f"{method} {address}"
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert operation["summary"] and "Scope:" in operation["description"], where
        assert {"401", "403", "429"} <= {str(status) for status in operation["responses"]}, where
        assert operation["security"] == [{"apiKey": []}, {"session": []}], where
        for content in operation.get("requestBody", {}).get("content", {}).items():
            assert content[0] != "application/json" or "examples" in content[1], where
        assert operation["summary"] != operation["operationId"].replace("_", " ").title(), f"{where}: has no docstring"
        status, good = next(answer for answer in operation["responses"].items() if int(answer[0]) < 300)
        assert int(status) == 204 or good.get("content"), f"{where}: declares no answer: a schema, or `produces`"
        if "application/json" in good.get("content", {}):
            assert "examples" in good["content"]["application/json"], where
    assert len(seen) >= 85


@pytest.mark.pure
def test_every_example_is_what_its_schema_allows() -> None:
    document = openapi()
    checked = 0
    for address, method, operation in endpoints():
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (content.get("content", {}).get("application/json", {}) for content in contents):
            for example in content.get("examples", {}).values():
                schema = {**content["schema"], "components": document["components"]}
                try:
                    jsonschema_rs.Draft202012Validator(schema).validate(example["value"])
                except jsonschema_rs.ValidationError as wrong:
                    raise AssertionError(f"{method} {address}: {wrong.message}") from None
                checked += 1
    assert checked >= 90


@pytest.mark.pure
def test_what_spends_or_creates_takes_an_idempotency_key() -> None:
    takes = {
        operation["operationId"]
        for _, _, operation in endpoints()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
    }
    creates = {operation["operationId"] for _, _, operation in endpoints() if "201" in map(str, operation["responses"])}
    assert creates <= takes | set(), creates - takes
    assert {"buy_package", "order_run", "change_tier", "follow_advice"} <= takes


@pytest.mark.pure
def test_every_address_of_the_api_is_in_the_document() -> None:
    """Nothing is reachable that the walks over the document do not see."""
    patterns = next(p for p in get_resolver().url_patterns if str(p.pattern) == "api/").url_patterns
    mounted = {str(pattern.pattern) for pattern in patterns if hasattr(pattern.callback, "api_operations")}
    documented = {*openapi()["paths"], *vendors_document()["paths"]}
    assert len(mounted) == len(documented)
    others = {str(pattern.pattern) for pattern in patterns} - mounted
    pages = {f"{prefix}v1/{page}" for prefix in ("", "vendor/") for page in ("openapi.json", "docs")}
    assert others == {*pages, "^vendor/.*$", "^.*$"}


class Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.loaded += [value or "" for name, value in attrs if name == "src" or (name == "href" and tag == "link")]


def test_the_page_needs_no_script_and_nothing_from_elsewhere(db: None) -> None:
    response = Client().get("/api/v1/docs")
    assert response.status_code == 200
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    page = Addresses()
    text = response.content.decode()
    page.feed(text)
    assert "script" not in page.tags and "style" not in page.tags | page.attributes
    assert all(address.startswith("/static/") for address in page.loaded) and page.loaded
    for noun in NOUNS:
        assert noun.tags is not None and noun.tags[0] in text
    assert "/api/v1/data-sets" in text and "Idempotency-Key" in text
    assert Client().get(page.loaded[0]).status_code == 200


def test_unknown_addresses_are_refused_in_the_same_form(db: None) -> None:
    for path in ("/api/", "/api/v1/", "/api/v2/runs", "/api/v1/runs/0x1", "/api/v1/data-sets/1"):
        response: Any = Client().post(path, "{}", "application/json")
        assert response.status_code == 404 and response.json()["error"]["code"] == "not_found", path
