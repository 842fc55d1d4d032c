"""Stripe's own SDK over HTTP against localstripe: cards, 3-D Secure, SEPA debit, signed webhooks, refunds."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe as sdk

from otai.billing import operations as billing
from otai.billing.gateway import ForgedWebhook, GatewayUnavailable, PaymentDeclined, PaymentState
from otai.billing.gateways.stripe import Stripe
from otai.billing.gateways.stripe import _ask as ask
from otai.billing.models import PaymentRefund, Purchase, Reversal, WebhookEvent
from otai.billing.operations import methods, webhooks
from otai.billing.status import PurchaseStatus
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
GOOD = "4242424242424242"
ASKS_EVERY_TIME = "4000002760003184"
DECLINED_WHEN_CHARGED = "4000000000000341"
ASKS_FOR_3D_SECURE = "4000002500003155"
GOOD_IBAN = "DE89370400440532013000"
REFUSED_IBAN = "DE62370400440532013001"


def client(double: Any) -> sdk.StripeClient:
    return sdk.StripeClient("sk_test_12345", base_addresses={"api": double.base})


def card(double: Any, number: str = GOOD) -> str:
    """What Stripe's script in the browser does: card data goes to Stripe and never to us."""
    details: Any = {"number": number, "exp_month": 12, "exp_year": 2031, "cvc": "123"}
    return client(double).v1.payment_methods.create({"type": "card", "card": details}).id


def debit(double: Any, iban: str) -> str:
    return client(double).v1.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}}).id


def buy(organisation: Organisation, now: datetime, method: str, key: str = "click-1") -> Any:
    return billing.buy(
        organisation=organisation, package="50", key=key, who=ALICE, now=now, gateway="stripe", payment_method=method
    )


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def receive(call: tuple[bytes, dict[str, str]], now: datetime) -> WebhookEvent:
    return webhooks.receive(gateway="stripe", body=call[0], headers=call[1], now=now)


def test_a_card_is_charged_and_its_webhook_twice_changes_nothing_more(
    acme: Organisation, stripe: Any, now: datetime
) -> None:
    bought = buy(acme, now, card(stripe))
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.PAID, 56)
    call = stripe.received.wait_for("payment_intent.succeeded", bought.purchase.gateway_reference)
    assert receive(call, now).state == "handled"
    assert receive(call, now).deliveries == 2
    assert available(acme) == 56


def test_a_declined_card_says_so_and_grants_nothing(acme: Organisation, stripe: Any, now: datetime) -> None:
    with pytest.raises(PaymentDeclined, match="declined"):
        buy(acme, now, card(stripe, DECLINED_WHEN_CHARGED))
    assert (Purchase.objects.get().status, available(acme)) == (PurchaseStatus.OPEN, 6)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("error", "german"),
    [
        (sdk.CardError("Too little.", "", "card_declined"), "Die Zahlung wurde abgelehnt: Too little."),
        (sdk.CardError(None, "", "card_declined"), "Die Zahlung wurde abgelehnt."),
        (sdk.InvalidRequestError("No such thing.", "", "gone"), "Stripe hat das abgelehnt: No such thing."),
        (sdk.InvalidRequestError(None, "", "gone"), "Stripe hat das abgelehnt."),
    ],
)
def test_where_stripe_gives_no_reason_none_is_made_up(error: sdk.StripeError, german: str) -> None:
    def call() -> None:
        raise error

    with pytest.raises(PaymentDeclined) as declined:
        ask(call)
    assert declined.value.said("page", "de") == german


def test_3d_secure_waits_until_the_customer_has_answered_the_bank(
    acme: Organisation, stripe: Any, now: datetime
) -> None:
    bought = buy(acme, now, card(stripe, ASKS_FOR_3D_SECURE))
    assert (bought.payment.state, available(acme)) == (PaymentState.ACTION_NEEDED, 6)
    stripe.payer_answers(bought.purchase.gateway_reference, bought.payment.client_secret)
    assert (
        receive(stripe.received.wait_for("payment_intent.succeeded", bought.purchase.gateway_reference), now).state
        == "handled"
    )
    assert available(acme) == 56


def test_3d_secure_that_fails_grants_nothing(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, card(stripe, ASKS_FOR_3D_SECURE))
    stripe.payer_answers(bought.purchase.gateway_reference, bought.payment.client_secret, yes=False)
    billing.ask_gateways(now=now + DAY)
    bought.purchase.refresh_from_db()
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.OPEN, 6)


def test_a_sepa_debit_brings_the_credits_when_it_succeeded(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, debit(stripe, GOOD_IBAN))
    receive(stripe.received.wait_for("payment_intent.succeeded", bought.purchase.gateway_reference), now)
    assert available(acme) == 56


def test_a_sepa_debit_that_fails_later_grants_nothing(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, debit(stripe, REFUSED_IBAN))
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.PROCESSING, 6)
    receive(stripe.received.wait_for("payment_intent.payment_failed", bought.purchase.gateway_reference), now)
    bought.purchase.refresh_from_db()
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.OPEN, 6)


def test_a_lost_webhook_is_found_by_asking_stripe(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, card(stripe, ASKS_FOR_3D_SECURE))
    stripe.payer_answers(bought.purchase.gateway_reference, bought.payment.client_secret)
    assert available(acme) == 6
    # By the list of events, whose times are the double's own clock ...
    assert webhooks.fetch_lost(now=datetime.now(tz=now.tzinfo)) >= 1
    webhooks.handle_waiting(now=now)
    assert available(acme) == 56
    # ... and by looking the payment up, which changes nothing any more.
    assert billing.ask_gateways(now=now + DAY) == 0


def test_a_forged_an_old_and_a_changed_webhook_are_refused(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, card(stripe))
    body, headers = stripe.received.wait_for("payment_intent.succeeded", bought.purchase.gateway_reference)
    signature = next(value for name, value in headers.items() if name.lower() == "stripe-signature")
    old_time = int(time.time()) - 3600
    old = sdk.WebhookSignature._compute_signature(f"{old_time}.{body.decode()}", "whsec_of_the_tests")
    for forged_body, forged_signature in (
        (body.replace(b"succeeded", b"processed"), signature),
        (body, "t=1,v1=0000"),
        (body, ""),
        (body, f"t={old_time},v1={old}"),
        (b"\xff\xfe", signature),
    ):
        with pytest.raises(ForgedWebhook):
            webhooks.receive(
                gateway="stripe", body=forged_body, headers={"Stripe-Signature": forged_signature}, now=now
            )
    assert WebhookEvent.objects.count() == 0


def event(**changes: Any) -> dict[str, Any]:
    subject = {"id": "pi_1", "object": "payment_intent"}
    made: dict[str, Any] = {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "created": 1,
        "data": {"object": subject},
    }
    return made | changes


@pytest.mark.parametrize(
    "sent",
    [
        event(id=None),
        event(id=""),
        event(id="evt\0"),
        event(id="e" * 201),
        event(type="t" * 101),
        event(created=1e30),
        event(created=10**17),
        event(data={"object": {"id": "pi\0"}}),
        event(data=[]),
    ],
    ids=str,
)
def test_what_is_signed_and_is_no_event_is_refused(sent: dict[str, Any], stripe: Any, now: datetime) -> None:
    """The provider read 500, and sent it again for days."""
    body, at = json.dumps(sent), int(time.time())
    signature = sdk.WebhookSignature._compute_signature(f"{at}.{body}", "whsec_of_the_tests")
    with pytest.raises(ForgedWebhook, match="no event"):
        receive((body.encode(), {"Stripe-Signature": f"t={at},v1={signature}"}), now)


def test_no_secret_and_no_card_data_is_kept_of_an_event(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, card(stripe))
    stored = receive(stripe.received.wait_for("payment_intent.succeeded", bought.purchase.gateway_reference), now)
    kept = json.dumps(stored.payload)
    assert "client_secret" not in kept
    assert "last4" not in kept
    assert bought.purchase.gateway_reference in kept


def test_unused_credits_are_paid_back_by_stripe_once(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, card(stripe))
    [refund] = billing.refund_payment(reference=bought.purchase.reference, who=OLGA, why="no longer needed", now=now)
    assert (refund.state, refund.gross_cents, available(acme)) == ("confirmed", 535_50, 6)
    # Our process died before it stored the answer: sending again sends nothing more.
    PaymentRefund.objects.filter(id=refund.id).update(state="requested", gateway_reference="")
    again = billing.send(refund.id, now=now)
    made = client(stripe).v1.refunds.list({"payment_intent": bought.purchase.gateway_reference}).data
    assert (again.gateway_reference, len(made)) == (refund.gateway_reference, 1)


def test_a_cancelled_order_can_not_be_paid_any_more(acme: Organisation, stripe: Any, now: datetime) -> None:
    bought = buy(acme, now, card(stripe, ASKS_FOR_3D_SECURE))
    billing.cancel(organisation=acme, reference=bought.purchase.reference, who=ALICE, why="changed our minds", now=now)
    assert Stripe().look_up(bought.purchase.gateway_reference).state is PaymentState.CANCELLED


def test_a_saved_card_is_charged_without_the_customer(acme: Organisation, stripe: Any, now: datetime) -> None:
    customer = methods.customer_of(acme, "stripe", now=now)
    saved = Stripe().save_method(payment_method=card(stripe), customer=customer)
    assert saved.startswith("cus_")
    buy(acme, now, saved)
    assert available(acme) == 56


def test_a_stripe_that_does_not_answer_is_unavailable_and_nothing_is_lost(
    acme: Organisation, stripe: Any, settings: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = card(stripe)
    monkeypatch.setattr("otai.billing.gateways.stripe.network_retries", 0)
    settings.OTAI_STRIPE_API_BASE = "http://127.0.0.1:9"
    with pytest.raises(GatewayUnavailable, match="does not answer"):
        buy(acme, now, method)
    settings.OTAI_STRIPE_API_BASE = stripe.base
    assert buy(acme, now, method).purchase.status == PurchaseStatus.PAID
    assert available(acme) == 56


def test_without_a_key_stripe_says_what_is_missing(
    acme: Organisation, stripe: Any, settings: Any, now: datetime
) -> None:
    settings.OTAI_STRIPE_SECRET_KEY = ""
    with pytest.raises(GatewayUnavailable, match="OTAI_STRIPE_SECRET_KEY"):
        buy(acme, now, "pm_x")


def test_a_dispute_freezes_its_share_and_its_loss_takes_it(acme: Organisation, stripe: Any, now: datetime) -> None:
    purchase = buy(acme, now, card(stripe)).purchase
    dispute = stripe.disputes(purchase.gateway_reference, purchase.gross_cents // 2)
    receive(stripe.received.wait_for("charge.dispute.created", dispute), now)
    assert available(acme) == 6 + 25
    stripe.decides(dispute, "lost")
    receive(stripe.received.wait_for("charge.dispute.closed", dispute), now)
    reversal = Reversal.objects.get()
    assert (reversal.external_id, reversal.state, available(acme)) == (dispute, "lost", 31)


def test_a_dispute_that_is_won_gives_everything_back(acme: Organisation, stripe: Any, now: datetime) -> None:
    purchase = buy(acme, now, card(stripe)).purchase
    dispute = stripe.disputes(purchase.gateway_reference, purchase.gross_cents)
    receive(stripe.received.wait_for("charge.dispute.created", dispute), now)
    assert available(acme) == 6
    stripe.decides(dispute, "won")
    # Its news is lost: the sweep asks how what is open stands.
    assert webhooks.ask_reversals(now=now + DAY) == 1
    assert available(acme) == 56


def test_a_refund_in_stripes_dashboard_takes_what_it_paid_for(acme: Organisation, stripe: Any, now: datetime) -> None:
    purchase = buy(acme, now, card(stripe)).purchase
    stripe.refunds(purchase.gateway_reference, purchase.gross_cents)
    receive(stripe.received.wait_for("charge.refunded", purchase.gateway_reference), now)
    purchase.refresh_from_db()
    assert (purchase.status, available(acme)) == (PurchaseStatus.REVERSED, 6)
