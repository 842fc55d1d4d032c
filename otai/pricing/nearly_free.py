"""What a price book makes nearly free, held against another one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from otai.pricing.price_book import Delivery, Mode, PriceBook, Term
from otai.pricing.quote import price


class NearlyFree(NamedTuple):
    """One thing that costs less than half. `kind`: `credit`; `run`, in credits; `run_in_money`; `month`, `year`;
    `monthly_credit`, a paid month's price for each credit that it brings; or `initial` and `monthly` credits that cost
    nothing, where there are more than twice as many. `of`: the tier, or mode and delivery; "" where there is but one.
    """

    kind: str
    of: str = ""


def nearly_free(book: PriceBook, against: PriceBook) -> list[NearlyFree]:
    """What costs less than half of what it costs `against`, in the order of a price list; [] where nothing does."""
    sizes = sorted({band.last for band in (*book.bands, *against.bands)})
    before = dict(_costs(against, sizes))
    cheap = [thing for (thing, *size), costs in _costs(book, sizes) if 2 * costs < before.get((thing, *size), 0)]
    had = dict(_gifts(against))
    more = [thing for thing, credits in _gifts(book) if credits > 2 * had.get(thing, 0)]
    # A mode and delivery stands there once, whatever sizes of it became cheaper.
    return list(dict.fromkeys([*cheap, *more]))


def _costs(book: PriceBook, sizes: Iterable[int]) -> Iterator[tuple[tuple[NearlyFree, *tuple[int, ...]], Fraction]]:
    """Each thing, of a run with the number of attributes, and its price, in cents or credits."""
    # A book that sells no credits gives none away.
    credit = min((package.cents_per_credit for package in book.packages), default=None)
    if credit is not None:
        yield (NearlyFree("credit"),), credit
    for (mode, delivery), size in product(product(Mode, Delivery), sizes):
        if size > book.most_attributes:
            continue
        run = price(book, mode=mode, delivery=delivery, attributes=size).credits
        yield (NearlyFree("run", f"{mode} {delivery}"), size), Fraction(run)
        if credit is not None:
            yield (NearlyFree("run_in_money", f"{mode} {delivery}"), size), run * credit
    for tier, terms in book.tiers.items():
        month, year = terms.monthly_price.cents, terms.price_for(Term.YEAR)
        yield (NearlyFree("month", tier.value),), Fraction(month)
        yield (NearlyFree("year", tier.value),), Fraction(year.cents if year else month * Term.YEAR.months)
        if terms.monthly_credits:
            yield (NearlyFree("monthly_credit", tier.value),), Fraction(month, terms.monthly_credits)


def _gifts(book: PriceBook) -> Iterator[tuple[NearlyFree, int]]:
    for tier, terms in book.tiers.items():
        yield NearlyFree("initial", tier.value), terms.initial_credits
        if terms.is_free:
            yield NearlyFree("monthly", tier.value), terms.monthly_credits
