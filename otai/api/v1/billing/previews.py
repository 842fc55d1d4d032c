from __future__ import annotations

from typing import Annotated, Any

from ninja import Query, Schema
from pydantic import Field

from otai.api.v1.shapes import MoneyOut, Text, money
from otai.billing.previews import OrderPreview

CouponQuery = Annotated[Text | None, Query(max_length=60, description="A code that takes something off.")]


class OrderPreviewOut(Schema):
    """What an order would cost; nothing is ordered. `net` is after the discount, and after what is left of a paid
    period that it takes the place of. What follows costs `price`. Without billing details nobody knows the VAT, and
    `vat_treatment`, `vat` and `gross` are null."""

    price: MoneyOut
    deducted: MoneyOut
    coupon: str | None
    discount: MoneyOut = Field(description="What the coupon takes off.")
    net: MoneyOut
    vat_treatment: str | None
    vat: MoneyOut | None
    gross: MoneyOut | None


PREVIEW = {
    "price": {"cents": 45000, "currency": "EUR"},
    "deducted": {"cents": 0, "currency": "EUR"},
    "coupon": "WELCOME-27",
    "discount": {"cents": 4500, "currency": "EUR"},
    "net": {"cents": 40500, "currency": "EUR"},
    "vat_treatment": "domestic",
    "vat": {"cents": 7695, "currency": "EUR"},
    "gross": {"cents": 48195, "currency": "EUR"},
}


def preview_out(preview: OrderPreview) -> dict[str, Any]:
    """An order's price as JSON; amounts in cents."""
    return {
        "price": money(preview.price),
        "deducted": money(preview.deducted),
        "coupon": preview.coupon or None,
        "discount": money(preview.discount),
        "net": money(preview.net),
        "vat_treatment": preview.vat.treatment.value if preview.vat else None,
        "vat": money(preview.tax),
        "gross": money(preview.gross),
    }
