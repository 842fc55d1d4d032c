"""Every address of pages and API, from outside, through TLS: as another organisation, as each lower role with a right
token, as each scope singly, with a key that was revoked, as a member who was removed, as nobody.

The tables of URLs are walked: what is new tomorrow is attacked tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from otai.orgs.permissions import Role, Scope, allowed
from tests.api.everything import Everything
from tests.api.test_another_organisation import body_of, endpoints, filled
from tests.attack.conftest import UNBOUNDED
from tests.attack.scene import Scene, told
from tests.doors.conftest import Opens
from tests.web.test_every_post import path_of, routes
from tests.web.test_sign_in_attacks import UUIDS, addresses

pytestmark = [pytest.mark.postgres, pytest.mark.torture, pytest.mark.timeout(500)]
API = "/api/v1"


@pytest.fixture
def scene(open_studio: Opens) -> Iterator[Scene]:
    with open_studio(settings={**UNBOUNDED, "OTAI_DESK_SECOND_FACTOR": "1"}) as studio:
        yield Scene.made(studio)


def _calls(client: httpx.Client, scene: Scene, **headers: str) -> Iterator[tuple[httpx.Response, list[str]]]:
    """Every endpoint with acme's ids; the answer, and the scopes that open it."""
    has = Everything(path=dict(scene.path), body=dict(scene.body))
    for address, method, operation in endpoints():
        body = body_of(operation, has)
        path = f"{API}{filled(address, has)}"
        yield client.request(method, path, json=body, headers=headers), list(operation["x-scopes"])


def _pages(scene: Scene, *, of: str = "acme") -> Iterator[tuple[str, str]]:
    """Every address of an organisation's pages, by its name, with acme's ids."""
    values = {
        **scene.path,
        **scene.pages,
        "slug": of,
        "number": scene.path["/runs/number"],
        "upload_id": scene.path["upload"],
    }
    for name, pattern in routes():
        if "<slug:slug>/" in pattern:
            unknown = {found: UUIDS for found in re.findall(r"<uuid:(\w+)>", pattern) if found not in values}
            yield name, path_of(pattern, {**values, **unknown})


def test_nobody_gets_in_by_any_route_that_is_not_theirs(scene: Scene) -> None:
    before = scene.rows()
    _as_another_organisation(scene)
    _as_a_member_who_was_removed(scene)
    _as_each_lower_role(scene)
    _with_each_scope_alone(scene)
    _as_nobody_and_with_a_revoked_key(scene)
    after = scene.rows()
    assert {name for name in after if after[name] != before.get(name)} == set(), "nothing of anybody's was changed"


def _as_nobody_and_with_a_revoked_key(scene: Scene) -> None:
    for whose in ("", "revoked"):
        with scene.program(whose) as program:
            for answer, _ in _calls(program, scene):
                # Whoever tries many wrong keys is told to wait, before any is looked up.
                assert answer.status_code in (401, 429), told(answer)


def _as_another_organisation(scene: Scene) -> None:
    with scene.program("carol") as program:
        for answer, _ in _calls(program, scene, **{"Otai-Organisation": "acme"}):
            assert answer.status_code == 404, told(answer)
    with scene.browser("carol") as carol:
        for name, path in _pages(scene):
            assert carol.get(path).status_code in (404, 405), name
            assert carol.post(path).status_code in (404, 405), name
        for name, path in _pages(scene, of="globex"):
            if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", path):
                answer = carol.get(path)
                # Carol's own pages, with ids of acme's in their addresses.
                assert answer.status_code in (404, 405), (name, told(answer))


def _as_a_member_who_was_removed(scene: Scene) -> None:
    with scene.browser("removed") as mallory:
        for name, path in _pages(scene):
            assert mallory.get(path).status_code in (404, 405), name
            assert mallory.post(path).status_code in (404, 405), name


def _as_each_lower_role(scene: Scene) -> None:
    actions = {address.name: address.action for address in addresses() if address.has_slug}
    for role in (Role.VIEWER, Role.BILLING, Role.TRAINER):
        refused = 0
        with scene.browser(str(role)) as browser:
            assert browser.post("/studio/theme", {"theme": "dark"}).status_code < 400, "the token is right"
            for name, path in _pages(scene):
                action = actions.get(name.rpartition(":")[2])
                if action is None or allowed(role, action):
                    continue
                answers = (browser.get(path), browser.post(path))
                assert {answer.status_code for answer in answers} <= {403, 405}, (role, name, *map(told, answers))
                assert 403 in {answer.status_code for answer in answers}, (role, name)
                refused += 1
        assert refused >= 7


def _with_each_scope_alone(scene: Scene) -> None:
    for scope in Scope:
        opened = 0
        with scene.program(str(scope)) as program:
            for answer, scopes in _calls_that(program, scene, scope):
                assert answer.status_code == 403, (scope, scopes, told(answer))
                opened += 1
        assert opened > 40


def _calls_that(client: httpx.Client, scene: Scene, scope: Scope) -> Iterator[tuple[httpx.Response, list[str]]]:
    """Those that this scope does not open: the others would be done."""
    has = Everything(path=dict(scene.path), body=dict(scene.body))
    for address, method, operation in endpoints():
        # Whoever may act on a job is asked by the job's kind.
        if scope in operation["x-scopes"] or address == "/jobs/{job}/cancel":
            continue
        path = f"{API}{filled(address, has)}"
        yield client.request(method, path, json=body_of(operation, has)), list(operation["x-scopes"])
