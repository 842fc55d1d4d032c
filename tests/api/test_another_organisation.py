"""Carol of globex gets 404 for everything of acme, at every address and method that the OpenAPI document names, and
nothing changes.

The document is walked: an endpoint that is new tomorrow is covered tomorrow, and the test fails until it knows an id
for a new kind of thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.api.application import openapi
from otai.orgs.models import User
from otai.orgs.operations import add_member
from tests.api.callers import ROOT, Program, answered
from tests.api.everything import Everything, all_rows, everything_of

pytestmark = pytest.mark.django_db


def endpoints() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for address, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield address.removeprefix(ROOT), method.upper(), operation


def filled(address: str, acme_has: Everything) -> str:
    def value(match: re.Match[str]) -> str:
        noun = address.split("/")[1]
        name = match[1]
        known = acme_has.path.get(f"/{noun}/{name}") or acme_has.path.get(name)
        assert known, f"{address}: give acme one of its own in tests/api/everything.py, by the name {name!r}"
        return known

    return re.sub(r"{(\w+)}", value, address).replace(" ", "%20")


def needs_a_real_training(address: str) -> bool:
    return address.endswith(("/bundle", "/improvements", "report-card.html", "holdout.csv"))


def body_of(operation: dict[str, Any], acme_has: Everything) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    example = dict(content["application/json"]["examples"]["example"]["value"])
    return {**example, **{name: value for name, value in acme_has.body.items() if name in example}}


def asked_headers(operation: dict[str, Any]) -> dict[str, str]:
    """Of those that an endpoint must have: something that it understands."""
    return {one["name"]: "1" for one in operation["parameters"] if one["in"] == "header" and one["required"]}


@pytest.fixture
def acme_has(acme: Any, alice: Program, tmp_path: Path, moment: Any) -> Everything:
    return everything_of(acme, tmp_path, moment)


def test_acmes_own_program_finds_all_of_it(alice: Program, acme_has: Everything) -> None:
    """Else the 404s below would prove nothing."""
    seen = 0
    for address, method, operation in endpoints():
        if method == "GET" and "{" in address and operation["x-scopes"] and not needs_a_real_training(address):
            response = alice.call("GET", filled(address, acme_has))
            assert response.status_code == 200, (address, response.content)
            seen += 1
    assert seen >= 20


def test_carols_key_gets_404_for_acmes_things_and_nothing_changes(carol: Program, acme_has: Everything) -> None:
    before = all_rows()
    walked = 0
    for address, method, operation in endpoints():
        body = body_of(operation, acme_has)
        names_acmes = "{" in address or bool(set(body or {}) & set(acme_has.body))
        if not names_acmes:
            continue
        response = carol.call(
            method, filled(address, acme_has), body, **(asked_headers(operation) | {"Idempotency-Key": "k"})
        )
        # 403 where no key at all may do it: that is said before anything is looked up.
        expected = (404,) if operation["x-scopes"] else (403,)
        assert response.status_code in expected, (method, address, response.status_code, response.content)
        assert b"acme" not in response.content.lower().replace(b"acme.example", b"")
        walked += 1
    assert walked >= 40
    assert all_rows() == before


def test_carols_key_gets_404_wherever_she_names_acme(carol: Program, acme_has: Everything) -> None:
    before = all_rows()
    for address, method, operation in endpoints():
        response = carol.call(
            method, filled(address, acme_has), body_of(operation, acme_has), **{"Otai-Organisation": "acme"}
        )
        assert response.status_code == 404, (method, address, response.content)
    assert all_rows() == before


def test_carols_browser_gets_404_wherever_she_names_acme(globex: Any, acme_has: Everything, moment: Any) -> None:
    user = User.objects.create_user("carol", "carol@globex.example", "long enough for anybody")
    add_member(organisation=globex, user=user, role="owner", who="carol", now=moment)
    browser = Client()
    browser.force_login(user)
    before = all_rows()
    for address, method, operation in endpoints():
        body = body_of(operation, acme_has)
        path = f"{ROOT}{filled(address, acme_has)}?organisation=acme"
        if body is None:
            response = browser.generic(method, path)
        else:
            response = browser.generic(method, path, "{}", "application/json")
        assert response.status_code == 404, (method, address, response.content)
    assert all_rows() == before


def test_nobody_gets_anywhere(db: None) -> None:
    stranger = Client()
    for address, method, _operation in endpoints():
        path = ROOT + re.sub(
            r"{(\w+)}",
            lambda match: (
                "1" if match[1] in ("number", "attempt", "version") else "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b"
            ),
            address,
        )
        response = stranger.generic(method, path, "{}", "application/json")
        assert response.status_code == 401, (method, address, response.content)
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert answered(response)[1]["error"]["code"] == "not_signed_in"
