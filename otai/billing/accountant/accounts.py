"""Which accounts bookings go to: the vendor's chart, read from the TOML file that `OTAI_ACCOUNTS` names. Without one,
those of DATEV's SKR 03."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from otai.pricing.vat import VatTreatment

SKR03_REVENUE: Mapping[str, int] = {
    "domestic": 8400,
    "destination": 8331,
    "reverse_charge": 8336,
    "outside": 8338,
    "small_business": 8195,
}
"""Of electronic services; 8400 and 8331 work the VAT out themselves (Automatikkonten)."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """`revenue` is by treatment, or by treatment and rate in tenths of a percent (`domestic_190`), which wins.
    `clearing` is by way to pay: where a provider's money is until it is paid out; "" is for all others. What a provider
    keeps of it and pays out is booked where `fees` and `payouts` name an account."""

    consultant: int = 1001
    client: int = 1
    fiscal_year_begins: str = "01-01"
    account_length: int = 4
    debtor: int = 10000
    bank: int = 1200
    loss: int = 2400
    fees: int | None = None
    payouts: int | None = None
    revenue: Mapping[str, int] = field(default_factory=lambda: dict(SKR03_REVENUE))
    clearing: Mapping[str, int] = field(default_factory=lambda: {"": 1360})

    def revenue_of(self, treatment: str, permille: int) -> int:
        """The account of sales that are taxed so."""
        return self.revenue.get(f"{treatment}_{permille}", self.revenue[treatment])

    def money_of(self, gateway: str) -> int:
        """The account of money that came this way."""
        return self.bank if gateway == "bank_transfer" else self.clearing.get(gateway, self.clearing[""])


def accounts() -> Accounts:
    """The chart from the settings. Raises ImproperlyConfigured where it cannot be used."""
    return _load(settings.OTAI_ACCOUNTS)


@lru_cache
def _load(path: str) -> Accounts:
    if not path:
        return Accounts()
    try:
        entries: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"OTAI_ACCOUNTS={path!r} cannot be read: {error}") from error
    if unknown := set(entries) - {one.name for one in fields(Accounts)}:
        raise ImproperlyConfigured(
            f"OTAI_ACCOUNTS={path!r} has entries that mean nothing: {', '.join(sorted(unknown))}."
        )
    entries["revenue"] = SKR03_REVENUE | entries.get("revenue", {})
    entries["clearing"] = {"": 1360} | entries.get("clearing", {})
    found = Accounts(**entries)
    _check(found, path)
    return found


def _check(found: Accounts, path: str) -> None:
    numbers = [found.consultant, found.client, found.debtor, found.bank, found.loss, found.account_length]
    numbers += [*found.revenue.values(), *found.clearing.values()]
    numbers += [number for number in (found.fees, found.payouts) if number is not None]
    if not all(type(number) is int and number >= 1 for number in numbers):
        raise ImproperlyConfigured(f"OTAI_ACCOUNTS={path!r}: accounts, consultant and client are whole numbers.")
    if not re.fullmatch(r"(0[1-9]|1[0-2])-01", found.fiscal_year_begins):
        raise ImproperlyConfigured(f"OTAI_ACCOUNTS={path!r}: fiscal_year_begins is written 01-01 or 07-01.")
    known = {treatment.value for treatment in VatTreatment}
    if strange := {name for name in found.revenue if re.sub(r"_\d+$", "", name) not in known}:
        raise ImproperlyConfigured(f"OTAI_ACCOUNTS={path!r}: revenue of {', '.join(sorted(strange))} is unknown.")
