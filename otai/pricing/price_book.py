"""The price book: every number of the business that a customer was promised, dated, versioned, each with its reason.

A vendor who runs the Studio writes another `PriceBook` and names it in `OTAI_PRICE_BOOK`. Source of this one: the brief
"How credits work", and the policies that make it exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType

from otai.pricing.vat import EU_STANDARD_RATES, VatRate
from otai.units import NOT_IN_HUNDREDTHS, Money
from otai.words.sentences import Fact


class Tier(StrEnum):
    COMMUNITY = "community"
    PRO = "pro"
    ENTERPRISE = "enterprise"

    @property
    def title(self) -> str:  # type: ignore[override]
        """As people see it: Community, Pro, Enterprise."""
        return self.value.capitalize()


class Mode(StrEnum):
    """How good the model gets: what the training invests in it."""

    BASIC = "basic"
    BUSINESS = "business"
    MAXIMUM = "maximum"

    @property
    def title(self) -> str:  # type: ignore[override]
        """As people see it: Basic, Business, Maximum."""
        return self.value.capitalize()


class Delivery(StrEnum):
    """How soon: background scheduling on L4 machines, or priority on H100 machines."""

    STANDARD = "standard"
    FAST = "fast"

    @property
    def title(self) -> str:  # type: ignore[override]
        """As people see it: Standard, Fast."""
        return self.value.capitalize()


class Term(StrEnum):
    """How long a paid tier is paid for at once."""

    MONTH = "month"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months of the tier one payment is for."""
        return 12 if self is Term.YEAR else 1


@dataclass(frozen=True, slots=True)
class ComplexityBand:
    """A range of attribute counts, both ends included, and what it does to the base price."""

    first: int
    last: int
    multiplier: Fraction
    reason: str

    @property
    def title(self) -> str:
        """For example `6-20 attributes`."""
        return f"{self.first}-{self.last} attributes"


@dataclass(frozen=True, slots=True)
class BasePrice:
    """Credits for a run of one mode and delivery with the standard attribute set."""

    credits: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryPromise:
    """Due `within` of the order; with `end_of_day`, at the end of the order's calendar day where the organisation is,
    but never sooner than `at_least` after the order."""

    within: timedelta | None
    end_of_day: bool
    at_least: timedelta
    in_words: str
    """As the published book has it; doors say the fact."""
    reason: str

    @property
    def fact(self) -> Fact:
        """The promise as a code with values, for doors to say."""
        if self.within is None:
            return Fact("promise_same_day")
        hours = int(self.within.total_seconds() // 3600)
        return Fact("promise_within" if hours >= 24 else "promise_about", {"hours": hours})

    def __post_init__(self) -> None:
        if (self.within is None) != self.end_of_day:
            raise ValueError("a delivery promise is either a span or the end of the day")


@dataclass(frozen=True, slots=True)
class TierQuotas:
    """How much an organisation may have at once; None: no bound.

    `storage_bytes` of data sets, models, texts of feedback and kept tickets; `data_sets` by name, with all their
    versions; `waiting_uploads` whose columns nobody has settled, on all machines; `open_quotes` that are neither
    ordered nor expired; `streams` of events; `requests_a_minute` of all callers of the API together.
    """

    storage_bytes: int | None = None
    data_sets: int | None = None
    waiting_uploads: int | None = None
    open_quotes: int | None = None
    imports_at_once: int | None = None
    streams: int | None = None
    requests_a_minute: int | None = None
    reason: str = "Books of before promised no bound."


@dataclass(frozen=True, slots=True)
class TierTerms:
    """What a tier brings, credits once and monthly and the modes it may order, how much there may be at once, and what
    it costs a month, net.

    `annual_price`: twelve months paid at once, net; None where the tier is sold by the month alone.
    """

    initial_credits: int
    monthly_credits: int
    modes: frozenset[Mode]
    reason: str
    monthly_price: Money = field(default_factory=lambda: Money(0))
    price_reason: str = "Free."
    annual_price: Money | None = None
    annual_price_reason: str = ""
    quotas: TierQuotas = TierQuotas()

    @property
    def is_free(self) -> bool:
        """Whether a month costs nothing."""
        return self.monthly_price.cents == 0

    def price_for(self, term: Term) -> Money | None:
        """What the term costs, net; None where the tier is not sold for it."""
        return self.monthly_price if term is Term.MONTH else self.annual_price

    @property
    def annual_saving(self) -> Money | None:
        """What a year paid at once costs less than twelve months; None where it is not sold."""
        if self.annual_price is None:
            return None
        return Money(self.monthly_price.cents * Term.YEAR.months - self.annual_price.cents, self.annual_price.currency)


@dataclass(frozen=True, slots=True)
class Package:
    """Credits sold together at one net price."""

    credits: int
    price: Money
    reason: str

    @property
    def title(self) -> str:
        """For example `50-credit package`."""
        return f"{self.credits}-credit package"

    @property
    def cents_per_credit(self) -> Fraction:
        """The net price of one credit, exact."""
        return Fraction(self.price.cents, self.credits)


@dataclass(frozen=True, slots=True)
class StandardBar:
    """Acceptance criteria at or below this are agreed at once; stricter ones wait for an operator."""

    accuracy: Fraction
    macro_f1: Fraction
    coverage_at_95_precision: Fraction
    reason: str


class VerdictRule(StrEnum):
    """What is compared with the agreed threshold."""

    POINT = "point_estimate"
    LOWER_BOUND = "lower_bound"

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is compared, in words."""
        return "the measured value" if self is VerdictRule.POINT else "the lower end of its 95 % interval"


@dataclass(frozen=True, slots=True)
class GuaranteeTerms:
    """How the guarantee is measured: what counts, on which share of the tickets, and on how many of them at least; and
    what an operator looks at first.

    `fee_at_once`: the tiers whose fee is credited with the second miss. `agreed_if_expected`: what the expected quality
    of the customer's tickets must reach for a criterion to be agreed without a person; None: nothing. `noise_from`: the
    share of suspected labels from which labels count as noise, as those do that nothing can be learnt from; None: no
    labels do. The defaults are what books without these lines promised.
    """

    verdict: VerdictRule
    holdout_share: Fraction
    fewest_holdout_tickets: int
    reason: str
    fee_at_once: frozenset[Tier] = frozenset(Tier)
    agreed_if_expected: VerdictRule | None = None
    noise_from: Fraction | None = None


GUARANTEE_TERMS = GuaranteeTerms(
    verdict=VerdictRule.POINT,
    holdout_share=Fraction(1, 5),
    fewest_holdout_tickets=50,
    reason=(
        "Decided: the measured value itself, since it favours neither side; a bound would ask more of a customer with "
        "fewer tickets. A fifth of the tickets, as in every training. Fewer than 50 would leave the verdict to chance "
        "(half an interval is 13 points then). An operator looks before a fee of the free tier is credited: the run "
        "was a gift, and labels made at random would miss for sure. What is expected must reach a threshold that is "
        "agreed without a person: a promise that cannot be kept helps neither side. One wrong label in four is noise: "
        "no model gets beyond it."
    ),
    fee_at_once=frozenset({Tier.PRO, Tier.ENTERPRISE}),
    agreed_if_expected=VerdictRule.POINT,
    noise_from=Fraction(1, 4),
)


@dataclass(frozen=True, slots=True)
class FoundingTerms:
    """How many organisations one person may sign up, in all and within a day; an operator makes more."""

    most_organisations: int
    most_a_day: int
    reason: str


FOUNDING_TERMS = FoundingTerms(
    most_organisations=20,
    most_a_day=3,
    reason=(
        "Decided: an organisation for each team or customer of one person, and none by the dozen: each brings monthly "
        "credits."
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class PriceBook:
    """All of it. Immutable, compared by identity, and checked for gaps when it is made: a book that cannot price
    something is refused at start-up."""

    version: str
    effective_on: date
    base_prices: Mapping[tuple[Mode, Delivery], BasePrice]
    bands: tuple[ComplexityBand, ...]
    promises: Mapping[tuple[Mode, Delivery], DeliveryPromise]
    tiers: Mapping[Tier, TierTerms]
    packages: tuple[Package, ...]
    quote_good_for: timedelta
    system_failure_attempts: int
    standard_bar: StandardBar
    guarantee: GuaranteeTerms = GUARANTEE_TERMS
    founding: FoundingTerms = FOUNDING_TERMS
    promised_assurance: Fraction = Fraction(9, 10)
    business_answers_cost_business: bool = False
    """Whether a Maximum that answers as Business does costs what Business does; the difference is given back."""
    payment_grace: timedelta = timedelta(days=14)
    order_open_for: timedelta = timedelta(days=30)
    most_unpaid_orders: int = 3
    charge_again_after: tuple[timedelta, ...] = tuple(timedelta(days=day) for day in (1, 3, 5, 7))
    annual_notice: timedelta = timedelta(days=30)
    vat_rates: Mapping[str, VatRate] = field(default_factory=lambda: EU_STANDARD_RATES)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for mode in Mode:
            for delivery in Delivery:
                if (mode, delivery) not in self.base_prices or (mode, delivery) not in self.promises:
                    raise ValueError(f"price book {self.version}: no price or promise for {mode} {delivery}")
        if missing := set(Tier) - set(self.tiers):
            raise ValueError(f"price book {self.version}: no terms for {sorted(missing)}")
        if not self.bands or self.bands[0].first != 1:
            raise ValueError(f"price book {self.version}: the bands must begin at 1 attribute")
        for band, following in pairwise(self.bands):
            if following.first != band.last + 1:
                raise ValueError(f"price book {self.version}: a gap or an overlap after {band.last} attributes")
        if any(band.last < band.first or band.multiplier <= 0 for band in self.bands):
            raise ValueError(f"price book {self.version}: a band is empty or free")
        self._refuse_currencies_without_hundredths()
        if any(terms.monthly_price.cents < 0 for terms in self.tiers.values()):
            raise ValueError(f"price book {self.version}: a tier costs less than nothing")
        for tier, terms in self.tiers.items():
            if terms.annual_price is None:
                continue
            most = terms.monthly_price.cents * Term.YEAR.months
            if terms.annual_price.currency != terms.monthly_price.currency or not 0 < terms.annual_price.cents <= most:
                raise ValueError(f"price book {self.version}: a year of {tier} costs more than its months, or nothing")
        # Read-only views: two quotes of one version can never differ.
        for name in ("base_prices", "promises", "tiers", "vat_rates", "reasons"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def _refuse_currencies_without_hundredths(self) -> None:
        sold = [terms.monthly_price for terms in self.tiers.values()] + [package.price for package in self.packages]
        if strange := {price.currency for price in sold} & NOT_IN_HUNDREDTHS:
            raise ValueError(f"price book {self.version}: prices are in hundredths, which {min(strange)} has not")

    @property
    def most_attributes(self) -> int:
        """The most that one run may predict: where the last band ends."""
        return self.bands[-1].last


_SAME_DAY = DeliveryPromise(
    within=None,
    end_of_day=True,
    at_least=timedelta(hours=4),
    in_words="same day",
    reason=(
        "Brief: same day. Decided: the end of the order's calendar day where the organisation is, and never less than "
        "4 hours, so that an order at 23:50 is not due ten minutes later."
    ),
)


def within(hours: int) -> DeliveryPromise:
    """A promise of so many hours after the order, from 24 on as a bound and below as what is usual."""
    return DeliveryPromise(
        within=timedelta(hours=hours),
        end_of_day=False,
        at_least=timedelta(0),
        in_words=f"within {hours} h" if hours >= 24 else f"about {hours} h",
        reason="Brief: delivery time in the training mode reference.",
    )


_YEAR_FOR_TEN_MONTHS = (
    "The vendor's to set; the brief names none. Ours: twelve months for the price of ten, since a year paid at once is "
    "one payment, one invoice and one risk of a lapse instead of twelve."
)

PRICE_BOOK = PriceBook(
    version="2026-12b",
    effective_on=date(2026, 11, 28),
    base_prices={
        (Mode.BASIC, Delivery.STANDARD): BasePrice(1, "Brief: first working model, in the background."),
        (Mode.BASIC, Delivery.FAST): BasePrice(2, "Brief: twice Standard, for priority on H100."),
        (Mode.BUSINESS, Delivery.STANDARD): BasePrice(3, "Brief: production-ready default, in the background."),
        (Mode.BUSINESS, Delivery.FAST): BasePrice(
            5, "Brief's table; its prose 'half the cost' is exact only for Basic, the table wins."
        ),
        (Mode.MAXIMUM, Delivery.STANDARD): BasePrice(12, "Brief: strongest set-up, in the background."),
        (Mode.MAXIMUM, Delivery.FAST): BasePrice(18, "Brief's table."),
    },
    bands=(
        ComplexityBand(1, 5, Fraction(1, 2), "Brief: small sets at half the base price."),
        ComplexityBand(6, 20, Fraction(1), "Brief: the standard attribute set that base prices assume."),
        ComplexityBand(21, 50, Fraction(2), "Derived from the brief's example: Business Standard 6 = 2 x 3."),
        ComplexityBand(
            51,
            200,
            Fraction(4),
            "Derived from the brief's example: Business Standard 12 = 4 x 3. The brief ends at 200.",
        ),
    ),
    promises={
        (Mode.BASIC, Delivery.FAST): within(1),
        (Mode.BUSINESS, Delivery.FAST): within(2),
        (Mode.MAXIMUM, Delivery.FAST): within(4),
        (Mode.BASIC, Delivery.STANDARD): _SAME_DAY,
        (Mode.BUSINESS, Delivery.STANDARD): _SAME_DAY,
        (Mode.MAXIMUM, Delivery.STANDARD): within(24),
    },
    tiers={
        Tier.COMMUNITY: TierTerms(
            6,
            2,
            frozenset({Mode.BASIC}),
            "Brief: Community (free) 6 and 2; Basic only.",
            quotas=TierQuotas(
                storage_bytes=5 * 10**9,
                data_sets=20,
                waiting_uploads=10,
                open_quotes=50,
                imports_at_once=4,
                streams=32,
                requests_a_minute=600,
                reason=(
                    "Decided: several exports of a large helpdesk with their models, ten requests a second; what costs "
                    "nothing must not fill a disk."
                ),
            ),
        ),
        Tier.PRO: TierTerms(
            100,
            50,
            frozenset({Mode.BASIC, Mode.BUSINESS}),
            "Brief: Pro 100 and 50; Basic and Business.",
            monthly_price=Money(99_00),
            price_reason=(
                "The vendor's to set; the brief names none. Ours: a quarter of what the 50 monthly credits cost as a "
                "package."
            ),
            annual_price=Money(990_00),
            annual_price_reason=_YEAR_FOR_TEN_MONTHS,
            quotas=TierQuotas(
                storage_bytes=100 * 10**9,
                data_sets=200,
                waiting_uploads=20,
                open_quotes=500,
                imports_at_once=10,
                streams=200,
                requests_a_minute=3_000,
                reason="Decided: a company with several helpdesks and years of tickets stays far below.",
            ),
        ),
        Tier.ENTERPRISE: TierTerms(
            500,
            250,
            frozenset(Mode),
            "Brief: Enterprise 500 and 250; every mode.",
            monthly_price=Money(499_00),
            price_reason=(
                "The vendor's to set; the brief names none. Ours: about EUR 2 for each of the 250 monthly credits, as "
                "in Pro."
            ),
            annual_price=Money(4990_00),
            annual_price_reason=_YEAR_FOR_TEN_MONTHS,
            quotas=TierQuotas(
                storage_bytes=1_000 * 10**9,
                data_sets=2_000,
                waiting_uploads=20,
                open_quotes=5_000,
                imports_at_once=20,
                streams=500,
                requests_a_minute=12_000,
                reason="Decided: a bound against what runs wild; an operator lifts it for one organisation.",
            ),
        ),
    },
    packages=(
        Package(10, Money(100_00), "Brief: EUR 10 a credit."),
        Package(50, Money(450_00), "Brief: EUR 9 a credit, 10 % off."),
        Package(100, Money(800_00), "Brief: EUR 8 a credit, 20 % off."),
    ),
    quote_good_for=timedelta(minutes=30),
    system_failure_attempts=3,
    standard_bar=StandardBar(
        accuracy=Fraction(70, 100),
        macro_f1=Fraction(50, 100),
        coverage_at_95_precision=Fraction(30, 100),
        reason=(
            "Decided: what a Business model reaches on most real helpdesks we measured (docs/benchmarks.md); agreed "
            "without a person."
        ),
    ),
    reasons={
        "promised_assurance": (
            "Decided: a promise of precision holds in nine of ten trainings at least. Surer ones would leave little "
            "that a model of a few hundred tickets may decide alone."
        ),
        "business_answers_cost_business": (
            "Decided: off. Maximum is paid for the attempt, which costs us the same whether networks join or not, and "
            "the customer is told before the order where no gain is expected."
        ),
        "payment_grace": "Decided: two weeks, so that a holiday or a bank's delay does not cost a customer the tier.",
        "order_open_for": (
            "Decided: the usual 30 days to pay an invoice; then the order lapses and a credit note closes the invoice."
        ),
        "most_unpaid_orders": (
            "Decided: enough for a package, a month and a higher tier at once; more is a mistake, and each an invoice."
        ),
        "charge_again_after": (
            "Decided: a card that was declined is often good again within days; four more tries within the time of "
            "grace, each told by one mail."
        ),
        "annual_notice": (
            "Decided: a month's notice of a large charge, so that a budget owner can cancel or change it in time."
        ),
        "quote_good_for": "Decided: long enough to ask a colleague, short enough that prices cannot go stale.",
        "system_failure_attempts": (
            "Decided: a failure of ours is retried up to 2 more times before the credits go back."
        ),
    },
)
