"""Where somebody is signed in, and an operator who looks: two browsers, behind TLS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.doors.production import Production

PASSWORD = "correct horse battery staple 7"

pytestmark = pytest.mark.door


def signs_in(studio: Production, browser: Any, email: str, *, password: str = PASSWORD) -> Any:
    page = browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{studio.url}/account/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", password)
    page.click("main form.form button.primary")
    page.wait_for_url(lambda url: "/account/login/" not in url)
    return page


def with_passkey(studio: Production, page: Any) -> None:
    key = page.context.new_cdp_session(page)
    key.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    automatic = {"isUserVerified": True, "automaticPresenceSimulation": True}
    key.send("WebAuthn.addVirtualAuthenticator", {"options": device | automatic})
    page.goto(f"{studio.url}/account/second-factor/webauthn/add/")
    page.click("#mfa_webauthn_add")
    page.wait_for_selector("#recovery_codes")


def shown(page: Any, name: str) -> None:
    """Keeps a picture, light and dark, where OTAI_PICTURES names a folder."""
    if folder := os.environ.get("OTAI_PICTURES"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=str(Path(folder) / f"{name}-{scheme}.png"))


SIGNED_IN_LONG_AGO = """
import django; django.setup()
from django.contrib.sessions.models import Session
from otai.orgs.models import User
theirs = {str(one.pk) for one in User.objects.filter(email__in=["alice@looked.example", "olga@vendor.example"])}
for kept in Session.objects.all():
    session = kept.get_decoded()
    if session.get("_auth_user_id") in theirs:
        session["signed_in_at"] -= 601 * 60
        for record in session.get("account_authentication_methods", []):
            record["at"] -= 601 * 60
        kept.session_data = Session.objects.encode(session)
        kept.save()
print(len(theirs))
"""


def says_who_it_is(page: Any, password: str, picture: str) -> None:
    page.wait_for_url("**/account/reauthenticate/**")
    assert "Is it you?" in page.inner_text("main")
    shown(page, picture)
    page.fill("[name=password]", password)
    page.click("main form.form button.primary")
    page.wait_for_url(lambda url: "/account/reauthenticate/" not in url)


@pytest.mark.postgres
@pytest.mark.usefixtures("a_browser")
def test_alice_signs_out_elsewhere_and_an_operators_look_is_told_to_her(studio: Production) -> None:
    studio.installation.settings["OTAI_OPERATOR_PASSWORD"] = "plums eat bobsleighs"
    studio.installation.otai("operator", "olga", "--email", "olga@vendor.example")
    with studio.browser() as browser:
        page = browser.new_context(locale="en-GB").new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{studio.url}/account/signup/")
        for name, text in {"organisation": "Looked At", "name": "Alice", "email": "alice@looked.example"}.items():
            page.fill(f"[name={name}]", text)
        page.fill("[name=password1]", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url(f"{studio.url}/looked-at/")

        elsewhere = signs_in(studio, browser, "alice@looked.example")
        page.goto(f"{studio.url}/account/sessions/")
        assert page.locator("tbody tr").count() == 2 and "Chrome" in page.inner_text("tbody")
        shown(page, "sessions")
        page.click("text=Sign out everywhere else")
        page.wait_for_selector("text=1 other session ended")
        elsewhere.goto(f"{studio.url}/looked-at/")
        assert "/account/login/" in elsewhere.url

        # The desk of a Studio that strangers reach asks olga for a second factor by itself.
        olga = signs_in(studio, browser, "olga@vendor.example", password="plums eat bobsleighs")
        olga.goto(f"{studio.url}/desk/orgs/organisation/?q=looked-at")
        assert "/account/second-factor/" in olga.url
        with_passkey(studio, olga)
        olga.goto(f"{studio.url}/desk/orgs/organisation/?q=looked-at")
        olga.click("#changelist tbody a")
        olga.click("text=Look as a member")
        olga.select_option("[name=member]", index=1)
        olga.fill("[name=why]", "ticket 4711")
        shown(olga, "look-as")
        olga.click("input[type=submit]")
        olga.wait_for_url(f"{studio.url}/looked-at/")
        assert "As alice@looked.example you look at Looked At" in olga.inner_text(".impersonation")
        shown(olga, "banner")
        olga.click(".impersonation button")
        olga.wait_for_url(f"{studio.url}/desk/")

        page.goto(f"{studio.url}/looked-at/team/access/")
        said = page.inner_text("tbody")
        assert "An operator of ours looks as a member" in said and "ticket 4711" in said and "olga" in said
        shown(page, "sign-ins")
        page.goto(f"{studio.url}/looked-at/team/organisation/")
        shown(page, "organisation")

        # Hours later both are asked who they are, and what they sent is done then.
        assert studio.installation.python(SIGNED_IN_LONG_AGO) == 2
        page.goto(f"{studio.url}/looked-at/team/data/")
        page.fill("[name=tickets_days]", "365")
        page.click("#retention form button")
        says_who_it_is(page, PASSWORD, "asked-again")
        assert page.url.endswith("/looked-at/team/data/") and page.input_value("[name=tickets_days]") == "365"
        shown(page, "retention")
        olga.goto(f"{studio.url}/desk/orgs/organisation/?q=looked-at")
        olga.click("#changelist tbody a")
        olga.click("text=Give goodwill")
        olga.fill("[name=credits]", "3")
        olga.fill("[name=why]", "ticket 4712")
        shown(olga, "goodwill")
        olga.click("input[type=submit]")
        says_who_it_is(olga, "plums eat bobsleighs", "asked-again-at-the-desk")
        assert "3 credits" in olga.inner_text(".messagelist")
        shown(olga, "given")
        olga.goto(f"{studio.url}/desk/orgs/accessevent/")
        shown(olga, "access-events")
