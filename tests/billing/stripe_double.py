"""localstripe in a process of its own: `python -m tests.billing.stripe_double PORT`. Never imported by the product (it
is GPL).

As it comes it listens on every interface and keeps its data in a fixed file; here it listens on this machine only and
keeps none. What it lacks of what we use is added here, from Stripe's documentation, outside its code: Checkout Sessions
with a page to pay on, the customer portal's link, methods kept by a payment, charges without the payer, a second
method on one payment, least amounts, disputes and inquiries, refunds that fail later, what they move of the balance,
payouts and what they bring, and idempotency keys.
"""

from __future__ import annotations

import html
import sys
from typing import Any

from localstripe import resources
from localstripe.resources import (
    BalanceTransaction,
    Charge,
    Customer,
    Event,
    PaymentIntent,
    PaymentMethod,
    Payout,
    Refund,
    SetupIntent,
    StripeObject,
    UserError,
)
from localstripe.webhooks import schedule_webhook

ASKS_EVERY_TIME = "4000002760003184"
"""Stripe's test card whose bank wants its owner for each payment."""


def without_code(error: UserError) -> str:
    """What a payer reads of a refusal."""
    return str(error.body["error"].get("message") or "Your card was declined.")


# --- payments ---------------------------------------------------------------------------------------------------------


LEAST_CENTS = 50
"""Of euros: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""


def _create_payment(cls: Any, setup_future_usage: str | None = None, **data: Any) -> Any:
    if int(data.get("amount") or 0) < LEAST_CENTS:
        raise UserError(400, "Amount must be at least €0.50 eur", {"code": "amount_too_small"})
    made = _created(**data)
    made.setup_future_usage = setup_future_usage
    return made


def _confirm_payment(id: str = "", payment_method: str | None = None, off_session: Any = None, **rest: Any) -> Any:
    if rest:
        raise UserError(400, "Unexpected " + ", ".join(rest))
    found = PaymentIntent._api_retrieve(id)
    if payment_method:
        method = PaymentMethod._api_retrieve(payment_method)
        if found.status in ("requires_payment_method", "requires_confirmation", "requires_action"):
            found.payment_method, found.latest_charge, found.next_action = method.id, None, None
            found._authentication_failed = found._wants_its_owner = False
    elif found.status == "requires_payment_method" and found.payment_method:
        # A try that failed forgets its method at Stripe: without another there is nothing to confirm.
        raise UserError(400, "You must provide a payment method.", {"code": "payment_intent_unexpected_state"})
    if found.status != "requires_confirmation":
        raise UserError(400, "Bad request", {"code": "payment_intent_unexpected_state"})
    method = PaymentMethod._api_retrieve(found.payment_method)
    number = getattr(method, "_card_number", "")
    if off_session in (True, "true") and number == ASKS_EVERY_TIME:
        found._wants_its_owner, found.payment_method = True, None
        schedule_webhook(Event("payment_intent.payment_failed", found))
        raise UserError(402, "This payment needs its owner.", {"code": "authentication_required"})
    if method._requires_authentication() and (method.customer is None or number == ASKS_EVERY_TIME):
        found.next_action = {"type": "use_stripe_sdk"}
        return found
    found._create_charge(on_failure_now=found._report_failure)
    return found


def _last_error(self: Any) -> Any:
    if getattr(self, "_wants_its_owner", False):
        return {"code": "authentication_required", "message": "This payment needs its owner."}
    return _error_of(self)


_created = PaymentIntent._api_create
_error_of = PaymentIntent.last_payment_error.fget
PaymentIntent._api_create = classmethod(_create_payment)
PaymentIntent.last_payment_error = property(_last_error)
PaymentIntent.setup_future_usage = None


# --- Checkout ---------------------------------------------------------------------------------------------------------


class CheckoutSession(StripeObject):  # type: ignore[misc]
    object = "checkout.session"
    _id_prefix = "cs_test_"
    _base = ""

    def __init__(self, mode: str, customer: str, success_url: str, cancel_url: str, **asked: Any) -> None:
        known = {
            "line_items",
            "payment_intent_data",
            "setup_intent_data",
            "metadata",
            "expires_at",
            "locale",
            "payment_method_types",
            "currency",
        }
        if set(asked) - known or mode not in ("payment", "setup"):
            raise UserError(400, "Unexpected " + ", ".join(set(asked) - known))
        Customer._api_retrieve(customer)
        if mode == "payment" and not asked.get("line_items"):
            raise UserError(400, "A payment needs line_items.")
        if mode == "setup" and not asked.get("currency"):
            raise UserError(400, "A setup with dynamic payment methods needs a currency.")
        super().__init__()
        self.mode, self.customer, self.success_url, self.cancel_url = mode, customer, success_url, cancel_url
        self.metadata = asked.get("metadata") or {}
        self.status, self.payment_status = "open", "unpaid" if mode == "payment" else "no_payment_required"
        self.payment_intent: str | None = None
        self.setup_intent: str | None = None
        self.expires_at = int(asked.get("expires_at") or self.created + 86_400)
        self._intent = asked.get("payment_intent_data") or {}
        self._items = [item["price_data"] for item in asked.get("line_items") or []]

    @property
    def url(self) -> str | None:
        return f"{CheckoutSession._base}/_config/pay/{self.id}" if self.status == "open" else None

    @property
    def amount_total(self) -> int:
        return sum(int(item["unit_amount"]) for item in self._items)

    @property
    def currency(self) -> str | None:
        return self._items[0]["currency"] if self._items else None

    @classmethod
    def _api_expire(cls, id: str, **rest: Any) -> Any:
        found = cls._api_retrieve(id)
        if found.status != "open":
            raise UserError(400, "Only open Checkout Sessions can be expired.")
        found.status = "expired"
        schedule_webhook(Event("checkout.session.expired", found))
        return found

    def _submit(self, method: Any, *, authenticated: bool | None = None) -> str:
        """What the payer's click does: "" when the page is done with, else `authenticate` or what to tell the payer."""
        if self.mode == "setup":
            return self._keep(method, authenticated)
        if self.payment_intent is None:
            made = PaymentIntent._api_create(
                amount=self.amount_total, currency=self.currency, customer=self.customer, **self._intent
            )
            self.payment_intent = made.id
        payment = PaymentIntent._api_retrieve(self.payment_intent)
        payment.payment_method, payment.latest_charge, payment.next_action = method.id, None, None
        if method._requires_authentication() and authenticated is None:
            return "authenticate"
        if authenticated is False:
            payment._authentication_failed, payment.payment_method = True, None
            return "We could not authenticate your card."
        try:
            payment._create_charge(on_failure_now=payment._report_failure)
        except UserError as error:
            return without_code(error)
        if payment.setup_future_usage:
            method.customer = self.customer
        self.status = "complete"
        self.payment_status = "paid" if payment.status == "succeeded" else "unpaid"
        schedule_webhook(Event("checkout.session.completed", self))
        return ""

    def _keep(self, method: Any, authenticated: bool | None) -> str:
        if method._requires_authentication() and authenticated is None:
            return "authenticate"
        if authenticated is False or method._attaching_is_declined():
            return "Your card was declined."
        kept = SetupIntent(customer=self.customer, payment_method_types=["card", "sepa_debit"])
        kept.payment_method, kept.status, method.customer = method.id, "succeeded", self.customer
        self.setup_intent, self.status = kept.id, "complete"
        schedule_webhook(Event("checkout.session.completed", self))
        return ""


class PortalSession(StripeObject):  # type: ignore[misc]
    object = "billing_portal.session"
    _id_prefix = "bps_"

    def __init__(self, customer: str, return_url: str) -> None:
        Customer._api_retrieve(customer)
        super().__init__()
        self.customer, self.return_url = customer, return_url
        self.url = f"{CheckoutSession._base}/_config/portal/{self.id}"


# --- the balance ------------------------------------------------------------------------------------------------------


class BalanceMoved(BalanceTransaction):  # type: ignore[misc]
    """A movement of the balance that localstripe does not know: of a dispute, of a refund that failed."""

    def __init__(self, source: Any, cents: int, type: str) -> None:
        StripeObject.__init__(self)
        self.amount, self.currency, self.source, self.type = cents, source.currency, source.id, type
        self.fee, self.fee_details, self.exchange_rate, self.description = 0, [], None, ""
        self.available_on, self.reporting_category, self.status = self.created, type, "available"


def _list_balance(created: Any = None, payout: str = "", **rest: Any) -> Any:
    found = BalanceTransaction._api_list_all("/v1/balance_transactions", **rest)
    if payout:
        brought = Payout._api_retrieve(payout)
        if not brought.automatic:
            raise UserError(400, "Balance transaction history can only be filtered on automatic transfers, not manual.")
        found._list = [one for one in found._list if getattr(one, "_payout", "") == payout or one.source == payout]
    return found


class _Balance:
    """All that moved, in one sum: nothing waits here."""

    object = "balance"

    @classmethod
    def _api_retrieve(cls) -> Any:
        return cls()

    def _export(self, expand: Any = None) -> Any:
        moved: dict[str, int] = {}
        for one in BalanceTransaction._api_list_all("/v1/balance_transactions", limit=100)._list:
            moved[one.currency] = moved.get(one.currency, 0) + one.net
        listed = [{"amount": amount, "currency": currency} for currency, amount in moved.items()]
        return {"object": "balance", "available": listed, "pending": [{"amount": 0, "currency": "eur"}]}


def _pay_out(**_: Any) -> Any:
    """All that no payout brought yet goes to the vendor's bank, as it does every day."""
    new = [
        one
        for one in BalanceTransaction._api_list_all("/v1/balance_transactions", limit=100)._list
        if one.type != "payout" and not getattr(one, "_payout", "")
    ]
    made = Payout(amount=sum(one.net for one in new), currency="eur", status="paid")
    made.automatic, made.reconciliation_status = True, "completed"
    for one in new:
        one._payout = made.id
    made.balance_transaction = BalanceMoved(made, -made.amount, "payout").id
    return made


def _fail_payout(id: str) -> Any:
    """The vendor's bank sends a payout back."""
    found = Payout._api_retrieve(id)
    found.status, found.failure_code = "failed", "account_closed"
    found.failure_balance_transaction = BalanceMoved(found, found.amount, "payout_failure").id
    schedule_webhook(Event("payout.failed", found))
    return found


def _create_refund(cls: Any, **data: Any) -> Any:
    """Of ours or of the dashboard: the news is the charge's, as at Stripe."""
    made = _refunded(**data)
    schedule_webhook(Event("charge.refunded", Charge._api_retrieve(made.charge)))
    return made


_refunded = Refund._api_create
Refund._api_create = classmethod(_create_refund)


def _fail_refund(id: str) -> Any:
    """The payer's bank sends a refund back."""
    found = Refund._api_retrieve(id)
    found.status, found.failure_reason = "failed", "lost_or_stolen_card"
    BalanceMoved(found, found.amount, "refund_failure")
    schedule_webhook(Event("refund.failed", found))
    return found


# --- disputes ---------------------------------------------------------------------------------------------------------


class Dispute(StripeObject):  # type: ignore[misc]
    object = "dispute"
    _id_prefix = "dp_"

    def __init__(self, payment_intent: str, amount: Any = None, status: str = "needs_response") -> None:
        payment = PaymentIntent._api_retrieve(payment_intent)
        super().__init__()
        self.payment_intent, self.currency, self.status = payment_intent, payment.currency, status
        self.amount, self.reason, self.charge = int(amount or payment.amount), "fraudulent", payment.latest_charge.id
        self.metadata: dict[str, str] = {}
        self._moved = 0
        self._move_balance()
        schedule_webhook(Event("charge.dispute.created", self))

    def _move_balance(self) -> None:
        """An inquiry moves nothing; what is disputed is out until it is won."""
        gone = self.amount if self.status in ("needs_response", "under_review", "lost") else 0
        if gone != self._moved:
            BalanceMoved(self, self._moved - gone, "adjustment")
            self._moved = gone

    @classmethod
    def _api_decide(cls, id: str, status: str) -> Any:
        """What the payer's bank does."""
        found = cls._api_retrieve(id)
        found.status = status
        found._move_balance()
        schedule_webhook(Event("charge.dispute.closed", found))
        return found

    @classmethod
    def _api_list_all(cls, url: str = "/v1/disputes", payment_intent: str = "", limit: Any = None, **rest: Any) -> Any:
        found = super()._api_list_all(url, limit=limit, **rest)
        found._list = [one for one in found._list if one.payment_intent == payment_intent]
        return found


_detached = PaymentMethod._api_detach


def _detach(id: str = "", **rest: Any) -> Any:
    found = _detached(id, **rest)
    schedule_webhook(Event("payment_method.detached", found))
    return found


_replaced = {
    ("POST", "/v1/payment_intents/{id}/confirm"): _confirm_payment,
    ("POST", "/v1/payment_methods/{id}/detach"): _detach,
    ("GET", "/v1/balance"): _Balance._api_retrieve,
}
resources.extra_apis[:] = [
    (method, url, _replaced.get((method, url), function)) for method, url, function in resources.extra_apis
]
resources.extra_apis.extend(
    [
        ("POST", "/v1/checkout/sessions", CheckoutSession._api_create),
        ("GET", "/v1/checkout/sessions/{id}", CheckoutSession._api_retrieve),
        ("POST", "/v1/checkout/sessions/{id}/expire", CheckoutSession._api_expire),
        ("POST", "/v1/billing_portal/sessions", PortalSession._api_create),
        ("GET", "/v1/disputes", Dispute._api_list_all),
        ("GET", "/v1/balance_transactions", _list_balance),
        ("POST", "/_config/refunds/{id}/fail", _fail_refund),
        ("POST", "/_config/payouts", _pay_out),
        ("POST", "/_config/payouts/{id}/fail", _fail_payout),
        ("POST", "/_config/disputes", Dispute._api_create),
        ("POST", "/_config/disputes/{id}", Dispute._api_decide),
    ]
)

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pay</title><h1>{title}</h1><p>{said}</p>
<form method="post"><label>Card number or IBAN <input name="number" value="{number}" required></label>{more}
<button name="does" value="pay">{button}</button></form><a href="{cancel}">Back</a></html>"""


def _method(number: str) -> Any:
    number = number.replace(" ", "")
    if number[:2].isalpha():
        return PaymentMethod(type="sepa_debit", sepa_debit={"iban": number})
    return PaymentMethod(type="card", card={"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"})


def main() -> None:
    from aiohttp import web
    from localstripe import server

    resources.Store.dump_to_disk = lambda self: None
    CheckoutSession._base = f"http://127.0.0.1:{sys.argv[1]}"

    async def pay_page(request: Any) -> Any:
        session = CheckoutSession._api_retrieve(request.match_info["id"])
        if session.status != "open":
            return web.Response(text="This page is no longer open.", status=410)
        said, number, more, button = "", "4242424242424242", "", "Pay"
        if request.method == "POST":
            form = await request.post()
            number = str(form["number"])
            answered = {"yes": True, "no": False}.get(str(form.get("bank", "")))
            try:
                outcome = session._submit(_method(number), authenticated=answered)
            except UserError as error:
                outcome = without_code(error)
            if not outcome:
                raise web.HTTPSeeOther(session.success_url.replace("{CHECKOUT_SESSION_ID}", session.id))
            if outcome == "authenticate":
                said, button = "Your bank wants to know that it is you.", "Confirm"
                more = '<label>It is me <input name="bank" value="yes"></label>'
            else:
                said = outcome
        text = PAGE.format(
            title=f"{session.amount_total / 100:.2f} {session.currency or ''}" if session.mode == "payment" else "Keep",
            said=html.escape(said),
            number=html.escape(number),
            more=more,
            button=button,
            cancel=html.escape(session.cancel_url),
        )
        return web.Response(text=text, content_type="text/html", status=402 if said and button == "Pay" else 200)

    async def portal_page(request: Any) -> Any:
        found = PortalSession._api_retrieve(request.match_info["id"])
        return web.Response(text=f'<a href="{html.escape(found.return_url)}">Back</a>', content_type="text/html")

    answers: dict[tuple[str, str], tuple[int, bytes]] = {}

    @web.middleware
    async def once_for_each_key(request: Any, handler: Any) -> Any:
        key = (request.path, request.headers.get("Idempotency-Key", ""))
        if request.method != "POST" or not key[1]:
            return await handler(request)
        if key in answers:
            return web.Response(status=answers[key][0], body=answers[key][1], content_type="application/json")
        answer = await handler(request)
        if answer.status < 400:
            answers[key] = (answer.status, answer.body)
        return answer

    async def forget_answers(request: Any, handler: Any) -> Any:
        if request.path == "/_config/data":
            answers.clear()
        return await handler(request)

    server.app.middlewares.insert(0, once_for_each_key)
    server.app.middlewares.insert(0, web.middleware(forget_answers))
    server.app.router.add_route("GET", "/_config/pay/{id}", pay_page)
    server.app.router.add_route("POST", "/_config/pay/{id}", pay_page)
    server.app.router.add_get("/_config/portal/{id}", portal_page)
    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
