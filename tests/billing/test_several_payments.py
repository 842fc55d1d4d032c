"""Orders that several payments paid for, in part or twice, and months whose money came back after all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.gateway import NewsKind, PaymentOrder, ReversalOutcome
from otai.billing.gateways.stripe import Stripe
from otai.billing.models import Event, Invoice, Payment, PaymentRefund, Purchase, Reversal, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import webhooks
from otai.billing.operations.orders import locked
from otai.billing.operations.payments import book_payment
from otai.billing.testing import GOOD_CARD
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, own_findings

pytestmark = pytest.mark.django_db


def deliver(fake: Any, event: Any, now: datetime) -> None:
    body, headers = fake.signed(event)
    stored = webhooks.receive(gateway="fake", body=body, headers=headers, now=now)
    assert stored.state == "handled", stored.outcome


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def pays_by_card(fake: Any, purchase: Purchase, cents: int, now: datetime, key: str) -> str:
    """A payment at the provider, booked for the purchase."""
    order = PaymentOrder(str(purchase.id), purchase.reference, cents, "EUR", key, GOOD_CARD)
    seen = fake.confirm(fake.open_payment(order).reference)
    with transaction.atomic():
        book_payment(
            locked(purchase.id),
            gateway="fake",
            external_id=seen.reference,
            received=Money(cents),
            who="fake",
            why="paid on a page",
            now=now,
        )
    return str(seen.reference)


def bought_by_bank_and_card(acme: Organisation, fake: Any, now: datetime) -> tuple[Purchase, str]:
    """Fifty credits: EUR 300 by bank, and the EUR 235.50 that were missing by card."""
    bought = billing.buy(organisation=acme, package="50", key="mixed", who=ALICE, now=now).purchase
    billing.confirm_payment(
        reference=bought.reference, received=Money(300_00), bank_reference="TX", who=OLGA, why="statement", now=now
    )
    return bought, pays_by_card(fake, bought, 235_50, now, "rest")


def paid_back(refunds: list[PaymentRefund]) -> list[tuple[str, int, str]]:
    return [(one.gateway, one.gross_cents, one.state) for one in refunds]


def test_what_bank_and_card_paid_goes_back_over_both(acme: Organisation, fake: Any, now: datetime) -> None:
    bought, _ = bought_by_bank_and_card(acme, fake, now)
    assert available(acme) == 56
    refunds = billing.refund_payment(reference=bought.reference, who=OLGA, why="not needed", now=now)
    assert paid_back(refunds) == [("bank_transfer", 300_00, "sent"), ("fake", 235_50, "confirmed")]
    assert (sum(one.credits for one in refunds), sum(one.net_cents for one in refunds)) == (50, 450_00)
    assert Invoice.objects.get(kind="credit_note").gross_cents == 535_50
    assert audit().findings == []


def test_a_part_of_it_goes_back_over_what_is_left_of_each(acme: Organisation, fake: Any, now: datetime) -> None:
    bought, card = bought_by_bank_and_card(acme, fake, now)
    deliver(fake, fake.refund_by_hand(card, cents=200_00), now)
    refunds = billing.refund_payment(reference=bought.reference, who=OLGA, why="not needed", now=now)
    over = {one.gateway: (one.gross_cents, one.state) for one in refunds}
    assert over["bank_transfer"] == (300_00, "sent")
    assert over["fake"][0] <= 35_50 and over["fake"][1] == "confirmed"
    assert audit().findings == []


def test_a_fee_goes_back_over_both_payments(acme: Organisation, fake: Any, now: datetime) -> None:
    from otai.ledger import operations as ledger_operations
    from otai.ledger.models import LotSource

    bought_by_bank_and_card(acme, fake, now)
    lot = ledger_operations.grant(
        organisation=acme.id, credits=40, source=LotSource.GUARANTEE, key="fee", reference="fee", reason="fee", now=now
    ).lot
    refunds = billing.refund_fee(
        organisation=acme, credits=40, lot=lot, key="k", reference="fee", who=OLGA, why="as money", now=now
    )
    sent = [billing.send(one.id, now=now) for one in refunds]
    assert paid_back(sent) == [("bank_transfer", 300_00, "sent"), ("fake", 176_00, "confirmed")]
    assert own_findings() == []


# --- paid twice


def paid_twice(acme: Organisation, fake: Any, now: datetime) -> tuple[Purchase, str]:
    bought = billing.buy(
        organisation=acme, package="50", key="k", who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    ).purchase
    return bought, pays_by_card(fake, bought, bought.gross_cents, now, "twice")


def surplus_left() -> int:
    return sum(one.surplus_cents - one.returned_cents for one in Payment.objects.all())


def test_a_surplus_refunded_in_the_dashboard_is_no_longer_to_be_returned(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought, second = paid_twice(acme, fake, now)
    assert surplus_left() == bought.gross_cents
    deliver(fake, fake.refund_by_hand(second, cents=bought.gross_cents), now)
    assert (surplus_left(), available(acme)) == (0, 56), "the credits were paid for by the other payment"
    assert Purchase.objects.get(id=bought.id).status == "paid"
    assert audit().findings == []


def test_a_disputed_surplus_is_followed_and_asked_about_again(acme: Organisation, fake: Any, now: datetime) -> None:
    bought, second = paid_twice(acme, fake, now)
    deliver(fake, fake.dispute(second), now)
    assert (surplus_left(), available(acme)) == (0, 56)
    fake.dispute(second, verdict="won")
    assert webhooks.ask_reversals(now=now) == 1
    assert (surplus_left(), Reversal.objects.get().state) == (bought.gross_cents, "won")
    assert audit().findings == []


# --- a month whose money comes back


def in_pro(acme: Organisation, fake: Any, now: datetime) -> Purchase:
    month = billing.change_tier(
        organisation=acme, tier=Tier.PRO, who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    ).purchase
    assert month is not None
    return month


def refund_fails(fake: Any, month: Purchase, now: datetime) -> None:
    """As Stripe tells it: of the refund, not that a payment's reversals changed."""
    fake.refund_by_hand(month.gateway_reference, cents=month.gross_cents, outcome=ReversalOutcome.WON)
    refund = f"fr_{month.gateway_reference}_1"
    deliver(fake, fake.tell("refund.failed", {"refund": refund, "payment": month.gateway_reference}), now)


def test_a_month_refunded_in_the_dashboard_is_in_force_again_when_the_refund_fails(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    month = in_pro(acme, fake, now)
    before = Subscription.objects.get(organisation=acme)
    deliver(fake, fake.refund_by_hand(month.gateway_reference, cents=month.gross_cents), now + timedelta(days=2))
    assert Subscription.objects.get(organisation=acme).status == "free"
    refund_fails(fake, month, now + timedelta(days=5))
    tier, month = Subscription.objects.get(organisation=acme), Purchase.objects.get(id=month.id)
    assert (tier.tier, tier.status, tier.paid_until_at) == ("pro", "paid", before.paid_until_at)
    assert (month.status, month.period_cut_at, available(acme)) == ("paid", None, 100)
    signed = {kind: sum(Invoice.objects.filter(kind=kind).values_list("gross_cents", flat=True)) for kind in KINDS}
    assert signed["invoice"] - signed["credit_note"] == month.gross_cents
    assert audit().findings == []


KINDS = ("invoice", "credit_note")


def test_a_dispute_won_after_all_brings_the_tier_back_once(acme: Organisation, fake: Any, now: datetime) -> None:
    month = in_pro(acme, fake, now)
    for verdict in ("lost", "won", "won"):
        deliver(fake, fake.dispute(month.gateway_reference, verdict=verdict), now)
    tier = Subscription.objects.get(organisation=acme)
    assert (tier.tier, tier.status, available(acme)) == ("pro", "paid", 100)
    deliver(fake, fake.dispute(month.gateway_reference, verdict="lost"), now)
    assert (Subscription.objects.get(organisation=acme).status, available(acme)) == ("free", 6)
    assert audit().findings == []


def test_beside_another_month_it_is_told_to_an_operator(acme: Organisation, fake: Any, now: datetime) -> None:
    month = in_pro(acme, fake, now)
    deliver(fake, fake.refund_by_hand(month.gateway_reference, cents=month.gross_cents), now)
    again = in_pro(acme, fake, now + timedelta(days=1))
    assert again.id != month.id
    refund_fails(fake, month, now + timedelta(days=2))
    assert Event.objects.filter(subject_id=str(month.id), move=BillingOccurrence.MONTH_NOT_RESTORED).count() == 1
    tier = Subscription.objects.get(organisation=acme)
    again.refresh_from_db()
    assert (tier.status, tier.paid_until_at) == ("paid", again.period_until_at)
    assert audit().findings == []


@pytest.mark.parametrize("kind", ["refund.failed", "charge.refund.updated"])
def test_stripes_failed_refund_names_its_payment(kind: str) -> None:
    subject = {"id": "re_1", "status": "failed", "failure_reason": "lost_or_stolen_card", "payment_intent": "pi_1"}
    news = Stripe().news({"type": kind, "data": {"object": subject}})
    assert (news.kind, news.subject, news.reference) == (NewsKind.REFUND_FAILED, "re_1", "pi_1")
