"""Alice looks through labels by keyboard, in Chromium; every page of it is readable for everybody (axe)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.serving.models import ReviewItem
from tests import stories
from tests.serving.doubtful import WRONG, doubt, doubtful
from tests.serving.training_here import trained
from tests.web.studio_server import chromium
from tests.web.test_pages_in_the_browser import ALL, problems, sideways

pytestmark = [
    pytest.mark.pure,
    pytest.mark.usefixtures("a_browser"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


def reads(page: Any, text: str) -> None:
    page.wait_for_selector(f"text={text}")


def looks_through(page: Any) -> None:
    """Six questions, and not a click but the first."""
    page.click("text=Look through them")
    reads(page, f"0 of {WRONG}")
    page.keyboard.press("t")
    reads(page, f"1 of {WRONG}")
    page.keyboard.press("k")
    reads(page, f"2 of {WRONG}")
    page.keyboard.press("u")
    reads(page, f"1 of {WRONG}")
    with page.expect_navigation():
        page.keyboard.press("s")
    page.keyboard.press("c")
    page.wait_for_function("document.activeElement.id === 'other'")
    page.keyboard.press("Tab")
    page.keyboard.type("skates")
    page.keyboard.press("Enter")
    reads(page, f"2 of {WRONG}")
    for done in range(3, WRONG + 1):
        page.keyboard.press("t")
        if done < WRONG:
            reads(page, f"{done} of {WRONG}")
    reads(page, "All of them are looked through")


def not_for_everybody(page: Any, base: str, paths: list[str]) -> list[Any]:
    """What axe says of these pages, light, dark and on a phone, and which are too wide."""
    found: list[Any] = []
    for scheme, width, rules in (
        ("light", 1280, ALL),
        ("dark", 1280, ["color-contrast"]),
        ("light", 390, ["target-size"]),
    ):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        for path in paths:
            page.goto(f"{base}{path}")
            found += [(scheme, width, path, *problem) for problem in problems(page, rules)]
            if wide := sideways(page):
                found.append((scheme, width, path, "scrolls sideways", wide))
    return found


def test_a_queue_by_keyboard_on_pages_for_everybody(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime, live_server: Any
) -> None:
    version = trained(acme, stories.searchable(doubtful(acme, tmp_path, now), tmp_path, now), now)
    doubt(version)
    of_set = f"/acme/tickets/{version.run.data_set_id}"
    cookie = alice.cookies[settings.SESSION_COOKIE_NAME].value
    with chromium() as browser:
        context = browser.new_context(bypass_csp=True)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{live_server.url}{of_set}/review/")
        page.click("text=Look through them")
        item = page.url.removeprefix(live_server.url)
        paths = [f"{of_set}/review/", item, f"{of_set}/browse?model={version.id}", f"{of_set}/browse/3"]
        found = not_for_everybody(page, live_server.url, paths)
        page.set_viewport_size({"width": 1280, "height": 844})
        page.goto(f"{live_server.url}{of_set}/review/")
        looks_through(page)
        context.close()
    assert not found, json.dumps(found, indent=1)
    verdicts = sorted(ReviewItem.objects.values_list("verdict", flat=True))
    assert verdicts == ["other", *["take"] * (WRONG - 1)]
    assert ReviewItem.objects.get(verdict="other").labels == ["skates"]
