from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otai.pricing.vat import (
    EU_STANDARD_RATES,
    CountryUnknown,
    InvalidVatId,
    VatRate,
    VatTreatment,
    checked_vat_id,
    percent,
    vat_cents,
    vat_on_sale,
)
from tests.pricing.book import BOOK

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("buyer", "vat_id", "treatment", "permille"),
    [
        ("DE", "", VatTreatment.DOMESTIC, 190),
        ("DE", "DE136695976", VatTreatment.DOMESTIC, 190),
        ("AT", "ATU13585627", VatTreatment.REVERSE_CHARGE, 0),
        ("AT", "", VatTreatment.DESTINATION, 200),
        ("FI", "", VatTreatment.DESTINATION, 255),
        ("GR", "EL094259216", VatTreatment.REVERSE_CHARGE, 0),
        ("CH", "", VatTreatment.OUTSIDE, 0),
        ("US", "", VatTreatment.OUTSIDE, 0),
        ("GB", "", VatTreatment.OUTSIDE, 0),
    ],
)
def test_vat_follows_the_buyers_country_and_vat_id(
    buyer: str, vat_id: str, treatment: VatTreatment, permille: int
) -> None:
    found = vat_on_sale(rates=BOOK.vat_rates, seller_country="DE", buyer_country=buyer, buyer_vat_id=vat_id)
    assert (found.treatment, found.permille) == (treatment, permille)


@pytest.mark.parametrize(
    ("buyer", "postcode", "treatment", "country", "permille"),
    [
        ("MC", "98000", VatTreatment.DESTINATION, "FR", 200),
        ("FR", "98000", VatTreatment.DESTINATION, "FR", 200),
        ("FR", "75001", VatTreatment.DESTINATION, "FR", 200),
        ("FR", "97400", VatTreatment.OUTSIDE, "FR", 0),
        ("RE", "97400", VatTreatment.OUTSIDE, "RE", 0),
        ("ES", "28001", VatTreatment.DESTINATION, "ES", 210),
        ("ES", "35001", VatTreatment.OUTSIDE, "ES", 0),
        ("ES", "38 001", VatTreatment.OUTSIDE, "ES", 0),
        ("ES", "E-51001", VatTreatment.OUTSIDE, "ES", 0),
        ("ES", "52001", VatTreatment.OUTSIDE, "ES", 0),
        ("DE", "78266", VatTreatment.OUTSIDE, "DE", 0),
        ("DE", "D-27498", VatTreatment.OUTSIDE, "DE", 0),
        ("DE", "78267", VatTreatment.DOMESTIC, "DE", 190),
        ("IT", "23041", VatTreatment.OUTSIDE, "IT", 0),
        ("IT", "22061", VatTreatment.OUTSIDE, "IT", 0),
        ("IT", "20121", VatTreatment.DESTINATION, "IT", 220),
        ("GR", "630 86", VatTreatment.OUTSIDE, "GR", 0),
        ("FI", "22100", VatTreatment.OUTSIDE, "FI", 0),
        ("AX", "22100", VatTreatment.OUTSIDE, "AX", 0),
        ("CY", "5500", VatTreatment.DESTINATION, "CY", 190),
        ("IM", "IM1 1AA", VatTreatment.OUTSIDE, "IM", 0),
        ("GB", "BT1 5GS", VatTreatment.OUTSIDE, "GB", 0),
        ("SM", "47890", VatTreatment.OUTSIDE, "SM", 0),
        ("PT", "9000-018", VatTreatment.DESTINATION, "PT", 230),
    ],
)
def test_vat_follows_the_territory_and_not_the_map(
    buyer: str, postcode: str, treatment: VatTreatment, country: str, permille: int
) -> None:
    found = vat_on_sale(
        rates=BOOK.vat_rates, seller_country="DE", buyer_country=buyer, buyer_vat_id="", buyer_postcode=postcode
    )
    assert (found.treatment, found.country, found.permille) == (treatment, country, permille)


def test_companies_in_monaco_have_french_vat_ids_and_those_on_the_canaries_pay_none() -> None:
    of_monaco = checked_vat_id("FR 40 303265045", country="MC")
    found = vat_on_sale(rates=BOOK.vat_rates, seller_country="DE", buyer_country="MC", buyer_vat_id=of_monaco)
    assert (found.treatment, found.country) == (VatTreatment.REVERSE_CHARGE, "FR")
    at_home = vat_on_sale(rates=BOOK.vat_rates, seller_country="FR", buyer_country="MC", buyer_vat_id=of_monaco)
    assert at_home.treatment is VatTreatment.DOMESTIC
    on_the_canaries = vat_on_sale(
        rates=BOOK.vat_rates,
        seller_country="DE",
        buyer_country="ES",
        buyer_vat_id="ESB58378431",
        buyer_postcode="35001",
    )
    assert on_the_canaries.treatment is VatTreatment.OUTSIDE


@pytest.mark.parametrize(
    ("buyer", "vat_id", "treatment"),
    [
        ("DE", "", VatTreatment.SMALL_BUSINESS),
        ("DE", "DE136695976", VatTreatment.SMALL_BUSINESS),
        ("AT", "", VatTreatment.SMALL_BUSINESS),
        ("AT", "ATU13585627", VatTreatment.REVERSE_CHARGE),
        ("CH", "", VatTreatment.OUTSIDE),
    ],
)
def test_a_small_business_adds_none_where_it_would_owe_it(buyer: str, vat_id: str, treatment: VatTreatment) -> None:
    found = vat_on_sale(
        rates=BOOK.vat_rates, seller_country="DE", buyer_country=buyer, buyer_vat_id=vat_id, seller_is_small=True
    )
    assert (found.treatment, found.country, found.permille) == (treatment, buyer, 0)


def test_a_seller_outside_the_union_adds_none() -> None:
    found = vat_on_sale(rates=EU_STANDARD_RATES, seller_country="CH", buyer_country="DE", buyer_vat_id="")
    assert found.treatment is VatTreatment.OUTSIDE


@pytest.mark.parametrize("country", ["", "de", "DEU", "Ö1", "D"])
def test_a_country_that_is_no_code_is_refused(country: str) -> None:
    with pytest.raises(CountryUnknown):
        vat_on_sale(rates=EU_STANDARD_RATES, seller_country="DE", buyer_country=country, buyer_vat_id="")


@pytest.mark.parametrize(
    ("written", "country", "compact"),
    [
        ("DE 136 695 976", "DE", "DE136695976"),
        ("atu13585627", "AT", "ATU13585627"),
        ("GR094259216", "GR", "EL094259216"),
        ("gr 094259216", "GR", "EL094259216"),
        ("GR123456783", "GR", "EL123456783"),
        ("FR 40 303265045", "FR", "FR40303265045"),
        ("NL4495445B01", "NL", "NL004495445B01"),
        ("EL 094259216", "GR", "EL094259216"),
        ("", "US", ""),
        ("   ", "DE", ""),
    ],
)
def test_a_vat_id_is_kept_in_its_compact_form(written: str, country: str, compact: str) -> None:
    assert checked_vat_id(written, country=country) == compact


@pytest.mark.parametrize(
    ("written", "country", "said"),
    [
        ("DE136695977", "DE", "check digit"),
        ("DE12", "DE", "form"),
        ("ATU13585627", "DE", "belongs to AT"),
        ("DE136695976", "GR", "belongs to DE"),
        ("094259216", "GR", "begins with EL"),
        ("CHE-107.787.577 MWST", "CH", "outside"),
        ("'; DROP TABLE", "DE", "not a valid"),
    ],
)
def test_a_wrong_vat_id_is_refused_with_its_reason(written: str, country: str, said: str) -> None:
    with pytest.raises(InvalidVatId, match=said):
        checked_vat_id(written, country=country)


def test_every_member_state_has_a_rate_with_a_source() -> None:
    assert len(EU_STANDARD_RATES) == 27
    assert all(rate.reason and 150 <= rate.permille <= 300 for rate in EU_STANDARD_RATES.values())


@given(net=st.integers(0, 10**12), permille=st.integers(0, 500))
def test_vat_is_rounded_half_up_to_the_cent(net: int, permille: int) -> None:
    exact = Fraction(net * permille, 1000)
    found = vat_cents(net, permille)
    assert Fraction(-1, 2) < found - exact <= Fraction(1, 2)


def test_percent_is_written_without_needless_zeros() -> None:
    assert (percent(190), percent(255), percent(0)) == ("19", "25.5", "0")


@pytest.mark.parametrize("permille", [0, 1, 500])
def test_a_plausible_rate_is_taken(permille: int) -> None:
    assert VatRate(permille, "r").permille == permille


@pytest.mark.parametrize("permille", [-1, 501])
def test_an_implausible_rate_is_refused(permille: int) -> None:
    with pytest.raises(ValueError, match=f"a VAT rate of {permille} permille is not plausible"):
        VatRate(permille, "r")


@pytest.mark.parametrize(
    ("value", "country", "message"),
    [
        (
            "CHE123456788",
            "CH",
            "A VAT id is for buyers in the European Union; CH is outside. Leave it empty: no VAT is added.",
        ),
        (
            "DE136695977",
            "DE",
            "“DE136695977” is not a valid VAT id: its form or its check digit is wrong. It begins with DE; the tax "
            "office's letter shows it.",
        ),
        (
            "GR094259217",
            "GR",
            "“GR094259217” is not a valid VAT id: its form or its check digit is wrong. It begins with EL; the tax "
            "office's letter shows it.",
        ),
        ("ATU13585627", "DE", "The VAT id ATU13585627 belongs to AT, the address is in DE. Correct one of the two."),
    ],
)
def test_a_refused_vat_id_says_what_to_correct(value: str, country: str, message: str) -> None:
    with pytest.raises(InvalidVatId) as refused:
        checked_vat_id(value, country=country)
    assert refused.value.message == message
    assert refused.value.details["country"] == country


def test_vat_is_of_the_buyers_country_in_every_treatment() -> None:
    def sale(seller: str, buyer: str, vat_id: str = "") -> tuple[str, str, int]:
        found = vat_on_sale(rates=BOOK.vat_rates, seller_country=seller, buyer_country=buyer, buyer_vat_id=vat_id)
        return (found.treatment.value, found.country, found.permille)

    assert sale("CH", "DE") == ("outside", "DE", 0)
    assert sale("DE", "DE", "DE136695976") == ("domestic", "DE", 190)
    assert sale("DE", "US") == ("outside", "US", 0)
    assert sale("DE", "AT", "ATU13585627") == ("reverse_charge", "AT", 0)
    assert sale("DE", "FI") == ("destination", "FI", 255)


@pytest.mark.parametrize("country", ["de", "DEU", "D", "ÄÖ"])
def test_a_refused_country_is_named(country: str) -> None:
    for seller, buyer in ((country, "DE"), ("DE", country)):
        with pytest.raises(CountryUnknown) as refused:
            vat_on_sale(rates=BOOK.vat_rates, seller_country=seller, buyer_country=buyer, buyer_vat_id="")
        assert refused.value.message == f"A country is a two-letter code of ISO 3166 such as DE; “{country}” is none."
        assert refused.value.details == {"country": country}


@pytest.mark.parametrize(
    ("net", "permille", "cents"),
    [
        (0, 190, 0),
        (1, 190, 0),
        (3, 190, 1),
        (150, 190, 29),
        (45_000, 190, 8_550),
        (1, 500, 1),
        (10, 50, 1),
        (9, 55, 0),
        (499, 1, 0),
    ],
)
def test_vat_by_hand(net: int, permille: int, cents: int) -> None:
    assert vat_cents(net, permille) == cents
