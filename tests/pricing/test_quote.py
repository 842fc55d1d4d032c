from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otai.pricing import quote
from otai.pricing.price_book import ComplexityBand, Delivery, Mode, Tier
from otai.pricing.settlement import Ending, Settlement, attempt_again, settle
from otai.words.catalogue import say_fact
from tests.pricing.book import BOOK

pytestmark = pytest.mark.pure

BERLIN = ZoneInfo("Europe/Berlin")
SAME_DAY = BOOK.promises[Mode.BASIC, Delivery.STANDARD]


@pytest.mark.parametrize("attributes", [0, -1, 201, 10**9])
def test_attributes_outside_the_book_are_refused_with_the_limit(attributes: int) -> None:
    with pytest.raises(quote.AttributeCountOutOfRange, match="200") as refused:
        quote.price(BOOK, mode=Mode.BASIC, delivery=Delivery.FAST, attributes=attributes)
    assert refused.value.code == "attribute_count_out_of_range"


@pytest.mark.parametrize("attributes", [2.0, "3", True, None, Fraction(3)])
def test_a_count_that_is_not_a_whole_number_is_refused(attributes: object) -> None:
    with pytest.raises(quote.AttributeCountOutOfRange, match="whole number"):
        quote.price(BOOK, mode=Mode.BASIC, delivery=Delivery.FAST, attributes=attributes)  # type: ignore[arg-type]


@given(st.sampled_from(Mode), st.sampled_from(Delivery), st.integers(1, 200))
def test_a_price_is_the_exact_amount_rounded_up_and_never_free(mode: Mode, delivery: Delivery, attributes: int) -> None:
    found = quote.price(BOOK, mode=mode, delivery=delivery, attributes=attributes)
    assert found.credits >= 1
    assert 0 <= found.credits - found.exact < 1
    assert found.lines[-1].amount == found.credits
    assert [line.as_dict()["amount"] for line in found.lines] == [str(line.amount) for line in found.lines]


@given(st.sampled_from(Mode), st.integers(1, 199))
def test_more_attributes_never_cost_less_and_fast_never_less_than_standard(mode: Mode, attributes: int) -> None:
    def credits(delivery: Delivery, count: int) -> int:
        return quote.price(BOOK, mode=mode, delivery=delivery, attributes=count).credits

    for delivery in Delivery:
        assert credits(delivery, attributes) <= credits(delivery, attributes + 1)
    assert credits(Delivery.STANDARD, attributes) <= credits(Delivery.FAST, attributes)


def test_a_large_price_is_written_in_full() -> None:
    dear = {pair: replace(price, credits=2_000_000) for pair, price in BOOK.base_prices.items()}
    found = quote.price(replace(BOOK, base_prices=dear), mode=Mode.BASIC, delivery=Delivery.FAST, attributes=6)
    assert found.in_words == "Basic, Fast: 2,000,000 credits x 1 (6-20 attributes) = 2,000,000"


def test_a_person_can_follow_the_price() -> None:
    found = quote.price(BOOK, mode=Mode.BUSINESS, delivery=Delivery.FAST, attributes=3)
    assert found.in_words == "Business, Fast: 5 credits x 1/2 (1-5 attributes) = 2.5, rounded up to 3 credits"
    whole = quote.price(BOOK, mode=Mode.BASIC, delivery=Delivery.STANDARD, attributes=30)
    assert whole.in_words == "Basic, Standard: 1 credit x 2 (21-50 attributes) = 2"


@pytest.mark.parametrize(
    ("ordered", "due"),
    [
        # Berlin is one hour ahead of UTC in winter, two in summer.
        ("2026-11-02T09:30", "2026-11-02T23:00"),  # the day ends at local midnight
        ("2026-11-02T18:59", "2026-11-02T23:00"),
        ("2026-11-02T22:50", "2026-11-03T02:50"),  # never less than 4 hours
        ("2026-11-02T23:30", "2026-11-03T23:00"),  # already the next local day
        ("2026-07-01T12:00", "2026-07-01T22:00"),
        ("2026-10-24T23:30", "2026-10-25T23:00"),  # 25 October 2026: clocks go back, a day of 25 hours
        ("2026-03-29T00:30", "2026-03-29T22:00"),  # 29 March 2026: clocks go forward, a day of 23 hours
    ],
)
def test_same_day_ends_at_midnight_where_the_organisation_is(ordered: str, due: str) -> None:
    found = quote.due_at(SAME_DAY, ordered_at=datetime.fromisoformat(ordered).replace(tzinfo=UTC), zone=BERLIN)
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("mode", "delivery", "hours"),
    [("basic", "fast", 1), ("business", "fast", 2), ("maximum", "fast", 4), ("maximum", "standard", 24)],
)
def test_promised_hours_count_from_the_order(mode: str, delivery: str, hours: int) -> None:
    ordered = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    promise = BOOK.promises[Mode(mode), Delivery(delivery)]
    assert quote.due_at(promise, ordered_at=ordered, zone=BERLIN) == ordered + timedelta(hours=hours)


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_same_day_is_at_least_four_hours_and_at_most_a_long_day_away(ordered: datetime) -> None:
    for zone in (BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Auckland"), ZoneInfo("UTC")):
        wait = quote.due_at(SAME_DAY, ordered_at=ordered, zone=zone) - ordered
        assert timedelta(hours=4) <= wait <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("tier", "mode", "says"),
    [
        (
            "community",
            "business",
            "Business is not included in Community, which trains Basic. Pro includes it.",
        ),
        (
            "community",
            "maximum",
            "Maximum is not included in Community, which trains Basic. Enterprise includes it.",
        ),
        (
            "pro",
            "maximum",
            "Maximum is not included in Pro, which trains Basic, Business. Enterprise includes it.",
        ),
    ],
)
def test_a_mode_outside_the_tier_is_refused_with_what_it_trains_and_the_tier_that_has_it(
    tier: str, mode: str, says: str
) -> None:
    with pytest.raises(quote.ModeNotInTier) as refused:
        quote.require_mode(BOOK, tier=Tier(tier), mode=Mode(mode))
    assert refused.value.message == says
    assert refused.value.details == {
        "mode": mode,
        "tier": tier,
        "needs_tier": quote.cheapest_tier_with(BOOK, Mode(mode)),
        "allowed": [m.value for m in Mode if m in BOOK.tiers[Tier(tier)].modes],
    }


@pytest.mark.parametrize(("tier", "trains"), [("community", 1), ("pro", 2), ("enterprise", 3)])
def test_every_mode_of_the_tier_is_let_through(tier: str, trains: int) -> None:
    for mode in list(Mode)[:trains]:
        quote.require_mode(BOOK, tier=Tier(tier), mode=mode)


def test_a_mode_that_no_tier_has_is_refused_without_naming_one() -> None:
    without = replace(BOOK, tiers={tier: replace(of, modes=frozenset({Mode.BASIC})) for tier, of in BOOK.tiers.items()})
    with pytest.raises(quote.ModeNotInTier, match=r"which trains Basic\. No tier includes it at present\.$") as refused:
        quote.require_mode(without, tier=Tier.ENTERPRISE, mode=Mode.MAXIMUM)
    assert refused.value.details["needs_tier"] is None


def test_the_matrix_shows_every_choice_and_what_the_tier_leaves_out(now: datetime) -> None:
    offers = quote.matrix(BOOK, tier=Tier.PRO, attributes=3, ordered_at=now, zone=BERLIN)
    seen = [(o.price.mode.value, o.price.delivery.value, o.credits, o.available, o.needs_tier) for o in offers]
    assert seen == [
        ("basic", "standard", 1, True, None),
        ("basic", "fast", 1, True, None),
        ("business", "standard", 2, True, None),
        ("business", "fast", 3, True, None),
        ("maximum", "standard", 6, False, Tier.ENTERPRISE),
        ("maximum", "fast", 9, False, Tier.ENTERPRISE),
    ]


def test_a_quote_says_what_would_be_cheaper() -> None:
    chosen = quote.price(BOOK, mode=Mode.BUSINESS, delivery=Delivery.FAST, attributes=21)
    assert [(s.what, s.credits, s.saves) for s in quote.cheaper(BOOK, chosen, tier=Tier.PRO)] == [
        ("Standard delivery (same day)", 6, 4),
        ("20 attributes instead of 21", 5, 5),
        ("Basic mode", 4, 6),
    ]
    cheapest = quote.price(BOOK, mode=Mode.BASIC, delivery=Delivery.STANDARD, attributes=4)
    assert quote.cheaper(BOOK, cheapest, tier=Tier.PRO) == ()


@pytest.mark.parametrize(
    ("mode", "delivery", "attributes", "tier", "cheaper"),
    [
        # At the edge of a band, and where the cheaper way costs the same: it is no saving.
        ("basic", "fast", 5, "pro", []),
        ("basic", "fast", 6, "pro", [("Standard delivery (same day)", 1, 1), ("5 attributes instead of 6", 1, 1)]),
        ("basic", "standard", 6, "pro", []),
        ("business", "standard", 6, "community", [("5 attributes instead of 6", 2, 1), ("Basic mode", 1, 2)]),
        # Community has no Business: it is cheaper than Maximum, and no way for this team.
        ("maximum", "standard", 5, "community", [("Basic mode", 1, 5)]),
        (
            "maximum",
            "fast",
            51,
            "enterprise",
            [
                ("Standard delivery (within 24\N{NO-BREAK SPACE}h)", 48, 24),
                ("50 attributes instead of 51", 36, 36),
                ("Business mode", 20, 52),
                ("Basic mode", 8, 64),
            ],
        ),
    ],
)
def test_only_what_costs_less_is_offered_dearest_first(
    mode: str, delivery: str, attributes: int, tier: str, cheaper: list[tuple[str, int, int]]
) -> None:
    chosen = quote.price(BOOK, mode=Mode(mode), delivery=Delivery(delivery), attributes=attributes)
    found = quote.cheaper(BOOK, chosen, tier=Tier(tier))
    assert [(s.what, s.credits, s.saves) for s in found] == cheaper


def test_the_first_band_has_none_before_it() -> None:
    """A vendor may charge less for more; the last band is still no neighbour of the first."""
    book = replace(BOOK, bands=(ComplexityBand(1, 5, Fraction(3), "ours"), ComplexityBand(6, 10, Fraction(1), "ours")))
    chosen = quote.price(book, mode=Mode.BASIC, delivery=Delivery.STANDARD, attributes=3)
    assert (chosen.credits, quote.cheaper(book, chosen, tier=Tier.COMMUNITY)) == (3, ())


@pytest.mark.parametrize(
    ("attributes", "band"),
    [(1, "1-5"), (5, "1-5"), (6, "6-20"), (20, "6-20"), (21, "21-50"), (50, "21-50"), (51, "51-200"), (200, "51-200")],
)
def test_a_band_holds_its_first_and_its_last(attributes: int, band: str) -> None:
    assert quote.band_for(BOOK, attributes).title == f"{band} attributes"


@pytest.mark.parametrize(
    ("attributes", "message", "details"),
    [
        (
            0,
            "A training predicts from 1 to 200 attributes; 0 were chosen. Choose at least one.",
            {"attributes": 0, "limit": 200},
        ),
        (
            -3,
            "A training predicts from 1 to 200 attributes; -3 were chosen. Choose at least one.",
            {"attributes": -3, "limit": 200},
        ),
        (
            201,
            "A training predicts from 1 to 200 attributes; 201 were chosen. Leave out 1, or split them over two "
            "trainings.",
            {"over": 1, "attributes": 201, "limit": 200},
        ),
        (
            2.5,
            "The number of attributes must be a whole number; “2.5” is not one.",
            {"attributes": "2.5", "limit": 200},
        ),
    ],
)
def test_a_refused_count_says_the_numbers(attributes: object, message: str, details: dict[str, Any]) -> None:
    with pytest.raises(quote.AttributeCountOutOfRange) as refused:
        quote.band_for(BOOK, attributes)
    assert (refused.value.message, refused.value.details) == (message, details)


@pytest.mark.parametrize(
    ("mode", "delivery", "attributes", "words"),
    [
        ("basic", "standard", 1, "Basic, Standard: 1 credit x 1/2 (1-5 attributes) = 0.5, rounded up to 1 credit"),
        ("basic", "standard", 6, "Basic, Standard: 1 credit x 1 (6-20 attributes) = 1"),
        ("basic", "fast", 5, "Basic, Fast: 2 credits x 1/2 (1-5 attributes) = 1"),
        (
            "business",
            "standard",
            4,
            "Business, Standard: 3 credits x 1/2 (1-5 attributes) = 1.5, rounded up to 2 credits",
        ),
        ("maximum", "fast", 200, "Maximum, Fast: 18 credits x 4 (51-200 attributes) = 72"),
    ],
)
def test_every_step_of_a_price_is_written(mode: str, delivery: str, attributes: int, words: str) -> None:
    found = quote.price(BOOK, mode=Mode(mode), delivery=Delivery(delivery), attributes=attributes)
    assert found.in_words == words


def test_an_offer_says_when_it_is_due_and_what_was_promised(now: datetime) -> None:
    offers = quote.matrix(BOOK, tier=Tier.PRO, attributes=3, ordered_at=now, zone=BERLIN)
    midnight = datetime(2026, 11, 2, 23, 0, tzinfo=UTC)
    assert [(o.due_at, say_fact(o.promise)) for o in offers] == [
        (midnight, "same day"),
        (now + timedelta(hours=1), "about 1\N{NO-BREAK SPACE}h"),
        (midnight, "same day"),
        (now + timedelta(hours=2), "about 2\N{NO-BREAK SPACE}h"),
        (now + timedelta(hours=24), "within 24\N{NO-BREAK SPACE}h"),
        (now + timedelta(hours=4), "about 4\N{NO-BREAK SPACE}h"),
    ]
    assert {o.due_at.tzinfo for o in offers} == {UTC}


def test_a_due_time_is_in_utc_whatever_the_servers_own_zone(now: datetime, server_far_east: None) -> None:
    for promise in BOOK.promises.values():
        for ordered in (now, now.astimezone(BERLIN), datetime(2026, 11, 2, 22, 50, tzinfo=UTC)):
            assert quote.due_at(promise, ordered_at=ordered, zone=BERLIN).tzinfo is UTC


def test_a_quote_is_good_until_its_expiry(now: datetime) -> None:
    assert BOOK.quote_good_for == timedelta(minutes=30)
    expires_at = now + BOOK.quote_good_for
    assert quote.is_open(expires_at=expires_at, now=expires_at - timedelta(seconds=1))
    assert not quote.is_open(expires_at=expires_at, now=expires_at)


@pytest.mark.parametrize(
    ("missing", "covering"), [(1, [10, 50, 100]), (10, [10, 50, 100]), (11, [50, 100]), (500, [100])]
)
def test_the_packages_that_cover_what_is_missing_are_named(missing: int, covering: list[int]) -> None:
    assert [p.credits for p in quote.packages_covering(BOOK, missing)] == covering


@pytest.mark.parametrize(
    ("ending", "capture", "release"),
    [
        (Ending.COMPLETED, 12, 0),
        (Ending.FAILED_SYSTEM, 0, 12),
        (Ending.FAILED_INPUT, 0, 12),
        (Ending.CANCELLED, 0, 12),
    ],
)
def test_only_a_completed_run_costs_anything(ending: Ending, capture: int, release: int) -> None:
    settlement = settle(held=12, ending=ending)
    assert (settlement.capture, settlement.release) == (capture, release)


def test_a_hold_of_one_credit_is_settled_too() -> None:
    assert settle(held=1, ending=Ending.COMPLETED) == Settlement(capture=1, release=0)


@pytest.mark.parametrize("held", [0, -1])
def test_nothing_is_settled_without_a_hold(held: int) -> None:
    with pytest.raises(AssertionError, match="no run starts without its hold"):
        settle(held=held, ending=Ending.COMPLETED)


@pytest.mark.parametrize(
    ("ending", "attempts", "again"),
    [
        (Ending.FAILED_SYSTEM, 1, True),
        (Ending.FAILED_SYSTEM, 2, True),
        (Ending.FAILED_SYSTEM, 3, False),
        (Ending.FAILED_INPUT, 1, False),
        (Ending.CANCELLED, 1, False),
        (Ending.COMPLETED, 1, False),
    ],
)
def test_only_our_own_failures_are_tried_again(ending: Ending, attempts: int, again: bool) -> None:
    assert attempt_again(ending=ending, attempts=attempts, most_attempts=BOOK.system_failure_attempts) is again
