from __future__ import annotations

import re
from datetime import datetime

import pytest

from otai.orgs.permissions import Role
from tests.stories import acme
from tests.web.visitors import browser, member_of, of, signs_in


@pytest.mark.django_db
def test_the_pages_speak_german_and_formally(now: datetime) -> None:
    organisation = acme(now)
    alice = of(member_of(organisation, "alice", Role.OWNER, now))
    anyone = browser()
    for client in (alice, anyone):
        client.cookies["otai_language"] = "de"
    assert "E-Mail-Adresse oder Passwort stimmt nicht." in signs_in(anyone, "x@y.example").content.decode()
    pages = [anyone.get(f"/account/{path}/") for path in ("login", "signup", "password/reset")]
    pages += [alice.get(f"/acme/{path}/") for path in ("team", "team/keys", "team/organisation", "account")]
    pages += [
        alice.get(f"/account/{path}/") for path in ("second-factor", "password/change", "email", "reauthenticate")
    ]
    for page in pages:
        main = page.content.decode().partition("<main")[2].partition("</main>")[0]
        text = re.sub(r"<[^>]+>", " ", main)
        assert page.headers["Content-Language"] == "de"
        assert not re.search(r"\b(?:Du|du|dein\w*|Dein\w*|Bitte gib)\b", text), text
        assert not re.search(r"\b(?:Your|your|Sign in|Password\b|the )\b", text), re.findall(
            r".*\b(?:Your|the )\b.*", text
        )
