"""Whatever a browser is made to send, in addresses, questions and forms: no page answers with a mistake of ours."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

import otai
from otai.db import utc_now
from otai.orgs.models import Organisation, User
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.serving.models import TrainedModel
from otai.web.views import tickets
from tests import stories
from tests.api.callers import Program
from tests.api.everything import everything_of
from tests.web.test_every_post import LAST, path_of, routes
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db

NASTY = ["a\0b", "9" * 40, "-1", "\u0661\u0662", "'\"><b>" + "x" * 5_000]
ASKED = re.compile(r"""(?:GET|POST|data|said)(?:\.get|\.getlist)?[\(\[]\s*["']([a-z_-]+)["']""")
"""What views read of a request."""


@pytest.fixture
def now() -> datetime:
    return utc_now()


def test_no_value_is_answered_with_a_500(now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The page makes the tickets up, whatever it is sent: a few are enough.
    monkeypatch.setattr(tickets, "sample_tickets", 60)
    acme: Organisation = stories.acme(now, tier=Tier.PRO)
    Program(acme)
    everything = everything_of(acme, tmp_path, now)
    member = member_of(acme, "alice", Role.OWNER, now)
    User.objects.filter(pk=member.user_id).update(is_staff=True, is_superuser=True)
    alice: Client = of(member)
    alice.raise_request_exception = False
    sources = list((Path(otai.__file__).parent / "web").rglob("*.py"))
    fields = sorted(
        {name for path in sources for name in ASKED.findall(path.read_text())}
        | {"p", "q", "o", "name", "email", "role", "slug"}
    )
    assert len(fields) > 15
    model = TrainedModel.objects.get()
    values = {
        **everything.path,
        "slug": "acme",
        "model": str(model.id),
        "number": "1",
        "position": "0",
        "object_id": "1",
        "code": "10",
    }
    broke: dict[str, int] = {}
    # Last what would end the story for others.
    for name, pattern in sorted(routes(), key=lambda one: (any(word in one[0] for word in LAST), one[0])):
        without = ("account_logout", "web:leave", "web:run_events", "web:job_events")
        if name in without or not name.startswith(("web:", "account_")):
            continue
        for value in NASTY:
            sent = dict.fromkeys(fields, value)
            for method in (alice.get, alice.post):
                path = path_of(pattern, values)
                answer = method(path, sent)
                if answer.status_code >= 500 and answer.status_code != 503:
                    broke[f"{method.__name__} {name} {value[:12]!r}"] = answer.status_code
                # Of a zero byte every question is refused alike; the form is still to be asked.
                if answer.status_code == 404 and "\0" not in value:
                    break
        # In the address itself as well, where it has a place for one.
        for value in ("9" * 40, "-1", "%00", "\u0661") if {"<", "("} & set(pattern.replace("<slug:slug>", "")) else ():
            path = path_of(pattern, dict.fromkeys(values, value) | {"slug": "acme"})
            answer = alice.get(path)
            if answer.status_code >= 500 and answer.status_code != 503:
                broke[f"address {name} {value[:12]!r}"] = answer.status_code
    assert not broke


def test_nothing_of_a_member_is_kept_on_the_way_refusals_neither(now: datetime) -> None:
    acme: Organisation = stories.acme(now, tier=Tier.PRO)
    bob: Client = of(member_of(acme, "bob", Role.VIEWER, now))
    asked = {"/acme/": 200, "/acme/runs/7/": 404, "/acme/team/keys/": 403, "/acme/runs/7/cancel": 405, "/globex/": 404}
    for path, status in asked.items():
        answer = bob.get(path)
        assert answer.status_code == status, path
        assert "no-store" in answer.headers.get("Cache-Control", ""), path
