"""What gateway.py promises, asked of the fake and of Stripe's SDK against its double alike; where STRIPE_TEST_KEY is
set, of Stripe itself in its test mode, as far as its API makes what a test needs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from otai.billing.gateway import (
    CheckoutOrder,
    CheckoutSeen,
    CheckoutState,
    ForgedWebhook,
    HostedCheckout,
    MoveKind,
    NewsKind,
    PaymentDeclined,
    PaymentOrder,
    PaymentState,
    PayoutState,
    RefundOutcome,
    ReversalOutcome,
)
from otai.billing.gateways.bank_transfer import BankTransfer
from otai.billing.testing import CARD_THAT_ASKS_EVERY_TIME, DECLINED_CARD, GOOD_CARD, SLOW_DEBIT, FakeGateway

pytestmark = pytest.mark.django_db

TEST_MODE_KEY = os.environ.get("STRIPE_TEST_KEY", "")
PROVIDERS = ["fake", "stripe", *(["stripe-test-mode"] if TEST_MODE_KEY else [])]


@dataclass
class Tried:
    gateway: HostedCheckout
    good: Callable[[], str]
    declined: Callable[[], str]
    failing_debit: Callable[[], str]
    asks_every_time: Callable[[], str]
    pays_on: Callable[[CheckoutSeen, str], None]
    """A payer on the hosted page: enters "good", "declined" or "asks" there."""
    disputes: Callable[[str, int, str], Callable[[str], object]]
    """`disputes(payment, cents, how)`: the payer's bank does, or asks; what it returns says how it stands later. In
    Stripe's words."""
    refund_fails: Callable[[str], object]
    pays_out: Callable[[], str]
    """All that no payout brought yet, to the vendor's bank; returns the payout's name."""
    payout_fails: Callable[[str], object]
    patience_seconds: float = 5
    """How long a debit may take to be refused."""
    keys: ClassVar[str] = ""
    """Before each idempotency key: another for each test, since Stripe keeps them for a day."""


@pytest.fixture(params=PROVIDERS)
def tried(request: pytest.FixtureRequest) -> Tried:
    Tried.keys = uuid4().hex
    if request.param == "stripe-test-mode":
        return in_stripes_test_mode(request.getfixturevalue("settings"))
    if request.param == "fake":
        gateway = FakeGateway()
        cards = {"good": GOOD_CARD, "declined": DECLINED_CARD, "asks": CARD_THAT_ASKS_EVERY_TIME}

        def pays_on(page: CheckoutSeen, card: str) -> None:
            with suppress(PaymentDeclined):
                gateway.payer_pays(page.reference, cards[card])

        verdicts = {"needs_response": "opened", "warning_needs_response": "inquiry", "warning_closed": "inquiry_closed"}

        def disputes(payment: str, cents: int, how: str) -> Callable[[str], object]:
            gateway.dispute(payment, cents=cents, verdict=verdicts.get(how, how))
            return lambda then: gateway.dispute(payment, cents=cents, verdict=verdicts.get(then, then))

        return Tried(
            gateway,
            lambda: GOOD_CARD,
            lambda: DECLINED_CARD,
            lambda: SLOW_DEBIT,
            lambda: CARD_THAT_ASKS_EVERY_TIME,
            pays_on,
            disputes,
            gateway.refund_fails,
            lambda: gateway.pays_out().reference,
            gateway.payout_fails,
        )
    from otai.billing.gateways.stripe import Stripe
    from tests.billing.test_stripe import ASKS_EVERY_TIME, DECLINED_WHEN_CHARGED, REFUSED_IBAN, card, debit

    double = request.getfixturevalue("stripe")
    numbers = {"good": "4242424242424242", "declined": DECLINED_WHEN_CHARGED, "asks": ASKS_EVERY_TIME}
    return Tried(
        Stripe(),
        lambda: card(double),
        lambda: card(double, DECLINED_WHEN_CHARGED),
        lambda: debit(double, REFUSED_IBAN),
        lambda: card(double, ASKS_EVERY_TIME),
        lambda page, which: bool(double.payer_pays(page.url, numbers[which], bank="yes")) and None,
        lambda payment, cents, how: partial(double.decides, double.disputes(payment, cents, how)),
        double.refund_fails,
        double.pays_out,
        double.payout_fails,
    )


def in_stripes_test_mode(settings: Any) -> Tried:
    """Stripe itself, which moves no money in its test mode. Its hosted page wants a browser, and its banks dispute and
    send back what they like: those tests are skipped."""
    import stripe as sdk

    from otai.billing.gateways.stripe import Stripe

    assert TEST_MODE_KEY.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY is no key of the test mode"
    settings.OTAI_STRIPE_SECRET_KEY = TEST_MODE_KEY
    settings.OTAI_STRIPE_WEBHOOK_SECRET = "whsec_none"

    def debit_that_fails() -> str:
        methods = sdk.StripeClient(TEST_MODE_KEY, base_addresses=_base(settings)).v1.payment_methods
        owner: Any = {"name": "Acme", "email": "billing@acme.example"}
        iban: Any = {"iban": "DE62370400440532013001"}
        return methods.create({"type": "sepa_debit", "sepa_debit": iban, "billing_details": owner}).id

    def not_there(*_: object) -> Any:
        pytest.skip("Stripe's API makes none of these in its test mode")

    return Tried(
        Stripe(),
        lambda: "pm_card_visa",
        lambda: "pm_card_chargeCustomerFail",
        debit_that_fails,
        lambda: "pm_card_authenticationRequired",
        not_there,
        not_there,
        not_there,
        not_there,
        not_there,
        patience_seconds=240,
    )


def _base(settings: Any) -> Any:
    return {"api": settings.OTAI_STRIPE_API_BASE} if settings.OTAI_STRIPE_API_BASE else {}


def order(method: str = "", key: str = "k1", *, cents: int = 535_50) -> PaymentOrder:
    key = f"{Tried.keys}:{key}"
    return PaymentOrder("0192f7a0-0000-7000-8000-000000000001", "OT-AAAAA-BBBBB", cents, "EUR", key, method)


def test_less_than_the_least_amount_is_refused(tried: Tried) -> None:
    least = tried.gateway.least_cents("EUR")
    with pytest.raises(PaymentDeclined):
        tried.gateway.open_payment(order(cents=least - 1))
    assert tried.gateway.open_payment(order(cents=least, key="k2")).state is PaymentState.WAITING


def test_an_opened_payment_waits_and_knows_its_purchase(tried: Tried) -> None:
    seen = tried.gateway.open_payment(order())
    assert (seen.state, seen.received_cents, seen.currency) == (PaymentState.WAITING, 0, "EUR")
    assert tried.gateway.look_up(seen.reference).purchase == order().purchase


def test_a_confirmed_payment_has_brought_its_whole_amount(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.good()))
    seen = tried.gateway.confirm(opened.reference)
    assert (seen.state, seen.received_cents) == (PaymentState.SUCCEEDED, 535_50)
    assert tried.gateway.look_up(opened.reference).received_cents == 535_50


def test_a_declined_payment_is_refused_and_seen_as_failed(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.declined()))
    with pytest.raises(PaymentDeclined):
        tried.gateway.confirm(opened.reference)
    seen = tried.gateway.look_up(opened.reference)
    assert (seen.state, seen.received_cents, bool(seen.problem)) == (PaymentState.FAILED, 0, True)


def test_a_debit_is_processed_before_its_outcome_is_known(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.failing_debit()))
    assert tried.gateway.confirm(opened.reference).state is PaymentState.PROCESSING
    if isinstance(tried.gateway, FakeGateway):
        tried.gateway.settle(opened.reference, succeeds=False)
    until = time.monotonic() + tried.patience_seconds
    while tried.gateway.look_up(opened.reference).state is PaymentState.PROCESSING and time.monotonic() < until:
        time.sleep(0.1)
    assert tried.gateway.look_up(opened.reference).state is PaymentState.FAILED


def test_a_cancelled_payment_stays_cancelled_and_a_paid_one_stays_paid(tried: Tried) -> None:
    waiting = tried.gateway.open_payment(order())
    assert tried.gateway.cancel(waiting.reference).state is PaymentState.CANCELLED
    paid = tried.gateway.open_payment(order(tried.good(), key="k2"))
    tried.gateway.confirm(paid.reference)
    assert tried.gateway.cancel(paid.reference).state is PaymentState.SUCCEEDED


def test_a_refund_under_one_key_is_sent_once(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.good()))
    tried.gateway.confirm(opened.reference)
    made = [
        tried.gateway.refund(reference=opened.reference, cents=100_00, currency="EUR", key=f"{Tried.keys}:r1")
        for _ in range(3)
    ]
    assert {refund.outcome for refund in made} == {RefundOutcome.CONFIRMED}
    assert len({refund.reference for refund in made}) == 1


def test_a_refund_that_failed_later_can_be_sent_again(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.good()))
    tried.gateway.confirm(opened.reference)
    asked: dict[str, Any] = {
        "reference": opened.reference,
        "cents": 100_00,
        "currency": "EUR",
        "key": f"{Tried.keys}:r1",
    }
    first = tried.gateway.refund(**asked)
    tried.refund_fails(first.reference)
    again = [tried.gateway.refund(**asked) for _ in range(2)]
    assert {one.outcome for one in again} == {RefundOutcome.CONFIRMED}
    assert {one.reference for one in again}.isdisjoint({first.reference}) and again[0] == again[1]


def test_a_dispute_and_an_inquiry_stand_as_the_bank_says(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.good()))
    tried.gateway.confirm(opened.reference)
    then = tried.disputes(opened.reference, 535_50, "warning_needs_response")

    def stands() -> ReversalOutcome:
        (seen,) = tried.gateway.reversals(opened.reference)
        assert (seen.payment, seen.cents, seen.currency) == (opened.reference, 535_50, "EUR")
        return seen.outcome

    assert stands() is ReversalOutcome.INQUIRY
    for word, outcome in (
        ("needs_response", ReversalOutcome.OPEN),
        ("won", ReversalOutcome.WON),
        ("lost", ReversalOutcome.LOST),
        ("warning_closed", ReversalOutcome.INQUIRY_CLOSED),
    ):
        then(word)
        assert stands() is outcome


def test_what_moved_the_balance_is_listed(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.good()))
    tried.gateway.confirm(opened.reference)
    sent = tried.gateway.refund(
        reference=opened.reference, cents=100_00, currency="EUR", key=f"{Tried.keys}:r1"
    ).reference
    tried.refund_fails(sent)
    then = tried.disputes(opened.reference, 200_00, "needs_response")
    then("won")
    inquired = tried.gateway.open_payment(order(tried.good(), key="k2"))
    tried.gateway.confirm(inquired.reference)
    tried.disputes(inquired.reference, 535_50, "warning_needs_response")
    moves = tried.gateway.balance_moves(datetime.now(tz=UTC) - timedelta(minutes=5))
    mine = [(move.kind, move.cents, move.currency) for move in moves if move.payment == opened.reference]
    assert sorted(mine) == sorted(
        [
            (MoveKind.PAYMENT, 535_50, "EUR"),
            (MoveKind.REFUND, -100_00, "EUR"),
            (MoveKind.REFUND, 100_00, "EUR"),
            (MoveKind.DISPUTE, -200_00, "EUR"),
            (MoveKind.DISPUTE, 200_00, "EUR"),
        ]
    )
    assert {move.subject for move in moves if move.kind is MoveKind.REFUND} == {sent}
    assert [move.kind for move in moves if move.payment == inquired.reference] == [MoveKind.PAYMENT]


def test_a_payout_says_what_it_brought_and_comes_back_where_it_fails(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.good()))
    tried.gateway.confirm(opened.reference)
    before = (tried.gateway.balance() or {})["EUR"]
    name = tried.pays_out()
    seen = tried.gateway.payout(name)
    assert seen is not None and seen.brought is not None
    assert (seen.state, seen.cents, seen.currency) == (PayoutState.PAID, before, "EUR")
    assert [move.payment for move in seen.brought] == [opened.reference]
    assert (tried.gateway.balance() or {}).get("EUR", 0) == 0
    tried.payout_fails(name)
    back = tried.gateway.payout(name)
    assert back is not None and back.state is PayoutState.FAILED
    moves = tried.gateway.balance_moves(datetime.now(tz=UTC) - timedelta(minutes=5))
    assert sorted(move.cents for move in moves if move.kind is MoveKind.PAYOUT) == [-before, before]
    assert tried.gateway.balance() == {"EUR": before}
    again = tried.gateway.payout(tried.pays_out())
    assert again is not None and [move.subject for move in again.brought or ()] == [name]


def test_of_an_unknown_payout_nothing_is_said(tried: Tried) -> None:
    assert tried.gateway.payout("po_nobody_knows") is None


def test_a_saved_method_can_be_charged_again(tried: Tried) -> None:
    customer = tried.gateway.make_customer(name="Acme", email="a@b.example", key=f"{Tried.keys}:acme")
    saved = tried.gateway.save_method(payment_method=tried.good(), customer=customer)
    for key in ("k1", "k2"):
        opened = tried.gateway.open_payment(order(saved, key=key))
        assert tried.gateway.confirm(opened.reference).state is PaymentState.SUCCEEDED


def test_what_happened_can_be_asked_for_afterwards(tried: Tried) -> None:
    before = datetime.now(tz=UTC) - timedelta(minutes=1)
    opened = tried.gateway.open_payment(order(tried.good()))
    tried.gateway.confirm(opened.reference)
    news = [tried.gateway.news(event.payload) for event in tried.gateway.events_since(before)]
    assert opened.reference in [found.reference for found in news]


@pytest.mark.parametrize("headers", [{}, {"Stripe-Signature": "t=1,v1=0"}, {"Fake-Signature": "00"}])
def test_an_unsigned_webhook_is_forged(tried: Tried, headers: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhook):
        tried.gateway.read_webhook(b'{"id": "evt_1"}', headers)


def test_a_bank_transfer_waits_is_never_charged_and_has_no_webhook() -> None:
    gateway: Any = BankTransfer()
    assert gateway.open_payment(order()).state is PaymentState.WAITING
    assert gateway.refund(reference="x", cents=1, currency="EUR", key="r1").outcome is RefundOutcome.SENT
    with pytest.raises(PaymentDeclined):
        gateway.confirm("x")
    with pytest.raises(ForgedWebhook):
        gateway.read_webhook(b"", {})


def page(tried: Tried, *, cents: int = 535_50, key: str = "c1", keeps: bool = True) -> CheckoutSeen:
    customer = tried.gateway.make_customer(name="Acme", email="billing@acme.example", key=f"{Tried.keys}:acme")
    return tried.gateway.open_checkout(
        CheckoutOrder(
            customer=customer,
            cents=cents,
            currency="EUR",
            title="50-credit package",
            key=f"{Tried.keys}:{key}",
            return_url="http://studio.example/back?session={session}",
            cancel_url="http://studio.example/cancelled",
            expires_at=datetime.now(tz=UTC) + timedelta(hours=2),
            purchase=order().purchase,
            reference=order().reference,
            keeps_method=keeps,
        )
    )


def test_one_organisation_is_one_customer(tried: Tried) -> None:
    made = [
        tried.gateway.make_customer(name="Acme", email="billing@acme.example", key=f"{Tried.keys}:acme")
        for _ in range(2)
    ]
    assert made[0] == made[1] != ""


def test_a_page_is_opened_once_for_each_key_and_paid_once(tried: Tried) -> None:
    opened = page(tried)
    assert (opened.state, page(tried).reference) == (CheckoutState.OPEN, opened.reference)
    assert opened.url.startswith("http")
    tried.pays_on(opened, "good")
    seen = tried.gateway.look_up_checkout(opened.reference)
    assert (seen.state, seen.url, seen.purchase) == (CheckoutState.COMPLETE, "", order().purchase)
    paid = tried.gateway.look_up(seen.payment)
    assert (paid.state, paid.received_cents, paid.currency) == (PaymentState.SUCCEEDED, 535_50, "EUR")
    assert paid.purchase == order().purchase
    assert tried.gateway.close_checkout(opened.reference).state is CheckoutState.COMPLETE


def test_a_declined_card_leaves_the_page_open_for_another(tried: Tried) -> None:
    opened = page(tried)
    tried.pays_on(opened, "declined")
    assert tried.gateway.look_up_checkout(opened.reference).state is CheckoutState.OPEN
    tried.pays_on(opened, "good")
    assert tried.gateway.look_up_checkout(opened.reference).state is CheckoutState.COMPLETE


def test_a_closed_page_takes_no_money(tried: Tried) -> None:
    opened = page(tried)
    assert tried.gateway.close_checkout(opened.reference).state is CheckoutState.EXPIRED
    seen = tried.gateway.look_up_checkout(opened.reference)
    assert (seen.state, seen.url, seen.payment) == (CheckoutState.EXPIRED, "", "")


def test_a_method_that_paid_is_kept_only_where_it_was_said(tried: Tried) -> None:
    keeps, keeps_not = page(tried), page(tried, key="c2", keeps=False)
    for opened in (keeps, keeps_not):
        tried.pays_on(opened, "good")
    methods = [
        tried.gateway.look_up(tried.gateway.look_up_checkout(opened.reference).payment).kept_method
        for opened in (keeps, keeps_not)
    ]
    assert methods[1] == ""
    seen = tried.gateway.method(methods[0])
    assert seen is not None
    assert (seen.kind, seen.brand, seen.last_four, seen.expires_year) == ("card", "visa", "4242", 2030)
    opened = tried.gateway.open_payment(order(methods[0]))
    assert tried.gateway.confirm(opened.reference, without_payer=True).state is PaymentState.SUCCEEDED


def test_a_page_keeps_a_method_without_a_payment_until_it_is_forgotten(tried: Tried) -> None:
    opened = page(tried, cents=0)
    tried.pays_on(opened, "good")
    kept = tried.gateway.look_up_checkout(opened.reference).method
    assert tried.gateway.method(kept) is not None
    tried.gateway.forget_method(kept)
    assert tried.gateway.method(kept) is None
    tried.gateway.forget_method(kept)


def test_a_card_that_is_added_again_is_known_by_its_mark(tried: Tried) -> None:
    marks = []
    for key, which in (("c1", "good"), ("c2", "good"), ("c3", "asks")):
        opened = page(tried, key=key, cents=0)
        tried.pays_on(opened, which)
        seen = tried.gateway.method(tried.gateway.look_up_checkout(opened.reference).method)
        assert seen is not None
        marks.append(seen.fingerprint)
    assert marks[0] and marks[0] == marks[1] != marks[2]


def test_a_card_that_asks_every_time_pays_on_the_page_and_not_without_its_owner(tried: Tried) -> None:
    opened = page(tried)
    tried.pays_on(opened, "asks")
    payment = tried.gateway.look_up_checkout(opened.reference).payment
    kept = tried.gateway.look_up(payment).kept_method
    later = tried.gateway.open_payment(order(kept, key="k2"))
    with pytest.raises(PaymentDeclined) as declined:
        tried.gateway.confirm(later.reference, without_payer=True)
    assert declined.value.details["reason"] == "authentication_required"
    assert tried.gateway.look_up(later.reference).state is PaymentState.FAILED


def test_a_second_card_pays_what_the_first_could_not(tried: Tried) -> None:
    opened = tried.gateway.open_payment(order(tried.declined()))
    with pytest.raises(PaymentDeclined):
        tried.gateway.confirm(opened.reference)
    seen = tried.gateway.confirm(opened.reference, payment_method=tried.good())
    assert (seen.state, seen.received_cents) == (PaymentState.SUCCEEDED, 535_50)


def test_what_happens_on_a_page_is_news(tried: Tried) -> None:
    before = datetime.now(tz=UTC) - timedelta(minutes=1)
    opened = page(tried)
    tried.pays_on(opened, "good")
    news = [tried.gateway.news(event.payload) for event in tried.gateway.events_since(before)]
    assert (NewsKind.CHECKOUT, opened.reference) in [(found.kind, found.subject) for found in news]


def test_the_portal_is_an_address_at_the_provider(tried: Tried) -> None:
    customer = tried.gateway.make_customer(name="Acme", email="billing@acme.example", key=f"{Tried.keys}:acme")
    assert tried.gateway.portal(customer=customer, return_url="http://studio.example/").startswith("http")
