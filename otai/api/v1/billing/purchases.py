from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import CallerRequest
from otai.api.cursors import PageQuery, page_of
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.shapes import MoneyOut, Name, Text, file_out
from otai.billing import operations, queries
from otai.billing.documents import order_confirmation_pdf
from otai.billing.gateway import PaymentSeen
from otai.billing.models import Purchase
from otai.db import utc_now
from otai.orgs.permissions import Action

noun = Noun()


CouponCode = Annotated[Text, Field(max_length=60, description="A code that takes something off.")]


class PurchaseIn(Schema):
    package: Name = Field(description="A code of GET /packages.")
    gateway: Annotated[Text, Field(max_length=40)] = Field("", description="How it is paid; the first one if left out.")
    payment_method: Annotated[Text, Field(max_length=200)] = Field(
        "", description="The provider's name for a payment method that is charged at once."
    )
    coupon: CouponCode = ""
    again: bool | None = Field(
        None,
        description="False: an open order of the same package is asked about first (`equal_order`, with its "
        "`reference`). Left out: another Idempotency-Key says that it is meant.",
    )


class PurchaseOut(Schema):
    """Something bought once: a package of credits, or a month or a year of a tier (`term`). Credits come when `status`
    is paid, those of a year month by month."""

    reference: str
    kind: str
    title: str
    credits: int
    tier: str
    term: str
    status: str
    coupon: str | None
    discount: MoneyOut = Field(description="What the coupon took off; `net` is after it.")
    net: MoneyOut
    vat: MoneyOut
    gross: MoneyOut
    paid: MoneyOut
    vat_treatment: str
    gateway: str
    ordered_at: datetime
    ordered_by: Who
    expires_at: datetime
    paid_at: datetime | None


class PaymentOut(Schema):
    """Where the payment stands. A browser finishes one that waits with the provider's script and `client_secret`."""

    state: str
    problem: str
    client_secret: str | None = Field(description="Shown once: null where the request is repeated under its key.")


class BoughtOut(PurchaseOut):
    payment: PaymentOut


class PurchasesOut(Schema):
    items: list[PurchaseOut]
    next: str | None


class WhyIn(Schema):
    why: Annotated[Text, Field(max_length=500)] = ""


PURCHASE = {
    "reference": "K7RM2QXA",
    "kind": "package",
    "title": "50-credit package",
    "credits": 50,
    "tier": "",
    "term": "",
    "status": "open",
    "coupon": None,
    "discount": {"cents": 0, "currency": "EUR"},
    "net": {"cents": 45000, "currency": "EUR"},
    "vat": {"cents": 8550, "currency": "EUR"},
    "gross": {"cents": 53550, "currency": "EUR"},
    "paid": {"cents": 0, "currency": "EUR"},
    "vat_treatment": "domestic",
    "gateway": "bank_transfer",
    "ordered_at": "2026-11-02T09:30:00Z",
    "ordered_by": "controlling (API key k3m9pq2x)",
    "expires_at": "2026-12-02T09:30:00Z",
    "paid_at": None,
}
BOUGHT = {**PURCHASE, "payment": {"state": "waiting", "problem": "", "client_secret": ""}}


@noun.post(
    "/purchases",
    Action.BUY,
    BoughtOut,
    status=201,
    example=BOUGHT,
    body_example={"package": "50", "gateway": "bank_transfer"},
    repeatable="required",
    errors=[404, 409, 503],
)
def buy_package(request: CallerRequest, asked: PurchaseIn) -> HttpResponse:
    """Buy a package

    Orders it and opens its payment; credits come when the payment is confirmed. With a payment method that the gateway
    can charge, it is charged at once.
    """
    caller = request.auth

    def work() -> Any:
        bought = operations.buy(
            organisation=caller.organisation,
            package=asked.package,
            key=keys.key_of(request, required=True),
            gateway=asked.gateway,
            payment_method=asked.payment_method,
            coupon=asked.coupon,
            who=caller.who,
            now=utc_now(),
            refuses_equal=not keys.means_again(request, asked.again),
        )
        return BoughtOut.model_validate(bought_out(bought.purchase, bought.payment))

    return keys.once(request, work, required=True, secret="payment.client_secret")  # noqa: S106 -- a field's name


@noun.get("/purchases", Action.BUY, PurchasesOut, example={"items": [PURCHASE], "next": None})
def list_purchases(request: CallerRequest, page: PageQuery) -> Any:
    """Your purchases, the newest first"""
    found = queries.purchases(request.auth.organisation)
    return page_of(found, request.auth, page, of="purchases", by=["-ordered_at", "-id"], shown=purchase_out)


@noun.get("/purchases/{reference}", Action.BUY, PurchaseOut, example=PURCHASE)
def getpurchase_out(request: CallerRequest, reference: Name) -> Any:
    """One purchase"""
    return purchase_out(queries.purchase(request.auth.organisation, reference))


@noun.get("/purchases/{reference}/confirmation", Action.BUY, produces=["application/pdf"])
def download_order_confirmation(request: CallerRequest, reference: Name) -> HttpResponse:
    """The order confirmation as PDF

    Of a purchase by bank transfer: amount, account and reference. It is no invoice; that comes with the payment.
    """
    found = queries.order_to_confirm(request.auth.organisation, reference)
    return file_out(order_confirmation_pdf(found), f"{found.reference}.pdf", "application/pdf")


@noun.post(
    "/purchases/{reference}/cancel",
    Action.BUY,
    PurchaseOut,
    example={**PURCHASE, "status": "cancelled"},
    body_example={"why": "Ordered twice."},
    errors=[409, 503],
)
def cancel_purchase(request: CallerRequest, reference: Name, asked: WhyIn) -> Any:
    """Cancel a purchase that is not paid"""
    caller = request.auth
    found = queries.purchase(caller.organisation, reference)
    return purchase_out(
        operations.cancel(
            organisation=caller.organisation,
            reference=found.reference,
            who=caller.who,
            why=asked.why.strip(),
            now=utc_now(),
        )
    )


def bought_out(purchase: Purchase, payment: PaymentSeen) -> dict[str, Any]:
    """A purchase with where its payment stands, as JSON."""
    return {
        **purchase_out(purchase),
        "payment": {
            "state": payment.state.value,
            "problem": payment.problem,
            "client_secret": payment.client_secret,
        },
    }


def purchase_out(purchase: Purchase) -> dict[str, Any]:
    """A purchase as JSON; amounts in cents."""
    currency = purchase.currency
    names = ("reference", "kind", "title", "credits", "tier", "term", "status", "vat_treatment", "gateway")
    return {
        **{name: getattr(purchase, name) for name in (*names, "ordered_at", "ordered_by", "expires_at", "paid_at")},
        "coupon": purchase.coupon.code if purchase.coupon else None,
        "discount": {"cents": purchase.discount_cents, "currency": currency},
        "net": {"cents": purchase.net_cents, "currency": currency},
        "vat": {"cents": purchase.vat_cents, "currency": currency},
        "gross": {"cents": purchase.gross_cents, "currency": currency},
        "paid": {"cents": purchase.paid_cents, "currency": currency},
    }
