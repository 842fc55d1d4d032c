"""`otai billing ...` as an operator and a customer type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.billing.models import Event
from otai.billing.operations import confirm_payment, offer_package
from otai.cli.billing import billing_app, money_from
from otai.db import utc_now
from otai.errors import Invalid, NotFound, OtaiError
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.units import Money

pytestmark = pytest.mark.django_db


def otai(*words: object) -> str:
    done = CliRunner().invoke(billing_app, [str(word) for word in words], env={"OTAI_ACTOR": "olga", "COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def as_json(*words: object) -> Any:
    return json.loads(otai(*words, "--json"))


def test_buying_by_bank_transfer_from_order_to_refund(acme: Organisation, tmp_path: Path) -> None:
    assert [row["package"] for row in as_json("packages")] == ["10", "50", "100"]
    assert "EUR 9 / credit" in otai("packages")
    bought = as_json("buy", "50", "--key", "click")
    assert (bought["status"], bought["gross_cents"], bought["replayed"]) == ("open", 53550, False)
    assert as_json("buy", "50", "--key", "click")["replayed"]
    assert [row["reference"] for row in as_json("purchases")] == [bought["reference"]]
    assert "50-credit" in otai("purchases")
    assert Path(as_json("confirmation", bought["reference"], "--folder", tmp_path)["files"][0]).suffix == ".pdf"
    part = as_json("confirm-payment", bought["reference"], "500", "--bank-reference", "TX1")
    assert (part["status"], part["missing_cents"]) == ("part_paid", 3550)
    rest = as_json("confirm-payment", bought["reference"], "36", "--bank-reference", "TX2")
    assert (rest["status"], rest["surplus_cents"], rest["delivered"]) == ("paid", 50, True)
    assert ledger.balance(acme.id).available == 56
    assert as_json("return-surplus", rest["payment"], "--why", "paid too much")["gross_cents"] == 50
    refund = as_json("refund-payment", bought["reference"], "--credits", 20, "--why", "smaller team")
    assert (refund["gross_cents"], refund["state"]) == (21420, "sent")
    assert "confirmed" in otai("confirm-refund", refund["refund"], "--why", "transferred")
    assert [row["kind"] for row in as_json("invoices", "list")] == ["credit_note", "invoice"]
    assert "EUR -214.20" in otai("invoices", "list", "--state", "refunded")
    assert as_json("invoices", "list", "--month", "2020-01") == []
    files = as_json("invoices", "export", "--folder", tmp_path / "out")["files"]
    assert sorted(Path(file).suffix for file in files) == [".pdf", ".pdf"]
    otai("invoices", "export", "--xml", "--folder", tmp_path / "out", "--purchase", bought["reference"])
    assert len(list((tmp_path / "out").glob("*.xml"))) == 2
    assert Event.objects.filter(move="part_paid -> paid", who="olga").exists()


def test_the_tier_is_shown_changed_and_cancelled(acme: Organisation) -> None:
    assert as_json("tier", "show")["tier"] == "community"
    changed = as_json("tier", "change", "pro")
    assert (changed["in_force"], changed["purchase"]["gross_cents"]) == (False, 11781)
    otai("confirm-payment", changed["purchase"]["reference"], "117.81", "--bank-reference", "TX1")
    assert "Pro (paid), EUR 99 a month" in otai("tier", "show")
    assert as_json("tier", "cancel", "--why", "too dear")["next_tier"] == "community"


def test_billing_details_say_which_vat_follows(acme: Organisation) -> None:
    words = ["details", "set", "--name", "Acme GmbH", "--street", "Ring 1", "--city", "Wien", "--country", "at"]
    words += ["--email", "a@b.example", "--vat-id", "ATU13585627", "--language", "de"]
    assert "reverse charge" in otai(*words)
    assert as_json("details", "show")["vat"] == {"treatment": "reverse_charge", "permille": 0}
    with pytest.raises(OtaiError, match="check digit"):
        otai(*words[:-4], "--vat-id", "ATU13585628")


def test_operators_give_goodwill_and_offer_packages_with_a_reason(acme: Organisation) -> None:
    assert as_json("goodwill", 5, "--why", "sorry for the outage")["available"] == 11
    otai("offer-package", "big-2027", 500, "3500.50", "--why", "framework contract")
    assert as_json("packages")[-1]["net_cents"] == 350050


def test_topup_and_notice_are_shown_and_set(acme: Organisation, fake: Any) -> None:
    assert as_json("topup", "show")["top_up_below"] == 0
    assert as_json("topup", "notice", 5)["notice_below"] == 5
    words = ["--below", 10, "--package", "10", "--limit", "300", "--payment-method", "pm_good", "--gateway", "fake"]
    assert as_json("topup", "set", *words)["monthly_limit_cents"] == 30000
    assert "at most EUR 300 net a month" in otai("topup", "show")
    assert as_json("topup", "off")["top_up_below"] == 0


def test_sweep_and_month_close_report(acme: Organisation) -> None:
    assert as_json("sweep")["grants"]["failed"] == 0
    assert as_json("audit")["clean"]
    assert as_json("month-close", "2026-11")["total"]["difference"]["cents"] == 0
    assert "Month close 2026-11" in otai("month-close", "2026-11")
    with pytest.raises(Invalid):
        otai("month-close", "2026-13")


def test_the_months_close_is_printed_in_every_currency(acme: Organisation) -> None:
    dollars = Money(80_00, "USD")
    offer_package(organisation=acme, code="us-1", credits=5, price=dollars, who="olga", why="theirs", now=utc_now())
    bought = as_json("buy", "us-1")
    confirm_payment(
        reference=bought["reference"],
        received=Money(95_20, "USD"),
        bank_reference="TX1",
        who="olga",
        why="on the statement",
        now=utc_now(),
    )
    month = bought["ordered_at"][:7]
    printed = otai("month-close", month)
    assert f"Month close {month}, EUR" in printed and f"Month close {month}, USD" in printed
    assert "Cash received USD 95.20" in printed
    [other] = as_json("month-close", month)["others"]
    assert other["packages"]["received"] == {"cents": 80_00, "currency": "USD"}


def test_the_book_behind_an_old_quote_can_be_read() -> None:
    assert "business fast" in otai("price-book")
    book = as_json("price-book", "2026-11")
    assert (book["version"], book["base_prices"]["business fast"]["credits"]) == ("2026-11", 5)
    with pytest.raises(NotFound, match="Published: 2026-11"):
        otai("price-book", "1999-01")


def test_an_order_can_be_cancelled(acme: Organisation) -> None:
    reference = as_json("buy", "10")["reference"]
    assert as_json("cancel-purchase", reference)["status"] == "cancelled"


@pytest.mark.pure
@pytest.mark.parametrize(("text", "cents"), [("450", 45000), ("450.5", 45050), ("0.01", 1), (" 3500.00 ", 350000)])
def test_money_is_read_to_the_cent(text: str, cents: int) -> None:
    assert money_from(text).cents == cents


@pytest.mark.pure
@pytest.mark.parametrize("text", ["", "-1", "1,50", "1.234", "1e3", "\u0661", ".5", "NaN", "1.5.0", "EUR 5"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        money_from(text)


def test_an_order_is_paid_on_a_page_and_its_card_pays_the_tier(acme: Organisation, fake: Any) -> None:
    bought = as_json("buy", "50", "--gateway", "bank_transfer")
    page = as_json("pay", bought["reference"])
    assert page["url"].startswith("https://pay.example/")
    assert page["url"] in otai("pay", bought["reference"])
    fake.payer_pays(page["url"].rpartition("/")[2])
    assert "nothing is to be paid" in otai("pay", bought["reference"])
    assert ledger.balance(acme.id).available == 56
    [method] = as_json("methods", "list")
    assert (method["kind"], method["last_four"], method["pays_tier"]) == ("card", "4242", False)
    otai("methods", "use", method["id"])
    assert as_json("methods", "list")[0]["pays_tier"]
    assert "4242" in otai("methods", "list")
    assert "pay.example" in otai("methods", "add", "--gateway", "fake")
    otai("methods", "use")
    assert as_json("methods", "remove", method["id"])["removed"]
    assert as_json("methods", "list") == []
