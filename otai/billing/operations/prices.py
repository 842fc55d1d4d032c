"""Prices from a day in the future on: a whole price book, or some prices of the one that would be in force then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from otai.billing import price_books
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import checked_why, record
from otai.billing.price_books import InvalidPriceBook
from otai.billing.seller import seller
from otai.db import one_transaction
from otai.pricing.price_book import PriceBook, Term, Tier, TierTerms
from otai.pricing.published import as_published
from otai.units import Money


@one_transaction
def schedule_price_book(text: str, *, who: str, why: str, now: datetime) -> PriceBook:
    """Keeps a whole book, as `price_books.schedule` does, with its event; doors go by `second_operator.price_book`.
    Raises InvalidPriceBook, PriceBookNotNew and WhoAndWhyMissing."""
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


@dataclass(frozen=True, slots=True)
class TierPrices:
    """What a tier costs a month and a year from a day on, in net cents; None: as it would be on that day."""

    monthly: int | None = None
    annual: int | None = None

    def of(self, terms: TierTerms, *, why: str) -> TierTerms:
        """The tier's terms with these prices. Raises InvalidPriceBook where a year costs more than twelve months."""
        currency = terms.monthly_price.currency
        if self.monthly is not None:
            terms = replace(terms, monthly_price=Money(self.monthly, currency), price_reason=why)
        annual = Money(self.annual, currency) if self.annual is not None else terms.annual_price
        most = Money(terms.monthly_price.cents * Term.YEAR.months, currency)
        if annual is not None and annual.cents > most.cents:
            raise InvalidPriceBook("year_above_months", annual=annual, months=most)
        if self.annual is not None:
            terms = replace(terms, annual_price=annual, annual_price_reason=why)
        return terms


def with_prices(
    *,
    version: str,
    effective_on: date,
    packages: Mapping[int, int],
    tiers: Mapping[Tier, TierPrices],
    why: str,
) -> str:
    """A book with other prices, net, as JSON: `packages` in cents by their credits, `tiers` by their name; what is not
    named stays as it would be on that day. Raises InvalidPriceBook and WhoAndWhyMissing."""
    why = checked_why(why)
    base = price_books.price_book(datetime.combine(effective_on, time(12), seller().zone))
    sold = {package.credits for package in base.packages}
    if unknown := sorted(set(packages) - sold):
        raise InvalidPriceBook("package", credits=unknown[0], known=sorted(sold))
    if free := sorted(tier.value for tier in tiers if base.tiers[tier].is_free):
        raise InvalidPriceBook("free_tier", tier=free[0])
    asked = [cents for one in tiers.values() for cents in (one.monthly, one.annual) if cents is not None]
    if not packages and not asked:
        raise InvalidPriceBook("no_price")
    if min((*packages.values(), *asked)) < 1:
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
        tiers={tier: tiers[tier].of(terms, why=why) if tier in tiers else terms for tier, terms in base.tiers.items()},
    )
    return json.dumps(as_published(changed))
