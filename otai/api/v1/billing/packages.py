from __future__ import annotations

from typing import Any

from ninja import Schema

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.billing.previews import PREVIEW, CouponQuery, OrderPreviewOut, preview_out
from otai.api.v1.shapes import MoneyOut, Name, money
from otai.billing import packages, previews
from otai.billing.gateways import gateways
from otai.db import utc_now
from otai.orgs.permissions import Action

noun = Noun()


class PackageOut(Schema):
    """Credits at one net price. `code` is what a purchase names."""

    code: str
    title: str
    credits: int
    price: MoneyOut
    price_per_credit: str


class PackagesOut(Schema):
    items: list[PackageOut]


class GatewayOut(Schema):
    name: str
    title: str
    charges_saved_methods: bool
    pays_by_invoice: bool


class GatewaysOut(Schema):
    items: list[GatewayOut]


@noun.get(
    "/packages",
    Action.VIEW,
    PackagesOut,
    example={
        "items": [
            {
                "code": "50",
                "title": "50-credit package",
                "credits": 50,
                "price": {"cents": 45000, "currency": "EUR"},
                "price_per_credit": "EUR 9 / credit",
            }
        ]
    },
)
def list_packages(request: CallerRequest) -> Any:
    """Packages of credits

    Those of the price list, then what is offered to you alone. Prices are net.
    """
    found = packages.packages_for(request.auth.organisation, now=utc_now())
    return {
        "items": [
            {
                "code": offer.code,
                "title": offer.title,
                "credits": offer.credits,
                "price": money(offer.price),
                "price_per_credit": offer.effective_price,
            }
            for offer in found
        ]
    }


@noun.get("/packages/preview", Action.BUY, OrderPreviewOut, example=PREVIEW, errors=[404, 409])
def preview_package(request: CallerRequest, package: Name, coupon: CouponQuery = None) -> Any:
    """What a package would cost

    With VAT, and with what a coupon takes off. Nothing is ordered.
    """
    return preview_out(previews.preview_package(request.auth.organisation, package, coupon=coupon or "", now=utc_now()))


@noun.get(
    "/gateways",
    Action.VIEW,
    GatewaysOut,
    example={
        "items": [
            {
                "name": "bank_transfer",
                "title": "Invoice and bank transfer",
                "charges_saved_methods": False,
                "pays_by_invoice": True,
            }
        ]
    },
)
def list_gateways(request: CallerRequest) -> Any:
    """Ways to pay"""
    return {"items": list(gateways().values())}
