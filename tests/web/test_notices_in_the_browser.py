"""Alice allows notices in her browser: while a page of the Studio is open she sees what she is told, once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.waiting import until
from tests.web.studio_server import Installation, chromium
from tests.web.test_passkey_in_the_browser import PASSWORD, assert_accessible

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("a_browser")]

SYSTEM = """
window.shown = [];
window.Notification = class extends EventTarget {
  static permission = localStorage.getItem("allowed") || "default";
  static async requestPermission() { localStorage.setItem("allowed", "granted"); return this.permission = "granted"; }
  constructor(title, options) { super(); shown.push([title, options.tag]); }
};
"""
"""The system's notices, which a browser without a desktop has none of."""

TELLS = """
import django; django.setup()
from otai.db import utc_now
from otai.orgs.models import Member
from otai.outbound.models import Message, Notification
member, now = Member.objects.get(), utc_now()
data = {"organisation": "acme-ltd", "model": "support", "run": 3}
message = Message.objects.create(
    organisation=member.organisation, key=str(now), event="run.completed", payload={"data": data},
    happened_at=now, made_at=now)
Notification.objects.create(message=message, member=member, kind="training_ready", in_browser=True, made_at=now)
print("{}")
"""


def test_alice_allows_notices_and_is_shown_each_once(installation: Installation) -> None:
    with installation.studio() as base, chromium() as browser:
        context = browser.new_context(bypass_csp=True, timezone_id="Europe/Berlin")
        context.add_init_script(SYSTEM)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{base}/account/signup/")
        for name, text in {"organisation": "Acme Ltd", "name": "Alice", "email": "alice@acme.example"}.items():
            page.fill(f"[name={name}]", text)
        page.fill("[name=password1]", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url(f"{base}/acme-ltd/")
        installation.python(TELLS)
        page.goto(f"{base}/acme-ltd/notifications/")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert_accessible(page)
        assert shown(page) == [], "nobody allowed it"
        with page.expect_response("**/notifications/fresh"):
            page.click("[data-notices=on]")
        page.wait_for_selector("[data-notices=off]")
        installation.python(TELLS)
        page.goto(f"{base}/acme-ltd/")
        until(lambda: shown(page))
        assert shown(page) == ["Your training is ready: support, training 3"], "and not what came before"
        with page.expect_response("**/notifications/fresh?after=*"):
            page.reload()
        page.goto(f"{base}/acme-ltd/notifications/")
        assert shown(page) == []
        page.click("[data-notices=off]")
        page.wait_for_selector("[data-notices=on]")


def shown(page: Any) -> list[str]:
    return [title for title, _tag in page.evaluate("shown")]
