from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import Field

from otai.api import keys
from otai.api.access import Caller, CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.datasets import data_set_of
from otai.api.v1.shapes import Name
from otai.billing import queries as billing
from otai.db import utc_now
from otai.errors import Invalid, NotFound
from otai.learning.finding import Finding
from otai.ledger import queries as ledger
from otai.orgs.permissions import Action
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.runs import expectations, operations, readiness
from otai.runs.models import Quote, Reason, Run
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.words import findings as words
from otai.words.catalogue import say_fact
from otai.words.prices import price_lines

noun = Noun("Prices and quotes")


class PriceLineOut(Schema):
    what: str
    amount: str
    reason: str


class OfferOut(Schema):
    """One mode in one delivery: its price, and whether you can order it. `installed`: it can be trained on this
    installation; what cannot is sold in no tier. `available`: it is installed, and your tier includes it."""

    mode: Mode
    delivery: Delivery
    credits: int
    promise: str
    due_at: datetime
    installed: bool
    available: bool
    needs_tier: str | None


class SavingOut(Schema):
    what: str
    credits: int
    saves: int


class PriceOut(Schema):
    """What one run would cost you now, line by line, beside all other modes and deliveries."""

    mode: Mode
    delivery: Delivery
    attributes: int
    credits: int
    in_words: str
    lines: list[PriceLineOut]
    price_book: str
    promise: str
    due_at: datetime
    installed: bool
    available: bool
    needs_tier: str | None
    balance: int
    cheaper: list[SavingOut]
    offers: list[OfferOut]


class PriceIn(Schema):
    mode: Mode = Mode.BASIC
    delivery: Delivery = Delivery.STANDARD
    attributes: int = Field(ge=-(2**31), le=2**31, description="How many attributes, from 1 to 200.")


class QuoteIn(Schema):
    """What to train. `attributes` left out: those that are proposed (`GET /data-sets/{id}/attributes`)."""

    data_set: UUID
    attributes: Annotated[list[Name], Field(max_length=500)] | None = None
    mode: Mode = Mode.BASIC
    delivery: Delivery = Delivery.STANDARD
    model: Name | None = Field(None, description="Name of the model; the data set's if left out.")
    reason: Reason = Field(Reason.NEW_MODEL, description="Why you train.")


class LeakOut(Schema):
    """What gives an attribute's label away, so that a report card will look better than the model is
    (`label_given_away`, `label_in_text`); that its labels are personal data, which the model will carry
    (`labels_are_personal`); that nothing in the texts tells an attribute (`no_signal`); or, of all
    attributes (`attribute` is empty), that Maximum is not expected to gain over Business (`no_gain_expected`)."""

    code: str
    attribute: str
    message: str
    advice: str
    values: dict[str, Any]


class QuoteOut(Schema):
    """A priced offer that stands until `expires_at`. Nothing is held until it is ordered (POST /runs)."""

    id: UUID
    data_set: UUID
    model: str
    attributes: list[str]
    mode: Mode
    delivery: Delivery
    reason: Reason
    tier: str
    credits: int
    lines: list[PriceLineOut]
    price_book: str
    made_at: datetime
    expires_at: datetime
    due_at: datetime
    expected_finish_at: datetime | None = Field(
        description="When a run would probably be ready if it were ordered now; worked out when a quote is looked at "
        "(GET)."
    )
    balance: int
    balance_after: int
    run: int | None
    warnings: list[LeakOut] = Field(
        description="To be known before it is ordered. `POST /data-sets/{id}/cut` makes tickets without such lines."
    )
    quality_is_tried: bool = Field(
        description="Whether a trial on these tickets can speak in `warnings`, of attributes that nothing tells. Where "
        "not, ask `GET /data-sets/{id}/expected-quality` (a few seconds, once for each version), then this quote again."
    )


LINES = [
    {"what": "Business, Fast: 5 credits", "amount": "5", "reason": "Brief's table."},
    {"what": "x 1/2 (1-5 attributes) = 2.5", "amount": "5/2", "reason": "Brief: small sets at half the base price."},
    {"what": "rounded up to 3 credits", "amount": "3", "reason": "Credits are whole; rounded once, upward."},
]
PRICE = {
    "mode": "business",
    "delivery": "fast",
    "attributes": 3,
    "credits": 3,
    "in_words": "Business, Fast: 5 credits x 1/2 (1-5 attributes) = 2.5, rounded up to 3 credits",
    "lines": LINES,
    "price_book": "2026-12b",
    "promise": "about 2 h",
    "due_at": "2026-11-02T11:30:00Z",
    "installed": True,
    "available": True,
    "needs_tier": None,
    "balance": 91,
    "cheaper": [{"what": "Standard delivery (same day)", "credits": 2, "saves": 1}],
    "offers": [
        {
            "mode": "business",
            "delivery": "fast",
            "credits": 3,
            "promise": "about 2 h",
            "due_at": "2026-11-02T11:30:00Z",
            "installed": True,
            "available": True,
            "needs_tier": None,
        }
    ],
}
QUOTE = {
    "id": "019a4f0d-1111-7222-8333-444455556666",
    "data_set": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
    "model": "support",
    "attributes": ["queue", "priority", "category"],
    "mode": "business",
    "delivery": "fast",
    "reason": "new_model",
    "tier": "pro",
    "credits": 3,
    "lines": LINES,
    "price_book": "2026-12b",
    "made_at": "2026-11-02T09:30:00Z",
    "expires_at": "2026-11-02T10:00:00Z",
    "due_at": "2026-11-02T11:30:00Z",
    "expected_finish_at": None,
    "balance": 91,
    "balance_after": 88,
    "run": None,
    "warnings": [],
    "quality_is_tried": True,
}


@noun.get("/price", Action.VIEW, PriceOut, example=PRICE)
def get_price(request: CallerRequest, asked: Annotated[PriceIn, Query()]) -> Any:
    """What would a training cost?

    Works it out and writes nothing: for showing prices. A quote, which can be ordered, is made by POST /quotes.
    """
    caller = request.auth
    book, tier = billing.price_book(), billing.tier_of(caller.organisation)
    price = pricing.price(book, mode=asked.mode, delivery=asked.delivery, attributes=asked.attributes)
    here = readiness.trainable(tuple(Mode))
    offers = pricing.matrix(
        book, tier=tier, attributes=asked.attributes, ordered_at=utc_now(), zone=caller.organisation.zone
    )
    chosen = next(o for o in offers if o.price.mode is asked.mode and o.price.delivery is asked.delivery)
    return {
        **_offer(chosen, here),
        "attributes": asked.attributes,
        "in_words": price.in_words,
        "lines": price_lines([line.as_dict() for line in price.lines]),
        "price_book": price.price_book,
        "balance": ledger.balance(caller.organisation.id).available,
        "cheaper": pricing.cheaper(book, price, tier=tier),
        "offers": [_offer(offer, here) for offer in offers],
    }


def _offer(offer: pricing.Offer, here: Collection[Mode]) -> dict[str, Any]:
    is_here = offer.price.mode in here
    return {
        "mode": offer.price.mode,
        "delivery": offer.price.delivery,
        "credits": offer.credits,
        "promise": say_fact(offer.promise),
        "due_at": offer.due_at,
        "installed": is_here,
        "available": offer.available and is_here,
        "needs_tier": offer.needs_tier.value if offer.needs_tier and is_here else None,
    }


class NothingToTrain(Invalid):
    code = "label_too_rare"


@noun.post(
    "/quotes",
    Action.TRAIN,
    QuoteOut,
    status=201,
    example=QUOTE,
    body_example={
        "data_set": "019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b",
        "attributes": ["queue", "priority", "category"],
        "mode": "business",
        "delivery": "fast",
        "model": "support",
    },
    repeatable=True,
    errors=[404, 409, 503],
)
def make_quote(request: CallerRequest, asked: QuoteIn) -> HttpResponse:
    """Make a quote

    A priced offer for a training on your tickets, good for half an hour. It holds nothing; POST /runs orders it.
    """
    caller = request.auth

    def work() -> Any:
        data_set = data_set_of(caller, asked.data_set, without_profile=True)
        names = asked.attributes
        if names is None:
            names = tickets.proposed_attributes(data_set)
            if not names:
                raise NothingToTrain("nothing_to_train", data_set=data_set, name=data_set.name)
        quote = operations.make_quote(
            organisation=caller.organisation,
            data_set=data_set,
            attributes=names,
            mode=asked.mode,
            delivery=asked.delivery,
            model_name=data_set.name if asked.model is None else asked.model,
            reason=asked.reason,
            now=utc_now(),
        )
        return QuoteOut.model_validate(_quote(quote, caller, run=None, expected=None))

    return keys.once(request, work)


@noun.get("/quotes/{uuid:quote}", Action.VIEW, QuoteOut, example=QUOTE)
def get_quote(request: CallerRequest, quote: UUID) -> Any:
    """One quote, and the run it became"""
    found = Quote.objects.filter(organisation=request.auth.organisation, id=quote).first()
    if found is None:
        raise NotFound("quote")
    run = getattr(found, "run", None)
    return _quote(found, request.auth, run=run, expected=None if run else expectations.for_quote(found, now=utc_now()))


def _quote(quote: Quote, caller: Caller, *, run: Run | None, expected: expectations.Expected | None) -> dict[str, Any]:
    balance = ledger.balance(caller.organisation.id).available
    names = ("id", "mode", "delivery", "reason", "tier", "credits", "price_book", "made_at", "expires_at", "due_at")
    return {
        **{name: getattr(quote, name) for name in names},
        "data_set": quote.data_set_id,
        "model": quote.model_name,
        "attributes": names_of(quote),
        "lines": price_lines(quote.price_lines),
        "expected_finish_at": expected.finishes_at if expected else None,
        "balance": balance,
        "balance_after": balance if run else balance - quote.credits,
        "run": run.number if run else None,
        "quality_is_tried": expected_quality.stored(quote.data_set) is not None,
        "warnings": [
            _warning(found)
            for found in (
                *tickets.leaks(quote.data_set, names_of(quote)),
                *tickets.personal_labels(quote.data_set, names_of(quote)),
                *expected_quality.warnings(quote.data_set, names_of(quote), mode=quote.mode),
            )
        ],
    }


def names_of(quote: Quote) -> list[str]:
    """The attributes that the quote is for, by name, in the order in which they were asked."""
    return [attribute["name"] for attribute in quote.attributes]


def _warning(found: Finding) -> dict[str, Any]:
    """Without the hashes of what would be cut: they are of use to nobody else."""
    return {
        "code": found.code,
        "attribute": found.attribute or "",
        "message": words.message(found),
        "advice": words.advice(found, door="api"),
        "values": {name: value for name, value in found.values.items() if name not in ("lines", "phrases")},
    }
