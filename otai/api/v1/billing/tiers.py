from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import Caller, CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.billing.previews import PREVIEW, CouponQuery, OrderPreviewOut, preview_out
from otai.api.v1.billing.purchases import BOUGHT, BoughtOut, CouponCode, bought_out
from otai.api.v1.shapes import MoneyOut, Text, money
from otai.billing import operations, previews, queries
from otai.billing.initial_credits import initial_credits_by_tier
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.pricing.price_book import Term, Tier
from otai.runs import readiness

noun = Noun()


class TierOut(Schema):
    """The tier in force. `modes`: those of it that can be trained on this installation. `next_tier` begins when the
    paid period ends; null: nothing changes. `renewal_term`: `month` or `year`, what is ordered then. `annual_price`:
    null where it is sold by the month alone."""

    tier: str
    status: str
    modes: list[str]
    monthly_credits: int
    monthly_price: MoneyOut
    annual_price: MoneyOut | None
    next_grant_at: datetime
    paid_until_at: datetime | None
    grace_until_at: datetime | None
    next_tier: str | None
    renewal_term: str


class TierTermsOut(Schema):
    """`modes`: those of the tier that can be trained on this installation; what cannot is not sold.
    `initial_credits_due`: what of the initial credits would come; they are given once for each person and company.
    `annual_saving`: what a year paid at once costs less than twelve months."""

    tier: str
    initial_credits: int
    initial_credits_due: int
    monthly_credits: int
    modes: list[str]
    monthly_price: MoneyOut
    annual_price: MoneyOut | None
    annual_saving: MoneyOut | None
    in_force: bool


class TiersOut(Schema):
    items: list[TierTermsOut]


class TierIn(Schema):
    tier: Tier
    term: Term | None = Field(None, description="As it is paid for now if left out; by the month at first.")
    at_once: bool = Field(
        False, description="A year of the tier in force begins when it is paid, not when the paid month ends."
    )
    gateway: Annotated[Text, Field(max_length=40)] = ""
    payment_method: Annotated[Text, Field(max_length=200)] = ""
    coupon: CouponCode = ""


class TierChangedOut(Schema):
    """In force at once, from `from_at` on, or when `purchase` is paid; paid for by the `term` from then on."""

    tier: str
    term: str
    in_force: bool
    from_at: datetime | None
    purchase: BoughtOut | None


TIER = {
    "tier": "pro",
    "status": "paid",
    "modes": ["basic", "business"],
    "monthly_credits": 50,
    "monthly_price": {"cents": 9900, "currency": "EUR"},
    "annual_price": {"cents": 99000, "currency": "EUR"},
    "next_grant_at": "2026-12-02T09:30:00Z",
    "paid_until_at": "2026-12-02T09:30:00Z",
    "grace_until_at": None,
    "next_tier": None,
    "renewal_term": "month",
}


@noun.get("/tier", Action.VIEW, TierOut, example=TIER)
def get_tier(request: CallerRequest) -> Any:
    """The tier in force"""
    return _tier(request.auth)


@noun.get(
    "/tiers",
    Action.VIEW,
    TiersOut,
    example={
        "items": [
            {
                "tier": "pro",
                "initial_credits": 100,
                "initial_credits_due": 94,
                "monthly_credits": 50,
                "modes": ["basic", "business"],
                "monthly_price": {"cents": 9900, "currency": "EUR"},
                "annual_price": {"cents": 99000, "currency": "EUR"},
                "annual_saving": {"cents": 19800, "currency": "EUR"},
                "in_force": True,
            }
        ]
    },
)
def list_tiers(request: CallerRequest) -> Any:
    """All tiers and what they bring"""
    mine, tiers = queries.tier_of(request.auth.organisation), queries.price_book().tiers
    due = initial_credits_by_tier(request.auth.organisation.id, tiers.values())
    return {
        "items": [
            {
                "tier": tier.value,
                "initial_credits": terms.initial_credits,
                "initial_credits_due": credits,
                "monthly_credits": terms.monthly_credits,
                "modes": [mode.value for mode in readiness.trainable(terms.modes)],
                "monthly_price": money(terms.monthly_price),
                "annual_price": money(terms.annual_price),
                "annual_saving": money(terms.annual_saving),
                "in_force": tier is mine,
            }
            for (tier, terms), credits in zip(tiers.items(), due, strict=True)
        ]
    }


@noun.get("/tiers/preview", Action.BUY, OrderPreviewOut, example=PREVIEW, errors=[404, 409])
def preview_tier(request: CallerRequest, tier: Tier, term: Term = Term.MONTH, coupon: CouponQuery = None) -> Any:
    """What the first month or year of a higher tier would cost

    Or a year in the place of the paid month. If it was paid now: with VAT, with what a coupon takes off, less what is
    left of a paid period. Nothing is ordered.
    """
    organisation = request.auth.organisation
    return preview_out(previews.preview_tier(organisation, tier, term=term, coupon=coupon or "", now=utc_now()))


@noun.post(
    "/tier",
    Action.BUY,
    TierChangedOut,
    example={
        "tier": "pro",
        "term": "year",
        "in_force": False,
        "from_at": None,
        "purchase": {**BOUGHT, "kind": "subscription", "term": "year"},
    },
    body_example={"tier": "pro", "term": "year", "gateway": "bank_transfer"},
    repeatable=True,
    errors=[404, 409, 503],
)
def change_tier(request: CallerRequest, asked: TierIn) -> HttpResponse:
    """Change the tier

    A higher tier begins when its first month or year is paid, a lower one when the paid period ends. Asking for the
    tier in force takes a cancellation back, or pays it by another `term` when the paid period ends. Credits stay.
    """
    caller = request.auth

    def work() -> Any:
        answer = operations.change_tier(
            organisation=caller.organisation,
            tier=asked.tier,
            term=asked.term,
            at_once=asked.at_once,
            gateway=asked.gateway,
            payment_method=asked.payment_method,
            coupon=asked.coupon,
            who=caller.who,
            now=utc_now(),
        )
        bought = bought_out(answer.purchase, answer.payment) if answer.purchase and answer.payment else None
        return TierChangedOut.model_validate(
            {
                "tier": asked.tier.value,
                "term": answer.term.value,
                "in_force": answer.in_force,
                "from_at": answer.from_at,
                "purchase": bought,
            }
        )

    return keys.once(request, work, status=200, secret="purchase.payment.client_secret")  # noqa: S106 -- a field's name


def _tier(caller: Caller) -> dict[str, Any]:
    subscription = queries.subscription_of(caller.organisation)
    terms = queries.price_book().tiers[Tier(subscription.tier)]
    names = ("tier", "status", "next_grant_at", "paid_until_at", "grace_until_at", "next_tier", "renewal_term")
    return {
        **{name: getattr(subscription, name) for name in names},
        "modes": [mode.value for mode in readiness.trainable(terms.modes)],
        "monthly_credits": terms.monthly_credits,
        "monthly_price": money(terms.monthly_price),
        "annual_price": money(terms.annual_price),
    }
