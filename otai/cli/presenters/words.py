"""Words and times that all presenters use."""

from __future__ import annotations

from datetime import datetime, tzinfo


def count(number: int, noun: str) -> str:
    """`1 credit`, `3 credits`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(at: datetime, zone: tzinfo | None) -> str:
    """`2026-11-02 09:36`, where `zone` is; None: where this machine is."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
