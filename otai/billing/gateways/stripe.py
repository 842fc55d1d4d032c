"""Stripe, with Stripe's own SDK: PaymentIntents for cards and SEPA debit, 3-D Secure, refunds, disputes, signed
webhooks.

Only calls that real Stripe and the local double both understand are made (docs/billing.md lists what the double lacks):
the PaymentIntent is created with its method and confirmed in a second call, and carries our purchase in its metadata.

Settings: OTAI_STRIPE_SECRET_KEY, OTAI_STRIPE_WEBHOOK_SECRET, and OTAI_STRIPE_API_BASE for a double. Nothing of them is
logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe
from django.conf import settings

from otai.billing.gateway import (
    CheckoutOrder,
    CheckoutSeen,
    CheckoutState,
    ForgedWebhook,
    GatewayUnavailable,
    HostedCheckout,
    MethodSeen,
    MoveSeen,
    NewsKind,
    PaymentDeclined,
    PaymentOrder,
    PaymentSeen,
    PaymentState,
    PayoutSeen,
    ProviderEvent,
    ProviderNews,
    RefundOutcome,
    RefundSeen,
    ReversalSeen,
)
from otai.billing.gateways.stripe_balance import seen_balance, seen_move, seen_payout, tells_what_it_brought
from otai.billing.gateways.stripe_reversals import is_about_a_reversal, seen_dispute, seen_refund

PAYMENT_METHODS = ["card", "sepa_debit"]
CHECKOUT_LOCALES = frozenset({"cs", "da", "de", "en", "es", "fi", "fr", "hu", "it", "nb", "nl", "pl", "pt", "sv"})
"""Of the languages that Stripe's Checkout speaks; for others it is left to the browser."""
LEAST_CENTS: Mapping[str, int] = {
    # https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, for accounts that settle in that currency.
    "AUD": 50,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "EUR": 50,
    "GBP": 30,
    "HKD": 4_00,
    "HUF": 175_00,
    "INR": 50,
    "AED": 2_00,
    "BGN": 1_00,
    "CZK": 15_00,
    "DKK": 2_50,
    "MXN": 10_00,
    "MYR": 2_00,
    "NOK": 3_00,
    "NZD": 50,
    "PLN": 2_00,
    "RON": 2_00,
    "SEK": 3_00,
    "SGD": 50,
    "THB": 10_00,
    "USD": 50,
}
"""The smallest charge of each currency."""
timeout_seconds = 20
network_retries = 2
most_webhook_age_seconds = 300
"""Stripe's own tolerance: an older signature may be a replay. Late deliveries are signed anew by Stripe at each
attempt."""

SdkAnswer = TypeVar("SdkAnswer")
logger = logging.getLogger(__name__)

_STATES = {
    "requires_payment_method": PaymentState.WAITING,
    "requires_confirmation": PaymentState.WAITING,
    "requires_action": PaymentState.ACTION_NEEDED,
    "processing": PaymentState.PROCESSING,
    "requires_capture": PaymentState.PROCESSING,
    "succeeded": PaymentState.SUCCEEDED,
    "canceled": PaymentState.CANCELLED,
}


class Stripe(HostedCheckout):
    name = "stripe"
    title = "Card, SEPA debit or wallet"
    charges_saved_methods = True
    pays_by_invoice = False

    def least_cents(self, currency: str) -> int:
        return LEAST_CENTS.get(currency, 50)

    def open_payment(self, order: PaymentOrder) -> PaymentSeen:
        customer, _, method = order.payment_method.rpartition(":")
        asked: dict[str, Any] = {
            "amount": order.cents,
            "currency": order.currency.lower(),
            "payment_method_types": PAYMENT_METHODS,
            "metadata": {"purchase": order.purchase, "reference": order.reference},
        }
        if method:
            asked["payment_method"] = method
        if customer:
            asked["customer"] = customer
        found = _ask(lambda: _client().v1.payment_intents.create(asked, {"idempotency_key": order.key}))  # type: ignore[arg-type]
        return _seen(found)

    def confirm(self, reference: str, *, payment_method: str = "", without_payer: bool = False) -> PaymentSeen:
        asked: dict[str, Any] = {}
        if payment_method:
            asked["payment_method"] = _method_of(payment_method)
            self._give_customer(reference, payment_method.rpartition(":")[0])
        if without_payer:
            asked["off_session"] = True
        return _seen(_ask(lambda: _client().v1.payment_intents.confirm(reference, asked)))  # type: ignore[arg-type]

    def _give_customer(self, reference: str, customer: str) -> None:
        """A kept method pays only for its own customer, who may not have been known when the payment was opened; a
        payment that has a customer keeps it."""
        if customer and not _ask(lambda: _client().v1.payment_intents.retrieve(reference)).to_dict().get("customer"):
            _ask(lambda: _client().v1.payment_intents.update(reference, {"customer": customer}))

    def look_up(self, reference: str) -> PaymentSeen:
        return _seen(_ask(lambda: _client().v1.payment_intents.retrieve(reference)))

    def cancel(self, reference: str) -> PaymentSeen:
        try:
            return _seen(_ask(lambda: _client().v1.payment_intents.cancel(reference)))
        except PaymentDeclined:
            # Too late to cancel: it is what it is.
            return self.look_up(reference)

    def refund(self, *, reference: str, cents: int, currency: str, key: str) -> RefundSeen:
        # Stripe's idempotency keys last a day, and a double may have none: a refund that carries our key is the one we
        # asked for.
        asked_for: Any = {"payment_intent": reference, "limit": 100}
        tries = 0
        for made in _ask(lambda: list(_client().v1.refunds.list(asked_for).auto_paging_iter())):
            if (made.to_dict().get("metadata") or {}).get("key") == key:
                if _refund_seen(made).outcome is not RefundOutcome.FAILED:
                    return _refund_seen(made)
                # Its money is back with us: what did not arrive is sent as another refund.
                tries += 1
        asked: dict[str, Any] = {"payment_intent": reference, "amount": cents, "metadata": {"key": key}}
        once = f"{key}:{tries}" if tries else key
        try:
            made = _ask(lambda: _client().v1.refunds.create(asked, {"idempotency_key": once}))  # type: ignore[arg-type]
        except PaymentDeclined as error:
            return RefundSeen("", RefundOutcome.FAILED, error.said_there)
        return _refund_seen(made)

    def save_method(self, *, payment_method: str, customer: str) -> str:
        _ask(lambda: _client().v1.payment_methods.attach(payment_method, {"customer": customer}))
        return f"{customer}:{payment_method}"

    def reversals(self, reference: str) -> list[ReversalSeen]:
        asked: Any = {"payment_intent": reference, "limit": 100}
        disputes = _ask(lambda: list(_client().v1.disputes.list(asked).auto_paging_iter()))
        refunds = _ask(lambda: list(_client().v1.refunds.list(asked).auto_paging_iter()))
        made = (seen_refund(one.to_dict()) for one in refunds)
        return [*(seen_dispute(one.to_dict()) for one in disputes), *(one for one in made if one is not None)]

    def balance_moves(self, since: datetime) -> list[MoveSeen]:
        asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.source"]}
        found = _ask(lambda: list(_client().v1.balance_transactions.list(asked).auto_paging_iter()))
        return _in_their_order(found)

    def balance(self) -> dict[str, int] | None:
        return seen_balance(_ask(lambda: _client().v1.balance.retrieve()).to_dict())

    def payout(self, reference: str) -> PayoutSeen | None:
        try:
            found = _ask(lambda: _client().v1.payouts.retrieve(reference)).to_dict()
        except PaymentDeclined:
            return None
        if not tells_what_it_brought(found):
            return seen_payout(found, None)
        asked: Any = {"payout": reference, "limit": 100, "expand": ["data.source"]}
        brought = _ask(lambda: list(_client().v1.balance_transactions.list(asked).auto_paging_iter()))
        # It lists itself, too.
        return seen_payout(found, tuple(one for one in _in_their_order(brought) if one.subject != reference))

    def make_customer(self, *, name: str, email: str, key: str) -> str:
        asked: Any = {"name": name, "email": email, "metadata": {"key": key}}
        return str(_ask(lambda: _client().v1.customers.create(asked, {"idempotency_key": key})).id)

    def open_checkout(self, order: CheckoutOrder) -> CheckoutSeen:
        metadata = {"purchase": order.purchase, "reference": order.reference}
        asked: dict[str, Any] = {
            "mode": "payment" if order.cents else "setup",
            "customer": order.customer,
            "success_url": order.return_url.replace("{session}", "{CHECKOUT_SESSION_ID}"),
            "cancel_url": order.cancel_url,
            "expires_at": int(order.expires_at.timestamp()),
            "locale": order.language if order.language in CHECKOUT_LOCALES else "auto",
            "metadata": metadata,
        }
        if order.keeps_method:
            # Only what can be charged later, without the payer and by the same intents.
            asked["payment_method_types"] = PAYMENT_METHODS
        if order.cents:
            product = {"name": order.title}
            price = {"currency": order.currency.lower(), "unit_amount": order.cents, "product_data": product}
            asked["line_items"] = [{"quantity": 1, "price_data": price}]
            asked["payment_intent_data"] = {"metadata": metadata}
            if order.keeps_method:
                asked["payment_intent_data"]["setup_future_usage"] = "off_session"
        else:
            asked["currency"] = order.currency.lower()
        made = _ask(lambda: _client().v1.checkout.sessions.create(asked, {"idempotency_key": order.key}))  # type: ignore[arg-type]
        return self._checkout(made)

    def look_up_checkout(self, reference: str) -> CheckoutSeen:
        return self._checkout(_ask(lambda: _client().v1.checkout.sessions.retrieve(reference)))

    def close_checkout(self, reference: str) -> CheckoutSeen:
        try:
            return self._checkout(_ask(lambda: _client().v1.checkout.sessions.expire(reference)))
        except PaymentDeclined:
            # Complete or expired already: it is what it is.
            return self.look_up_checkout(reference)

    def _checkout(self, session: stripe.checkout.Session) -> CheckoutSeen:
        found = session.to_dict()
        state = CheckoutState(str(found["status"]))
        method = ""
        if state is CheckoutState.COMPLETE and found.get("setup_intent"):
            intent = _ask(lambda: _client().v1.setup_intents.retrieve(str(found["setup_intent"]))).to_dict()
            if intent.get("status") == "succeeded" and intent.get("payment_method"):
                method = f"{found.get('customer') or ''}:{intent['payment_method']}"
        return CheckoutSeen(
            reference=str(found["id"]),
            state=state,
            url=str(found.get("url") or "") if state is CheckoutState.OPEN else "",
            payment=str(found.get("payment_intent") or ""),
            method=method,
            purchase=str((found.get("metadata") or {}).get("purchase", "")),
        )

    def method(self, reference: str) -> MethodSeen | None:
        try:
            found = _ask(lambda: _client().v1.payment_methods.retrieve(_method_of(reference))).to_dict()
        except PaymentDeclined:
            return None
        if not found.get("customer"):
            return None
        kind = str(found.get("type") or "")
        facts = found.get(kind) or {}
        return MethodSeen(
            reference=reference,
            kind=kind,
            brand=str(facts.get("brand") or facts.get("bank_code") or ""),
            last_four=str(facts.get("last4") or ""),
            expires_year=facts.get("exp_year"),
            expires_month=facts.get("exp_month"),
            fingerprint=str(facts.get("fingerprint") or ""),
        )

    def forget_method(self, reference: str) -> None:
        try:
            _ask(lambda: _client().v1.payment_methods.detach(_method_of(reference)))
        except PaymentDeclined:
            if self.method(reference) is not None:
                raise

    def portal(self, *, customer: str, return_url: str) -> str:
        asked: Any = {"customer": customer, "return_url": return_url}
        return str(_ask(lambda: _client().v1.billing_portal.sessions.create(asked)).url)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        secret = settings.OTAI_STRIPE_WEBHOOK_SECRET
        if not secret:
            raise GatewayUnavailable("no_webhook_secret")
        signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
        try:
            text = body.decode()
            stripe.WebhookSignature.verify_header(text, signature, secret, most_webhook_age_seconds)
            event = stripe.Event.construct_from(_as_json(text), None)
            return _event(event)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            raise ForgedWebhook("signature") from None
        except NO_EVENT:
            raise ForgedWebhook("no_event") from None

    def events_since(self, at: datetime) -> list[ProviderEvent]:
        asked: Any = {"created": {"gte": int(at.timestamp())}, "limit": 100}
        found = _ask(lambda: list(_client().v1.events.list(asked).auto_paging_iter()))
        events = []
        for event in found:
            try:
                events.append(_event(event))
            except NO_EVENT:
                # The others must not wait for one that cannot be kept.
                logger.warning("An event that Stripe lists is none: %.100r", getattr(event, "id", None))
        return events

    def news(self, payload: dict[str, Any]) -> ProviderNews:
        kind = str(payload.get("type", ""))
        subject = payload.get("data", {}).get("object", {})
        if kind.startswith("payment_intent."):
            return ProviderNews(NewsKind.PAYMENT, reference=str(subject.get("id", "")))
        if kind.startswith("checkout.session."):
            return ProviderNews(NewsKind.CHECKOUT, subject=str(subject.get("id", "")))
        if kind.startswith("payment_method."):
            return ProviderNews(NewsKind.METHOD, subject=str(subject.get("id", "")))
        payment = str(subject.get("payment_intent") or "")
        if kind == "charge.failed" and payment:
            return ProviderNews(NewsKind.PAYMENT, reference=payment)
        if kind in ("refund.failed", "charge.refund.updated") and subject.get("status") == "failed":
            # Of ours, or of one made in the dashboard: then it is asked how the payment's reversals stand.
            why = str(subject.get("failure_reason"))
            return ProviderNews(NewsKind.REFUND_FAILED, payment, subject=str(subject.get("id", "")), reason=why)
        if payment and is_about_a_reversal(kind):
            return ProviderNews(NewsKind.REVERSAL, payment, subject=str(subject.get("id", "")))
        return ProviderNews(NewsKind.OTHER)


def _in_their_order(transactions: Iterable[stripe.BalanceTransaction]) -> list[MoveSeen]:
    return sorted((seen_move(one.to_dict()) for one in transactions), key=lambda move: (move.at, move.id))


def _as_json(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("an event is an object")
    return found


NO_EVENT = (ValueError, KeyError, AttributeError, TypeError, OverflowError, OSError)
"""What reading something as an event raises where it is none. OSError: no clock shows its time."""


def _event(event: stripe.Event) -> ProviderEvent:
    """Raises one of `NO_EVENT`, also for what the inbox could not keep."""
    payload = event.to_dict()
    id, type = payload["id"], payload["type"]
    if not (_is_name(id, 200) and _is_name(type, 100)):
        raise ValueError("an event has an id and a type")
    slim = _slim(payload)
    if b"\\u0000" in json.dumps(slim, ensure_ascii=False).encode():
        # No text of a database holds a null, or half a letter, which cannot be encoded.
        raise ValueError("an event is text")
    return ProviderEvent(
        id=id, type=type, payload=slim, happened_at=datetime.fromtimestamp(int(payload["created"]), tz=UTC)
    )


def _is_name(value: object, most: int) -> bool:
    return isinstance(value, str) and value.isprintable() and 1 <= len(value) <= most


def _slim(payload: dict[str, Any]) -> dict[str, Any]:
    """What we keep of an event: no payer's data that we do not need, and no client secret."""
    subject = payload["data"]["object"]
    kept = (
        "id",
        "object",
        "status",
        "payment_intent",
        "amount",
        "currency",
        "reason",
        "failure_reason",
        "metadata",
        "charge",
    )
    return {
        "id": payload["id"],
        "type": payload["type"],
        "created": payload["created"],
        "data": {"object": {name: subject[name] for name in kept if name in subject}},
    }


def _client() -> stripe.StripeClient:
    key = settings.OTAI_STRIPE_SECRET_KEY
    if not key:
        raise GatewayUnavailable("not_set_up")
    base = settings.OTAI_STRIPE_API_BASE
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        max_network_retries=network_retries,
        http_client=stripe.RequestsClient(timeout=timeout_seconds),
    )


def _ask(call: Callable[[], SdkAnswer]) -> SdkAnswer:
    try:
        return call()
    except stripe.CardError as error:
        raise PaymentDeclined("provider", said=error.user_message or None, reason=error.code or "") from None
    except stripe.InvalidRequestError as error:
        is_customer = error.code == "resource_missing" and error.param == "customer"
        reason = "no_customer" if is_customer else ""
        raise PaymentDeclined("provider_refused", said=error.user_message or None, reason=reason) from None
    except stripe.AuthenticationError:
        raise GatewayUnavailable("key") from None
    except stripe.StripeError as error:
        raise GatewayUnavailable("no_answer", error=type(error).__name__) from None


def _seen(intent: stripe.PaymentIntent) -> PaymentSeen:
    fields = intent.to_dict()
    state = _STATES.get(str(fields.get("status")), PaymentState.WAITING)
    error = fields.get("last_payment_error") or {}
    if state is PaymentState.WAITING and error:
        state = PaymentState.FAILED
    received = fields.get("amount_received")
    if received is None:
        # The local double does not tell what was received; a succeeded payment of ours is always for its whole amount.
        received = fields["amount"] if state is PaymentState.SUCCEEDED else 0
    return PaymentSeen(
        reference=str(fields["id"]),
        state=state,
        received_cents=int(received),
        currency=str(fields["currency"]).upper(),
        purchase=str((fields.get("metadata") or {}).get("purchase", "")),
        problem=str(error.get("message") or error.get("code") or ""),
        client_secret=str(fields.get("client_secret") or ""),
        charge=str(error.get("charge") or (error.get("payment_method") or {}).get("id") or ""),
        needs_payer=error.get("code") == "authentication_required",
        kept_method=_kept_method(fields),
    )


def _kept_method(intent: dict[str, Any]) -> str:
    method, customer = intent.get("payment_method"), intent.get("customer")
    if intent.get("setup_future_usage") != "off_session" or not method or not customer:
        return ""
    return f"{customer}:{method}"


def _method_of(reference: str) -> str:
    """`cus_1:pm_2` -> `pm_2`: a method is kept with its customer."""
    return reference.rpartition(":")[2]


def _refund_seen(refund: stripe.Refund) -> RefundSeen:
    outcome = {"succeeded": RefundOutcome.CONFIRMED, "failed": RefundOutcome.FAILED, "canceled": RefundOutcome.FAILED}
    return RefundSeen(str(refund.id), outcome.get(str(refund.status), RefundOutcome.SENT))
