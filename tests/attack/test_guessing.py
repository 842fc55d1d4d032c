"""Sixty wrong passwords at once, over two server processes behind TLS: hardly any is looked at, and then the right one
waits as well."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.doors.conftest import Opens
from tests.doors.production import Production
from tests.orgs.people import PASSWORD

pytestmark = [pytest.mark.postgres, pytest.mark.torture]

ALICE = "alice@acme.example"
AT_ONCE = 60
MOST_LOOKED_AT = 10
"""Five are told in five minutes; a few more may be on their way when the fifth is counted."""


def _signs_in(studio: Production, password: str) -> str:
    with studio.http() as client:
        page = client.get("/account/login/").text
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found
        form = {"login": ALICE, "password": password, "csrfmiddlewaretoken": found.group(1)}
        answer = client.post("/account/login/", data=form, headers={"Referer": f"{studio.url}/account/login/"})
        return f"{answer.status_code} {answer.text}"


def test_sixty_wrong_passwords_at_once_are_not_sixty_guesses(open_studio: Opens) -> None:
    with open_studio() as studio:
        studio.customer("acme")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            said = list(pool.map(lambda number: _signs_in(studio, f"guess {number}"), range(AT_ONCE)))
        looked_at = sum("is not right" in answer for answer in said)
        assert all(answer.startswith(("200", "429", "503")) for answer in said)
        assert 1 <= looked_at <= MOST_LOOKED_AT, looked_at
        assert "Too many attempts" in _signs_in(studio, PASSWORD)
