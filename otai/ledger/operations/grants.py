"""Credits in from outside, as a lot, and out again to outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from otai.errors import Invalid, NotFound
from otai.ledger.models import SPENDING_RANK, LotSource
from otai.ledger.operations.requests import (
    InsufficientCredits,
    InvalidRequest,
    asked,
    checked_id,
    checked_reference,
    database,
    refusal,
)
from otai.units import Money, whole_credits
from otai.words.sentences import Fact


@dataclass(frozen=True, slots=True)
class GrantMade:
    transfer: UUID
    lot: UUID
    credits: int
    available_after: int
    replayed: bool


class PriceMissing(Invalid):
    """A purchase says what was paid, else its revenue could not be told."""

    code = "price_missing"


def grant(
    *,
    organisation: UUID,
    credits: int,
    source: LotSource,
    key: str,
    reference: str,
    reason: str | Fact,
    now: datetime,
    price: Money | None = None,
    price_book: str = "",
) -> GrantMade:
    """A new lot of credits for an organisation. Opens its account if this is the first.

    `price` is what was paid for the whole lot, net; a purchase must have one. `price_book` names the version that sold
    it.
    Raises InvalidAmount, InvalidRequest, PriceMissing, KeyReused, and NotFound for an unknown organisation.
    """
    whole_credits(credits)
    checked_reference(reference)
    try:
        source = LotSource(source)
    except ValueError:
        raise InvalidRequest("source", source=source, known=list(LotSource.values), field="source") from None
    if price is None and source == LotSource.PURCHASE:
        raise PriceMissing("price")
    if price is not None and price.cents < 0:
        raise InvalidRequest("price", price=price, field="price")
    if not isinstance(price_book, str) or len(price_book) > 100:
        raise InvalidRequest("price_book", field="price_book")
    paid = (price.cents, price.currency) if price else (None, "")
    request = asked(
        organisation=organisation,
        key=key,
        reason=reason,
        now=now,
        request=("grant", credits, source.value, *paid, price_book, reference),
    )
    answer = database().grant(
        request,
        credits=credits,
        source=source.value,
        rank=SPENDING_RANK[source],
        price_cents=paid[0],
        price_currency=paid[1],
        price_book=price_book,
        reference=reference,
    )
    if answer.outcome not in ("done", "replayed"):
        raise refusal(answer, request)
    return GrantMade(answer.transfer, answer.subject, answer.credits, answer.available, answer.outcome == "replayed")


@dataclass(frozen=True, slots=True)
class CreditsWithdrawn:
    transfer: UUID
    lot: UUID
    credits: int
    available_after: int
    replayed: bool


class LotNotFound(NotFound):
    """No such lot, or it is another organisation's."""


def withdraw(
    *, organisation: UUID, lot: UUID, credits: int, key: str, reference: str, reason: str | Fact, now: datetime
) -> CreditsWithdrawn:
    """Takes unspent credits of one lot out of the ledger: a payment refund, a dispute, a mistaken grant.

    Raises LotNotFound, InsufficientCredits (the lot has fewer unspent credits: held ones must be released first),
    InvalidAmount, InvalidRequest, KeyReused, and NotFound for an unknown organisation.
    """
    whole_credits(credits)
    checked_id(lot, what="lot")
    checked_reference(reference)
    request = asked(
        organisation=organisation,
        key=key,
        reason=reason,
        now=now,
        request=("withdrawal", str(lot), credits, reference),
    )
    answer = database().withdraw(request, lot=lot, credits=credits, reference=reference)
    match answer.outcome:
        case "done" | "replayed":
            return CreditsWithdrawn(
                answer.transfer, lot, answer.credits, answer.available, answer.outcome == "replayed"
            )
        case "no_lot":
            raise LotNotFound("no_lot", lot=str(lot))
        case "lot_insufficient":
            raise InsufficientCredits(
                "lot", needed=credits, available=answer.available, missing=credits - answer.available, lot=str(lot)
            )
    raise refusal(answer, request)
