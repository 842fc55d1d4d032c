"""Every page there is, found in the URL table, and every dialog on it, in Chromium: readable for everybody (axe),
light, dark and on a phone, whose window nothing is wider than."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from django.conf import settings
from pytest_django import Settings

from tests.web.studio_server import chromium
from tests.web.test_every_page import ROUTES, World, make_world
from tests.web.test_pages_in_the_browser import ALL, problems, sideways

pytestmark = [
    pytest.mark.pure,
    pytest.mark.torture,
    pytest.mark.timeout(1800),
    pytest.mark.usefixtures("a_browser"),
    pytest.mark.django_db(transaction=True),
]

WINDOWS = (("light", 1280, ALL), ("dark", 1280, ["color-contrast"]), ("light", 390, ["target-size"]))
"""Colours, width, and the rules that could find something there that the first could not."""

OF_PEOPLE = (
    "/account/",
    "/account/sessions/",
    "/account/2fa/",
    "/account/email/",
    "/account/password/change/",
    "/studio/legal/privacy/",
    "/studio/legal/terms/",
    "/studio/legal/imprint/",
    "/no-such-page/",
)
OF_STRANGERS = ("/account/login/", "/account/signup/", "/account/password/reset/")


@pytest.fixture
def world(tmp_path: Path, settings: Settings) -> World:
    texts = {name: tmp_path / f"{name}.md" for name in ("terms", "privacy", "imprint")}
    for name, file in texts.items():
        file.write_text(f"# Our {name}\n\nEverything that the law asks for.\n\n- one\n- two\n")
    settings.OTAI_LEGAL = {name: {"en": str(file)} for name, file in texts.items()}
    return make_world(tmp_path)


def pages(world: World) -> Iterator[str]:
    """The addresses of all pages that Alice opens without a file coming of it."""
    for name, arguments in ROUTES:
        address = world.address(name, arguments)
        page = world.alice.get(address)
        is_page = page.headers.get("Content-Type", "").startswith("text/html")
        if page.status_code == 200 and is_page and "attachment" not in page.headers.get("Content-Disposition", ""):
            text = page.content.decode()
            if "<html" in text:
                yield address
                for dialog in sorted(set(re.findall(r'href="(\?dialog=[^"#]+)"', text))):
                    yield address + dialog.replace("&amp;", "&")


def test_every_page_and_every_dialog_is_for_everybody(world: World, live_server: Any) -> None:
    known = [*pages(world), *OF_PEOPLE]
    assert len(known) > 60 and any("dialog=" in path for path in known)
    cookie = world.alice.cookies[settings.SESSION_COOKIE_NAME].value
    found: list[Any] = []
    with chromium() as browser:
        inside, outside = browser.new_context(bypass_csp=True), browser.new_context(bypass_csp=True)
        inside.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        for context, paths in ((inside, known), (outside, OF_STRANGERS)):
            # A page that leads on to whoever takes the money stays.
            context.route(lambda url: not url.startswith(live_server.url), lambda route: route.abort("aborted"))
            page = context.new_page()
            page.set_default_timeout(30_000)
            for scheme, width, rules in WINDOWS:
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": 844})
                for path in paths:
                    page.goto("about:blank")
                    page.goto(urljoin(live_server.url, path))
                    found += [(scheme, width, path, *problem) for problem in problems(page, rules)]
                    if wide := sideways(page):
                        found.append((scheme, width, path, "scrolls sideways", wide))
            context.close()
    assert not found, json.dumps(found, indent=1)
