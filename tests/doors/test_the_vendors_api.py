"""The vendor's own systems over TLS: what a shop asks twice or at once happens once, and two of them share nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.doors.production import Production

IN_PROGRESS = (409, "request_in_progress")


TWO_KEYS = """
import json
import django
django.setup()
from otai.billing.operations.vendor_keys import create_vendor_key
from otai.billing.vendor_scopes import VendorScope
from otai.db import utc_now
made = [create_vendor_key(name=name, scopes=list(VendorScope), who="olga", why="it sells it", now=utc_now())
        for name in ("shop", "crm")]
print(json.dumps([one.secret for one in made]))
"""


class System:
    """One of the vendor's systems, with a key of its own."""

    def __init__(self, studio: Production, key: str) -> None:
        self.studio, self.headers = studio, {"Authorization": f"Bearer {key}"}

    def post(self, path: str, body: dict[str, Any], key: str) -> tuple[int, Any]:
        """Its status, and the code of what was refused or the answer."""
        with self.studio.http(headers=self.headers | {"Idempotency-Key": key}) as client:
            answer = client.post(f"/api/vendor/v1{path}", json=body)
        said = answer.json()
        return answer.status_code, said if answer.status_code < 400 else said["code"]


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(lambda call: call(), calls))


@pytest.mark.postgres
def test_what_two_systems_ask_at_once_and_again_happens_once_for_each(studio: Production) -> None:
    both = [System(studio, key) for key in studio.installation.python(TWO_KEYS)]
    vandelay = {"name": "Vandelay", "organisation": "vandelay", "tier": "pro", "owner_email": "dora@vandelay.example"}
    at_once([partial(one.post, "/organisations", vandelay, "new") for one in both * 3])
    answers = [one.post("/organisations", vandelay, "new") for one in both]
    [made] = [said for status, said in answers if status == 201]
    assert made["link"] is None and (409, "organisation_exists") in answers, "one made it, and its key says so again"

    gift = {"credits": 5, "why": "a bad week"}
    answers = at_once([partial(one.post, "/organisations/vandelay/grants", gift, "g1") for one in both * 3])
    assert Counter(said["available"] for status, said in answers if status == 201).keys() <= {105, 110}
    assert {status for status, said in answers if (status, said) != IN_PROGRESS} == {201}
    given = [one.post("/organisations/vandelay/grants", gift, "g1")[1]["available"] for one in both]
    assert sorted(given) == [105, 110], "once for each of them, under one key"
    again = {**gift, "credits": 6}
    assert both[0].post("/organisations/vandelay/grants", again, "g1") == (409, "duplicate_request")

    why = {"why": "an unpaid invoice"}
    stops = at_once([partial(one.post, "/organisations/vandelay/suspend", why, "s") for one in both * 2])
    assert len({said["suspension"]["since"] for status, said in stops if status == 200}) == 1
    assert both[1].post("/organisations/vandelay/resume", why, "r")[1]["suspension"] is None
