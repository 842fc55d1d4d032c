"""What a run would cost: exact arithmetic over the price book, explained line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from otai.errors import Invalid, Refused
from otai.pricing.price_book import ComplexityBand, Delivery, DeliveryPromise, Mode, Package, PriceBook, Tier
from otai.units import round_up
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact


class AttributeCountOutOfRange(Invalid):
    code = "attribute_count_out_of_range"


class ModeNotInTier(Refused):
    code = "mode_not_in_tier"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One step of the price: what it is, the sum after it, and why."""

    fact: Fact
    amount: Fraction
    reason: str

    @property
    def what(self) -> str:
        """What the line is for, as an English sentence; `fact` is said in any language."""
        return say_fact(self.fact)

    def as_dict(self) -> dict[str, Any]:
        """As a quote keeps it: no sentence."""
        return {**self.fact.as_dict(), "amount": str(self.amount), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Price:
    """What one run costs. `credits` is whole; `exact` is the amount before the one rounding, upward."""

    mode: Mode
    delivery: Delivery
    attributes: int
    credits: int
    exact: Fraction
    lines: tuple[PriceLine, ...]
    price_book: str

    @property
    def in_words(self) -> str:
        """For example: `Business, Fast: 5 credits x 1/2 (1-5 attributes) = 2.5, rounded up to 3 credits`."""
        base, scaled, *rounded = self.lines
        return ", ".join([f"{base.what} {scaled.what}", *(line.what for line in rounded)])


@dataclass(frozen=True, slots=True)
class Offer:
    """One cell of the matrix of modes and deliveries: its price, when it would be due, and whether the tier includes
    it."""

    price: Price
    due_at: datetime
    promise: Fact
    available: bool
    needs_tier: Tier | None

    @property
    def credits(self) -> int:
        """The price in whole credits."""
        return self.price.credits


@dataclass(frozen=True, slots=True)
class Saving:
    """A cheaper way to get a model for the same tickets, and what is given up for it."""

    fact: Fact
    credits: int
    saves: int

    @property
    def what(self) -> str:
        """What would be cheaper and what is given up for it, as an English sentence; `fact` is said in any language."""
        return say_fact(self.fact)

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for the API; in credits."""
        return {"what": self.what, "credits": self.credits, "saves": self.saves}


def band_for(book: PriceBook, attributes: object) -> ComplexityBand:
    """Raises AttributeCountOutOfRange for 0, for more than the book's last band, and for anything but a whole
    number."""
    if isinstance(attributes, bool) or not isinstance(attributes, int):
        raise AttributeCountOutOfRange("no_whole_number", attributes=repr(attributes), limit=book.most_attributes)
    if attributes < 1:
        raise AttributeCountOutOfRange("none", attributes=attributes, limit=book.most_attributes)
    if attributes > book.most_attributes:
        raise AttributeCountOutOfRange(
            "too_many", over=attributes - book.most_attributes, attributes=attributes, limit=book.most_attributes
        )
    # A book's bands begin at 1 and leave no gap.
    return next(band for band in book.bands if attributes <= band.last)


def price(book: PriceBook, *, mode: Mode, delivery: Delivery, attributes: int) -> Price:
    """The price of a run: base x multiplier, rounded up once (docs/policies.md, "Price of a training run").

    Raises AttributeCountOutOfRange.
    """
    return _price(book, mode, delivery, band_for(book, attributes), attributes)


# A book never changes and is compared by identity, so a price once worked out stays right.
@lru_cache(maxsize=8192)
def _price(book: PriceBook, mode: Mode, delivery: Delivery, band: ComplexityBand, attributes: int) -> Price:
    base = book.base_prices[mode, delivery]
    exact = base.credits * band.multiplier
    credits = round_up(exact)
    lines = [
        PriceLine(
            Fact("price_base", {"mode": mode.value, "delivery": delivery.value, "credits": base.credits}),
            Fraction(base.credits),
            base.reason,
        ),
        PriceLine(
            Fact(
                "price_band",
                {"multiplier": str(band.multiplier), "first": band.first, "last": band.last, "amount": float(exact)},
            ),
            exact,
            band.reason,
        ),
    ]
    if credits != exact:
        lines.append(
            PriceLine(
                Fact("price_rounded", {"credits": credits}),
                Fraction(credits),
                "Credits are whole; rounded once, upward.",
            )
        )
    return Price(mode, delivery, attributes, credits, exact, tuple(lines), book.version)


def due_at(promise: DeliveryPromise, *, ordered_at: datetime, zone: ZoneInfo) -> datetime:
    """When a run ordered at `ordered_at` is due, in UTC (docs/policies.md: "Same day")."""
    if promise.within is not None:
        return (ordered_at + promise.within).astimezone(UTC)
    local = ordered_at.astimezone(zone)
    # Midnight of the next day by the local calendar: a day with a clock change has 23 or 25 hours.
    end_of_day = datetime.combine(local.date() + timedelta(days=1), time.min, tzinfo=zone)
    return max(end_of_day.astimezone(UTC), ordered_at.astimezone(UTC) + promise.at_least)


def cheapest_tier_with(book: PriceBook, mode: Mode) -> Tier | None:
    """The first tier, in the order Community, Pro, Enterprise, that includes the mode."""
    return next((tier for tier in Tier if mode in book.tiers[tier].modes), None)


def require_mode(book: PriceBook, *, tier: Tier, mode: Mode) -> None:
    """Raises ModeNotInTier, saying which tier includes the mode."""
    if mode in book.tiers[tier].modes:
        return
    needed = cheapest_tier_with(book, mode)
    allowed = [m for m in Mode if m in book.tiers[tier].modes]
    raise ModeNotInTier(
        "tier",
        mode=mode.value,
        tier=tier.value,
        needs_tier=needed.value if needed else None,
        allowed=[m.value for m in allowed],
    )


def offer(
    book: PriceBook,
    *,
    tier: Tier,
    mode: Mode,
    delivery: Delivery,
    attributes: int,
    ordered_at: datetime,
    zone: ZoneInfo,
) -> Offer:
    """What one mode in one delivery would cost and when it would be due, whether the tier includes it or not. Raises
    AttributeCountOutOfRange."""
    available = mode in book.tiers[tier].modes
    promise = book.promises[mode, delivery]
    return Offer(
        price=price(book, mode=mode, delivery=delivery, attributes=attributes),
        due_at=due_at(promise, ordered_at=ordered_at, zone=zone),
        promise=promise.fact,
        available=available,
        needs_tier=None if available else cheapest_tier_with(book, mode),
    )


def matrix(book: PriceBook, *, tier: Tier, attributes: int, ordered_at: datetime, zone: ZoneInfo) -> tuple[Offer, ...]:
    """Every mode in every delivery, available or not: what the customer chooses from."""
    return tuple(
        offer(
            book,
            tier=tier,
            mode=mode,
            delivery=delivery,
            attributes=attributes,
            ordered_at=ordered_at,
            zone=zone,
        )
        for mode in Mode
        for delivery in Delivery
    )


def cheaper(book: PriceBook, chosen: Price, *, tier: Tier) -> tuple[Saving, ...]:
    """What would cost less for the same tickets, dearest first: the other delivery, a lower mode, fewer attributes."""
    savings = []

    def consider(what: Fact, alternative: Price) -> None:
        if alternative.credits < chosen.credits:
            savings.append(Saving(what, alternative.credits, chosen.credits - alternative.credits))

    if chosen.delivery is Delivery.FAST:
        standard = price(book, mode=chosen.mode, delivery=Delivery.STANDARD, attributes=chosen.attributes)
        promise = book.promises[chosen.mode, Delivery.STANDARD]
        consider(Fact("saving_delivery", {"promise": promise.fact.as_dict()}), standard)
    modes = list(Mode)
    for mode in modes[: modes.index(chosen.mode)]:
        if mode in book.tiers[tier].modes:
            consider(
                Fact("saving_mode", {"mode": mode.value}),
                price(book, mode=mode, delivery=chosen.delivery, attributes=chosen.attributes),
            )
    band = band_for(book, chosen.attributes)
    position = book.bands.index(band)
    if position > 0:
        smaller = book.bands[position - 1]
        consider(
            Fact("saving_attributes", {"attributes": smaller.last, "chosen": chosen.attributes}),
            price(book, mode=chosen.mode, delivery=chosen.delivery, attributes=smaller.last),
        )
    return tuple(sorted(savings, key=lambda saving: -saving.credits))


def is_open(*, expires_at: datetime, now: datetime) -> bool:
    """A quote is good until its expiry, that instant excluded."""
    return now < expires_at


def packages_covering(book: PriceBook, missing: int) -> tuple[Package, ...]:
    """The packages that alone cover the missing credits, cheapest first; when none does, the largest, to be bought more
    than once."""
    covering = tuple(sorted((p for p in book.packages if p.credits >= missing), key=lambda p: p.price.cents))
    return covering or tuple(sorted(book.packages, key=lambda p: p.credits)[-1:])
