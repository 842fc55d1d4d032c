"""Alice clicks three times before the first answer is there: three requests at once, of one session, make one thing."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from otai.billing.models import Purchase
from otai.db import utc_now
from otai.orgs.models import ApiKey, Invitation, Organisation
from otai.orgs.permissions import Role
from otai.outbound.models import Endpoint
from tests import stories
from tests.billing.people import details
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)
CLICKS = 3


@pytest.fixture
def acme() -> Organisation:
    acme = stories.acme(utc_now())
    details(acme, now=utc_now())
    return acme


@pytest.fixture
def alice(acme: Organisation) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, utc_now()))


def at_once(alice: Client, address: str, form: dict[str, Any]) -> list[tuple[int, str]]:
    """(status, where it leads) of each click."""
    start = threading.Barrier(CLICKS)
    answers: list[tuple[int, str]] = []

    def click() -> None:
        tab = Client()
        tab.cookies = alice.cookies
        start.wait()
        try:
            answer = tab.post(address, form)
            answers.append((answer.status_code, answer.headers.get("Location", "")))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(CLICKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return answers


@pytest.mark.parametrize(
    ("page", "action", "field", "form", "rows"),
    [
        ("/acme/team/keys/", "", "once", {"name": "Helpdesk", "scopes": ["read"], "expires": "90"}, ApiKey),
        ("/acme/team/", "invite/", "once", {"email": "eve@acme.example", "role": "viewer"}, Invitation),
        ("/acme/team/webhooks/", "", "once", {"url": "https://hooks.acme.example/otai"}, Endpoint),
        ("/acme/credits/packages/50/", "", "key", {"gateway": "bank_transfer"}, Purchase),
    ],
    ids=["key", "invitation", "webhook", "package"],
)
def test_three_clicks_at_once_make_one_thing(
    alice: Client, page: str, action: str, field: str, form: dict[str, Any], rows: Any
) -> None:
    token = re.search(rf'name="{field}" value="([^"]+)"', alice.get(page).content.decode())
    assert token
    before = rows.objects.count()
    answers = at_once(alice, page + action, form | {field: token[1]})
    assert rows.objects.count() == before + 1
    assert len(answers) == CLICKS
    assert {status for status, _ in answers} == {302}, answers
    assert len({leads_to for _, leads_to in answers}) == 1, "each click leads to the same"
