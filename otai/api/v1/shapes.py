"""Forms that several nouns share: texts that any database stores, times that any calendar knows, money, attributes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from otai.units import Money

MOST_NUMBER = 2_147_483_647
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


def _storable(text: str) -> str:
    # PostgreSQL stores no NUL, and half a surrogate pair has no UTF-8 form.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("contains a character that cannot be stored")
    return text


def _no_other_kind(value: object) -> object:
    # JSON's true would be 1, and "5" be 5: a program that sends one of them means something else, and pays for it.
    if isinstance(value, bool | str):
        raise ValueError("must be a number, not a text and not true or false")
    return value


def _plain(value: object) -> object:
    # Pydantic would read 1_000 and 5.0 in an address, too.
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+", value):
        raise ValueError("must be a whole number in plain digits")
    return value


def _with_zone(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("needs a time zone, for example 2026-11-02T09:30:00Z")
    if not EARLIEST < moment < LATEST:
        raise ValueError("must lie between 1970 and 9998")
    return moment


Text = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_storable)]
TicketText = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(_storable)]
Moment = Annotated[datetime, AfterValidator(_with_zone)]
PositiveNumber = Annotated[int, BeforeValidator(_plain), Field(ge=1, le=MOST_NUMBER)]
Whole = Annotated[int, BeforeValidator(_no_other_kind)]
"""A whole number in a document. Where an address says one it is text, and `PositiveNumber`."""


Share = Annotated[float, BeforeValidator(_no_other_kind), Field(ge=0, le=1)]
"""A number from 0 to 1 in a document."""


class MoneyOut(Schema):
    """`cents` is the amount in the currency's smallest unit: 10000 EUR is EUR 100.00."""

    cents: int
    currency: str


def money(amount: Money | None) -> dict[str, Any] | None:
    """An amount in cents with its currency, or None."""
    return None if amount is None else {"cents": amount.cents, "currency": amount.currency}


def file_out(content: bytes, name: str, kind: str) -> HttpResponse:
    """A file to download, under its name."""
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
