"""The list is said in three places: `otai check`, the start of `otai studio`, and the operator's desk."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from otai.cli.check import before_strangers
from otai.deployment import failing, situation
from otai.orgs.models import User
from tests.web.studio_server import Installation


@pytest.mark.pure
def test_otai_check_says_what_is_missing_and_exits_with_it(installation: Installation) -> None:

    # On this machine alone nothing is missing.
    told = installation.json("check")
    assert told["ready"] and not told["is_open"]

    # For strangers nearly everything is.
    installation.settings |= {"OTAI_BASE_URL": "https://studio.example", "OTAI_DESK_SECOND_FACTOR": "0"}
    told = json.loads(installation.otai("check", "--json", fails=True))
    missing = {result["code"] for result in told["checks"] if not result["is_met"]}
    needed = {"trusted_proxies", "mail_server", "mail_verification", "desk_second_factor"}
    assert (
        not told["ready"]
        and needed
        | {"database", "metrics_token", "mail_sender", "seller", "files_encrypted", "modes_installed", "legal_pages"}
        == missing
    )
    said = installation.otai("check", fails=True)
    assert "needed  mail_verification: Anybody can sign up" in said
    assert "4 needed, 7 advised" in said

    # And nothing once it is there.
    installation.settings |= {
        "OTAI_TRUSTED_PROXIES": "1",
        "OTAI_EMAIL_HOST": "mail.example",
        "OTAI_VERIFY_MAIL": "1",
    }
    # Asked for by itself wherever strangers come.
    del installation.settings["OTAI_DESK_SECOND_FACTOR"]
    assert "Ready for strangers at https://studio.example" in installation.otai("check")

    # A key that others can read is found wherever it is.
    (installation.home / "secret-key").chmod(0o644)
    assert "secret_key_readable" in installation.otai("check", fails=True)
    (installation.home / "secret-key").chmod(0o600)
    # So is one that was changed: it goes on opening what hangs on it.
    former = installation.home / "former-secret-keys"
    former.write_text("former " * 9)
    former.chmod(0o640)
    assert "secret_key_readable" in installation.otai("check", fails=True)


@pytest.mark.django_db
def test_otai_studio_says_at_its_start_what_is_needed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTAI_SECRET_KEY", "only-for-this-test-" * 3)
    assert before_strangers(processes=1, listens_on="127.0.0.1") == []
    settings.OTAI_BASE_URL, settings.OTAI_IS_OPEN, settings.OTAI_TRUSTED_PROXIES = "https://studio.example", True, 1
    said = "\n".join(before_strangers(processes=4, listens_on="0.0.0.0"))
    assert said.startswith("Before strangers reach it,")
    assert "port_open_beside_the_proxy: The server listens on 0.0.0.0" in said
    assert "mail_verification" in said and "trusted_proxies" not in said
    assert ("4 server processes write to one SQLite file" in said) == (
        "sqlite" in django_settings.DATABASES["default"]["ENGINE"]
    )
    assert "docs/before-strangers-reach-it.md" in said


@pytest.mark.django_db
def test_a_long_key_that_is_no_secret_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(key: str) -> set[str]:
        monkeypatch.setenv("OTAI_SECRET_KEY", key)
        return {one.code for one in failing(situation()) if one.code.startswith("secret_key_g")}

    assert said("a" * 40) == said("abcabcab" * 8) == {"secret_key_guessable"}
    assert said("9f86d081884c7d659a2feaa0c55ad015") == set(), "32 hexadecimal digits by chance"


@pytest.mark.django_db
def test_the_desk_shows_the_same_list_to_operators_alone(settings: Settings) -> None:
    settings.OTAI_BASE_URL, settings.OTAI_IS_OPEN = "https://studio.example", True
    olga = User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase")
    desk, visitor = Client(), Client()
    desk.force_login(olga)
    assert visitor.get("/desk/before-strangers/").status_code == 302
    assert "/desk/before-strangers/" in desk.get("/desk/").content.decode()
    page = desk.get("/desk/before-strangers/").content.decode()
    assert "mail_verification" in page and "Set OTAI_VERIFY_MAIL=1" in page
    assert "Without a second factor: olga." in page

    TOTP.activate(olga, generate_totp_secret())
    assert situation().operators_without_second_factor == ()
    assert "Without a second factor" not in desk.get("/desk/before-strangers/").content.decode()
