"""Coupons: Olga makes a code, Alice orders with it, and what she paid is what everything goes by."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import einvoice
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from lxml import etree
from pypdf import PdfReader

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.audit import audit
from otai.billing.documents import invoice_pdf, invoice_xml, order_confirmation_pdf
from otai.billing.documents.xml import factur_x_xml
from otai.billing.models import Coupon, CouponFor, Event, Invoice, PaymentRefund, Purchase, PurchaseKind
from otai.billing.operations import coupons
from otai.billing.operations.coupons import (
    CouponExists,
    CouponNotValid,
    CouponTerms,
    CouponUnknown,
    InvalidCoupon,
    check_coupon,
    coupon_terms_of,
    look_at,
    may_be_first_month,
    takes_more_than_half,
)
from otai.billing.operations.orders import AmountTooSmall
from otai.billing.revenue import month_close
from otai.billing.seller import seller
from otai.billing.status import PurchaseStatus
from otai.billing.testing import GOOD_CARD
from otai.errors import OtaiError
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, CAROL, OLGA, acme_signs_up, details, globex_signs_up, transfer
from tests.billing.test_commands import otai
from tests.billing.validation import problems

pytestmark = pytest.mark.django_db
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


def coupon(code: str = "WELCOME", *, now: datetime, **terms: Any) -> Coupon:
    asked = CouponTerms(**{"what": CouponFor.PACKAGE, "valid_from_at": now, "percent": 10, **terms})
    return billing.make_coupon(code=code, terms=asked, who=OLGA, why="the fair in Cologne", now=now)


def buys(organisation: Organisation, now: datetime, key: str = "k", code: str = "welcome", **more: Any) -> Purchase:
    asked: dict[str, Any] = {"organisation": organisation, "package": "50", "who": ALICE, "now": now, **more}
    return billing.buy(key=key, coupon=code, **asked).purchase


def refused(organisation: Organisation, now: datetime, **more: Any) -> str:
    with pytest.raises((CouponNotValid, CouponUnknown)) as found:
        buys(organisation, now, key="refused", **more)
    assert not Purchase.objects.filter(key="refused").exists()
    assert found.value.details["coupon"] == more.get("code", "WELCOME")
    return found.value.case


def test_a_share_is_taken_off_and_vat_is_of_what_is_left(acme: Organisation, now: datetime) -> None:
    coupon(now=now, percent=7)
    purchase = buys(acme, now)
    assert (purchase.discount_cents, purchase.net_cents) == (31_50, 418_50)
    assert (purchase.vat_cents, purchase.gross_cents) == (79_52, 498_02), "19 % of 418.50 are 79.515"
    again = buys(acme, now, code=" Wel come ")
    assert again.id == purchase.id, "the same click is the same order, however the code was typed"
    transfer(purchase, now)
    assert ledger.balance(acme.id).available == 56, "all the credits"
    assert audit().findings == []


def test_an_amount_is_taken_off(acme: Organisation, now: datetime) -> None:
    coupon(now=now, percent=None, amount=Money(50_00))
    assert buys(acme, now).net_cents == 400_00


def test_the_first_month_of_a_tier_is_cheaper_and_the_next_is_not(acme: Organisation, fake: Any, now: datetime) -> None:
    coupon(now=now, what=CouponFor.FIRST_MONTH, percent=50)
    card: dict[str, Any] = {"organisation": acme, "who": ALICE, "gateway": "fake", "payment_method": GOOD_CARD}
    billing.change_tier(tier=Tier.PRO, coupon="welcome", now=now, **card)
    first = Purchase.objects.get()
    assert (first.net_cents, first.status) == (49_50, PurchaseStatus.PAID)
    billing.sweep_subscriptions(now=now + timedelta(days=32))
    second = Purchase.objects.exclude(id=first.id).get()
    assert (second.net_cents, second.coupon) == (99_00, None)
    with pytest.raises(CouponNotValid, match="first month of a tier alone") as late:
        billing.change_tier(tier=Tier.ENTERPRISE, coupon="welcome", now=now + timedelta(days=33), **card)
    assert late.value.details == {"coupon": "WELCOME"}
    assert audit().findings == []


def test_a_rise_deducts_what_was_paid_and_no_more(acme: Organisation, fake: Any, now: datetime) -> None:
    coupon(now=now, what=CouponFor.EITHER, percent=50)
    card: dict[str, Any] = {"organisation": acme, "who": ALICE, "gateway": "fake", "payment_method": GOOD_CARD}
    billing.change_tier(tier=Tier.PRO, coupon="welcome", now=now, **card)
    change = billing.change_tier(tier=Tier.ENTERPRISE, now=now, **card)
    assert change.purchase is not None and change.purchase.net_cents == 499_00 - 49_50


def test_another_tier_asked_for_instead_takes_the_coupon_along(acme: Organisation, now: datetime) -> None:
    coupon(now=now, what=CouponFor.FIRST_MONTH, most_uses=1)
    asked: dict[str, Any] = {"organisation": acme, "who": ALICE, "now": now}
    plain = billing.change_tier(tier=Tier.PRO, **asked).purchase
    pro = billing.change_tier(tier=Tier.PRO, coupon="welcome", **asked).purchase
    assert plain is not None and pro is not None and pro.id != plain.id, "with the coupon it is another order"
    assert billing.change_tier(tier=Tier.PRO, coupon="welcome", **asked).purchase == pro
    enterprise = billing.change_tier(tier=Tier.ENTERPRISE, coupon="welcome", **asked).purchase
    assert enterprise is not None and enterprise.net_cents == 449_10
    pro.refresh_from_db()
    assert pro.status == PurchaseStatus.CANCELLED and audit().findings == []


def test_a_coupon_is_refused_for_a_reason_that_is_told(acme: Organisation, globex: Organisation, now: datetime) -> None:
    day = timedelta(days=1)
    coupon("LATER", now=now, valid_from_at=now + day)
    coupon("ENDS", now=now, valid_until_at=now + day)
    coupon("MONTH", now=now, what=CouponFor.FIRST_MONTH)
    coupon("FIRST", now=now, first_purchase_only=True)
    coupon("DOLLARS", now=now, percent=None, amount=Money(1_00, "USD"))
    coupon("LARGE", now=now, percent=None, amount=Money(450_00))
    gone = coupon("GONE", now=now)
    billing.withdraw_coupon(code="gone", who=OLGA, why="a mistake", now=now)
    billing.withdraw_coupon(code="gone", who=OLGA, why="again", now=now + day)
    gone.refresh_from_db()
    assert gone.withdrawn_at == now
    buys(acme, now, key="first", code="")
    for code, case in (
        *(("LATER", "not_yet"), ("MONTH", "other_kind"), ("FIRST", "not_first"), ("DOLLARS", "currency")),
        *(("LARGE", "too_much"), ("GONE", "coupon"), ("NOBODY-KNOWS-IT", "coupon")),
    ):
        assert refused(acme, now, code=code) == case, code
    assert refused(acme, now + day, code="ENDS") == "over"
    assert buys(globex, now, code="first", who=CAROL).discount_cents == 45_00
    assert audit().findings == []


def test_a_use_is_counted_and_a_cancelled_order_gives_it_back(
    acme: Organisation, globex: Organisation, now: datetime
) -> None:
    coupon(now=now, most_uses=1)
    first = buys(acme, now)
    assert refused(acme, now) == "used"
    assert refused(globex, now, who=CAROL) == "used_up"
    billing.cancel(organisation=acme, reference=first.reference, who=ALICE, why="a mistake", now=now)
    assert buys(globex, now, who=CAROL).discount_cents == 45_00


def test_an_order_that_a_card_could_not_pay_is_not_made(acme: Organisation, fake: Any, now: datetime) -> None:
    coupon(now=now, percent=None, amount=Money(449_99))
    with pytest.raises(AmountTooSmall):
        buys(acme, now, gateway="fake")


def test_what_goes_back_is_what_was_paid(acme: Organisation, fake: Any, now: datetime) -> None:
    coupon(now=now, percent=33, once_each=False)
    card: dict[str, Any] = {"gateway": "fake", "payment_method": GOOD_CARD}
    paid_back, disputed = (buys(acme, now, key=key, **card) for key in ("one", "two"))
    assert paid_back.net_cents == 301_50
    billing.refund_payment(reference=paid_back.reference, who=OLGA, why="unused", now=now)
    refund = PaymentRefund.objects.get()
    assert (refund.credits, refund.gross_cents) == (50, paid_back.gross_cents)
    fake.dispute(disputed.gateway_reference, cents=disputed.gross_cents, verdict="lost")
    billing.book_reversals(disputed.id, fake.reversals(disputed.gateway_reference), who="fake", now=now)
    assert ledger.balance(acme.id).available == 6
    notes = Invoice.objects.filter(kind="credit_note")
    assert sorted(notes.values_list("gross_cents", flat=True)) == [disputed.gross_cents, paid_back.gross_cents]
    assert all("discount" not in note.facts for note in notes)
    close = month_close(now.year, now.month, zone=seller().zone)
    assert (close.total.difference.cents, close.vat.cents) == (0, 0)
    assert audit().findings == []


@pytest.mark.parametrize(
    ("country", "vat_id", "leitweg_id", "terms"),
    [
        ("DE", "", "", {"percent": 7}),
        ("DE", "", "991-33333TEST-33", {"percent": None, "amount": Money(33_33)}),
        ("FR", "FR40303265045", "", {"percent": 7}),
        ("CH", "", "", {"percent": None, "amount": Money(33_33)}),
    ],
)
def test_the_invoice_has_the_discount_as_an_allowance(
    acme: Organisation, now: datetime, country: str, vat_id: str, leitweg_id: str, terms: Any
) -> None:
    details(acme, now=now, country=country, vat_id=vat_id, leitweg_id=leitweg_id)
    coupon(now=now, **terms)
    purchase = buys(acme, now)
    confirmed = " ".join(page.extract_text() for page in PdfReader(BytesIO(order_confirmation_pdf(purchase))).pages)
    assert "Discount with the code WELCOME" in confirmed and "EUR 450.00" in confirmed
    transfer(purchase, now)
    invoice = Invoice.objects.get()
    xml = invoice_xml(invoice)
    assert problems(factur_x_xml(invoice)) == []
    if leitweg_id:
        assert einvoice.validate_bytes(xml, profile="xrechnung")["valid"] is True
    tree = etree.fromstring(xml)
    [allowance] = tree.iter(f"{RAM}SpecifiedTradeAllowanceCharge")
    less = f"{purchase.discount_cents / 100:.2f}"
    assert allowance.findtext(f"{RAM}ActualAmount") == less
    assert (allowance.findtext(f"{RAM}CalculationPercent") is None) == ("amount" in terms)
    [sums] = tree.iter(f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    amounts = [
        sums.findtext(f"{RAM}{name}") for name in ("LineTotalAmount", "AllowanceTotalAmount", "GrandTotalAmount")
    ]
    assert amounts == ["450.00", less, f"{purchase.gross_cents / 100:.2f}"]
    printed = " ".join(page.extract_text() for page in PdfReader(BytesIO(invoice_pdf(invoice))).pages)
    assert "Discount with the code WELCOME" in printed and f"-{less}" in printed


def test_a_coupon_is_one_of_sense(now: datetime, db: None) -> None:
    day = timedelta(days=1)
    for terms, case, field in (
        ({"percent": 100}, "percent", "percent"),
        ({"percent": 0}, "percent", "percent"),
        ({"percent": 10, "amount": Money(1)}, "percent_or_amount", "percent"),
        ({"percent": None}, "percent_or_amount", "percent"),
        ({"percent": None, "amount": Money(0)}, "amount", "amount"),
        ({"valid_until_at": now}, "valid_until", "valid_until"),
        ({"valid_from_at": now - day, "valid_until_at": now}, "valid_until", "valid_until"),
        ({"valid_from_at": now + day, "valid_until_at": now + day}, "valid_until", "valid_until"),
        ({"most_uses": 0}, "most_uses", "most_uses"),
        *(({"code": code}, "code", "code") for code in ("", "abc", "-ABCD", "A B_CD", "X" * 41)),
    ):
        with pytest.raises(InvalidCoupon) as found:
            coupon(now=now, **terms)
        assert (found.value.case, found.value.details["field"]) == (case, field)
    for code, terms in (
        ("LEAST", {"percent": 1}),
        ("MOST", {"percent": 99}),
        ("CENT", {"percent": None, "amount": Money(1)}),
        ("X" * 40, {"valid_until_at": now + timedelta(seconds=1)}),
    ):
        assert coupon(code, now=now, **terms).code == code
    made = coupon(now=now, percent=None, amount=Money(5, "USD"))
    made.refresh_from_db()
    assert (made.currency, made.made_at, made.made_by, made.reason) == ("USD", now, OLGA, "the fair in Cologne")
    with pytest.raises(CouponExists) as exists:
        coupon("wel come", now=now)
    assert (exists.value.case, exists.value.details) == ("code", {"coupon": "WELCOME"})
    with pytest.raises(CouponExists):
        check_coupon("WELCOME", CouponTerms(CouponFor.PACKAGE, now, percent=10), now=now)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(CouponExists) as meanwhile:
        patch.setattr(coupons, "check_coupon", lambda *_, **__: None)
        coupon("wel come", now=now)
    assert meanwhile.value.details == {"coupon": "WELCOME"}, "somebody made it in the same moment"


def test_what_is_done_with_a_coupon_is_remembered(now: datetime, db: None) -> None:
    made = coupon(now=now)
    later = now + timedelta(days=1)
    billing.withdraw_coupon(code=" welcome", who=OLGA, why="a mistake", now=later)
    first, second = Event.objects.filter(subject="coupon").order_by("id")
    assert [(one.subject_id, one.organisation, one.who) for one in (first, second)] == [(str(made.id), None, OLGA)] * 2
    assert (first.move, first.why, first.at) == ("made", "the fair in Cologne", now)
    assert first.details == {"code": "WELCOME", "terms": coupon_terms_of(made)}
    assert (second.move, second.why, second.at) == ("withdrawn", "a mistake", later)
    assert second.details == {"code": "WELCOME", "at": later.isoformat()}
    for unknown in (
        lambda code: billing.withdraw_coupon(code=code, who=OLGA, why="a mistake", now=later),
        lambda code: looks(None, code, Money(1_00), now),
    ):
        with pytest.raises(CouponUnknown) as found:
            unknown("Y" * 61)
        assert (found.value.case, found.value.details) == ("coupon", {"coupon": "Y" * 60})


def test_the_hash_of_a_coupons_terms_stays_what_it_is(now: datetime) -> None:
    """Events keep it: another way to work it out would make the audit doubt every coupon there is."""
    made = Coupon(
        code="WELCOME",
        what=CouponFor.PACKAGE.value,
        percent=10,
        valid_from_at=now,
        made_at=now,
        made_by=OLGA,
        reason="the fair in Cologne",
    )
    assert coupon_terms_of(made) == "a46490cc367bb4470aa4c443e6aba7df075eadb60742adf873abd9f275c7c817"


def looks(organisation: Any, code: str, price: Money, now: datetime) -> int:
    found = look_at(code, organisation=organisation, kind=PurchaseKind.PACKAGE, price=price, now=now)
    assert found is not None
    return found.cents


def test_what_a_coupon_takes_off_leaves_something_to_pay(acme: Organisation, now: datetime) -> None:
    coupon("SHARE", now=now, percent=50)
    coupon("AMOUNT", now=now, percent=None, amount=Money(2))
    for code, cents, off in (("SHARE", 2, 1), ("SHARE", 3, 1), ("AMOUNT", 3, 2)):
        assert looks(acme, code, Money(cents), now) == off
    for code, price in (("SHARE", Money(1)), ("AMOUNT", Money(2)), ("AMOUNT", Money(1))):
        with pytest.raises(CouponNotValid) as found:
            looks(acme, code, price, now)
        said = {"coupon": code, "price": {"cents": price.cents, "currency": "EUR"}}
        assert (found.value.case, found.value.details) == ("too_much", said)
    with pytest.raises(CouponNotValid) as found:
        looks(acme, "AMOUNT", Money(3, "USD"), now)
    assert (found.value.case, found.value.details) == ("currency", {"coupon": "AMOUNT", "currency": "EUR"})
    assert looks(acme, "SHARE", Money(4, "USD"), now) == 2, "a share is one in any currency"


def test_a_coupon_for_the_first_purchase_counts_what_was_bought_and_not_what_is_replaced(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    coupon("FIRST", now=now, what=CouponFor.EITHER, first_purchase_only=True)
    rise: dict[str, Any] = {"coupon": "first", "now": now}
    billing.change_tier(organisation=globex, tier=Tier.PRO, who=CAROL, **rise, gateway="fake", payment_method=GOOD_CARD)
    assert not may_be_first_month(globex) and may_be_first_month(acme)
    mistaken = buys(acme, now, code="")
    billing.cancel(organisation=acme, reference=mistaken.reference, who=ALICE, why="a mistake", now=now)
    for tier in (Tier.PRO, Tier.ENTERPRISE):
        bought = billing.change_tier(organisation=acme, tier=tier, who=ALICE, **rise).purchase
        assert bought is not None and bought.discount_cents > 0
    package = buys(acme, now, key="package", code="")
    transfer(package, now)
    assert may_be_first_month(acme), "a package is no month"


@pytest.mark.parametrize(
    ("terms", "is_more"),
    [
        ({"percent": 50}, False),
        ({"percent": 51}, True),
        # The cheapest package costs 100 euros, the cheapest month 99, and one of dollars nothing at all.
        ({"amount": Money(50_00)}, False),
        ({"amount": Money(50_01)}, True),
        ({"amount": Money(1), "once_each": False}, True),
        ({"amount": Money(49_50), "what": CouponFor.FIRST_MONTH}, False),
        ({"amount": Money(49_51), "what": CouponFor.FIRST_MONTH}, True),
        ({"amount": Money(49_51), "what": CouponFor.EITHER}, True),
        ({"amount": Money(1, "USD")}, True),
    ],
)
def test_more_than_half_is_of_the_cheapest_thing_that_it_is_for(
    now: datetime, terms: dict[str, Any], is_more: bool
) -> None:
    asked = CouponTerms(**{"what": CouponFor.PACKAGE, "valid_from_at": now, **terms})
    assert takes_more_than_half(asked) is is_more


def test_of_a_month_it_is_more_than_half_whatever_packages_cost(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    [small, *_], book = queries.price_book().packages, queries.price_book()
    cheap = replace(book, packages=(replace(small, price=Money(1_00)),))
    monkeypatch.setattr(queries, "price_book", lambda: cheap)
    half_a_month = Money(49_50)
    month, either = (CouponTerms(what, now, amount=half_a_month) for what in (CouponFor.FIRST_MONTH, CouponFor.EITHER))
    assert (takes_more_than_half(month), takes_more_than_half(either)) == (False, True)


def test_coupons_are_listed_the_newest_first(now: datetime, db: None) -> None:
    made = [coupon(code, now=now + timedelta(days=day)) for code, day in (("LATER", 2), ("EARLY", 0), ("EARLY-2", 0))]
    same = sorted(made[1:], key=lambda one: one.id, reverse=True)
    assert list(coupons.coupons()) == [made[0], *same]


def test_whoever_redeems_a_coupon_holds_it(acme: Organisation, now: datetime) -> None:
    coupon(now=now)
    asked: dict[str, Any] = {"organisation": acme, "kind": PurchaseKind.PACKAGE, "price": Money(1_00), "now": now}
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert coupons.redeem(" wel come", **asked) == coupons.look_at("welcome", **asked)
    assert "'WELCOME'" in queries[0]["sql"] and 'withdrawn_at" IS' not in queries[0]["sql"]
    assert coupons.redeem(" ", **asked) is None


def test_the_database_keeps_what_a_coupon_is(acme: Organisation, now: datetime) -> None:
    coupon(now=now)
    buys(acme, now)
    for change, rule in (
        ("billing_coupon SET code = ''", "has_a_code"),
        ("billing_coupon SET what = 'tea'", "is_for_something_known"),
        ("billing_coupon SET percent = 100", "takes_a_share_or_an_amount"),
        ("billing_coupon SET amount_cents = 5", "takes_a_share_or_an_amount"),
        ("billing_coupon SET percent = NULL", "takes_a_share_or_an_amount"),
        ("billing_coupon SET valid_until_at = valid_from_at", "ends_after_it_begins"),
        ("billing_coupon SET most_uses = 0", "can_be_used"),
        ("billing_coupon SET reason = ''", "says_who_and_why"),
        ("billing_coupon SET withdrawn_at = made_at", "is_withdrawn_by_somebody"),
        ("billing_purchase SET discount_cents = 0", "discount_comes_with_a_coupon"),
        ("billing_purchase SET coupon_id = NULL", "discount_comes_with_a_coupon"),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {change}")


def test_the_audit_finds_a_coupon_of_other_terms(acme: Organisation, now: datetime) -> None:
    made = coupon(now=now)
    buys(acme, now)
    for change in ({"percent": 20}, {"most_uses": 9}, {"withdrawn_at": now, "withdrawn_by": OLGA}):
        with transaction.atomic():
            Coupon.objects.filter(id=made.id).update(**change)
            assert audit().findings, change
            transaction.set_rollback(True)
    with transaction.atomic():
        Purchase.objects.update(coupon=coupon("OTHER", now=now, percent=10))
        assert "an order is of the terms that it was made of" in {one.what for one in audit().findings}
        transaction.set_rollback(True)
    assert audit().findings == []


def test_coupons_at_the_command_line(acme: Organisation) -> None:
    make = ("coupons", "make", "fair-27", "--percent", "10", "--most-uses", "5", "--why", "the fair")
    made = json.loads(otai(*make, "--begins", "2026-01-01", "--last-day", "2099-12-31", "--json"))
    assert (made["code"], made["valid_until_at"][:10]) == ("FAIR-27", "2100-01-01"), "until the day's end"
    bought = json.loads(otai("buy", "50", "--coupon", "fair-27", "--key", "k", "--json"))
    assert (bought["coupon"], bought["discount_cents"], bought["net_cents"]) == ("FAIR-27", 4500, 40500)
    assert "1 of 5" in otai("coupons", "list")
    otai("coupons", "withdraw", "fair-27", "--why", "the fair is over")
    with pytest.raises(CouponUnknown):
        otai("buy", "50", "--coupon", "fair-27", "--key", "k2")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_it_for_the_last_time_at_once_one_is_refused(now: datetime) -> None:
    acme, globex = acme_signs_up(now), globex_signs_up(now)
    coupon(now=now, most_uses=2, once_each=False)
    answers: list[str] = []
    start = threading.Barrier(6)

    def click(organisation: Organisation, number: int) -> None:
        try:
            start.wait(10)
            buys(organisation, now, key=f"k{number}")
            answers.append("done")
        except OtaiError as error:
            answers.append(error.case)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(one, n)) for n, one in enumerate([acme, globex] * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == ["done"] * 2 + ["used_up"] * 4
    assert coupons.uses(Coupon.objects.get()).count() == 2
