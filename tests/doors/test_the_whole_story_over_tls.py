"""The whole story once more as a customer lives it: over https, through the proxy, to two processes on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otai.tickets.sample import write_csv
from tests.billing.conftest import stripe_process  # noqa: F401 -- a fixture
from tests.billing.stripe_server import WEBHOOK_SECRET
from tests.doors.conftest import Opens
from tests.web.test_paying_in_the_browser import GOOD, look, pays
from tests.web.test_the_whole_story import the_whole_story


# On SQLite and without TLS tests/web tells it, in `make torture`.
@pytest.mark.postgres
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("a_browser")
def test_from_signing_up_to_the_invoice_over_tls(open_studio: Opens, stripe_process: Any, tmp_path: Path) -> None:  # noqa: F811
    tickets = write_csv(tmp_path / "helpdesk.csv", tickets=800)
    stripe = {
        "OTAI_STRIPE_SECRET_KEY": "sk_test_12345",
        "OTAI_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "OTAI_STRIPE_API_BASE": stripe_process.base,
    }
    with open_studio(worker=True, settings=stripe) as studio, studio.browser() as browser:
        page = the_whole_story(studio.installation, studio.url, browser, tickets)
        she_takes_a_year_by_card_and_months_after_it(page, studio.url)
        assert studio.installation.json("billing", "audit")["findings"] == []


def she_takes_a_year_by_card_and_months_after_it(page: Any, base: str) -> None:
    page.goto(f"{base}/acme-ltd/credits/tier/")
    page.click("[data-opens=to-pro]")
    for term, gross in (("year", "EUR 1,178.10"), ("month", "EUR 117.81"), ("year", "EUR 1,178.10")):
        page.check(f"dialog[open] input[name=term][value={term}]")
        page.wait_for_selector(f"#price-pro:has-text('{gross}')")
    page.check("dialog[open] input[value=stripe]")
    look(page, "a-year")
    page.click("dialog[open] button.primary")
    page.wait_for_selector("input[name=number]")
    pays(page, GOOD)
    page.wait_for_selector("text=Paid: the tier is in force.")
    page.goto(f"{base}/acme-ltd/credits/tier/")
    page.wait_for_selector("text=Then it is renewed for a year")
    look(page, "in-a-year")
    page.click("text=Pay by the month")
    page.wait_for_selector("dialog[open] >> text=on a month costs EUR 99, net")
    look(page, "months-after-it")
    page.click("dialog[open] >> text=Change it on that day")
    page.wait_for_selector("text=Then it is renewed for a month")
