"""Alice and Bob of acme look at their credits, buy some, and see that a failed training cost nothing. Carol of globex
sees none of it."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import BillingDetails, CouponFor, VatIdCheck
from otai.billing.months import Month
from otai.billing.operations.coupons import CouponTerms
from otai.billing.seller import seller
from otai.db import utc_now
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.runs.executors import Failed
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from tests import stories
from tests.billing.people import transfer
from tests.billing.test_buyers import SMALL
from tests.web.visitors import browser, member_of, of

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    # Pages ask the clock themselves, so these stories happen a little before now.
    return utc_now() - timedelta(hours=1)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now, tier=Tier.PRO)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


def with_details(organisation: Organisation, now: datetime) -> None:
    billing.set_billing_details(
        organisation=organisation,
        name="Acme GmbH",
        street="Hauptstr. 1",
        postcode="10115",
        city="Berlin",
        country="DE",
        email="billing@acme.example",
        who="alice",
        now=now,
    )


def text_of(page) -> str:
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_says_what_there_is_and_what_it_is_enough_for(alice: Client) -> None:
    shown = text_of(alice.get("/acme/credits/"))
    # 100 credits of Pro; Basic, Standard, with the standard set costs 1. Business is not installed.
    assert "100 credits. Enough for 100 Basic trainings." in shown
    assert "Counted with 1 credit each" in shown
    assert "How long they last can be told after the first week." in shown
    assert "EUR 9 a credit" in shown
    assert "10 % saved" in shown


@pytest.mark.django_db(transaction=True)
def test_a_held_training_is_in_flight_and_a_failed_one_shows_that_nothing_was_charged(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    stories.ordered(acme, data_set, now)
    shown = text_of(alice.get("/acme/credits/"))
    assert "99 credits | 1 held".replace(" | ", " ") in shown
    assert "Training 1 support" in shown
    assert "1 credit held" in shown
    Worker(FakeExecutor(failure=Failed(True, "bad_data", "Too few tickets.", "")), clock=lambda: now).work_once()
    page = alice.get("/acme/credits/")
    assert '<del class="number">1 credit</del>' in page.content.decode()
    shown = text_of(page)
    assert "nothing charged" in shown
    assert "Given back: nothing charged" in shown
    assert ledger.balance(acme.id).available == 100


def test_a_coupon_is_seen_before_the_order_and_stands_on_it(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    terms = CouponTerms(CouponFor.PACKAGE, now, percent=10, most_uses=1)
    billing.make_coupon(code="WELCOME", terms=terms, who="olga", why="the fair", now=now)
    address = "/acme/credits/packages/50/"
    seen = text_of(alice.get(address, {"coupon": "welcome"}))
    assert "Coupon WELCOME EUR \N{MINUS SIGN}45" in seen and "Order for EUR 481.95" in seen
    wrong = alice.get(address, {"coupon": "<b>nobody</b>"})
    assert wrong.status_code == 422 and "There is no coupon" in text_of(wrong)
    assert "Order for EUR 535.50" in text_of(wrong) and b"<b>nobody" not in wrong.content
    looked = text_of(alice.post(address, {"key": "k", "coupon": "welcome", "look": "1"}))
    assert "Order for EUR 481.95" in looked and not queries.purchases(acme).exists()
    order = {"key": "k", "gateway": "bank_transfer", "coupon": "welcome"}
    placed = text_of(alice.get(alice.post(address, order).headers["Location"]))
    assert "Coupon WELCOME EUR \N{MINUS SIGN}45" in placed and "EUR 481.95 to be paid until" in placed
    used = alice.post(address, {**order, "key": "k2", "again": "1"})
    assert used.status_code == 422 and "You have used the coupon WELCOME already." in text_of(used)
    assert queries.purchases(acme).count() == 1


def test_a_tier_takes_a_coupon_for_its_first_month(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    terms = CouponTerms(CouponFor.FIRST_MONTH, now, percent=50)
    billing.make_coupon(code="FIRST-HALF", terms=terms, who="olga", why="the fair", now=now)
    assert "Enterprise, one month EUR 499 19 % VAT (DE) EUR 94.81 Total EUR 593.81" in text_of(
        alice.get("/acme/credits/tier/")
    )
    change = "/acme/credits/tier/change"
    asked = {"tier": "enterprise", "gateway": "bank_transfer", "coupon": "first-half"}
    looked = alice.post(change, {**asked, "look": "1"})
    assert "Coupon FIRST-HALF EUR \N{MINUS SIGN}249.50" in text_of(looked) and "Total EUR 296.91" in text_of(looked)
    assert "Each month after it costs EUR 499, net." in text_of(looked)
    wrong = alice.post(change, {**asked, "coupon": "<b>nobody</b>"})
    assert wrong.status_code == 422 and "There is no coupon" in text_of(wrong) and b"<b>nobody" not in wrong.content
    assert re.findall(r'<dialog id="([^"]+)"[^>]* open>', wrong.content.decode()) == ["to-enterprise"]
    assert not queries.purchases(acme).exists()
    alice.post(change, asked)
    assert queries.purchases(acme).get().net_cents == 249_50
    again = alice.post(change, {**asked, "look": "1"})
    assert "Total EUR 296.91" in text_of(again), "an order that nobody has paid is no use of it"


def test_a_tier_is_paid_by_the_month_or_the_year(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    page, change = "/acme/credits/tier/", "/acme/credits/tier/change"
    shown = text_of(alice.get(page))
    assert "EUR 499 a month, net or EUR 4,990 a year, EUR 998 less than twelve months" in shown
    looked = alice.post(change, {"tier": "enterprise", "term": "year", "look": "1"})
    assert "Enterprise, one year EUR 4,990 19 % VAT (DE) EUR 948.10 Total EUR 5,938.10" in text_of(looked)
    assert alice.post(change, {"tier": "enterprise", "term": "decade"}).status_code == 404
    # Acme was signed up in Pro, and has paid nothing yet: what is ordered is for a year.
    assert "What is not paid yet is ordered anew" in shown
    alice.post(change, {"tier": "pro", "term": "month", "gateway": "bank_transfer"})
    alice.post(change, {"tier": "pro", "term": "year", "gateway": "bank_transfer"})
    year = queries.purchases(acme).get()
    assert (year.net_cents, year.term) == (990_00, "year")
    billing.confirm_payment(
        reference=year.reference,
        received=queries.Money(year.gross_cents),
        bank_reference="entry",
        who="olga",
        why="bank statement",
        now=now,
    )
    assert "Then it is renewed for a year; a mail tells you 30 days before." in text_of(alice.get(page))
    assert "Pro, one month: it begins when the paid period ends" in text_of(
        alice.post(change, {"tier": "pro", "term": "month"}, follow=True)
    )
    shown = text_of(alice.get(page))
    assert "Then it is renewed for a month." in shown and "Pay by the year" in shown
    assert "Begin the year now" not in shown, "it is in it"


def test_a_year_begins_at_once_in_the_place_of_a_month(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    billing.sweep_subscriptions(now=now)
    month = queries.purchases(acme).get()
    billing.confirm_payment(
        reference=month.reference,
        received=queries.Money(month.gross_cents),
        bank_reference="entry",
        who="olga",
        why="bank statement",
        now=now,
    )
    shown = text_of(alice.get("/acme/credits/tier/"))
    assert "Or the year begins now" in shown and "Pro, one year EUR 990 Left of what you have paid" in shown
    ordered = alice.post("/acme/credits/tier/change", {"tier": "pro", "term": "year", "at_once": "1"}, follow=True)
    assert "Pro, one year: it begins when it is paid." in text_of(ordered)
    year = queries.purchases(acme).get(term="year")
    assert year.net_cents + (year.deducted_cents or 0) == 990_00 and year.deducted_cents


def test_buying_takes_two_clicks_and_a_double_click_buys_once(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    offered = alice.get("/acme/credits/packages/50/")
    assert "50 credits for EUR 535.50" in text_of(offered)
    assert "19 % VAT (DE)" in text_of(offered)
    key = re.search(r'name="key" value="([^"]+)"', offered.content.decode()).group(1)
    for _click in range(2):
        ordered = alice.post("/acme/credits/packages/50/", {"key": key, "gateway": "bank_transfer"})
        assert ordered.status_code == 302
    [purchase] = queries.purchases(acme)
    shown = text_of(alice.get(ordered.headers["Location"]))
    assert "EUR 535.50 to be paid until" in shown
    assert purchase.reference in shown
    assert "Demo" not in shown
    billing.confirm_payment(
        reference=purchase.reference,
        received=queries.Money(53550),
        bank_reference="b1",
        who="op",
        why="seen",
        now=now,
    )
    assert "Paid. New in your balance: 50 credits." in text_of(alice.get(ordered.headers["Location"]))
    assert ledger.balance(acme.id).available == 150


def test_a_page_that_was_open_while_the_price_changed_orders_nothing(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    with_details(acme, now)
    package, tier = "/acme/credits/packages/50/", "/acme/credits/tier/change"
    for path, form in ((package, {"price": "40000"}), (tier, {"tier": "enterprise", "price-month": "40000"})):
        refused = alice.post(path, {"key": "k", "gateway": "bank_transfer", **form})
        assert refused.status_code == 409
        assert "The price has changed since this page was opened" in text_of(refused)
        assert queries.purchases(acme).count() == 0
    shown = alice.get(package).content.decode() + alice.get("/acme/credits/tier/").content.decode()
    for field, cents in (("price", 450_00), ("price-month", 499_00), ("price-year", 4990_00)):
        assert f'name="{field}" value="{cents}"' in shown


def test_without_an_address_buying_asks_for_it_once_and_comes_back(alice: Client, acme: Organisation) -> None:
    asked = alice.get("/acme/credits/packages/10/?back=/acme/train/")
    assert asked.status_code == 302
    form = {
        "name": "Acme",
        "street": "A 1",
        "postcode": "",
        "city": "B",
        "country": "DE",
        "vat_id": "",
        "language": "en",
    }
    address = asked.headers["Location"]
    wrong = alice.post(address, form | {"email": "b@acme.example", "vat_id": "DE1"})
    assert wrong.status_code == 422
    assert "is not a valid VAT id" in text_of(wrong)
    assert 'id="id_vat_id_error"' in wrong.content.decode(), "beside its field"
    assert alice.post(address, form | {"email": "b@acme.example", "country": "ZZ"}).status_code == 422
    # VAT follows the country: it is chosen, never the first of the list.
    assert '<option value="" selected>' in alice.get(address).content.decode()
    assert alice.post(address, form | {"email": "b@acme.example", "country": ""}).status_code == 422
    assert '<option value="AT">Österreich' in alice.get(address, headers={"accept-language": "de"}).content.decode()
    saved = alice.post(address, form | {"email": "b@acme.example"})
    assert saved.headers["Location"] == "/acme/credits/packages/10/?back=%2Facme%2Ftrain%2F"
    ordered = alice.post(saved.headers["Location"], {"key": "1", "back": "/acme/train/"})
    assert 'href="/acme/train/"' in alice.get(ordered.headers["Location"]).content.decode()


@pytest.mark.parametrize(("state", "said"), [("valid", "confirmed"), ("invalid", "does not know")])
def test_what_vies_said_of_the_vat_id_stands_on_the_details(
    state: str, said: str, alice: Client, acme: Organisation, now: datetime
) -> None:
    with_details(acme, now)
    BillingDetails.objects.update(vat_id="ATU13585627", country="AT")
    VatIdCheck.objects.create(
        organisation=acme, vat_id="ATU13585627", state=state, wanted_at=now, next_try_at=now, answered_at=now
    )
    assert f"European Commission {said}" in text_of(alice.get("/acme/credits/details/"))


def test_a_small_business_says_that_it_adds_no_vat(
    alice: Client, acme: Organisation, settings: Any, tmp_path: Path
) -> None:
    settings.OTAI_SELLER = str(tmp_path / "seller.toml")
    Path(settings.OTAI_SELLER).write_text(SMALL, encoding="utf-8")
    page = alice.get("/acme/credits/").content.decode()
    assert "No VAT is added: the seller is a small business" in page and "VAT is added by your country" not in page


def test_what_a_training_lacks_marks_the_package_that_covers_it(alice: Client) -> None:
    page = alice.get("/acme/credits/?need=40&back=/acme/train/").content.decode()
    assert "Your training needs 40 credits more" in page
    assert re.search(r"50-credit package\s*<span class=\"badge accent\"", page)
    assert "/acme/credits/packages/50/?back=%2Facme%2Ftrain%2F" in page
    led_away = alice.get("/acme/credits/?need=4&back=https://evil.example/").content.decode()
    assert not re.search(r'(href|action)="[^"]*evil', led_away)


def test_scripts_in_names_and_reasons_stay_words(alice: Client, acme: Organisation, now: datetime) -> None:
    nasty = "<script>alert(1)</script>"
    billing.give_goodwill(organisation=acme, credits=1, who="op", why=nasty, key="x", now=now)
    acme.name = f"Acme {nasty}"
    acme.save()
    for address in ("/acme/", "/acme/credits/", "/acme/credits/ledger/", "/acme/credits/ledger/?q=<script>"):
        assert "<script>alert" not in alice.get(address).content.decode()


def test_invoices_are_listed_and_downloaded(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now)
    page = f"/acme/credits/purchases/{bought.purchase.reference}"
    assert "Order confirmation" in text_of(alice.get(f"{page}/"))
    assert alice.get(f"{page}.pdf").content.startswith(b"%PDF")
    transfer(bought.purchase, now)
    [invoice] = queries.invoices(acme)
    assert invoice.number in text_of(alice.get("/acme/credits/invoices/"))
    pdf = alice.get(f"/acme/credits/invoices/{invoice.number}.pdf")
    assert pdf.content.startswith(b"%PDF")
    assert pdf.headers["Content-Disposition"] == f'attachment; filename="{invoice.number}.pdf"'
    assert b"CrossIndustryInvoice" in alice.get(f"/acme/credits/invoices/{invoice.number}.xml").content


def test_documents_are_narrowed_and_a_month_comes_as_one_archive(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    with_details(acme, now)
    paid, waits = (billing.buy(organisation=acme, package="10", key=key, who="alice", now=now).purchase for key in "ab")
    transfer(paid, now)
    billing.refund_payment(reference=paid.reference, who="olga", why="no longer needed", now=now)
    address, month = "/acme/credits/invoices/", str(Month.at(now, seller().zone))
    everything = text_of(alice.get(address))
    assert "EUR \N{MINUS SIGN}119" in everything
    assert waits.reference in everything
    refunded = text_of(alice.get(address, {"state": "refunded", "month": month}))
    assert "INV-2026-000001" in refunded and "CN-2026-000001" in refunded and waits.reference not in refunded
    assert "INV-2026-000001" not in text_of(alice.get(address, {"state": "open"}))
    assert alice.get(address, {"month": "2026-13"}).status_code == 422
    with zipfile.ZipFile(io.BytesIO(alice.get(f"{address}{month}.zip").content)) as pack:
        assert pack.namelist() == ["CN-2026-000001.pdf", "INV-2026-000001.pdf"]
        assert pack.read("INV-2026-000001.pdf").startswith(b"%PDF")
    assert alice.get(f"{address}2020-01.zip").status_code == 404


def test_an_order_is_cancelled_by_two_clicks_once(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now)
    for _click in range(2):
        assert alice.post(f"/acme/credits/purchases/{bought.purchase.reference}/cancel").status_code == 302
    assert queries.purchase(acme, bought.purchase.reference).status == "cancelled"
    assert queries.invoices(acme).count() == 0


def test_a_tier_is_changed_after_a_yes_and_the_credits_stay(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    shown = text_of(alice.get("/acme/credits/tier/"))
    assert "You are in Pro" in shown
    assert "500 credits at the start (400 more for you)" in shown
    rise = alice.post("/acme/credits/tier/change", {"tier": "enterprise"})
    assert "/credits/purchases/" in rise.headers["Location"]
    assert "EUR 593.81 to be paid" in text_of(alice.get(rise.headers["Location"]))
    assert alice.post("/acme/credits/tier/change", {"tier": "community"}).status_code == 302
    assert "You are in Community" in text_of(alice.get("/acme/credits/tier/"))
    assert ledger.balance(acme.id).available == 100
    assert alice.post("/acme/credits/tier/change", {"tier": "palace"}).status_code == 404
    refused = alice.post("/acme/credits/tier/change", {"tier": "community"})
    assert refused.status_code == 409
    assert "is in Community already" in text_of(refused) and "already_in_tier" not in text_of(refused)


def test_low_credits_are_told_on_every_page_once_asked_for(alice: Client, acme: Organisation) -> None:
    assert alice.post("/acme/credits/low/", {"form": "notice", "notice-below": "500"}).status_code == 302
    assert "100 credits left, fewer than the 500 you set." in text_of(alice.get("/acme/"))
    assert alice.post("/acme/credits/low/", {"form": "notice", "notice-below": "-1"}).status_code == 422
    page = text_of(alice.get("/acme/credits/low/"))
    assert "This installation takes payments by bank transfer only." in page
    assert "Save a payment method" not in page, "there is nothing to save one with"
    assert "Saving one" not in text_of(alice.get("/acme/credits/methods/"))
    # Without a saved method there is no form, and a forged one changes nothing.
    alice.post(
        "/acme/credits/low/",
        {"form": "top_up", "top_up-below": "5", "top_up-package": "10", "top_up-monthly_limit": "100"},
    )
    assert queries.credit_watch_of(acme).top_up_below == 0


def test_what_is_owed_and_frozen_is_told_in_the_readers_language(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    from otai.billing.gateway import ReversalOutcome, ReversalSeen
    from otai.units import Money
    from tests.billing.people import details

    details(acme, now=now)
    bought = billing.buy(organisation=acme, package="50", key="k", who="alice", now=now).purchase
    came = Money(bought.gross_cents + 500)
    billing.confirm_payment(
        reference=bought.reference, received=came, bank_reference="T", who="op", why="bank", now=now
    )
    disputed = ReversalSeen("T", "dp_1", ReversalOutcome.OPEN, bought.gross_cents + 1500, "EUR")
    billing.book_reversals(bought.id, [disputed], who="bank", now=now)
    page = text_of(alice.get("/acme/credits/"))
    assert "A payment is disputed: 50 credits are frozen until the bank has decided." in page
    assert "10 are owed. Until that is settled, nothing can be bought by card." in page, "five were surplus"
    german = text_of(alice.get("/acme/credits/", headers={"Accept-Language": "de"}))
    assert "50 Credits sind gesperrt, bis die Bank entschieden hat" in german


def test_help_reads_every_number_from_the_price_book(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from otai.pricing.price_book import BasePrice, Delivery, Mode, Package
    from otai.units import Money

    book = queries.price_book()
    other = replace(
        book,
        version="other",
        base_prices={**book.base_prices, (Mode.BUSINESS, Delivery.FAST): BasePrice(77, "r")},
        packages=(Package(13, Money(130_00), "r"),),
    )
    monkeypatch.setattr("otai.billing.queries.price_book", lambda: other)
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    shown = text_of(alice.get("/acme/help/prices/"))
    for expected in ("77 credits", "13-credit package", "EUR 130", "Price book other"):
        assert expected in shown


def test_who_may_only_look_cannot_buy(acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    viewer = of(member_of(acme, "victor", Role.VIEWER, now))
    page = viewer.get("/acme/credits/")
    assert page.status_code == 200
    assert "packages/10/" not in page.content.decode()
    for address in ("packages/10/", "details/", "low/"):
        assert viewer.get(f"/acme/credits/{address}").status_code == 403
    for address in ("packages/10/", "tier/change", "low/"):
        assert viewer.post(f"/acme/credits/{address}", {"tier": "community", "key": "1"}).status_code == 403
    assert not queries.purchases(acme).exists()
    assert queries.tier_of(acme) is Tier.PRO


def test_carol_of_globex_finds_nothing_of_acme_and_changes_nothing(acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now)
    transfer(billing.buy(organisation=acme, package="10", key="k2", who="alice", now=now).purchase, now)
    [invoice] = queries.invoices(acme)
    globex = stories.globex(now)
    carol = of(member_of(globex, "carol", Role.OWNER, now))
    reference, number = bought.purchase.reference, invoice.number
    for slug in ("acme", "globex"):
        assert carol.get(f"/{slug}/credits/purchases/{reference}/").status_code == 404
        assert carol.get(f"/{slug}/credits/invoices/{number}.pdf").status_code == 404
        assert carol.get(f"/{slug}/credits/purchases/{reference}.pdf").status_code == 404
        assert carol.post(f"/{slug}/credits/purchases/{reference}/cancel").status_code == 404
        assert carol.post(f"/{slug}/credits/purchases/{reference}/demo").status_code == 404
    for page in ("", "now", "credits/", "credits/ledger/", "credits/ledger.csv", "credits/tier/", "help/"):
        assert carol.get(f"/acme/{page}").status_code == 404
        assert browser().get(f"/acme/{page}").status_code == 302
    assert queries.purchase(acme, reference).status == "open"


def test_the_demos_way_in_is_closed_everywhere_else(
    alice: Client, acme: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch, settings, tmp_path: Path
) -> None:
    from otai.web import demo

    with_details(acme, now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now)
    transfer = f"/acme/credits/purchases/{bought.purchase.reference}/demo"
    assert alice.post(transfer).status_code == 404
    with pytest.raises(demo.NotADemo):
        demo.prepare_link(host="127.0.0.1")
    settings.OTAI_HOME = tmp_path
    (tmp_path / demo.MARK).touch()
    with pytest.raises(demo.NotADemo):
        demo.prepare_link(host="0.0.0.0")
    monkeypatch.delenv(demo.VARIABLE, raising=False)
    token = demo.prepare_link(host="127.0.0.1")
    demo.prepare_people()
    # Not from elsewhere, not under another name, not with another token; then once, and not again.
    assert browser(REMOTE_ADDR="10.0.0.9").get(f"/studio/demo/{token}").status_code == 404
    assert browser().get("/studio/demo/guess").status_code == 404
    visitor = browser()
    assert visitor.get(f"/studio/demo/{token}").headers["Location"] == "/"
    assert visitor.get("/").headers["Location"] == "/acme/"
    assert browser().get(f"/studio/demo/{token}").status_code == 404
    assert visitor.post(transfer).status_code == 302
    assert ledger.balance(acme.id).available == 110
    monkeypatch.delenv(demo.VARIABLE)
    assert visitor.post(transfer).status_code == 404


def test_a_tier_that_is_ordered_already_is_said_on_its_page(alice: Client, acme: Organisation, now: datetime) -> None:
    with_details(acme, now)
    alice.post("/acme/credits/tier/change", {"tier": "enterprise", "gateway": "bank_transfer"})
    [order] = [one for one in queries.purchases_to_pay(acme) if one.tier == "enterprise"]
    shown = text_of(alice.get("/acme/credits/tier/"))
    assert "Enterprise, one month is ordered: it begins when EUR" in shown and order.reference in shown


def test_what_was_taken_back_is_a_column_of_where_credits_came_from(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    assert "Frozen or gone" not in text_of(alice.get("/acme/credits/"))
    [lot, *_] = ledger.lots(acme.id)
    ledger_operations.withdraw(
        organisation=acme.id, lot=lot.id, credits=3, key="dispute", reference="OT-1", reason="disputed", now=now
    )
    assert "Frozen or gone" in text_of(alice.get("/acme/credits/"))


def test_a_transfer_stands_before_the_card_where_it_was_chosen(
    alice: Client, acme: Organisation, now: datetime
) -> None:
    with_details(acme, now)
    bought = billing.buy(organisation=acme, package="10", key="click", who="alice", now=now).purchase
    shown = text_of(alice.get(f"/acme/credits/purchases/{bought.reference}/"))
    assert "To be paid with Invoice and bank transfer" in shown
    assert "DE02 1203 0000 0000 2020 51" in shown
