"""Who sells: the vendor who runs this installation, as its invoices name it. Read from the TOML file that `OTAI_SELLER`
names.

Without a file a fictitious seller stands in, so that everything can be tried out, and every document says SPECIMEN in
red.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from stdnum import iban as iban_numbers
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError

from otai.billing.letters import letters_missing
from otai.pricing.vat import EU_STANDARD_RATES
from otai.pricing.vat_territories import taxed_as
from otai.words.countries import COUNTRIES


@dataclass(frozen=True, slots=True)
class Seller:
    """All that the law wants on an invoice, and where money goes. `registration` is the entry in the commercial
    register, `directors` are those who manage a company, `small_business` adds no VAT where the seller would owe it
    (section 19 UStG)."""

    name: str
    street: str
    postcode: str
    city: str
    country: str
    vat_id: str
    tax_number: str
    registration: str
    email: str
    phone: str
    contact: str
    iban: str
    bic: str
    bank: str
    time_zone: str = "Europe/Berlin"
    invoice_prefix: str = "INV"
    credit_note_prefix: str = "CN"
    directors: str = ""
    small_business: bool = False
    is_specimen: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the seller's days: invoices are dated in it."""
        return ZoneInfo(self.time_zone)


SPECIMEN = Seller(
    name="Example Vendor GmbH",
    street="Musterstrasse 1",
    postcode="10115",
    city="Berlin",
    country="DE",
    vat_id="DE136695976",
    tax_number="37/000/00000",
    registration="HRB 000000, Amtsgericht Charlottenburg",
    directors="Erika Mustermann",
    email="billing@vendor.example",
    phone="+49 30 0000000",
    contact="Accounts",
    iban="DE02120300000000202051",
    bic="BYLADEM1001",
    bank="Example Bank",
    is_specimen=True,
)
"""Fictitious; its VAT id and IBAN are the well-known examples with right check digits."""


def seller() -> Seller:
    """Who sells, from the settings. Raises ImproperlyConfigured where they are incomplete."""
    return _load(settings.OTAI_SELLER)


@lru_cache
def _load(path: str) -> Seller:
    if not path:
        return SPECIMEN
    try:
        entries: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r} cannot be read: {error}") from error
    known = {field.name for field in fields(Seller)} - {"is_specimen"}
    if unknown := set(entries) - known:
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r} has entries that mean nothing: {', '.join(sorted(unknown))}.")
    try:
        found = Seller(**entries)
    except TypeError as error:
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r} is incomplete: {error}") from error
    _check(found, path)
    return found


def _check(found: Seller, path: str) -> None:
    needed = ["name", "street", "city", "country", "email", "iban"]
    # A sole trader has no entry in the register, and a small business perhaps no VAT id; then its tax number is needed.
    needed.append("tax_number" if found.small_business else "registration")
    if empty := [name for name in needed if not getattr(found, name)]:
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r} leaves {', '.join(empty)} empty; an invoice needs them.")
    if not isinstance(found.small_business, bool):
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r}: small_business is true or false.")
    if found.country not in COUNTRIES:
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r}: {found.country!r} is no country of ISO 3166.")
    written = " ".join(value for value in asdict(found).values() if isinstance(value, str))
    if missing := letters_missing(written):
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r}: invoices cannot be printed with {' '.join(missing)}.")
    try:
        iban_numbers.validate(found.iban)
        if taxed_as(found.country) in EU_STANDARD_RATES and (found.vat_id or not found.small_business):
            eu_vat.validate(found.vat_id)
    except ValidationError as error:
        raise ImproperlyConfigured(f"OTAI_SELLER={path!r}: the IBAN or the VAT id is not valid ({error}).") from error
