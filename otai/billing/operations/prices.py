"""Prices from a day in the future on: a whole price book, or some prices of the one that would be in force then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time

from otai.billing import price_books
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import checked_why, record
from otai.billing.price_books import InvalidPriceBook
from otai.billing.seller import seller
from otai.db import one_transaction
from otai.pricing.price_book import PriceBook, Tier
from otai.pricing.published import as_published
from otai.units import Money


@one_transaction
def schedule_price_book(text: str, *, who: str, why: str, now: datetime) -> PriceBook:
    """Keeps a whole book, as `price_books.schedule` does, with its event. Raises InvalidPriceBook, PriceBookNotNew and
    WhoAndWhyMissing."""
    why = checked_why(why)
    book = price_books.schedule(text, now=now)
    record(
        organisation=None,
        subject="price book",
        subject_id=book.version,
        move=BillingOccurrence.SCHEDULED,
        who=who,
        why=why,
        now=now,
        effective_on=book.effective_on.isoformat(),
    )
    return book


def set_prices(
    *,
    version: str,
    effective_on: date,
    packages: Mapping[int, int],
    tiers: Mapping[Tier, int],
    who: str,
    why: str,
    now: datetime,
) -> PriceBook:
    """A book with other prices: `packages` by their credits and `tiers` by their name, in net cents; what is not named
    stays as it would be on that day. Raises InvalidPriceBook, PriceBookNotNew and WhoAndWhyMissing."""
    why = checked_why(why)
    base = price_books.price_book(datetime.combine(effective_on, time(12), seller().zone))
    sold = {package.credits for package in base.packages}
    if unknown := sorted(set(packages) - sold):
        raise InvalidPriceBook("package", credits=unknown[0], known=sorted(sold))
    if free := sorted(tier.value for tier in tiers if base.tiers[tier].is_free):
        raise InvalidPriceBook("free_tier", tier=free[0])
    if not packages and not tiers:
        raise InvalidPriceBook("no_price")
    if min((*packages.values(), *tiers.values())) < 1:
        raise InvalidPriceBook("at_least_a_cent")
    changed = replace(
        base,
        version=version,
        effective_on=effective_on,
        packages=tuple(
            replace(package, price=Money(packages[package.credits], package.price.currency), reason=why)
            if package.credits in packages
            else package
            for package in base.packages
        ),
        tiers={
            tier: replace(terms, monthly_price=Money(tiers[tier], terms.monthly_price.currency), price_reason=why)
            if tier in tiers
            else terms
            for tier, terms in base.tiers.items()
        },
    )
    return schedule_price_book(json.dumps(as_published(changed)), who=who, why=why, now=now)
