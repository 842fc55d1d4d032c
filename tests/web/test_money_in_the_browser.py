"""A customer's money from the first card to the accountant's file, as people meet it: Chromium, the Studio as it is
served, its worker and its sweep, Stripe's double as a process that sends its news, and one clock that all of them read.

Sign up, a tier by card, a Business training, a declined card and a second one, a month that the saved card pays, one
that its owner must pay, a dispute that is won and one that is lost, a refund made at the provider, closed months.
"""

from __future__ import annotations

import csv
import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_string, policy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from otai.learning.encoders import EncoderStore
from otai.tickets.sample import write_csv
from tests.billing.stripe_server import WEBHOOK_SECRET, Double, stripe_double
from tests.learning.encoders.conftest import store
from tests.web.studio_server import Installation, answers, chromium, free_port
from tests.web.test_the_whole_story import fill_in_details

__all__ = ["store"]

pytestmark = [pytest.mark.pure, pytest.mark.usefixtures("a_browser")]

BERLIN = ZoneInfo("Europe/Berlin")
DECLINED, GOOD, SECOND, ASKS_EVERY_TIME = "4000000000000341", "4242424242424242", "5555555555554444", "4000002760003184"
CLOCK = Path(__file__).resolve().parents[1] / "moved_clock"
MONTHS = ("2027-01", "2027-02", "2027-03")
PRO, FIFTY, TEN = 117_81, 535_50, 119_00
"""What acme, in Germany, pays for a month of Pro and for packages: gross, in cents."""


@dataclass
class Story:
    """What its chapters share: Alice's page, the installation, the provider, and the clock of all of them."""

    installation: Installation
    stripe: Double
    base: str
    page: Any
    clock: Path

    def is_now(self, year: int, month: int, day: int) -> None:
        """All clocks go on from there, at noon."""
        then = datetime(year, month, day, 12, tzinfo=BERLIN)
        written = self.clock.with_suffix(".new")
        written.write_text(str(then.timestamp() - time.time()))
        # Whoever reads it in this moment finds the whole number.
        written.replace(self.clock)

    def sweep(self) -> None:
        self.installation.otai("billing", "sweep")

    def goes_to(self, path: str) -> None:
        """Alice goes there, and signs in where her session ended meanwhile: a month is longer than any lasts."""
        self.page.goto(f"{self.base}/acme-ltd/{path}")
        if "/account/login/" in self.page.url:
            self.page.fill("[name=login]", "alice@acme.example")
            self.page.fill("[name=password]", "correct horse battery staple 7")
            self.page.keyboard.press("Enter")
            self.page.wait_for_url(f"{self.base}/acme-ltd/{path}")

    def reads(self, text: str) -> None:
        self.page.wait_for_selector(f"text={text}")

    def pays(self, number: str) -> None:
        """Enters a card on the provider's page."""
        self.page.wait_for_url(f"{self.stripe.base}/_config/pay/*")
        self.page.fill("input[name=number]", number)
        self.page.click("button[name=does]")

    def confirms_at_the_bank(self) -> None:
        self.reads("Your bank wants to know")
        self.page.click("text=Confirm")

    def mails(self) -> list[str]:
        """Texts of all mails so far, oldest first. The Studio writes those of one round into one file."""
        files = sorted((self.installation.home / "mail").iterdir(), key=lambda file: file.stat().st_mtime_ns)
        written = [text for file in files for text in file.read_text().split(f"\n{'-' * 79}\n") if text.strip()]
        bodies = [message_from_string(text, policy=policy.default).get_body(("plain",)) for text in written]
        return [str(body.get_content()) for body in bodies if body is not None]

    def mail(self, said: str) -> str:
        """The newest mail with these words."""
        return [text for text in self.mails() if said in text][-1]

    def at_the_provider(self, path: str) -> list[dict[str, Any]]:
        """What the provider lists there."""
        asked = urllib.request.Request(f"{self.stripe.base}/v1/{path}?limit=100")
        asked.add_header("Authorization", "Bearer sk_test_12345")
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return list(json.loads(answer.read())["data"])

    def payment(self, cents: int) -> str:
        """The provider's name of the newest payment of so much."""
        charges = [one for one in self.at_the_provider("charges") if one["amount"] == cents and one["paid"]]
        return str(max(charges, key=lambda one: one["created"])["payment_intent"])


@pytest.fixture
def story(installation: Installation, tmp_path: Path, store: EncoderStore) -> Iterator[Story]:
    clock = tmp_path / "clock"
    moved = {"MOVED_CLOCK": str(clock), "PYTHONPATH": str(CLOCK)}
    port = free_port()
    base = f"http://localhost:{port}"
    clock.write_text("0")
    with stripe_double(moved) as double:
        installation.settings |= {
            "OTAI_STRIPE_SECRET_KEY": "sk_test_12345",
            "OTAI_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "OTAI_STRIPE_API_BASE": double.base,
            "OTAI_BASE_URL": base,
            "OTAI_ENCODERS": str(store.folder),
            **moved,
        }
        double.tells(f"{base}/webhooks/stripe")
        with installation.process("studio", "--port", str(port)) as running, chromium() as browser:
            answers(f"{base}/health/live", running, installation.home / "studio.log")
            page = browser.new_page(locale="en-GB", viewport={"width": 1280, "height": 900})
            page.set_default_timeout(20_000)
            yield Story(installation, double, base, page, clock)


def test_from_the_first_card_to_the_accountants_file(story: Story) -> None:
    story.is_now(2027, 1, 11)
    alice_signs_up_and_takes_pro_by_card(story)
    she_trains_a_business_model(story)
    a_declined_card_and_a_second_one_pay_the_same_order(story)
    story.is_now(2027, 2, 11)
    the_saved_card_pays_the_next_month(story)
    story.is_now(2027, 3, 11)
    a_month_that_needs_its_owner_is_paid_by_the_link_in_the_mail(story)
    a_dispute_freezes_credits_and_is_won(story)
    a_dispute_is_lost_and_takes_its_credits(story)
    a_refund_in_the_providers_dashboard_takes_its_share(story)
    story.is_now(2027, 4, 2)
    olga_closes_the_months_and_their_files_add_up(story)


def test_orders_above_two_credits_wait_for_bob_who_pays_the_invoices(story: Story) -> None:
    story.is_now(2027, 1, 11)
    alice_signs_up_and_takes_pro_by_card(story)
    her_orders_wait_for_bob(story)


def alice_signs_up_and_takes_pro_by_card(story: Story) -> None:
    page = story.page
    page.goto(f"{story.base}/account/signup/")
    page.fill("[name=organisation]", "Acme Ltd")
    page.fill("[name=name]", "Alice Smith")
    page.fill("[name=email]", "alice@acme.example")
    page.fill("[name=password1]", "correct horse battery staple 7")
    page.click("main button.primary")
    page.wait_for_url(f"{story.base}/acme-ltd/")
    story.goes_to("credits/details/")
    fill_in_details(page)
    story.goes_to("credits/tier/")
    page.click("[data-opens=to-pro]")
    page.check("dialog[open] input[value=stripe]")
    page.check("dialog[open] input[name=keep]")
    page.click("dialog[open] button.primary")
    story.pays(GOOD)
    story.reads("Paid: the tier is in force.")
    assert "100 credits" in page.inner_text(".balance")


def her_orders_wait_for_bob(story: Story) -> None:
    """He approves one order, which she withdraws, and declines the other."""
    page = story.page
    imports_tickets(story)
    lets_orders_wait_above(story, "2")
    bob = bob_signs_in(story)
    orders(story)
    story.reads("It waits for the approval")
    assert "97 credits" in page.inner_text(".balance"), "held while it waits"
    story.sweep()
    [link] = re.findall(r"http://\S+/runs/1/", story.mail("before an owner or a member for billing approves it"))
    bob.goto(link)
    bob.click("text=Approve: 3 credits")
    bob.wait_for_selector("text=is approved")
    story.sweep()
    assert "/runs/1/" in story.mail("approved the training")
    page.goto(link)
    page.click("[data-opens=cancel]")
    page.click("dialog[open] button.danger")
    page.wait_for_selector("text=100 credits")
    bob.wait_for_selector("text=cancelled")
    orders(story)
    bob.goto(page.url)
    bob.click("[data-opens=decline]")
    bob.fill("dialog[open] [name=why]", "wait for the new queues")
    bob.click("dialog[open] button.danger, dialog[open] button.primary")
    bob.wait_for_selector("text=declined")
    story.sweep()
    assert "wait for the new queues" in story.mail("declined the training")
    page.reload()
    story.reads("This training was declined")
    assert "100 credits" in page.inner_text(".balance")


def imports_tickets(story: Story) -> None:
    tickets = write_csv(story.installation.home / "helpdesk.csv", tickets=200)
    story.installation.otai("tickets", "import", str(tickets), "--name", "support")


def lets_orders_wait_above(story: Story, credits: str) -> None:
    page = story.page
    story.goes_to("credits/spending/")
    page.fill("#above_credits", credits)
    with page.expect_navigation():
        page.click("form:has(#above_credits) button")


def bob_signs_in(story: Story) -> Any:
    """A member for billing, in a browser of his own."""
    story.installation.python(
        "import django, json; django.setup()\n"
        "from otai.db import utc_now\n"
        "from otai.orgs.models import Organisation, User\n"
        "from otai.orgs.operations import add_member\n"
        "from otai.orgs.permissions import Role\n"
        "name, password = 'bob@acme.example', 'the paid invoices 8'\n"
        "bob = User.objects.create_user(username=name, email=name, password=password)\n"
        "acme = Organisation.objects.get(slug='acme-ltd')\n"
        "add_member(organisation=acme, user=bob, role=Role.BILLING, who='alice@acme.example', now=utc_now())\n"
        "print(json.dumps('done'))"
    )
    page = story.page.context.browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{story.base}/account/login/")
    page.fill("[name=login]", "bob@acme.example")
    page.fill("[name=password]", "the paid invoices 8")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{story.base}/acme-ltd/")
    return page


def orders(story: Story) -> None:
    story.goes_to("train/?choice=business-standard")
    story.page.click("#order-button")
    story.page.wait_for_url("**/runs/*/")


def she_trains_a_business_model(story: Story) -> None:
    page = story.page
    imports_tickets(story)
    orders(story)
    story.installation.otai("worker", "--once")
    page.reload()
    page.wait_for_selector("text=Report card")
    assert "97 credits" in page.inner_text(".balance")


def a_declined_card_and_a_second_one_pay_the_same_order(story: Story) -> None:
    page = story.page
    story.goes_to("credits/packages/50/")
    page.check("input[value=stripe]")
    page.click("text=Order for EUR 535.50")
    story.pays(DECLINED)
    story.reads("declined")
    page.click("text=Back")
    story.reads("Nothing was paid")
    order = page.url.partition("?")[0]
    page.click("text=Pay EUR 535.50 by card")
    story.pays(SECOND)
    story.reads("Paid. New in your balance: 50 credits.")
    assert page.url.partition("?")[0] == order
    assert "147 credits" in page.inner_text(".balance")


def the_saved_card_pays_the_next_month(story: Story) -> None:
    story.sweep()
    story.goes_to("credits/tier/")
    story.reads("Paid until 11 Mar 2027.")
    # January's 147 and February's 50.
    assert "197 credits" in story.page.inner_text(".balance")
    said = story.mails()[-1]
    assert "We have received your payment of EUR 117.81 for Pro, one month" in said
    assert not any("while we wait" in mail for mail in story.mails()), "nobody is asked for what is paid"


def a_month_that_needs_its_owner_is_paid_by_the_link_in_the_mail(story: Story) -> None:
    page = story.page
    story.goes_to("credits/methods/")
    page.click("text=Add a card or account")
    story.pays(ASKS_EVERY_TIME)
    story.confirms_at_the_bank()
    story.reads("The payment method is saved")
    page.click("text=Pay the tier with it")
    story.reads("Visa •••• 3184, 12/2030 Pays the tier")
    story.sweep()
    said = story.mails()[-1]
    assert "Your bank wants you to confirm this payment" in said
    [link] = re.findall(r"http://\S+/credits/purchases/\S+", said)
    page.goto(link)
    page.click("text=Pay EUR 117.81 by card")
    story.pays(ASKS_EVERY_TIME)
    story.confirms_at_the_bank()
    story.reads("Paid: the tier is in force.")
    story.reads("automatic renewal")
    assert "247 credits" in page.inner_text(".balance")


def a_dispute_freezes_credits_and_is_won(story: Story) -> None:
    page = story.page
    dispute = story.stripe.disputes(story.payment(FIFTY), FIFTY)
    story.sweep()
    story.goes_to("credits/invoices/")
    story.reads("A payment is disputed: 50 credits are frozen until the bank has decided.")
    assert "197 credits" in page.inner_text(".balance")
    page.click("tr:has-text('EUR 535.50') >> a:has-text('OT-')")
    story.reads("EUR 535.50 of it is disputed")
    story.stripe.decides(dispute, "won")
    story.sweep()
    page.reload()
    story.reads("Paid. New in your balance: 50 credits.")
    assert "247 credits" in page.inner_text(".balance")


def a_dispute_is_lost_and_takes_its_credits(story: Story) -> None:
    page = story.page
    story.goes_to("credits/packages/10/")
    page.click("label:has-text('Visa •••• 4242')")
    page.click("text=Order for EUR 119")
    story.reads("Paid. New in your balance: 10 credits.")
    assert "257 credits" in page.inner_text(".balance")
    order = page.url
    dispute = story.stripe.disputes(story.payment(TEN), TEN)
    story.stripe.decides(dispute, "lost")
    story.sweep()
    page.goto(order)
    story.reads("EUR 119 of it went back")
    story.reads("Credit note")
    assert "247 credits" in page.inner_text(".balance")


def a_refund_in_the_providers_dashboard_takes_its_share(story: Story) -> None:
    page = story.page
    story.stripe.refunds(story.payment(FIFTY), FIFTY // 5)
    story.sweep()
    story.goes_to("credits/invoices/")
    page.click("tr:has-text('EUR 535.50') >> a:has-text('OT-')")
    story.reads("EUR 107.10 of it went back")
    assert "237 credits" in page.inner_text(".balance")


def olga_closes_the_months_and_their_files_add_up(story: Story) -> None:
    """What the accountant is handed is what came and went at the provider, what the documents say, and their VAT."""
    page, installation = story.page, story.installation
    story.sweep()
    installation.settings["OTAI_OPERATOR_PASSWORD"] = "a long passphrase of hers"
    installation.otai("operator", "olga", "--email", "olga@vendor.example")
    page.context.clear_cookies()
    page.goto(f"{story.base}/desk/")
    page.fill("[name=login]", "olga@vendor.example")
    page.fill("[name=password]", "a long passphrase of hers")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/**")
    files: dict[str, bytes] = {}
    for month in MONTHS:
        page.goto(f"{story.base}/desk/billing/closedmonth/accountant/?month={month}")
        page.click(f"input[value='Close {month}']")
        story.reads("is closed")
        for kind in ("closed", "vat", "datev"):
            with page.expect_download() as download:
                page.click(f"a[href$='/{kind}/{month}/']")
            files[f"{kind} {month}"] = Path(download.value.path()).read_bytes()
    booked = {month: bookings(files[f"datev {month}"]) for month in MONTHS}
    for month in MONTHS:
        figures = figures_of(files[f"closed {month}"])
        [vat] = [line.split(";") for line in files[f"vat {month}"].decode().splitlines()[1:]]
        net, tax = cents(vat[4]), cents(vat[5])
        assert vat[:4] == ["EUR", "domestic", "DE", "19"]
        assert (net, tax) == (figures["taxed domestic DE 19 %"], figures["VAT domestic DE 19 %"])
        assert -booked[month]["8400"] == net + tax == figures["invoiced"] - figures["credited"]
        assert booked[month]["1360"] == figures["cash received"] - figures["cash paid back"]
    assert [booked[month]["1360"] for month in MONTHS] == [PRO + FIFTY, PRO, PRO - FIFTY // 5]
    everything = sum(booked.values(), Counter())
    moved = story.at_the_provider("balance_transactions")
    assert everything["1360"] == sum(one["net"] for one in moved) == 3 * PRO + FIFTY - FIFTY // 5
    assert everything["10000"] == 0, "what was invoiced is paid or credited"
    assert "Clean" in installation.otai("ledger", "audit")
    assert installation.json("billing", "audit")["findings"] == []


def cents(amount: str) -> int:
    """`1.234,56` of a bank or `-12.34` of ours."""
    return int(re.sub(r"[.,]", "", amount))


def bookings(file: bytes) -> Counter[str]:
    """Cents by account of a DATEV file: debits less credits."""
    _header, columns, *lines = csv.reader(file.decode("cp1252").splitlines(), delimiter=";")
    found: Counter[str] = Counter()
    for line in (dict(zip(columns, line, strict=True)) for line in lines):
        amount = cents(line["Umsatz (ohne Soll/Haben-Kz)"])
        debit = amount if line["Soll/Haben-Kennzeichen"] == "S" else -amount
        found.update({line["Konto"]: debit})
        found.update({line["Gegenkonto (ohne BU-Schlüssel)"]: -debit})
    return found


def figures_of(file: bytes) -> dict[str, int]:
    """Cents by name of a closed month, which nothing has corrected."""
    lines = [line.split(";") for line in file.decode().splitlines()[2:]]
    assert {kind for _month, _currency, _name, kind, _amount in lines} == {"figure"}
    return {name: cents(amount) for _month, _currency, name, _kind, amount in lines}
