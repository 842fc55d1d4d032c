"""What credits of a lot are worth in cents. Pure."""

from __future__ import annotations


def value_of(price_cents: int, credits: int, before: int, after: int) -> int:
    """The cents that belong to a lot's credits number `before` (excluded) to `after` (included), out of `credits` sold
    for the price.

    Rounded cumulatively: the first n credits are worth `price * n / credits` rounded down, and any part is the
    difference of two such sums. So however a lot is cut up, its parts add up to the price paid. Negative when `after`
    is below `before` (a refund).
    """
    return price_cents * after // credits - price_cents * before // credits
