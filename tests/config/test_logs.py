"""What strangers can make the log say."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.pure]


def test_a_host_that_is_not_ours_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get("/", headers={"host": "elsewhere.example"}).status_code == 400
    [told] = [one for one in caplog.records if one.name == "django.security.DisallowedHost"]
    assert "elsewhere.example" in told.getMessage() and told.exc_info is None
