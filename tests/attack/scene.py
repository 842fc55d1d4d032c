"""A scene for attackers, made inside a Studio that serves already: acme with one of everything, people of each role,
keys of each scope, a key that was revoked, a member who was removed; and Carol of globex, who may see nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.doors.production import NAME, Production

MAKE = """
import json, os, tempfile
from datetime import UTC, datetime
from pathlib import Path

import django

django.setup()
from django.test import Client
from otai.orgs.operations import create_api_key, remove_member, revoke_api_key
from otai.orgs.permissions import Role, Scope
from otai.pricing.price_book import Tier
from tests import stories
from tests.api.everything import everything_of
from tests.orgs.people import joins, person

now = datetime.now(tz=UTC)
acme, globex = stories.acme(now, tier=Tier.ENTERPRISE), stories.globex(now)


def session(member):
    browser = Client(headers={"host": HOST})
    browser.force_login(member.user)
    return next(iter(browser.cookies.values())).value


def key(organisation, scopes, name):
    return create_api_key(organisation=organisation, name=name, scopes=scopes, who="alice", now=now)


alice = joins(acme, person("alice"), Role.OWNER, now)
keys = {str(scope): key(acme, [scope], str(scope)).secret for scope in Scope}
keys["everything"] = key(acme, list(Scope), "everything").secret
keys["carol"] = key(globex, list(Scope), "carol").secret
revoked = key(acme, list(Scope), "revoked")
revoke_api_key(organisation=acme, key=revoked.key.id, who="alice", now=now)
keys["revoked"] = revoked.secret
sessions = {"owner": session(alice)}
for role in (Role.BILLING, Role.TRAINER, Role.VIEWER):
    sessions[str(role)] = session(joins(acme, person(str(role)), role, now))
sessions["carol"] = session(joins(globex, person("carol", at="globex.example"), Role.OWNER, now))
olga = person("olga", at="vendor.example")
olga.is_staff = olga.is_superuser = True
olga.save()
sessions["olga"] = session(joins(acme, olga, Role.OWNER, now))
removed = joins(acme, person("mallory"), Role.OWNER, now)
sessions["removed"] = session(removed)
remove_member(organisation=acme, member=removed.id, who="alice", now=now)
found = everything_of(acme, Path(tempfile.mkdtemp(dir=os.environ["OTAI_HOME"])), now)
from otai.serving.models import TrainedModel

pages = {"model": str(TrainedModel.objects.get(organisation=acme).id)}
made = {"keys": keys, "sessions": sessions, "path": found.path, "body": found.body, "pages": pages}
print(json.dumps(made))
""".replace("HOST", repr(NAME))

ROWS = """
import json

import django

django.setup()
from tests.api.everything import all_rows

left_out = ("orgs.PlaceKeeper", "orgs.TakenPlace")
print(json.dumps({name: rows for name, rows in all_rows().items() if name not in left_out}))
"""


@dataclass(frozen=True)
class Scene:
    """Secrets of keys and sessions, by whose they are; ids of acme's things, as tests/api/everything.py names them."""

    studio: Production
    keys: Mapping[str, str]
    sessions: Mapping[str, str]
    path: Mapping[str, str]
    body: Mapping[str, str]
    pages: Mapping[str, str]
    """Where pages have another id than the API."""

    @classmethod
    def made(cls, studio: Production) -> Scene:
        return cls(studio, **studio.installation.python(MAKE))

    def rows(self) -> dict[str, str]:
        """A hash of every table."""
        found: dict[str, str] = self.studio.installation.python(ROWS)
        return found

    @contextmanager
    def program(self, whose: str) -> Iterator[httpx.Client]:
        """A program with this key; without one where it is empty."""
        headers = {"Authorization": f"Bearer {self.keys[whose]}"} if whose else {}
        with self.studio.http(headers=headers) as client:
            yield client

    @contextmanager
    def browser(self, whose: str) -> Iterator[Browser]:
        with self.studio.http(cookies={"__Host-sessionid": self.sessions[whose]}) as client:
            yield Browser(client, self.studio.url)


@dataclass
class Browser:
    """Of somebody who is signed in and sends forms as pages do: with the right token, and from the right site."""

    client: httpx.Client
    url: str
    token: str = ""

    def get(self, path: str, asked: Mapping[str, Any] | None = None) -> httpx.Response:
        return self.client.get(path, params=asked)

    def post(
        self, path: str, form: Mapping[str, Any] | None = None, files: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        if not self.token:
            page = self.client.get("/account/organisations/").text
            found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page) or re.search(
                r"X-CSRFToken[^\w]+(\w{32,})", page
            )
            assert found, "the page has a form"
            self.token = found.group(1)
        data = {**(form or {}), "csrfmiddlewaretoken": self.token}
        headers = {"Referer": self.url + "/", "Origin": self.url}
        return self.client.post(path, data=data, files=files, headers=headers)


def told(answer: httpx.Response) -> str:
    """For a failed assertion."""
    return json.dumps([answer.request.method, answer.request.url.path, answer.status_code, answer.text[:300]])
