"""Alice sends files over a line that breaks, in Chromium: it goes on by itself, and after the page was loaded anew."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.tickets import waiting_uploads
from tests.waiting import until
from tests.web.studio_server import chromium
from tests.web.test_pages_in_the_browser import ALL, problems, sideways

pytestmark = [
    pytest.mark.pure,
    pytest.mark.usefixtures("a_browser"),
    pytest.mark.django_db(transaction=True),
]

PARTS = "**/api/v1/uploads/*"


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


def csv(path: Path, *, megabytes: float) -> Path:
    line = f"The printer of {path.stem} is on fire and nobody comes to help us,network\n"
    path.write_text("text,queue\n" + line * int(megabytes * 1e6 / len(line)))
    return path


class Line:
    """What goes over the line to where parts are sent. `cut`: how many parts more get through; None: all."""

    def __init__(self, page: Any) -> None:
        self.cut: int | None = None
        self.offsets: list[int] = []
        page.route(PARTS, self._one)

    def _one(self, route: Any) -> None:
        if route.request.method == "PATCH":
            if self.cut == 0:
                return route.abort("connectionreset")
            self.offsets.append(int(route.request.headers["upload-offset"]))
            self.cut = self.cut if self.cut is None else self.cut - 1
        elif self.cut == 0:
            return route.abort("connectionreset")
        return route.continue_()


def sends(page: Any, *files: Path) -> None:
    page.set_input_files("#file", files)
    page.click("[data-uploads] button.primary >> nth=0")


def says(page: Any, text: str) -> None:
    shown = "document.querySelector('[data-uploads]').innerText.replaceAll('\\u00a0', ' ')"
    page.wait_for_function(f"text => {shown}.includes(text)", arg=text)


def drops(page: Any, *names: str) -> None:
    page.evaluate(
        """names => {
            const carried = new DataTransfer();
            const rows = (name) => "text,queue\\n" + `vpn of ${name} is down,it\\n`.repeat(60);
            for (const name of names) carried.items.add(new File([rows(name)], name));
            const about = { dataTransfer: carried, bubbles: true, cancelable: true };
            for (const kind of ["dragenter", "drop"])
                document.querySelector("[data-drop]").dispatchEvent(new DragEvent(kind, about));
        }""",
        list(names),
    )


def found_by_axe(page: Any) -> list[Any]:
    found: list[Any] = []
    for scheme, width, rules in (("light", 1280, ALL), ("dark", 390, ["color-contrast", "target-size"])):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        found += [(scheme, width, *problem) for problem in problems(page, rules)]
        found += [(scheme, width, wide) for wide in [sideways(page)] if wide]
    return found


def test_what_is_sent_stays_however_often_the_line_breaks(
    acme: Organisation, alice: Client, tmp_path: Path, live_server: Any, settings: Any
) -> None:
    settings.OTAI_FILES = (tmp_path / "files").as_uri()

    def parts() -> list[Path]:
        return list((tmp_path / "files").rglob("*.part"))

    cookie = alice.cookies[configured.SESSION_COOKIE_NAME].value
    with chromium() as browser:
        context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
        context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{live_server.url}/acme/tickets/")
        line = Line(page)

        # The line breaks after a megabyte, and is back by itself.
        line.cut = 1
        first = csv(tmp_path / "first.csv", megabytes=2.6)
        sends(page, first)
        says(page, "The connection broke. It goes on by itself")
        found = found_by_axe(page)
        line.cut = None
        page.wait_for_url("**/tickets/uploads/*/")
        assert line.offsets[:2] == [0, 1 << 20] and 0 not in line.offsets[1:]
        [kept] = waiting_uploads.all_waiting(acme)
        assert kept.path.read_bytes() == first.read_bytes() and not parts()

        # She closes the page in the middle, and chooses the file again.
        page.goto(f"{live_server.url}/acme/tickets/")
        line.cut, line.offsets = 1, []
        second = csv(tmp_path / "second.csv", megabytes=1.5)
        sends(page, second)
        says(page, "The connection broke")
        page.reload()
        shown = page.inner_text("main").replace("\N{NO-BREAK SPACE}", " ")
        assert "On their way" in shown and " MB of 1.5 MB" in shown
        line.cut = None
        sends(page, second)
        page.wait_for_url("**/tickets/uploads/*/")
        assert line.offsets[:2] == [0, 1 << 20] and 0 not in line.offsets[1:]
        assert waiting_uploads.all_waiting(acme)[0].path.read_bytes() == second.read_bytes()

        # She waits, goes on, and gives up: nothing of it stays.
        page.goto(f"{live_server.url}/acme/tickets/")
        line.cut = 1
        sends(page, csv(tmp_path / "third.csv", megabytes=1.4))
        says(page, "The connection broke")
        page.click("text=Pause")
        says(page, "Paused. What is sent stays for a day.")
        page.click("text=Go on")
        page.click("[data-cancel]")
        page.wait_for_selector(".sending", state="detached")
        until(lambda: not parts())

        # Two at once are dropped, and each is understood.
        line.cut = None
        drops(page, "fourth.csv", "fifth.csv")
        page.wait_for_function("document.querySelectorAll('[data-columns]:not([hidden])').length === 2")
        assert page.inner_text(".sending >> nth=1 >> [aria-current]") == "Understood"
        assert len(waiting_uploads.all_waiting(acme)) == 4

        # A server that stays without room is asked a few times more, and then she is told.
        page.reload()
        full = {"error": {"code": "disk_full", "message": "There is no room for a file of this size at this moment."}}
        tried: list[str] = []

        def without_room(route: Any) -> None:
            if route.request.method != "PATCH":
                return route.continue_()
            tried.append(route.request.url)
            return route.fulfill(status=503, headers={"Retry-After": "0.05"}, json=full)

        page.route(PARTS, without_room)
        sends(page, csv(tmp_path / "sixth.csv", megabytes=0.01))
        says(page, "There is no room for a file of this size at this moment.")
        assert len(tried) == 6 and page.get_attribute(".sending", "data-stage") == "failed"
        page.unroute(PARTS, without_room)

        # What is too large is said before a byte of it is sent.
        settings.OTAI_UPLOAD_MOST_BYTES = 1_000_000
        page.reload()
        line.offsets = []
        sends(page, first)
        says(page, "This file has 2.6 MB; up to 1 MB can be sent. Compress it")
        assert line.offsets == []
        context.close()
    assert not found, json.dumps(found, indent=1)
