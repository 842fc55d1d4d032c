"""What is printed on a document, from the purchase as it is. An invoice keeps it as it was issued, a confirmation
is made from it anew."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from otai.billing.models import Invoice, InvoiceKind, Purchase
from otai.billing.seller import seller
from otai.billing.status import AWAITING_PAYMENT
from otai.environment import OWN_NAME
from otai.pricing.price_book import Term

FORM = 2
"""How a document's XML is made of its facts. Those of the first form have no number, and keep theirs: the same document
is the same bytes for ever."""


def confirmation_facts(purchase: Purchase) -> dict[str, Any]:
    """What the confirmation of an order by bank transfer prints: the invoice to come, under the order's own
    reference."""
    facts = facts_of(
        purchase,
        kind="order_confirmation",
        number=purchase.reference,
        unused=0,
        net=purchase.net_cents,
        vat=purchase.vat_cents,
        corrects=None,
        reason="",
    )
    # It asks for the payment, whatever has become of the order since.
    return facts | {"issued_on": _day(purchase.ordered_at), "is_paid": False}


def facts_of(
    purchase: Purchase,
    *,
    kind: str,
    number: str,
    unused: int,
    net: int,
    vat: int,
    corrects: Invoice | None,
    reason: str,
) -> dict[str, Any]:
    """All that a document prints but the day of its issue. Amounts in cents, days in the seller's time zone."""
    zone = seller().zone
    # A document over a part of what was bought is of what was paid for it: its discount is in it.
    is_whole = net == purchase.net_cents and kind != InvoiceKind.CREDIT_NOTE
    delivered_at = purchase.paid_at or purchase.ordered_at
    return {
        "form": FORM,
        "kind": str(kind),
        "number": number,
        "seller": asdict(seller()),
        "buyer": purchase.buyer,
        "reference": purchase.reference,
        "line": {
            "kind": purchase.kind,
            "credits": purchase.credits,
            "tier": purchase.tier,
            "unused": unused,
            # Documents of before there were years have none, and print as they did.
            **({"term": purchase.term} if purchase.term == Term.YEAR else {}),
            # Likewise those of before the Studio could have a vendor's name.
            **({"studio": settings.OTAI_NAME} if settings.OTAI_NAME != OWN_NAME else {}),
        },
        **({"discount": _discount(purchase)} if is_whole and purchase.coupon else {}),
        "net_cents": net,
        "vat_cents": vat,
        "gross_cents": net + vat,
        "currency": purchase.currency,
        "vat": {
            "treatment": purchase.vat_treatment,
            "country": purchase.vat_country,
            "permille": purchase.vat_permille,
        },
        "delivered_on": delivered_at.astimezone(zone).date().isoformat(),
        "period_from_on": _day(purchase.period_from_at),
        # The last day that was paid for, not the first that was not.
        "period_until_on": _day(purchase.period_until_at and purchase.period_until_at - timedelta(seconds=1)),
        "pay_until_on": purchase.expires_at.astimezone(zone).date().isoformat(),
        "is_paid": purchase.status not in AWAITING_PAYMENT and kind == InvoiceKind.INVOICE,
        "gateway": purchase.gateway,
        "corrects": corrects.number if corrects else "",
        "corrects_on": corrects.issued_on.isoformat() if corrects else "",
        "reason": reason,
    }


def _discount(purchase: Purchase) -> dict[str, Any]:
    assert purchase.coupon is not None
    percent = purchase.coupon.percent
    return {"code": purchase.coupon.code, "cents": purchase.discount_cents, "percent": percent}


def before_discount(facts: dict[str, Any]) -> int:
    """The net price in cents before what a coupon took off."""
    cents: int = facts["net_cents"] + facts.get("discount", {}).get("cents", 0)
    return cents


def _day(at: datetime | None) -> str:
    return at.astimezone(seller().zone).date().isoformat() if at else ""
