"""Numbers, credits and money as the language of the page writes them: for templates (`{% load studio %}`) and for
sentences."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from otai.units import Money
from otai.words import catalogue, invoices
from otai.words.catalogue import ENGLISH

MINUS = "\N{MINUS SIGN}"


def credits(count: int) -> str:
    """`1 credit`, `28 credits`; thousands set apart as the language does it."""
    number = formats.number_format(count, use_l10n=True, force_grouping=True)
    return ngettext("%(number)s credit", "%(number)s credits", count) % {"number": number}


def number(value: Any, places: int | None = None) -> str:
    """A number as the language writes it."""
    return formats.number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)


def money(amount: Money | None) -> str:
    """`EUR 450` or `EUR 535.50` in English, `535,50 EUR` in German."""
    if amount is None:
        return ""
    return invoices.money(
        amount.cents,
        amount.currency,
        get_language() or ENGLISH,
        least_decimals=0,
        minus=MINUS,
        blank="\N{NO-BREAK SPACE}",
    )


def size(count: int) -> str:
    """Bytes in the units of the price book (1 GB is 10^9 bytes), rounded down: a bound says no more than there is."""
    said, one = next((pair for pair in _UNITS if count >= pair[1]), _UNITS[-1])
    tenths = count * 10 // one
    places = 0 if tenths % 10 == 0 else 1
    return str(said) % {"size": number(Decimal(tenths) / 10, places)}


_UNITS = (
    (_("%(size)s\u00a0TB"), 10**12),
    (_("%(size)s\u00a0GB"), 10**9),
    (_("%(size)s\u00a0MB"), 10**6),
    (_("%(size)s\u00a0kB"), 1000),
)


def percent(share: Any, places: int = 0) -> str:
    """A share as a percentage: 0.841 with one place is `84.1 %`."""
    return catalogue.percent(round(float(share), places + 2), places=places, language=get_language() or ENGLISH)


def percent_number(share: Any, places: int = 0) -> str:
    """The figure of `percent`, where the sign stands apart: `84.1`."""
    return formats.number_format(round(float(share) * 100, places), places, use_l10n=True)
