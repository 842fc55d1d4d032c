"""What several billing commands take or write alike: reasons, keys, amounts, times."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from otai.errors import Invalid
from otai.units import Money

Why = Annotated[str, typer.Option("--why", help="The reason; kept with your name.")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="Your own name for this request: the same one again changes nothing."),
]
CouponOption = Annotated[str, typer.Option("--coupon", help="A code that takes something off.")]
PreviewOption = Annotated[bool, typer.Option("--preview", help="Show what it would cost, and order nothing.")]


def money_from(text: str, *, currency: str = "EUR") -> Money:
    """`450`, `450.5` or `450.50` as cents. Raises Invalid."""
    units, _, rest = text.strip().partition(".")
    if (
        not units.isascii()
        or not units.isdigit()
        or not (rest == "" or (rest.isascii() and rest.isdigit()))
        or len(rest) > 2
    ):
        raise Invalid("money", text=text, code="invalid_amount")
    return Money(int(units) * 100 + int(rest.ljust(2, "0") or 0), currency)


def at_in_words(at: datetime | None, organisation: Any) -> str:
    """A time as the organisation's clocks show it; empty for None."""
    return f"{at.astimezone(organisation.zone):%Y-%m-%d %H:%M}" if at else ""
