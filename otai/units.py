"""Quantities: credits are whole, money is cents with a currency, shares are fractions. No floats in either."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from otai.errors import Invalid

MAX_CREDITS = 1_000_000_000
"""No single movement is larger: far above any real purchase, far below what a 64-bit balance can hold."""


class InvalidAmount(Invalid):
    code = "invalid_amount"


def whole_credits(value: object) -> int:
    """The value as a positive whole number of credits.

    Raises InvalidAmount for anything but an int from 1 to MAX_CREDITS; `True` and `3.0` are refused too, since a caller
    who sends them has lost track of its units.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount("no_whole_number", value=str(value))
    if not 1 <= value <= MAX_CREDITS:
        raise InvalidAmount("outside", most=MAX_CREDITS, value=str(value))
    return value


def typed_number(text: str) -> int:
    """A whole number as a person types it: digits from 0 to 9, a minus before them. Raises InvalidAmount, also for what
    Python would read: 1_000, and digits of other scripts."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        raise InvalidAmount("no_whole_number", value=text)
    return int(text)


def round_up(amount: Fraction) -> int:
    """The smallest whole number not below `amount` (docs/policies.md: prices are rounded up, once, at the quote)."""
    return -(-amount.numerator // amount.denominator)


NOT_IN_HUNDREDTHS = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"),
        *("XAF", "XOF", "XPF", "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND", "CLF"),
    )
)
"""Currencies whose smallest unit is not a hundredth, by ISO 4217 or at Stripe (MGA): as so many cents a provider would
charge a hundred times as much, or a tenth. Nothing is sold in them."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money in minor units (cents) of one ISO 4217 currency."""

    cents: int
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if isinstance(self.cents, bool) or not isinstance(self.cents, int):
            raise InvalidAmount("cents", cents=repr(self.cents))
        if len(self.currency) != 3 or not self.currency.isupper():
            raise InvalidAmount("currency", currency=repr(self.currency))

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        units, cents = divmod(abs(self.cents), 100)
        return f"{self.currency} {sign}{units:,}.{cents:02d}".replace(".00", "")
