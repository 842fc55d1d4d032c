from __future__ import annotations

from fractions import Fraction

import pytest

from otai.units import MAX_CREDITS, InvalidAmount, Money, round_up, whole_credits

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("credits", [1, 2, 1_000_000_000])
def test_a_positive_whole_number_is_an_amount_of_credits(credits: int) -> None:
    assert whole_credits(credits) == credits
    assert MAX_CREDITS == 1_000_000_000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "A whole number is needed here; “True” is not one."),
        (3.0, "A whole number is needed here; “3.0” is not one."),
        ("3", "A whole number is needed here; “3” is not one."),
        (None, "A whole number is needed here; “None” is not one."),
        (0, "The number must be from 1 to 1,000,000,000; 0 is outside."),
        (-1, "The number must be from 1 to 1,000,000,000; -1 is outside."),
        (1_000_000_001, "The number must be from 1 to 1,000,000,000; 1000000001 is outside."),
    ],
)
def test_what_is_no_amount_of_credits_is_refused_with_the_limits(value: object, message: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        whole_credits(value)
    assert (refused.value.message, refused.value.details["value"]) == (message, str(value))


@pytest.mark.parametrize(
    ("cents", "written"),
    [
        (0, "EUR 0"),
        (1, "EUR 0.01"),
        (100, "EUR 1"),
        (101, "EUR 1.01"),
        (45_000, "EUR 450"),
        (123_456_789, "EUR 1,234,567.89"),
        (-1, "EUR -0.01"),
        (-10_000, "EUR -100"),
    ],
)
def test_money_is_written_to_the_cent(cents: int, written: str) -> None:
    assert str(Money(cents)) == written


@pytest.mark.parametrize("cents", [1.0, True, "1", None, Fraction(1)])
def test_money_is_whole_cents(cents: object) -> None:
    with pytest.raises(InvalidAmount) as refused:
        Money(cents)  # type: ignore[arg-type]
    assert refused.value.message == f"Money is counted in whole cents; {cents!r} is not a whole number."


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "", "Eur", "€"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        Money(1, currency)
    assert refused.value.message == f"A currency is three capital letters; {currency!r} is not."


@pytest.mark.parametrize(
    ("amount", "credits"),
    [(Fraction(1, 2), 1), (Fraction(1), 1), (Fraction(3, 2), 2), (Fraction(5, 2), 3), (Fraction(10_001, 10_000), 2)],
)
def test_a_price_is_rounded_up_to_whole_credits(amount: Fraction, credits: int) -> None:
    assert round_up(amount) == credits
