"""Value added tax on a sale of credits or of a tier: who owes it, where, and at what rate. Pure.

Electronic services are taxed where the buyer is (Directive 2006/112/EC, articles 44, 58 and 196). Rates are data of the
price book: a vendor who needs others names them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError

from otai.errors import Invalid
from otai.pricing.vat_territories import TREATED_AS, taxed_as
from otai.words.sentences import Fact


@dataclass(frozen=True, slots=True)
class VatRate:
    """A standard rate in tenths of a percent: 190 is 19 %, 255 is 25.5 %."""

    permille: int
    reason: str

    def __post_init__(self) -> None:
        if not 0 <= self.permille <= 500:
            raise ValueError(f"a VAT rate of {self.permille} permille is not plausible")

    @property
    def share(self) -> Fraction:
        """The rate as a share of the net price, exact: 19 % is 19/100."""
        return Fraction(self.permille, 1000)


_SOURCE = (
    "Standard rate of the member state (Your Europe, VAT rules and rates); the vendor confirms it with each price book."
)

EU_STANDARD_RATES: Mapping[str, VatRate] = MappingProxyType(
    {
        country: VatRate(permille, _SOURCE)
        for country, permille in {
            "AT": 200,
            "BE": 210,
            "BG": 200,
            "CY": 190,
            "CZ": 210,
            "DE": 190,
            "DK": 250,
            "EE": 240,
            "ES": 210,
            "FI": 255,
            "FR": 200,
            "GR": 240,
            "HR": 250,
            "HU": 270,
            "IE": 230,
            "IT": 220,
            "LT": 210,
            "LU": 170,
            "LV": 210,
            "MT": 180,
            "NL": 210,
            "PL": 230,
            "PT": 230,
            "RO": 210,
            "SE": 250,
            "SI": 220,
            "SK": 230,
        }.items()
    }
)
"""The 27 member states by ISO 3166 code. Northern Ireland counts as outside for services."""


class VatTreatment(StrEnum):
    DOMESTIC = "domestic"
    """Buyer in the seller's country: its rate."""
    DESTINATION = "destination"
    """Buyer in another member state without a VAT id: the rate of the buyer's country, declared through the One Stop
    Shop."""
    REVERSE_CHARGE = "reverse_charge"
    """Buyer in another member state with a VAT id: none on the invoice, the buyer owes it (article 196)."""
    OUTSIDE = "outside"
    """Buyer outside the Union: not subject to VAT of a member state (article 44)."""
    SMALL_BUSINESS = "small_business"
    """A small seller that is exempt in its country (article 284; in Germany section 19 UStG) adds none."""


@dataclass(frozen=True, slots=True)
class Vat:
    """How one sale is taxed."""

    treatment: VatTreatment
    country: str
    permille: int

    @property
    def fact(self) -> Fact:
        """The treatment as a code with values, for doors to say (`otai.words.tables.prices`)."""
        if self.treatment in (VatTreatment.REVERSE_CHARGE, VatTreatment.OUTSIDE, VatTreatment.SMALL_BUSINESS):
            return Fact(f"vat.{self.treatment.value}")
        return Fact("vat.charged", {"rate": self.permille / 1000, "country": self.country})


def percent(permille: int) -> str:
    """`19`, `25.5`: the rate in percent without needless zeros."""
    whole, tenth = divmod(permille, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)


class InvalidVatId(Invalid):
    code = "invalid_vat_id"


def checked_vat_id(value: str, *, country: str) -> str:
    """The VAT id in compact form, `DE136695976`; "" for an empty one.

    Monaco's begin with FR. Format and checksum are checked offline (python-stdnum); whether the id is in use today
    only the Commission's VIES service can say. Raises InvalidVatId, also for an id of another country than the buyer's
    and for countries outside the Union.
    """
    value = value.strip()
    if not value:
        return ""
    state = TREATED_AS.get(country, country)
    if state not in EU_STANDARD_RATES:
        raise InvalidVatId("outside", country=country, field="vat_id")
    prefix = "EL" if state == "GR" else state
    # Greece is GR by ISO and EL on VAT ids; people write either.
    written = f"EL{value[2:]}" if country == "GR" and value[:2].upper() == "GR" else value
    try:
        compact = str(eu_vat.validate(written))
    except ValidationError:
        raise InvalidVatId("form", value=value, prefix=prefix, country=country, field="vat_id") from None
    if compact[:2] != prefix:
        raise InvalidVatId("other_country", vat_id=compact, of=compact[:2], country=country, field="vat_id")
    return compact


class CountryUnknown(Invalid):
    code = "country_unknown"


def vat_on_sale(
    *,
    rates: Mapping[str, VatRate],
    seller_country: str,
    buyer_country: str,
    buyer_vat_id: str,
    buyer_postcode: str = "",
    seller_is_small: bool = False,
) -> Vat:
    """Decides in this order: same country; another member state with or without VAT id; everywhere else.

    The postcode tells parts of member states that are outside their VAT territory (`vat_territories`); a VAT id does
    not change where they are. A seller without a rate in the book (outside the Union) adds none, and so does one that
    is a small business, where it would owe the VAT. `buyer_vat_id` has been checked. Raises CountryUnknown for what is
    no two capital letters.
    """
    for country in (seller_country, buyer_country):
        if len(country) != 2 or not country.isascii() or not country.isupper():
            raise CountryUnknown("code", country=country)
    seller_state, state = taxed_as(seller_country), taxed_as(buyer_country, buyer_postcode)
    if seller_state not in rates:
        return Vat(VatTreatment.OUTSIDE, buyer_country, 0)
    owes_it = state == seller_state or (state in rates and not buyer_vat_id)
    if seller_is_small and owes_it:
        return Vat(VatTreatment.SMALL_BUSINESS, state, 0)
    if state == seller_state:
        return Vat(VatTreatment.DOMESTIC, state, rates[state].permille)
    if state not in rates:
        return Vat(VatTreatment.OUTSIDE, buyer_country, 0)
    if buyer_vat_id:
        return Vat(VatTreatment.REVERSE_CHARGE, state, 0)
    return Vat(VatTreatment.DESTINATION, state, rates[state].permille)


def vat_cents(net_cents: int, permille: int) -> int:
    """VAT on a net amount, rounded half up to the cent, once for the whole document (EN 16931, BR-CO-17).

    >>> vat_cents(1_50, 190)
    29
    """
    assert net_cents >= 0
    return (net_cents * permille + 500) // 1000
