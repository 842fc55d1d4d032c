"""The pages in a real browser: readable for everybody (axe), from nowhere else, in light and dark, on a phone, and by
keyboard."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.web.studio_server import Installation, chromium, free_port

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("a_browser")]

AXE = (Path(__file__).parent / "assets" / "axe.min.js").read_text()
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = (
    "",
    "credits/",
    "credits/ledger/",
    "credits/packages/50/",
    "credits/details/",
    "credits/invoices/",
    "credits/tier/",
    "credits/low/",
    "help/report-card/",
    "find/?q=support",
    "nothing-here/",
)


def test_home_and_credits_are_for_everybody_and_fetch_nothing_from_elsewhere(installation: Installation) -> None:
    demo(installation)
    port = free_port()
    base = f"http://localhost:{port}"
    with (
        installation.process("studio", "--demo", "--no-browser", "--port", str(port)) as running,
        chromium() as browser,
    ):
        link = sign_in_link(installation, running)
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        page.set_default_timeout(30_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(link.replace("127.0.0.1", "localhost"))
        assert page.url == f"{base}/acme/"
        found = []
        # What a theme or a narrow window cannot change is asked once.
        for scheme, width, rules in (
            ("light", 1280, ALL),
            ("dark", 1280, ["color-contrast"]),
            ("light", 390, ["target-size"]),
        ):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 844})
            for path in PAGES:
                page.goto(f"{base}/acme/{path}")
                found += [(scheme, width, path, *problem) for problem in problems(page, rules)]
                if sideways(page):
                    found.append((scheme, width, path, "scrolls sideways", sideways(page)))
        assert not found, json.dumps(found, indent=1)
        assert {re.match(r"[a-z]+://[^/]+", url).group() for url in asked} == {base}

        by_keyboard(page, base)
        finding(page, base)
        theme_is_kept(page, base)
        language_is_kept(page, base)
        buying(page, base)


def finding(page: Any, base: str) -> None:
    """Ctrl K finds by name and opens with Enter; "?" lists the keys, "g" and a letter go there, unless one types."""
    page.keyboard.press("Control+k")
    page.wait_for_selector("#find-words")
    page.keyboard.type("supp")
    page.wait_for_selector("#find-list a:has-text('support')")
    chosen = page.get_attribute("#find-words", "aria-activedescendant")
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#find-words", "aria-activedescendant") != chosen, "arrows choose, the focus stays"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/acme/tickets/*/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open] kbd")
    page.keyboard.press("Escape")
    page.goto(f"{base}/acme/help/")
    page.focus("[name=q]")
    page.keyboard.type("g?h")
    assert page.input_value("[name=q]") == "g?h" and page.url == f"{base}/acme/help/"
    page.goto(f"{base}/acme/help/")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/acme/credits/invoices/")


def demo(installation: Installation) -> None:
    """What demo.sh makes, without the training."""
    (installation.home / "is-demo").touch()
    installation.otai(
        "org", "create", "acme", "--name", "Acme Ltd", "--tier", "community", "--time-zone", "Europe/Berlin"
    )
    source = installation.home / "sample.csv"
    installation.otai("tickets", "sample", str(source), "--tickets", "200")
    installation.otai("tickets", "import", str(source), "--name", "support")
    details = {"name": "Acme GmbH", "street": "Hauptstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE",
        "email": "b@acme.example"}  # fmt: skip
    installation.otai(
        "billing", "details", "set", *[word for name, text in details.items() for word in (f"--{name}", text)]
    )


def sign_in_link(installation: Installation, running: Any) -> str:
    import time
    import urllib.request

    log = installation.home / "studio.log"
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert running.poll() is None, log.read_text()
        if found := re.search(r"http://\S+/studio/demo/\S+", log.read_text()):
            try:
                with urllib.request.urlopen(found.group().partition("/studio/")[0] + "/health/live", timeout=2):
                    return found.group()
            except OSError:
                pass
        time.sleep(0.3)
    raise AssertionError(log.read_text())


def problems(page: Any, rules: list[str] = ALL) -> list[tuple[str, list[str]]]:
    page.evaluate(AXE + "; 0")
    told = page.evaluate("rules => axe.run(document, {runOnly: rules}).then(told => told.violations)", rules)
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in told]


WIDER = """() => [document.documentElement, ...document.querySelectorAll("body *")].filter(one =>
  one.scrollWidth > one.clientWidth + 1
  && (one === document.documentElement || ["auto", "scroll"].includes(getComputedStyle(one).overflowX))
).map(one => `${one.nodeName} ${one.className}: ${one.scrollWidth - one.clientWidth}`)"""


def sideways(page: Any) -> list[str]:
    """What can be scrolled sideways, and by how many pixels; on a wide screen only the page itself counts."""
    found = page.evaluate(WIDER)
    return [one for one in found if page.viewport_size["width"] < 761 or one.startswith("HTML")]


def by_keyboard(page: Any, base: str) -> None:
    """The first stop leads past the navigation; a column of the chart says its numbers when it has the focus."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{base}/acme/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator(".columns .column").last.focus()
    assert "Included: 6" in page.inner_text(".chart .tip")
    page.locator("details.menu > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("details.menu .sheet").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("details.menu .sheet").is_visible()


def theme_is_kept(page: Any, base: str) -> None:
    page.locator("details.menu > summary").click()
    page.click("button[name=theme][value=dark]")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.goto(f"{base}/acme/credits/")
    # Written by the server, so nothing flashes.
    assert page.get_attribute("html", "data-theme") == "dark"
    page.locator("details.menu > summary").click()
    page.click("button[name=theme][value=auto]")
    assert page.get_attribute("html", "data-theme") is None


def language_is_kept(page: Any, base: str) -> None:
    page.locator("details.menu > summary").click()
    page.click("button[name=language][value=de]")
    assert page.get_attribute("html", "lang") == "de"
    assert "Genug für" in page.inner_text("h1")
    page.locator("details.menu > summary").click()
    page.click("button[name=language][value=en]")
    assert page.get_attribute("html", "lang") == "en"


def buying(page: Any, base: str) -> None:
    """Two clicks to the order; in the demo the transfer arrives at a third, and the balance shows it."""
    page.goto(f"{base}/acme/credits/")
    page.click("a.button[href*='packages/10/']")
    page.click("text=Order for EUR 119")
    page.wait_for_selector("text=EUR 119 to be paid until")
    assert not problems(page)
    page.click("text=Demo: let the transfer arrive")
    page.wait_for_selector("text=Paid. New in your balance: 10 credits.")
    assert "16 credits" in page.inner_text("#balance")
    with page.expect_download() as download:
        page.click("a.button[href$='.pdf']")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
