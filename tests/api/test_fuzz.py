"""Schemathesis asks each endpoint whatever its description allows, and things it does not allow: no answer may be a
mistake of ours, and each must be one that the description names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.api.callers import Program
from tests.api.everything import everything_of


@pytest.fixture
def connected() -> Iterator[None]:
    """Django would close the test's own connection after each request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "examples", [2, pytest.param(int(os.environ.get("OTAI_FUZZ_EXAMPLES", "60")), marks=pytest.mark.torture)]
)
def test_nothing_that_anybody_sends_is_answered_with_a_500(
    examples: int,
    acme: Any,
    alice: Program,
    tmp_path: Path,
    moment: Any,
    bundle: Path,
    connected: None,
    settings_: Any,
) -> None:
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    from otai.api.application import openapi
    from otai.config.wsgi import application

    settings_.OTAI_API_REQUESTS_PER_MINUTE = 1_000_000
    acme_has = everything_of(acme, tmp_path, moment, bundle)
    browser = browser_of_an_owner(acme, moment)
    schema = schemathesis.openapi.from_dict(openapi())
    schema.app = application
    # Parts of an upload are bytes as any others (tus 1.0).
    schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    asked = {GenerationMode.POSITIVE: 0, GenerationMode.NEGATIVE: 0}

    failures: list[str] = []

    def ask_all(operation: Any, mode: GenerationMode) -> None:
        noun = operation.path.split("/")[3]
        by_key = bool(operation.definition.raw["x-scopes"])
        who = {"Authorization": f"Bearer {alice.secret}"} if by_key else browser

        # Each database is sent others.
        @seed(20261122 if connection.vendor == "sqlite" else 20261123)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            asked[mode] += 1
            if mode is GenerationMode.POSITIVE and asked[mode] % 3:
                # Most of them go to things that are there.
                for name in list(case.path_parameters or {}):
                    case.path_parameters[name] = acme_has.path.get(f"/{noun}/{name}") or acme_has.path[name]
                if isinstance(case.body, dict):
                    case.body |= {name: value for name, value in acme_has.body.items() if name in case.body}
            response = case.call(headers={**(case.headers or {}), **who, "Accept-Encoding": "identity"})
            # What is wrong in a way that HTTP itself refuses needs no description.
            case.validate_response(response, checks=checks if mode is GenerationMode.POSITIVE else checks[:1])

        try:
            ask()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  all of them are listed at the end
            each = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
            failures.append(f"{operation.method.upper()} {operation.path} ({mode.name}): {[str(e) for e in each]}")

    # What the description refuses reaches no database.
    refused_too = connection.vendor == "sqlite" or examples > 2
    for found in schema.get_all_operations():
        operation = found.ok()
        ask_all(operation, GenerationMode.POSITIVE)
        if refused_too and (operation.path_parameters or operation.query or operation.body):
            ask_all(operation, GenerationMode.NEGATIVE)
    assert not failures, "\n\n".join(failures)
    assert asked[GenerationMode.POSITIVE] > 100 and asked[GenerationMode.NEGATIVE] > 100 * refused_too - 1


@pytest.fixture
def settings_(settings: Any) -> Any:
    """pytest-django's settings; their name is Hypothesis' here."""
    return settings


def browser_of_an_owner(organisation: Any, now: Any) -> dict[str, str]:
    """What no key may do is asked by a signed-in person."""
    from django.conf import settings as ours
    from django.middleware.csrf import _get_new_csrf_string
    from django.test import Client

    from otai.orgs.models import User
    from otai.orgs.operations import add_member

    user = User.objects.create_user("alice", "alice@acme.example", "long enough for anybody")
    add_member(organisation=organisation, user=user, role="owner", who="alice", now=now)
    client, token = Client(), _get_new_csrf_string()
    client.force_login(user)
    session = client.cookies[ours.SESSION_COOKIE_NAME].value
    cookies = f"{ours.SESSION_COOKIE_NAME}={session}; {ours.CSRF_COOKIE_NAME}={token}"
    return {"Cookie": cookies, "X-CSRFToken": token}
