"""The first look at a request, and settings that mean nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_settings

from tests.orgs.people import person
from tests.web.visitors import browser, signs_in


@pytest.mark.django_db
def test_behind_a_proxy_attempts_are_counted_for_the_visitor_and_not_for_what_he_claims() -> None:
    alice = person("alice")
    with override_settings(OTAI_TRUSTED_PROXIES=1):
        for guess in range(31):
            # The proxy adds whom it saw; everything before is the visitor's.
            claimed: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": f"10.0.0.{guess}, 203.0.113.7"}
            browser().post("/account/login/", {"login": f"x{guess}@acme.example", "password": "y"}, **claimed)
        his: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}
        hers: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "203.0.113.8"}
        fields = {"login": alice.email, "password": "wrong"}
        assert "Too many attempts" in browser().post("/account/login/", fields, **his).content.decode()
        assert "Too many attempts" not in browser().post("/account/login/", fields, **hers).content.decode()
    assert "Too many attempts" not in signs_in(browser(), alice.email).content.decode()


@pytest.mark.django_db
def test_health_is_answered_on_any_host() -> None:
    assert Client(headers={"host": "10.0.0.7:8000"}).get("/health/live").status_code == 200
    assert Client(headers={"host": "10.0.0.7:8000"}).get("/account/login/").status_code == 400


@pytest.mark.pure
def test_a_setting_that_means_nothing_is_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"OTAI_HOME": str(tmp_path), "OTAI_BASE_URL": "studio.example"}
    command = [sys.executable, "-m", "otai.cli.main", "org", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 4
    assert done.stderr.startswith("otai: invalid_setting: OTAI_BASE_URL is “studio.example”")
    assert len(done.stderr.splitlines()) == 1
