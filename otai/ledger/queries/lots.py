"""The lot view: where an organisation's credits came from, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Min, Sum

from otai.ledger.models import Lot
from otai.ledger.queries.balances import require_organisation
from otai.ledger.reasons import read_reason
from otai.ledger.revenue import value_of
from otai.units import Money
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact


@dataclass(frozen=True, slots=True)
class LotView:
    """`credits = unspent + held + spent + withdrawn`.

    `price` was paid for the whole lot; `unspent_value` is its part for the unspent credits: what a payment refund may
    give back.
    """

    id: UUID
    source: str
    what: str
    credits: int
    unspent: int
    held: int
    spent: int
    withdrawn: int
    price: Money | None
    unspent_value: Money | None
    price_book: str
    reference: str
    reason: str
    fact: dict[str, Any] | None
    """Why, as its code and values; `reason` says it in English."""
    granted_at: datetime


def lots(organisation: UUID, *, open_only: bool = False) -> list[LotView]:
    """The organisation's lots in the order in which they are spent. Raises NotFound for an unknown organisation."""
    require_organisation(organisation)
    found = Lot.objects.filter(organisation=organisation).order_by("rank", "seq")
    if open_only:
        found = found.filter(is_open=True)
    return [_view(lot) for lot in found]


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """All credits that came from one source, and what became of them: `credits = unspent + held + spent +
    withdrawn`."""

    source: str
    credits: int
    unspent: int
    held: int
    spent: int
    withdrawn: int


def totals_by_source(organisation: UUID) -> list[SourceTotal]:
    """Where an organisation's credits came from, in the order in which they are spent."""
    rows = (
        Lot.objects.filter(organisation=organisation)
        .values("source")
        .annotate(
            first=Min("rank"),
            all=Sum("credits"),
            left=Sum("unspent"),
            reserved=Sum("held"),
            used=Sum("spent"),
            gone=Sum("withdrawn"),
        )
        .order_by("first", "source")
    )
    return [
        SourceTotal(row["source"], row["all"], row["left"], row["reserved"], row["used"], row["gone"]) for row in rows
    ]


def granted_since(organisation: UUID, since: datetime) -> list[tuple[datetime, str, int]]:
    """When, from which source and how many credits came in since then, oldest first."""
    found = Lot.objects.filter(organisation=organisation, granted_at__gte=since).order_by("seq")
    return list(found.values_list("granted_at", "source", "credits"))


def _view(lot: Lot) -> LotView:
    why = read_reason(lot.reason)
    price = unspent_value = None
    if lot.price_cents is not None:
        price = Money(lot.price_cents, lot.price_currency)
        gone = lot.spent + lot.withdrawn
        cents = value_of(lot.price_cents, lot.credits, gone, gone + lot.unspent)
        unspent_value = Money(cents, lot.price_currency)
    return LotView(
        id=lot.id,
        source=lot.source,
        what=say_fact(Fact(f"moved_{lot.source}")),
        credits=lot.credits,
        unspent=lot.unspent,
        held=lot.held,
        spent=lot.spent,
        withdrawn=lot.withdrawn,
        price=price,
        unspent_value=unspent_value,
        price_book=lot.price_book,
        reference=lot.reference,
        reason=why if isinstance(why, str) else say_fact(why),
        fact=None if isinstance(why, str) else why.as_dict(),
        granted_at=lot.granted_at,
    )
