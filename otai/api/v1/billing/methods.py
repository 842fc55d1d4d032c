from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api.access import Caller, CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.billing.purchases import PURCHASE, PurchaseOut, purchase_out
from otai.api.v1.shapes import Name
from otai.billing import operations, queries
from otai.billing.models import PaymentMethod
from otai.db import utc_now
from otai.orgs.permissions import Action

noun = Noun()


class PageOut(Schema):
    """A page at the provider, for a browser; what is entered there never passes through this API."""

    url: str
    expires_at: datetime


class CheckoutOut(Schema):
    """Where to pay an order; `page` is null where it is paid already, or with the bank."""

    purchase: PurchaseOut
    page: PageOut | None


class CheckoutIn(Schema):
    keep: bool = Field(True, description="The provider keeps what paid, for later charges without the payer.")


class MethodOut(Schema):
    """A payment method that the provider keeps, as people know it."""

    id: UUID
    gateway: str
    kind: str
    brand: str
    last_four: str
    expires_year: int | None
    expires_month: int | None
    saved_at: datetime
    pays_tier: bool
    pays_top_ups: bool


class MethodsOut(Schema):
    items: list[MethodOut]


class MethodIn(Schema):
    gateway: Name = Field(description="One of GET /gateways that has pages of its own.")


class RenewalIn(Schema):
    payment_method: UUID | None = Field(description="A method of GET /payment-methods; null: by invoice.")


PAGE = {"url": "https://checkout.stripe.com/c/pay/cs_live_a1b2", "expires_at": "2026-11-03T08:00:00Z"}
METHOD = {
    "id": "0192f7a0-0000-7000-8000-000000000007",
    "gateway": "stripe",
    "kind": "card",
    "brand": "visa",
    "last_four": "4242",
    "expires_year": 2030,
    "expires_month": 12,
    "saved_at": "2026-11-02T09:30:00Z",
    "pays_tier": True,
    "pays_top_ups": False,
}


@noun.post(
    "/purchases/{reference}/checkout",
    Action.BUY,
    CheckoutOut,
    example={"purchase": PURCHASE, "page": PAGE},
    body_example={"keep": True},
    errors=[404, 409, 503],
)
def open_checkout(request: CallerRequest, reference: Name, asked: CheckoutIn) -> Any:
    """Pay a purchase on the provider's page

    Any card, debit or wallet that the provider takes. Asked for again, it is the same page while that is open.
    """
    caller = request.auth
    opened = operations.open_payment_page(
        organisation=caller.organisation,
        reference=reference,
        who=caller.who,
        now=utc_now(),
        keeps_method=asked.keep,
    )
    assert opened.purchase is not None, "a payment page is of a purchase"
    page = {"url": opened.page.url, "expires_at": opened.page.expires_at} if opened.page else None
    return {"purchase": purchase_out(opened.purchase), "page": page}


@noun.get("/payment-methods", Action.BUY, MethodsOut, example={"items": [METHOD]})
def list_methods(request: CallerRequest) -> Any:
    """Saved payment methods, the newest first"""
    return {"items": _methods(request.auth)}


@noun.post(
    "/payment-methods",
    Action.BUY,
    PageOut,
    example=PAGE,
    body_example={"gateway": "stripe"},
    errors=[404, 409, 503],
)
def add_method(request: CallerRequest, asked: MethodIn) -> Any:
    """Save a payment method on the provider's page"""
    caller = request.auth
    page = operations.open_method_page(
        organisation=caller.organisation, gateway=asked.gateway, who=caller.who, now=utc_now()
    )
    return {"url": page.url, "expires_at": page.expires_at}


@noun.delete("/payment-methods/{method}", Action.BUY, errors=[404, 503], lessens=True)
def remove_method(request: CallerRequest, method: UUID) -> HttpResponse:
    """Remove a saved payment method

    What it paid for is paid by invoice from then on; an automatic top-up that used it stops.
    """
    caller = request.auth
    operations.remove_method(organisation=caller.organisation, method=method, who=caller.who, now=utc_now())
    return HttpResponse(status=204)


@noun.put(
    "/renewal-payment",
    Action.BUY,
    MethodsOut,
    example={"items": [METHOD]},
    body_example={"payment_method": METHOD["id"]},
    errors=[404],
)
def set_renewal_payment(request: CallerRequest, asked: RenewalIn) -> Any:
    """Set how the months of the tier are paid

    By a saved method, which is charged by itself, or by invoice (null). A month that waits is charged at once.
    """
    caller = request.auth
    operations.pay_renewals_with(
        organisation=caller.organisation, method=asked.payment_method, who=caller.who, now=utc_now()
    )
    return {"items": _methods(caller)}


def _methods(caller: Caller) -> list[dict[str, Any]]:
    renewals = queries.subscription_of(caller.organisation).renewal_payment_method
    watch = queries.credit_watch_of(caller.organisation)
    return [
        _method(found, pays_tier=found.reference == renewals, pays_top_ups=_pays_top_ups(found, watch))
        for found in operations.payment_methods(caller.organisation)
    ]


def _pays_top_ups(found: PaymentMethod, watch: Any) -> bool:
    return bool(watch.top_up_below) and watch.payment_method == found.reference


def _method(found: PaymentMethod, *, pays_tier: bool, pays_top_ups: bool) -> dict[str, Any]:
    names = ("id", "gateway", "kind", "brand", "last_four", "expires_year", "expires_month", "saved_at")
    return {name: getattr(found, name) for name in names} | {"pays_tier": pays_tier, "pays_top_ups": pays_top_ups}
