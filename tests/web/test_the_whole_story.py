"""The whole story in a real browser, against the real server and a real worker: from signing up to the invoice.

Sign up, upload, quote, order, live progress, report card, try it, out of credits, buy, train again, invoice.
"""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from otai.tickets.sample import write_csv
from tests.web.studio_server import Installation, chromium

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("a_browser")]

most_seconds_to_train = 120_000


# In each run tests/doors tells it, over TLS; what is refused at the door is in tests/front.
@pytest.mark.torture
def test_from_signing_up_to_the_invoice(installation: Installation, tmp_path: Path) -> None:
    tickets = write_csv(tmp_path / "helpdesk.csv", tickets=800)
    with installation.studio() as base, installation.process("worker", "--grace", "0"), chromium() as browser:
        # Two gigabytes, and a body that does not say its length, are refused before they are there.
        assert refused_at_the_door(base, f"Content-Length: {2 << 30}") == 413
        assert refused_at_the_door(base, "Transfer-Encoding: chunked") == 411
        # What leads to the Studio from outside names the port on which it is served.
        with urllib.request.urlopen(f"{base}/api/v1/openapi.json", timeout=20) as described:
            assert json.load(described)["servers"] == [{"url": base}]
        the_whole_story(installation, base, browser, tickets)


def the_whole_story(installation: Installation, base: str, browser: Any, tickets: Path) -> Any:
    """Alice's, in a browser at `base`, where nobody has been yet; returns her page. tests/doors tells it over TLS."""
    page = browser.new_page(locale="en-GB", viewport={"width": 1280, "height": 900})
    watched = Watched(page, base)
    page.set_default_timeout(20_000)

    # Alice signs up, and is where her first model begins.
    page.goto(f"{base}/account/signup/")
    page.fill("[name=organisation]", "Acme Ltd")
    page.fill("[name=name]", "Alice Smith")
    page.fill("[name=email]", "alice@acme.example")
    page.fill("[name=password1]", "correct horse battery staple 7")
    page.click("main button[type=submit], main button.primary")
    page.wait_for_url(f"{base}/acme-ltd/")
    assert "6 credits" in page.inner_text(".balance")

    # She uploads tickets, sees what the columns are taken for, and agrees.
    page.goto(f"{base}/acme-ltd/tickets/")
    page.set_input_files("#file", tickets)
    page.click("[data-uploads] button")
    page.wait_for_url("**/tickets/uploads/**")
    assert page.input_value("#name") == "helpdesk"
    page.click("text=Import these tickets")
    page.wait_for_selector("text=800 tickets are imported")

    # She looks at prices: they follow her choices without the page being loaded anew.
    page.click("text=Train on these")
    page.wait_for_selector("text=Train Basic, Standard: 1 credit")
    page.check("#choice-basic-fast")
    page.wait_for_selector("text=Train Basic, Fast: 2 credits")
    assert "choice=basic-fast" in page.url
    page.click("#order-button")
    page.wait_for_url("**/runs/1/")

    # The run goes on before her eyes, told by the server, until its report card is there.
    # A quick machine may be done by then: its time line is folded, and says it all the same.
    page.wait_for_selector("text=Began on", timeout=most_seconds_to_train, state="attached")
    page.wait_for_selector("text=Report card", timeout=most_seconds_to_train)
    assert any(kind.startswith("text/event-stream") for kind in watched.kinds("/runs/1/events"))
    assert re.search(r"right \d+ times in 100", page.inner_text("main"))

    # One attribute, opened: the slider says what could be automated.
    page.click("table >> text=queue")
    page.wait_for_selector("input[type=range]")
    before = page.inner_text(".headline")
    page.focus("input[type=range]")
    page.keyboard.press("End")
    assert page.inner_text(".headline") != before and "100\N{NO-BREAK SPACE}%" in page.inner_text(".headline")
    assert page.locator(".chart canvas").count() >= 1
    page.go_back()

    # She tries it.
    page.fill("#text", "My invoice for March was charged twice, please refund one of them")
    page.click("text=What does it say?")
    page.wait_for_selector("#answer .answer-table")
    assert "Billing" in page.inner_text("#answer")

    # Twice more, and her credits are gone: the next order leads to the right package.
    for number in (2, 3):
        page.goto(f"{base}/acme-ltd/train/?choice=basic-fast")
        page.click("#order-button")
        if number == 3:  # Just this was ordered a moment ago: she is led to it, and means it.
            page.click("button:has-text('Order again')")
        page.wait_for_url(f"**/runs/{number}/")
    page.goto(f"{base}/acme-ltd/train/?choice=basic-fast&model=second-try")
    assert "2 credits are missing" in page.inner_text("main")
    page.click("text=Buy the 2 missing credits")
    page.wait_for_selector("text=needs 2 credits more")
    page.click("a:has-text('Buy'):has-text('10')")

    # She says who pays, and orders; the bank transfer arrives, and she is back at her training with her choices.
    if page.locator("[name=street]").count() == 0:
        page.click("main button.primary")
    fill_in_details(page)
    if page.locator("text=Order for").count():
        page.click("text=Order for")
    page.wait_for_url("**/credits/purchases/**")
    [purchase] = installation.json("billing", "purchases", "--org", "acme-ltd")
    installation.otai("billing", "confirm-payment", purchase["reference"], "119", "--bank-reference", "statement 7")
    page.reload()
    page.click("text=Back to your training")
    page.wait_for_url("**/train/?**")
    assert page.input_value("#model") == "second-try" and page.is_checked("#choice-basic-fast")
    page.click("#order-button")
    page.wait_for_url("**/runs/4/")
    page.wait_for_selector("text=Report card", timeout=most_seconds_to_train)

    # The invoice is a PDF, and the books balance.
    page.goto(f"{base}/acme-ltd/credits/invoices/")
    with page.expect_download() as download:
        page.click("a:has-text('PDF')")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    installation.otai("ledger", "audit")

    # All the time nothing came from elsewhere, and the browser had nothing to complain of but the equal order.
    assert watched.elsewhere == []
    [equal_order] = watched.complaints
    assert "409 (Conflict)" in equal_order
    return page


def refused_at_the_door(base: str, *headers: str) -> int:
    """The answer to an upload of which only the head is sent: whoever waits for its two gigabytes times out."""
    address = urlsplit(base)
    assert address.hostname and address.port
    head = [
        "POST /acme-ltd/tickets/upload HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Type: multipart/form-data; boundary=x",
        *headers,
    ]
    with socket.create_connection((address.hostname, address.port), timeout=20) as line:
        line.sendall("\r\n".join([*head, "", "5\r\n--x\r\n\r\n"]).encode())
        return int(line.recv(4096).split()[1])


def fill_in_details(page: Any) -> None:
    page.wait_for_selector("[name=street]")
    page.fill("[name=name]", "Acme GmbH")
    page.fill("[name=street]", "Hauptstr. 1")
    page.fill("[name=postcode]", "10115")
    page.fill("[name=city]", "Berlin")
    page.select_option("[name=country]", "DE")
    page.fill("[name=email]", "billing@acme.example")
    page.click("main button.primary")


class Watched:
    """What the page asked for and what its browser said."""

    def __init__(self, page: Any, base: str) -> None:
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self._answers: list[tuple[str, str]] = []
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((base, "data:", "blob:")) else self.elsewhere.append(asked.url),
        )
        page.on("response", lambda got: self._answers.append((got.url, got.headers.get("content-type", ""))))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def kinds(self, path: str) -> list[str]:
        return [kind for url, kind in self._answers if url.endswith(path)]
