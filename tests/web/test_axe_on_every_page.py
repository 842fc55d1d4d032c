"""Every page there is, found in the URL table, and every dialog on it, in Chromium: readable for everybody (axe),
light, dark and on a phone, whose window nothing is wider than."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
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
    pytest.mark.usefixtures("a_browser"),
    pytest.mark.django_db(transaction=True),
]

Window = tuple[str, int, list[str]]
WINDOWS: tuple[Window, ...] = (
    ("light", 1280, ALL),
    ("dark", 1280, ["color-contrast"]),
    ("light", 390, ["target-size"]),
)
"""Colours, width, and the rules that could find something there that the first could not."""

MISSING = "/no-such-page/"
OF_PEOPLE = (
    "/account/",
    "/account/sessions/",
    "/account/second-factor/",
    "/account/email/",
    "/account/password/change/",
    "/studio/legal/privacy/",
    "/studio/legal/terms/",
    "/studio/legal/imprint/",
    MISSING,
)
OF_STRANGERS = ("/account/login/", "/account/signup/", "/account/password/reset/")


@pytest.fixture
def world(tmp_path: Path, settings: Settings) -> World:
    texts = {name: tmp_path / f"{name}.md" for name in ("terms", "privacy", "imprint")}
    for name, file in texts.items():
        file.write_text(f"# Our {name}\n\nEverything that the law asks for.\n\n- one\n- two\n")
    settings.OTAI_LEGAL = {name: {"en": str(file)} for name, file in texts.items()}
    return make_world(tmp_path)


def pages(world: World, *, dialogs: bool = True) -> Iterator[str]:
    """The addresses of all pages that Alice opens without a file coming of it, and of their dialogs."""
    for name, arguments in ROUTES:
        address = world.address(name, arguments)
        page = world.alice.get(address)
        is_page = page.headers.get("Content-Type", "").startswith("text/html")
        if page.status_code == 200 and is_page and "attachment" not in page.headers.get("Content-Disposition", ""):
            text = page.content.decode()
            if "<html" in text:
                yield address
                for dialog in sorted(set(re.findall(r'href="(\?dialog=[^"#]+)"', text))) if dialogs else ():
                    yield address + dialog.replace("&amp;", "&")


def found_by(world: World, base: str, seen: list[tuple[Window, list[str]]], strangers: list[Window]) -> list[Any]:
    """What axe finds on these pages in these windows, and which are wider than their window."""
    found: list[Any] = []

    def look(page: Any, window: Window, paths: Sequence[str]) -> None:
        scheme, width, rules = window
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        for path in paths:
            page.goto("about:blank")
            answer = page.goto(urljoin(base, path))
            if answer.status != (404 if path == MISSING else 200):
                found.append((path, answer.status))
            found.extend((scheme, width, path, *problem) for problem in problems(page, rules))
            if wide := sideways(page):
                found.append((scheme, width, path, "scrolls sideways", wide))

    with chromium() as browser:
        inside, outside = browser.new_context(bypass_csp=True), browser.new_context(bypass_csp=True)
        cookie = world.alice.cookies[settings.SESSION_COOKIE_NAME].value
        inside.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        told = ((inside, seen), (outside, [(window, list(OF_STRANGERS)) for window in strangers]))
        for context, looks in told:
            # A page that leads on to whoever takes the money stays.
            context.route(lambda url: not url.startswith(base), lambda route: route.abort("aborted"))
            page = context.new_page()
            page.set_default_timeout(30_000)
            for window, paths in looks:
                look(page, window, paths)
            context.close()
    return found


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_every_page_and_every_dialog_is_for_everybody(world: World, live_server: Any) -> None:
    known = [*pages(world), *OF_PEOPLE]
    assert len(known) > 60 and any("dialog=" in path for path in known)
    found = found_by(world, live_server.url, [(window, known) for window in WINDOWS], list(WINDOWS))
    assert not found, json.dumps(found, indent=1)


def test_every_other_page_is_for_everybody_in_one_window(world: World, live_server: Any) -> None:
    """A slice of it: every other page, the windows in turn."""
    known = [*pages(world, dialogs=False), *OF_PEOPLE]
    seen = [(window, known[2 * at :: 2 * len(WINDOWS)]) for at, window in enumerate(WINDOWS)]
    found = found_by(world, live_server.url, seen, [WINDOWS[1]])
    assert not found, json.dumps(found, indent=1)
