"""Signing up, a passkey and an authenticator app in a real browser, with a software security key in it; and the pages'
accessibility."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.web.studio_server import Installation, chromium

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("a_browser")]

AXE = Path(__file__).parent / "assets" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PASSWORD = "correct horse battery staple 7"


def assert_accessible(page: Any) -> None:
    page.evaluate(AXE.read_text() + "; 0")
    found = page.evaluate("rules => axe.run(document, {runOnly: rules}).then(told => told.violations)", RULES)
    said = [(rule["id"], [node["html"] for node in rule["nodes"][:3]]) for rule in found]
    assert not said, f"{page.url}: {json.dumps(said, indent=1)}"


def test_alice_signs_in_by_passkey_and_the_pages_on_the_way_are_accessible(installation: Installation) -> None:
    with installation.studio() as base, chromium() as browser:
        # axe is put into the page by the test, which the pages' policy would not allow.
        context = browser.new_context(bypass_csp=True, color_scheme="dark", timezone_id="Europe/Berlin", locale="de-DE")
        page = context.new_page()
        page.set_default_timeout(20_000)
        key = context.new_cdp_session(page)
        key.send("WebAuthn.enable")
        device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        key.send(
            "WebAuthn.addVirtualAuthenticator",
            {"options": device | {"isUserVerified": True, "automaticPresenceSimulation": True}},
        )

        page.goto(f"{base}/account/login/")
        assert_accessible(page)
        page.goto(f"{base}/account/signup/")
        assert_accessible(page)
        for name, text in {"organisation": "Acme Ltd", "name": "Alice", "email": "alice@acme.example"}.items():
            page.fill(f"[name={name}]", text)
        page.fill("[name=password1]", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url(f"{base}/acme-ltd/")

        page.goto(f"{base}/acme-ltd/team/organisation/")
        assert page.input_value("[name=time_zone]") == "Europe/Berlin", "the browser said where it is"
        page.goto(f"{base}/acme-ltd/team/")
        page.fill("[name=email]", "bob@acme.example")
        page.click("#invite button")
        page.wait_for_selector("#invitation-link")
        assert_accessible(page)
        page.goto(f"{base}/acme-ltd/team/keys/")
        page.fill("[name=name]", "Helpdesk")
        page.check("[value=predict]")
        page.click("#new button")
        page.wait_for_selector("#new-key")
        assert_accessible(page)

        page.goto(f"{base}/account/second-factor/webauthn/add/")
        page.wait_for_selector("#mfa_webauthn_add")
        assert_accessible(page)
        page.click("#mfa_webauthn_add")
        page.wait_for_selector("#recovery_codes")
        assert_accessible(page)
        page.goto(f"{base}/account/second-factor/totp/activate/")
        assert_accessible(page)

        page.goto(f"{base}/account/logout/")
        page.click("main button.primary")
        page.wait_for_url(f"{base}/account/login/")
        page.click("#passkey_login")
        page.wait_for_url(f"{base}/acme-ltd/")

        page.goto(f"{base}/account/logout/")
        page.click("main button.primary")
        page.wait_for_url(f"{base}/account/login/")
        page.fill("[name=login]", "alice@acme.example")
        page.fill("[name=password]", PASSWORD)
        page.click("main form.form button.primary")
        page.wait_for_url(f"{base}/account/second-factor/authenticate/")
        assert_accessible(page)
        page.click("#mfa_webauthn_authenticate")
        page.wait_for_url(f"{base}/acme-ltd/")
