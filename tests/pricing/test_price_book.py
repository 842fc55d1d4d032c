from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from otai.pricing.price_book import PRICE_BOOK, ComplexityBand, Delivery, Mode, Tier, within
from otai.pricing.published import FOLDER, PriceBookUnknown, as_published, book_of, from_published, read, versions
from otai.pricing.quote import price
from otai.units import Money
from otai.words.catalogue import say_fact
from tests.conftest import SHARED
from tests.pricing.book import BOOK, BOOK_WITH_YEARS

pytestmark = pytest.mark.pure

PUBLISHED = {
    "2026-11": "83f35ce28e298125cb0b5fddfa7114d7dc05584ea25784ae7473c379de700dd8",
    "2026-11b": "12dc12472c7214d9353e741bb2f4bb20ccc4c98d653b445914009fc0341ffd85",
    "2026-11c": "866ea5dc8765d3bfef96f8d72847db6ee91b79cf1d18f8001bed187f1664318d",
    "2026-11d": "1cc6f010f511e2d49099f7a1772399200676ecccfc125d95e9cabb269edb17c5",
    "2026-11e": "8e252dbe0d49c034d220ef0b67cf771e41a637ee61549206fc1656a8ce47a5e2",
    "2026-12a": "667394b27f6b2357d01c26ab2a58fd65e0e57de00814471ef0a374793d2b27c9",
    "2026-12b": "5c3347435cd36159bbc90974373124a3ccebaa245eda6f4f25d0f0a3d905a2a2",
}
"""SHA-256 of each price book as it was published: old quotes and invoices name its version, so it never changes."""

ALL_PRICES = [
    # mode, delivery, attributes from, to, credits
    ("basic", "standard", 1, 5, 1),
    ("basic", "standard", 6, 20, 1),
    ("basic", "standard", 21, 50, 2),
    ("basic", "standard", 51, 200, 4),
    ("basic", "fast", 1, 5, 1),
    ("basic", "fast", 6, 20, 2),
    ("basic", "fast", 21, 50, 4),
    ("basic", "fast", 51, 200, 8),
    ("business", "standard", 1, 5, 2),
    ("business", "standard", 6, 20, 3),
    ("business", "standard", 21, 50, 6),
    ("business", "standard", 51, 200, 12),
    ("business", "fast", 1, 5, 3),
    ("business", "fast", 6, 20, 5),
    ("business", "fast", 21, 50, 10),
    ("business", "fast", 51, 200, 20),
    ("maximum", "standard", 1, 5, 6),
    ("maximum", "standard", 6, 20, 12),
    ("maximum", "standard", 21, 50, 24),
    ("maximum", "standard", 51, 200, 48),
    ("maximum", "fast", 1, 5, 9),
    ("maximum", "fast", 6, 20, 18),
    ("maximum", "fast", 21, 50, 36),
    ("maximum", "fast", 51, 200, 72),
]


@pytest.mark.parametrize(("mode", "delivery", "first", "last", "credits"), ALL_PRICES)
def test_every_price_of_the_brief_is_charged(mode: str, delivery: str, first: int, last: int, credits: int) -> None:
    for attributes in range(first, last + 1):
        assert (
            price(BOOK_WITH_YEARS, mode=Mode(mode), delivery=Delivery(delivery), attributes=attributes).credits
            == credits
        )


def test_a_published_price_book_stays_as_it_was() -> None:
    found = {one: hashlib.sha256((FOLDER / f"{one}.json").read_bytes()).hexdigest() for one in versions()}
    assert found == PUBLISHED, "a price changes in a new version; its hash belongs here"


def test_the_literals_are_the_golden_file() -> None:
    golden = SHARED / "golden" / "quotes.csv"
    if not golden.exists():
        pytest.skip("needs ../shared/golden/quotes.csv, which this clone does not have")
    with golden.open(newline="") as file:
        rows = [
            (
                row["mode"],
                row["delivery"],
                int(row["attributes_from"]),
                int(row["attributes_to"]),
                int(row["credits"]),
            )
            for row in csv.DictReader(file)
        ]
    assert rows == ALL_PRICES


def test_tiers_bring_the_credits_and_modes_of_the_brief() -> None:
    terms = {tier: BOOK_WITH_YEARS.tiers[tier] for tier in Tier}
    assert {tier.value: (t.initial_credits, t.monthly_credits) for tier, t in terms.items()} == {
        "community": (6, 2),
        "pro": (100, 50),
        "enterprise": (500, 250),
    }
    assert {tier.value: sorted(t.modes) for tier, t in terms.items()} == {
        "community": ["basic"],
        "pro": ["basic", "business"],
        "enterprise": ["basic", "business", "maximum"],
    }


def test_packages_cost_what_the_brief_says() -> None:
    assert [(p.credits, p.price, p.cents_per_credit) for p in BOOK_WITH_YEARS.packages] == [
        (10, Money(100_00), Fraction(1000)),
        (50, Money(450_00), Fraction(900)),
        (100, Money(800_00), Fraction(800)),
    ]


def test_every_number_has_a_reason() -> None:
    book = PRICE_BOOK
    priced = [
        *book.base_prices.values(),
        *book.bands,
        *book.promises.values(),
        *book.tiers.values(),
        *book.packages,
    ]
    assert all(item.reason for item in [*priced, book.standard_bar])


def test_a_book_cannot_be_changed_after_it_was_made() -> None:
    with pytest.raises(TypeError):
        BOOK.base_prices[Mode.BASIC, Delivery.FAST] = BOOK.base_prices[Mode.BASIC, Delivery.STANDARD]  # type: ignore[index]
    with pytest.raises(AttributeError):
        BOOK.version = "another"  # type: ignore[misc]


def bands(*rows: tuple[int, int, int]) -> tuple[ComplexityBand, ...]:
    """Bands of (first, last, multiplier)."""
    return tuple(ComplexityBand(first, last, Fraction(multiplier), "r") for first, last, multiplier in rows)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (bands(), "the bands must begin at 1 attribute"),
        (bands((2, 5, 1)), "the bands must begin at 1 attribute"),
        (bands((1, 5, 1), (7, 9, 1)), "a gap or an overlap after 5 attributes"),
        (bands((1, 5, 1), (5, 9, 1)), "a gap or an overlap after 5 attributes"),
        (bands((1, 5, 0)), "a band is empty or free"),
        (bands((1, 5, -1)), "a band is empty or free"),
        (bands((1, 0, 1)), "a band is empty or free"),
    ],
)
def test_a_book_with_a_gap_an_overlap_or_a_free_band_is_refused(
    found: tuple[ComplexityBand, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^price book 2026-11: {message}$"):
        replace(BOOK, bands=found)


def test_a_band_may_hold_a_single_count() -> None:
    book = replace(BOOK, bands=bands((1, 1, 1), (2, 2, 2)))
    assert (book.most_attributes, [band.title for band in book.bands]) == (2, ["1-1 attributes", "2-2 attributes"])


def test_a_book_without_a_tiers_terms_or_with_one_that_pays_is_refused() -> None:
    without = {tier: terms for tier, terms in BOOK.tiers.items() if tier is not Tier.PRO}
    with pytest.raises(ValueError, match=r"^price book 2026-11: no terms for \[<Tier.PRO: 'pro'>\]$"):
        replace(BOOK, tiers=without)
    terms = BOOK.tiers[Tier.COMMUNITY]
    with pytest.raises(ValueError, match=r"^price book 2026-11: a tier costs less than nothing$"):
        replace(BOOK, tiers={**BOOK.tiers, Tier.COMMUNITY: replace(terms, monthly_price=Money(-1))})
    free = replace(BOOK, tiers={**BOOK.tiers, Tier.COMMUNITY: replace(terms, monthly_price=Money(0))})
    assert free.tiers[Tier.COMMUNITY].is_free


@pytest.mark.parametrize(
    ("hours", "words"), [(1, "about 1 h"), (23, "about 23 h"), (24, "within 24 h"), (48, "within 48 h")]
)
def test_a_delivery_promise_is_a_span_or_the_end_of_the_day(hours: int, words: str) -> None:
    promise = within(hours)
    assert (promise.within, promise.in_words) == (timedelta(hours=hours), words)
    assert say_fact(promise.fact).replace("\N{NO-BREAK SPACE}", " ") == words, "what the book has, every door says"
    assert promise.reason.startswith("Brief:")
    assert (promise.end_of_day, promise.at_least) == (False, timedelta(0))
    for wrong in ({"within": None}, {"end_of_day": True}):
        with pytest.raises(ValueError, match=r"^a delivery promise is either a span or the end of the day$"):
            replace(promise, **wrong)


def test_a_book_that_cannot_price_a_mode_is_refused() -> None:
    prices = {k: v for k, v in BOOK.base_prices.items() if k != (Mode.MAXIMUM, Delivery.FAST)}
    with pytest.raises(ValueError, match="maximum fast"):
        replace(BOOK, base_prices=prices)


def test_another_vendors_book_prices_for_itself() -> None:
    dearer = replace(
        BOOK,
        version="vendor-1",
        bands=(ComplexityBand(1, 10, Fraction(1, 3), "ours"), ComplexityBand(11, 30, Fraction(3, 2), "ours")),
    )
    found = price(dearer, mode=Mode.BUSINESS, delivery=Delivery.FAST, attributes=3)
    assert (found.credits, found.exact, found.price_book) == (2, Fraction(5, 3), "vendor-1")
    assert price(BOOK, mode=Mode.BUSINESS, delivery=Delivery.FAST, attributes=3).credits == 3


def test_the_book_in_force_is_the_one_that_was_published_under_its_version() -> None:
    """A number that changes needs a new version: old quotes and purchases name this one, and are read by its file."""
    assert as_published(PRICE_BOOK) == as_published(read(PRICE_BOOK.version)), (
        "The price book differs from what was published as this version. Give it a new version and date, and write its "
        "file: python -m otai.pricing.publish"
    )


@pytest.mark.parametrize("version", versions())
def test_every_published_book_is_read_whole(version: str) -> None:
    book = read(version)
    assert (book.version, versions()) == (version, tuple(sorted(versions())))
    assert as_published(from_published(as_published(book))) == as_published(book)


def test_versions_are_named_as_their_files_without_the_ending() -> None:
    assert versions()[0] == "2026-11"
    assert read("2026-11").version == "2026-11"


@pytest.mark.parametrize("pair", ["basic", "basic  standard", "basic standard fast", "basic slow", ""])
def test_a_price_of_what_is_no_mode_and_delivery_is_not_read(pair: str) -> None:
    written = as_published(BOOK)
    written["base_prices"][pair] = written["base_prices"].pop("basic standard")
    with pytest.raises((ValueError, TypeError)):
        from_published(written)


def test_a_book_with_what_json_has_no_form_for_is_not_written() -> None:
    with pytest.raises(AssertionError, match=r"^no way to write a complex$"):
        as_published(replace(BOOK, version=1j))  # type: ignore[arg-type]


def test_a_quote_of_before_is_read_by_the_book_of_its_version() -> None:
    newer = replace(BOOK, version="2027-02", packages=BOOK.packages[:1])
    assert book_of("2027-02", in_force=newer) is newer
    old = book_of("2026-11", in_force=newer)
    assert [package.credits for package in old.packages] == [10, 50, 100]
    assert price(old, mode=Mode.BUSINESS, delivery=Delivery.FAST, attributes=3).credits == 3
    with pytest.raises(PriceBookUnknown, match="Published: 2026-11"):
        book_of("1999-01", in_force=newer)
