"""What a price book makes nearly free is found, whichever of its figures does it."""

from __future__ import annotations

from typing import Any

import pytest

from otai.pricing.nearly_free import nearly_free
from otai.pricing.published import as_published, from_published
from tests.pricing.book import BOOK_WITH_YEARS

pytestmark = pytest.mark.pure


def changed(*changes: tuple[str, Any]) -> Any:
    """A book with other values, each at its path: `tiers.pro.monthly_price.cents`."""
    values = as_published(BOOK_WITH_YEARS)
    for path, value in changes:
        *way, last = path.split(".")
        there: Any = values
        for step in way:
            there = there[int(step)] if isinstance(there, list) else there[step]
        there[int(last) if isinstance(there, list) else last] = value
    return from_published(values)


PACKAGES = [f"packages.{number}.price.cents" for number in range(3)]
EVERY_RUN = [f"{mode} {delivery}" for mode in ("basic", "business", "maximum") for delivery in ("standard", "fast")]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([], []),
        ([(PACKAGES[2], 400_00)], []),
        ([(PACKAGES[2], 399_99)], [("credit", ""), *(("run_in_money", run) for run in EVERY_RUN)]),
        ([(PACKAGES[0], 39_99)], [("credit", ""), *(("run_in_money", run) for run in EVERY_RUN)]),
        ([(PACKAGES[0], 60_00)], []),
        ([("base_prices.maximum fast.credits", 9)], []),
        (
            [("base_prices.maximum fast.credits", 8)],
            [("run", "maximum fast"), ("run_in_money", "maximum fast")],
        ),
        ([("bands.3.multiplier", "1")], [(kind, run) for run in EVERY_RUN for kind in ("run", "run_in_money")]),
        (
            # Neither halves what it costs, and together they do.
            [("base_prices.maximum fast.credits", 12), (PACKAGES[2], 560_00)],
            [("run_in_money", "maximum fast")],
        ),
        ([("tiers.pro.annual_price.cents", 495_00)], []),
        ([("tiers.pro.annual_price.cents", 494_99)], [("year", "pro")]),
        (
            [("tiers.pro.annual_price", None), ("tiers.pro.monthly_price.cents", 49_49)],
            [("month", "pro"), ("monthly_credit", "pro")],
        ),
        (
            [("tiers.enterprise.annual_price", None), ("tiers.enterprise.monthly_price.cents", 0)],
            [
                ("month", "enterprise"),
                ("year", "enterprise"),
                ("monthly_credit", "enterprise"),
                ("monthly", "enterprise"),
            ],
        ),
        ([("tiers.pro.monthly_credits", 100)], []),
        ([("tiers.pro.monthly_credits", 101)], [("monthly_credit", "pro")]),
        ([("tiers.community.monthly_credits", 4), ("tiers.community.initial_credits", 12)], []),
        (
            [("tiers.community.monthly_credits", 5), ("tiers.community.initial_credits", 13)],
            [("initial", "community"), ("monthly", "community")],
        ),
        ([("packages", [])], []),
        (
            # What was no gift before is one, however few credits it brings.
            [
                ("tiers.pro.annual_price", None),
                ("tiers.pro.monthly_price.cents", 0),
                ("tiers.pro.monthly_credits", 2),
            ],
            [("month", "pro"), ("year", "pro"), ("monthly_credit", "pro"), ("monthly", "pro")],
        ),
    ],
)
def test_a_book_is_held_against_another(changes: list[tuple[str, Any]], found: list[tuple[str, str]]) -> None:
    assert nearly_free(changed(*changes), changed()) == found


def test_a_book_of_fewer_attributes_is_looked_through_to_its_end() -> None:
    few = changed(("bands", as_published(BOOK_WITH_YEARS)["bands"][:3]), ("base_prices.maximum fast.credits", 8))
    assert nearly_free(few, changed()) == [("run", "maximum fast"), ("run_in_money", "maximum fast")]


def test_dearer_and_new_prices_are_no_gifts() -> None:
    assert nearly_free(changed(), changed((PACKAGES[2], 1))) == []
    assert nearly_free(changed((PACKAGES[2], 1)), changed(("packages", []))) == [], "what was not sold had no price"
