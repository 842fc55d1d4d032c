"""Browsers of the stories, and the way through the front door."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from otai.orgs.models import Member, Organisation
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD, joins, person


def browser(**more: Any) -> Client:
    # Passkeys belong to a host; localhost is the one that needs no TLS.
    return Client(headers={"host": "localhost"}, **more)


def of(member: Member) -> Client:
    """A browser where this person is signed in."""
    client = browser()
    client.force_login(member.user)
    return client


def member_of(organisation: Organisation, name: str, role: Role, now: datetime) -> Member:
    return joins(organisation, person(name, at=f"{organisation.slug}.example"), role, now)


def signs_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/account/login/", {"login": email, "password": password, **more})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def link_in_the_last_mail() -> str:
    """The path of the first link."""
    found = re.search(r"https?://[^/\s]+(/\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found.group(1)


def columns_shown(browser: Client, columns: str) -> dict[str, str]:
    """What the page of an upload's columns has chosen in each field, as a browser would send it."""
    page = browser.get(columns).content.decode()
    fields = re.findall(r'<select [^>]*name="((?:role|separator)-\d+)"(.*?)</select>', page, flags=re.DOTALL)
    assert fields
    return {name: re.findall(r'<option value="(\w*)" selected>', options)[0] for name, options in fields}


def upload(browser: Client, content: str | bytes, name: str = "support.csv") -> str:
    """Uploads a file; the address where its columns are settled."""
    data = content.encode() if isinstance(content, str) else content
    answer = browser.post("/acme/tickets/upload", {"file": SimpleUploadedFile(name, data)})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])
