"""Acme tries the Studio, runs out of credits, buys more by card and by bank transfer, and is paid back what it does not
need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.audit import audit as billing_audit
from otai.billing.documents import invoice_xml
from otai.billing.models import Invoice, Payment, PaymentRefund, Purchase
from otai.billing.operations import webhooks
from otai.billing.revenue import month_close
from otai.billing.seller import seller
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.ledger.operations import InsufficientCredits
from otai.runs import operations as runs
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.units import Money
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stripe(settings: Any) -> Iterator[Any]:
    """Stripe's SDK against a local double in its own process."""
    from tests.billing.stripe_server import WEBHOOK_SECRET, stripe_double

    with stripe_double() as double:
        settings.OTAI_STRIPE_SECRET_KEY = "sk_test_12345"
        settings.OTAI_STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
        settings.OTAI_STRIPE_API_BASE = double.base
        settings.OTAI_GATEWAYS = [
            "otai.billing.gateways.bank_transfer:BankTransfer",
            "otai.billing.gateways.stripe:Stripe",
        ]
        yield double


def train(organisation: Any, support: Any, now: datetime) -> Run:
    quote = stories.quote_for(organisation, support, now)
    run = runs.order_run(organisation=organisation, quote=quote.id, who="alice", now=now)
    Worker(executor=FakeExecutor(), clock=lambda: now + MINUTE).work_once()
    run.refresh_from_db()
    assert run.status == "completed"
    return run


def test_acme_buys_credits_and_the_books_balance(tmp_path: Path, now: datetime, stripe: Any) -> None:
    from tests.billing.test_stripe import card

    # Acme signs up and trains on its initial credits until they are used up.
    acme, globex = stories.acme(now), stories.globex(now)
    support = stories.tickets_of(acme, tmp_path, now)
    for _ in range(6):
        train(acme, support, now)
    assert ledger.balance(acme.id).available == 0

    # The next order is refused; the answer says what is missing, and which package covers it. Nothing is written.
    quote = stories.quote_for(acme, support, now)
    with pytest.raises(InsufficientCredits) as refused:
        runs.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    assert "missing: 1). What covers it: 10-credit package (EUR 100)" in refused.value.message
    assert (Run.objects.count(), ledger.balance(acme.id).held) == (6, 0)

    # Alice enters where the invoice goes, and buys that package by card. The bank wants 3-D Secure: no credits yet.
    billing.set_billing_details(
        organisation=acme,
        name="Acme Ltd",
        street="Lindenstrasse 7",
        postcode="50674",
        city="Köln",
        country="DE",
        email="billing@acme.example",
        who="alice",
        now=now,
    )
    first = billing.buy(
        organisation=acme,
        package="10",
        key="alice's click",
        who="alice",
        now=now,
        gateway="stripe",
        payment_method=card(stripe, "4000002500003155"),
    )
    assert ledger.balance(acme.id).available == 0

    # She confirms it with her bank. Stripe's news comes twice, and an earlier event comes last: ten credits, once.
    stripe.payer_answers(first.purchase.gateway_reference, first.payment.client_secret)
    body, headers = stripe.received.wait_for("payment_intent.succeeded", first.purchase.gateway_reference)
    for _ in range(2):
        webhooks.receive(gateway="stripe", body=body, headers=headers, now=now + 2 * MINUTE)
    earlier = {"id": "evt_earlier", "type": "payment_intent.processing", "created": int(now.timestamp())}
    late = queries.purchase(acme, first.purchase.reference)
    webhooks.store("stripe", _event(earlier, late.gateway_reference), now=now + 3 * MINUTE)
    webhooks.handle_waiting(now=now + 3 * MINUTE)
    assert ledger.balance(acme.id).available == 10

    # Now the run goes through.
    train(acme, support, now + 5 * MINUTE)
    assert ledger.balance(acme.id).available == 9

    # A second purchase, by bank transfer: credits and invoice come when an operator has seen the money.
    second = billing.buy(organisation=acme, package="50", key="alice's second click", who="alice", now=now + 6 * MINUTE)
    assert ledger.balance(acme.id).available == 9
    billing.confirm_payment(
        reference=second.purchase.reference,
        received=Money(535_50),
        bank_reference="2026-11-03/17",
        who="olga",
        why="bank statement of 3 November",
        now=now + timedelta(days=1),
    )
    assert ledger.balance(acme.id).available == 59

    # Acme needs no more. What is unused of both purchases is paid back at the price paid: 9 of 10 credits, and all 50.
    refunds = [
        refund
        for purchase in (first.purchase, second.purchase)
        for refund in billing.refund_payment(
            reference=purchase.reference, who="olga", why="project ended", now=now + timedelta(days=2)
        )
    ]
    assert [(r.credits, r.net_cents) for r in refunds] == [(9, 90_00), (50, 450_00)]
    assert ledger.balance(acme.id).available == 0

    # The audit is clean; invoices less credit notes are the money received less the money paid back.
    assert audit().clean
    assert billing_audit().clean
    invoices = list(queries.invoices(acme))
    signed = sum(i.gross_cents if i.kind == "invoice" else -i.gross_cents for i in invoices)
    received = sum(Payment.objects.values_list("cents", flat=True))
    paid_back = sum(PaymentRefund.objects.values_list("gross_cents", flat=True))
    assert (len(invoices), received, paid_back) == (4, 119_00 + 535_50, 107_10 + 535_50)
    assert signed == received - paid_back == 11_90
    assert queries.missing_invoices() == []

    # The month closes to the cent: one bought credit was spent, EUR 10 are earned, nothing is deferred.
    close = month_close(2026, 11, zone=seller().zone)
    assert (close.total.recognised, close.total.deferred_after) == (Money(10_00), Money(0))
    assert close.total.recognised.cents + close.total.deferred_after.cents == (
        close.total.received.cents - close.total.refunded.cents
    )

    # The accountant's software can read every one of them.
    if sys.platform == "linux":
        from tests.billing.validation import problems

        assert [problems(invoice_xml(invoice)) for invoice in invoices] == [[]] * 4

    # Carol of globex saw none of it.
    assert not Purchase.objects.filter(organisation=globex).exists()
    assert not Invoice.objects.filter(organisation=globex).exists()
    assert ledger.balance(globex.id).available == 6


def _event(entries: dict[str, Any], payment: str) -> Any:
    from datetime import UTC

    from otai.billing.gateway import ProviderEvent

    payload = {**entries, "data": {"object": {"id": payment, "object": "payment_intent"}}}
    return ProviderEvent(entries["id"], entries["type"], payload, datetime.fromtimestamp(entries["created"], tz=UTC))
