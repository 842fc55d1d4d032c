"""Numbers as people type them on the command line."""

from __future__ import annotations

from typing import Any

from otai.units import typed_number


def typed(value: str | int) -> int:
    """What was typed as a number, or the default that stands for it. Raises InvalidAmount."""
    return value if isinstance(value, int) else typed_number(value)


TYPED: dict[str, Any] = {"parser": typed}
"""What an option or argument takes that counts credits or is an amount: Python's `int` would read 1_000 as well."""
