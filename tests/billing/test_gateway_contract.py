"""What gateway.py promises, asked of the fake and of Stripe's SDK against its double alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otai.billing.gateway import (
    ForgedWebhook,
    Gateway,
    PaymentDeclined,
    PaymentOrder,
    PaymentState,
    RefundOutcome,
)
from otai.billing.gateways.bank_transfer import BankTransfer
from otai.billing.testing import DECLINED_CARD, GOOD_CARD, SLOW_DEBIT, FakeGateway

pytestmark = pytest.mark.django_db


@dataclass
class Tried:
    gateway: Gateway
    good: Callable[[], str]
    declined: Callable[[], str]
    failing_debit: Callable[[], str]


@pytest.fixture(params=["fake", "stripe"])
def tried(request: pytest.FixtureRequest) -> Tried:
    if request.param == "fake":
        gateway = FakeGateway()
        return Tried(gateway, lambda: GOOD_CARD, lambda: DECLINED_CARD, lambda: SLOW_DEBIT)
    from otai.billing.gateways.stripe import Stripe
    from tests.billing.test_stripe import DECLINED_WHEN_CHARGED, REFUSED_IBAN, card, debit

    double = request.getfixturevalue("stripe")
    return Tried(
        Stripe(), lambda: card(double), lambda: card(double, DECLINED_WHEN_CHARGED), lambda: debit(double, REFUSED_IBAN)
    )


def order(method: str = "", key: str = "k1") -> PaymentOrder:
    return PaymentOrder("0192f7a0-0000-7000-8000-000000000001", "OT-AAAAA-BBBBB", 535_50, "EUR", key, method)


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
    until = time.monotonic() + 5
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
    made = [tried.gateway.refund(reference=opened.reference, cents=100_00, currency="EUR", key="r1") for _ in range(3)]
    assert {refund.outcome for refund in made} == {RefundOutcome.CONFIRMED}
    assert len({refund.reference for refund in made}) == 1


def test_a_saved_method_can_be_charged_again(tried: Tried) -> None:
    saved = tried.gateway.save_method(payment_method=tried.good(), name="Acme", email="a@b.example")
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
