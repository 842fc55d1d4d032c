"""Numbers, credits and money as the language of the page writes them: for templates (`{% load studio %}`) and for
sentences."""

from __future__ import annotations

import re
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
    shown = invoices.money(amount.cents, amount.currency, get_language() or ENGLISH, least_decimals=0)
    return shown.replace("-", MINUS).replace(" ", "\N{NO-BREAK SPACE}")


def size(count: int) -> str:
    """Bytes in the units of the price book (1 GB is 10^9 bytes), rounded down: a bound says no more than there is."""
    said, one = next((pair for pair in _UNITS if count >= pair[1]), _UNITS[-1])
    tenths = count * 10 // one
    places = 0 if tenths % 10 == 0 else 1
    shown = str(said) % {"size": number(Decimal(tenths) / 10, places)}
    return shown.replace(" ", "\N{NO-BREAK SPACE}")


_UNITS = (
    (_("%(size)s TB"), 10**12),
    (_("%(size)s GB"), 10**9),
    (_("%(size)s MB"), 10**6),
    (_("%(size)s kB"), 1000),
)

_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:%|h|min|[kKMGT]i?[Bo]|EUR)(?![\w-]))")


_RUN = re.compile(
    r"\b([Rr])un(?= \d)|(?<=\b[Tt]his )(r)un\b|(?<=\b[Aa] )(r)un\b|(?<=included )(r)un\b|(?<=improvement )(r)un\b"
)


def together(text: str) -> str:
    """A sentence of the catalogue as a page shows it: no line ends between a figure and the sign of its unit, and what
    programs call a run is a training (docs/glossary.md); other languages have one word."""
    if (get_language() or ENGLISH).startswith(ENGLISH):
        text = _RUN.sub(lambda found: "Training" if found[1] == "R" else "training", text)
    return _BEFORE_A_UNIT.sub("\N{NO-BREAK SPACE}", text)


def percent(share: Any, places: int = 0) -> str:
    """A share as a percentage: 0.841 with one place is `84.1 %`."""
    return catalogue.percent(round(float(share), places + 2), places=places, language=get_language() or ENGLISH)


def percent_number(share: Any, places: int = 0) -> str:
    """The figure of `percent`, where the sign stands apart: `84.1`."""
    return formats.number_format(round(float(share) * 100, places), places, use_l10n=True)
