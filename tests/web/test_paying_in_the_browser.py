"""Paying by card as a person does: Chromium, our pages, the provider's page, and back, against Stripe's double."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.billing.conftest import stripe_process  # noqa: F401 -- a fixture
from tests.billing.stripe_server import WEBHOOK_SECRET
from tests.web.studio_server import Installation, chromium, free_port
from tests.web.test_pages_in_the_browser import demo, problems, sideways, sign_in_link

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("a_browser")]
DECLINED, GOOD, ASKS = "4000000000000341", "4242424242424242", "4000002500003155"


def test_from_the_order_to_a_saved_card_that_pays_the_tier(installation: Installation, stripe_process: Any) -> None:  # noqa: F811
    port = free_port()
    base = f"http://localhost:{port}"
    installation.settings |= {
        "OTAI_STRIPE_SECRET_KEY": "sk_test_12345",
        "OTAI_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "OTAI_STRIPE_API_BASE": stripe_process.base,
        "OTAI_BASE_URL": base,
    }
    demo(installation)
    make = ("billing", "coupons", "make", "WELCOME", "--percent", "10", "--for", "either", "--why", "the fair")
    installation.otai(*make)
    with (
        installation.process("studio", "--demo", "--no-browser", "--port", str(port)) as running,
        chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        refused: list[str] = []
        page.on("console", lambda line: refused.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(sign_in_link(installation, running))
        page.goto(f"{base}/acme/credits/packages/50/?back=/acme/train/")
        page.check("input[value=stripe]")
        look(page, "package")
        applies_a_coupon(page)
        assert page.is_checked("input[value=stripe]")
        page.click("text=Order for EUR 481.95")
        page.wait_for_url(f"{stripe_process.base}/_config/pay/*")
        pays(page, DECLINED)
        page.wait_for_selector("text=declined")
        page.click("text=Back")
        page.wait_for_selector("text=Nothing was paid")
        look(page, "left")
        page.check("input[name=keep]")
        page.click("text=Pay EUR 481.95 by card")
        page.wait_for_url(f"{stripe_process.base}/_config/pay/*")
        pays(page, ASKS)
        page.wait_for_selector("text=Your bank wants to know")
        page.fill("input[name=number]", ASKS)
        page.click("text=Confirm")
        page.wait_for_selector("text=Paid. New in your balance: 50 credits.")
        assert page.locator("a.button[href='/acme/train/']").count() == 1
        look(page, "paid")

        page.goto(f"{base}/acme/credits/methods/")
        page.wait_for_selector("text=Visa •••• 3155, 12/2030")
        look(page, "methods")
        page.goto(f"{base}/acme/credits/tier/")
        page.click("[data-opens=to-pro]")
        look(page, "tier")
        page.fill("dialog[open] input[name=coupon]", "welcome")
        page.click("dialog[open] button:has-text('Apply')")
        page.wait_for_selector("dialog[open] >> text=You have used the coupon WELCOME already.")
        page.click("dialog[open] button.primary")
        page.wait_for_selector("dialog[open] >> text=You have used the coupon WELCOME already.")
        assert page.is_checked("dialog[open] label:has-text('Visa') input"), (
            "nothing was ordered, and nothing forgotten"
        )
        look(page, "tier-refused")
        page.fill("dialog[open] input[name=coupon]", "")
        page.click("dialog[open] button.primary")
        page.wait_for_selector("text=Paid: the tier is in force.")
        page.goto(f"{base}/acme/credits/methods/")
        page.wait_for_selector("text=Pays the tier")
        page.click("text=Pay the tier by invoice")
        page.click("text=Pay the tier with it")
        page.wait_for_selector("text=Pays the tier")
        page.set_viewport_size({"width": 390, "height": 844})
        look(page, "methods-phone")
        page.click("text=Remove")
        page.wait_for_selector("dialog[open]")
        page.click("dialog[open] button.danger")
        page.wait_for_selector("text=No payment method is saved")
        assert refused == []


def applies_a_coupon(page: Any) -> None:
    """A wrong code is told at the field; the right one shows the price, and Enter orders nothing."""
    page.fill("input[name=coupon]", "wellcome")
    page.press("input[name=coupon]", "Enter")
    page.wait_for_selector("text=There is no coupon")
    look(page, "coupon-refused")
    page.fill("input[name=coupon]", "welcome")
    page.click("text=Apply")
    page.wait_for_selector("text=Coupon WELCOME")


def pays(page: Any, number: str) -> None:
    page.fill("input[name=number]", number)
    page.click("button[name=does]")


def look(page: Any, name: str) -> None:
    """No finding of the checker of accessibility, nothing that scrolls sideways; a picture where one is asked for."""
    if folder := os.environ.get("OTAI_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"paying-{name}.png"), full_page=True)
    assert not problems(page)
    assert not sideways(page)
