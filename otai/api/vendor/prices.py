from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api import keys
from otai.api.v1.shapes import MOST_NUMBER, MoneyOut, Name, Text, Whole, money
from otai.api.vendor.access import VendorNoun, VendorRequest
from otai.billing import price_books
from otai.billing.models import OperatorRequest
from otai.billing.operations.prices import TierPrices, with_prices
from otai.billing.operations.vendor_keys import price_book_by_key
from otai.billing.vendor_scopes import VendorScope
from otai.db import utc_now
from otai.pricing.price_book import PriceBook, Tier
from otai.pricing.published import from_published

noun = VendorNoun("Prices")

CentsIn = Annotated[Whole, Field(ge=1, le=MOST_NUMBER)]


class PackagePriceOut(Schema):
    credits: int
    price: MoneyOut
    reason: str


class TierPriceOut(Schema):
    tier: str
    monthly_price: MoneyOut
    annual_price: MoneyOut | None
    initial_credits: int
    monthly_credits: int
    reason: str


class PriceBookOut(Schema):
    """Net prices from `effective_on` on, where the seller is."""

    version: str
    effective_on: date
    packages: list[PackagePriceOut]
    tiers: list[TierPriceOut]


class PriceBooksOut(Schema):
    in_force: PriceBookOut
    to_come: list[PriceBookOut]


class PricesSetOut(PriceBookOut):
    """`state`: `scheduled`, or `waiting` for a second operator, with its `request`."""

    state: Literal["scheduled", "waiting"]
    request: UUID | None = None
    nearly_free: list[str] = Field([], description="What would cost less than half: why it waits.")


class PackagePriceIn(Schema):
    credits: Whole
    price_cents: CentsIn


class TierPriceIn(Schema):
    """`annual_price_cents`: twelve months at once, at most twelve times the price of one."""

    tier: Tier
    monthly_price_cents: CentsIn | None = None
    annual_price_cents: CentsIn | None = None


class PricesIn(Schema):
    """What is not named stays as it would be on that day."""

    version: Annotated[Name, Field(max_length=40)] = Field(description="New: letters, digits, points and hyphens.")
    effective_on: date = Field(description="A day in the future.")
    packages: Annotated[list[PackagePriceIn], Field(max_length=20)] = []
    tiers: Annotated[list[TierPriceIn], Field(max_length=len(Tier))] = []
    why: Text = Field(description="3 to 500 characters; stands in the price book as the reason.")


BOOK = {
    "version": "2027-01",
    "effective_on": "2027-01-01",
    "packages": [
        {"credits": 50, "price": {"cents": 47500, "currency": "EUR"}, "reason": "New prices for 2027."},
    ],
    "tiers": [
        {
            "tier": "pro",
            "monthly_price": {"cents": 10900, "currency": "EUR"},
            "annual_price": {"cents": 109000, "currency": "EUR"},
            "initial_credits": 100,
            "monthly_credits": 50,
            "reason": "New prices for 2027.",
        }
    ],
}


@noun.get("/price-books", VendorScope.PRICES_READ, PriceBooksOut, example={"in_force": BOOK, "to_come": []})
def list_price_books(request: VendorRequest) -> Any:
    """The price book in force, and those to come

    The earliest of those to come is the next.
    """
    now = utc_now()
    return {
        "in_force": _book(price_books.price_book(now)),
        "to_come": [_book(book) for book in price_books.to_come(now)],
    }


@noun.post(
    "/price-books",
    VendorScope.PRICES_SET,
    PricesSetOut,
    status=201,
    example={**BOOK, "state": "scheduled", "request": None, "nearly_free": []},
    body_example={
        "version": "2027-01",
        "effective_on": "2027-01-01",
        "packages": [{"credits": 50, "price_cents": 47500}],
        "tiers": [{"tier": "pro", "monthly_price_cents": 10900, "annual_price_cents": 109000}],
        "why": "New prices for 2027.",
    },
    repeatable="required",
)
def set_prices(request: VendorRequest, asked: PricesIn) -> HttpResponse:
    """Set prices from a day on

    By the rules of every price book: a new version, a day in the future, the currency of the book in force. What was
    ordered or offered before keeps the book that it names. Prices that make something cost less than half of what it
    cost lately are `waiting` until an operator approves them who did not make the key; nothing is scheduled before.
    """

    def work() -> Any:
        text = with_prices(
            version=asked.version,
            effective_on=asked.effective_on,
            packages={one.credits: one.price_cents for one in asked.packages},
            tiers={
                one.tier: TierPrices(monthly=one.monthly_price_cents, annual=one.annual_price_cents)
                for one in asked.tiers
            },
            why=asked.why,
        )
        made = price_book_by_key(by=request.auth.key, text=text, why=asked.why, now=utc_now())
        if isinstance(made, OperatorRequest):
            waits = {"state": made.state, "request": made.id}
            cheap = [" ".join(thing).strip() for thing in made.facts["nearly_free"]]
            return {**_book(from_published(made.facts["book"])), **waits, "nearly_free": cheap}
        return {**_book(made), "state": "scheduled", "request": None, "nearly_free": []}

    return keys.once(request, work, required=True)


def _book(book: PriceBook) -> dict[str, Any]:
    return {
        "version": book.version,
        "effective_on": book.effective_on,
        "packages": [
            {"credits": package.credits, "price": money(package.price), "reason": package.reason}
            for package in book.packages
        ],
        "tiers": [
            {
                "tier": tier.value,
                "monthly_price": money(terms.monthly_price),
                "annual_price": money(terms.annual_price),
                "initial_credits": terms.initial_credits,
                "monthly_credits": terms.monthly_credits,
                "reason": terms.price_reason,
            }
            for tier, terms in book.tiers.items()
        ],
    }
