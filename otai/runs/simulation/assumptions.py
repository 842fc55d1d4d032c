"""What a simulated day assumes. None of it is measured on a real fleet; each number can be set, and the report repeats
it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from otai.pricing.price_book import Delivery, Mode

HOURS_OF_ORDERS = (1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 13, 11, 9, 11, 13, 12, 9, 6, 4, 3, 2, 2, 1, 1)
"""How orders spread over the 24 hours of a working day, UTC: a peak in the morning and one after lunch in Europe."""


@dataclass(frozen=True, slots=True)
class SimulatedPool:
    """`slots` machines of one kind. `euros_an_hour` is what one costs, at work or not."""

    name: str
    slots: int
    deliveries: tuple[Delivery, ...]
    accelerator: str
    euros_an_hour: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day of orders and what becomes of them."""

    runs: int = 100_000
    organisations: int = 10_000
    begins_at: datetime = datetime(2026, 11, 2, tzinfo=UTC)
    hours: tuple[int, ...] = HOURS_OF_ORDERS
    share_of_modes: Mapping[Mode, float] = field(
        default_factory=lambda: {Mode.BASIC: 0.7, Mode.BUSINESS: 0.25, Mode.MAXIMUM: 0.05}
    )
    share_of_fast: float = 0.25
    share_of_attributes: Mapping[int, float] = field(default_factory=lambda: {3: 0.45, 10: 0.4, 30: 0.12, 100: 0.03})
    """One number of attributes stands for each complexity band."""
    seconds: Mapping[tuple[str, Mode], float] = field(
        default_factory=lambda: {
            ("H100", Mode.BASIC): 60,
            ("H100", Mode.BUSINESS): 300,
            ("H100", Mode.MAXIMUM): 1500,
            ("L4", Mode.BASIC): 120,
            ("L4", Mode.BUSINESS): 1200,
            ("L4", Mode.MAXIMUM): 7200,
        }
    )
    """The median time of a training, with all that belongs to it."""
    spread: float = 0.5
    """Standard deviation of the logarithm of a training's time: two thirds take between 0.6 and 1.65 of the median."""
    failing_attempts: float = 0.005
    """Share of attempts that fail on our side, at any point of their time."""
    seconds_to_notice: float = 30.0
    time_zones: tuple[str, ...] = ("Europe/Berlin", "Europe/London", "America/New_York", "UTC")
    busiest_share: float = 1.1
    """Exponent of the law by which a few organisations order much and many order little (Zipf)."""
    seed: int = 1


def two_pools(*, h100: int, l4: int) -> tuple[SimulatedPool, ...]:
    """Fast on H100 machines, Standard on L4 machines, at what such machines are rented for by the hour (list prices of
    2026, rounded)."""
    return (
        SimulatedPool("h100", h100, (Delivery.FAST,), "H100", 3.0),
        SimulatedPool("l4", l4, (Delivery.STANDARD,), "L4", 0.7),
    )
