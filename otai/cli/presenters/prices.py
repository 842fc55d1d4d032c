"""Prices of trainings that nobody ordered yet, and quotes, which can be ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from otai.cli.output import print_table, say
from otai.cli.presenters.words import count, moment
from otai.pricing.price_book import Delivery, Mode, Tier


@dataclass(frozen=True, slots=True)
class Offer:
    """One mode in one delivery. `needs_tier` says which tier has it, where the tier that is priced for does not.
    `is_installed`: the installation can train it."""

    credits: int
    promise: str
    due_at: datetime
    needs_tier: Tier | None
    is_installed: bool = True


class Saving(Protocol):
    """A cheaper way: what to change, what it then costs and saves, in credits."""

    @property
    def what(self) -> str: ...
    @property
    def credits(self) -> int: ...
    @property
    def saves(self) -> int: ...


def show_price(
    offers: Mapping[tuple[Mode, Delivery], Offer],
    *,
    mode: Mode,
    delivery: Delivery,
    attributes: int,
    in_words: str,
    tier: Tier | None,
    cheaper: Sequence[Saving],
    balance: int | None,
    zone: tzinfo | None,
) -> None:
    """One offer line by line, beside all others. `tier` and `balance`: None where they are not known."""
    chosen = offers[mode, delivery]
    say(f"{mode.title}, {delivery.title}, {count(attributes, 'attribute')}: {count(chosen.credits, 'credit')}")
    say(f"  {in_words}")
    where = f" ({zone})" if zone is not None else ""
    say(f"  ready {chosen.promise}: by {moment(chosen.due_at, zone)}{where} if ordered now")
    if not chosen.is_installed:
        say(f"  {mode.title} cannot be trained on this installation, and is not sold there (docs/encoders.md).")
    elif chosen.needs_tier is not None:
        for_tier = f"; this is the price for {tier.title}" if tier is not None else ""
        say(f"  {mode.title} needs {chosen.needs_tier.title}{for_tier}.")
    for saving in cheaper:
        say(f"  cheaper: {saving.what}: {count(saving.credits, 'credit')}, saves {saving.saves}")
    if balance is not None:
        say(f"  {balance} credits available")
    print_table(
        ["", *(one.title for one in Mode)],
        [[row.title, *(_cell(offers[one, row]) for one in Mode)] for row in Delivery],
        right=[one.title for one in Mode],
    )


def _cell(offer: Offer) -> str:
    if not offer.is_installed:
        return "not installed"
    if offer.needs_tier is not None:
        return f"{offer.credits} ({offer.needs_tier.title} only)"
    return f"{offer.credits} ({offer.promise})"


@dataclass(frozen=True, slots=True)
class Quote:
    """`begins_at` and `ready_at` are what the queue lets expect; None: nobody can say."""

    model: str
    attributes: Sequence[str]
    credits: int
    lines: Sequence[Mapping[str, str]]
    price_book: str
    due_at: datetime
    expires_at: datetime
    begins_at: datetime | None
    ready_at: datetime | None
    balance: int
    warnings: Sequence[str] = ()
    """What in the tickets gives labels away, as sentences."""


def show_quote(quote: Quote, *, zone: tzinfo | None) -> None:
    """Prints a quote: price line by line, when it is ready, until when it stands, and what is left."""
    say(f"Quote for {quote.model}: {count(quote.credits, 'credit')}")
    say(f"  predicts {count(len(quote.attributes), 'attribute')}: {', '.join(quote.attributes)}")
    for line in quote.lines:
        say(f"  {line['what']}")
    expires = quote.expires_at.astimezone(zone)
    say(
        f"  ready by {moment(quote.due_at, zone)}; the quote stands until {expires:%H:%M} (price book "
        f"{quote.price_book})"
    )
    if quote.ready_at is not None:
        begins = f"to begin {moment(quote.begins_at, zone)} and " if quote.begins_at is not None else ""
        say(f"  expected {begins}to be ready {moment(quote.ready_at, zone)}")
    say(f"  after this: {quote.balance - quote.credits} of {quote.balance} credits")
    for warning in quote.warnings:
        say(f"! {warning}")
