"""How many quotes a second the pricing decides in one process: price, due time, matrix of choices."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.machine import measured_on
from otai.pricing import quote
from otai.pricing.price_book import PRICE_BOOK, Delivery, Mode, Tier

FRAGMENT = Path(__file__).resolve().parents[1] / ".bench" / "pricing_quotes.md"
REQUESTS = [(mode, delivery, attributes) for mode in Mode for delivery in Delivery for attributes in range(1, 201)]


def per_second(ask: Callable[[Mode, Delivery, int], object], *, seconds: float = 1.0) -> float:
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        for mode, delivery, attributes in REQUESTS:
            ask(mode, delivery, attributes)
        done += len(REQUESTS)
    return done / took


def main() -> None:
    now, zone = datetime(2026, 11, 2, 9, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")

    def priced(mode: Mode, delivery: Delivery, attributes: int) -> object:
        return quote.price(PRICE_BOOK, mode=mode, delivery=delivery, attributes=attributes)

    def offered(mode: Mode, delivery: Delivery, attributes: int) -> object:
        return quote.offer(
            PRICE_BOOK,
            tier=Tier.ENTERPRISE,
            mode=mode,
            delivery=delivery,
            attributes=attributes,
            ordered_at=now,
            zone=zone,
        )

    def uncached(mode: Mode, delivery: Delivery, attributes: int) -> object:
        return quote._price.__wrapped__(PRICE_BOOK, mode, delivery, quote.band_for(PRICE_BOOK, attributes), attributes)

    rows = [
        ("price with its lines (mark: 100 000)", per_second(priced)),
        ("the same, worked out anew each time", per_second(uncached)),
        ("offer: price, due time, availability", per_second(offered)),
    ]
    lines = [
        "## Quotes",
        "",
        f"`make bench BENCH=pricing_quotes`; {measured_on()}; all 1 200 combinations of mode, delivery and attribute "
        "count in turn.",
        "",
        "| in one process | a second |",
        "|---|---:|",
        *(f"| {what} | {rate:,.0f} |" for what, rate in rows),
    ]
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
