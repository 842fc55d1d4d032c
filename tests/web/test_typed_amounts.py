"""An amount is what a person typed in plain digits, at every door: what Python reads beside them is a slip of the
hand."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.billing.models import Coupon, OperatorRequest
from otai.errors import Invalid
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation, User
from otai.pricing.price_book import Tier
from otai.units import typed_number
from tests.billing.test_commands import otai

SLIPS = ["1e3", "1_000", "١٢", "\uff11\uff12", "0x10", "1 000", "1,000", "Infinity", "NaN", "²"]


@pytest.fixture
def acme(db: None, now: datetime) -> Organisation:
    return billing.sign_up(slug="acme", name="Acme", time_zone="Europe/Berlin", tier=Tier.COMMUNITY, now=now)


@pytest.fixture
def olga(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    return client


@pytest.mark.parametrize("typed", SLIPS)
def test_the_desk_takes_plain_numbers_alone(acme: Organisation, olga: Client, typed: str) -> None:
    goodwill = {"credits": typed, "key": "k", "why": "a bad week"}
    page = olga.post(f"/desk/orgs/organisation/{acme.id}/act/goodwill/", goodwill, follow=True)
    assert "Enter a whole number." in page.content.decode()
    offer = {"code": "own-27", "credits": "10", "price": typed, "why": "a contract"}
    page = olga.post(f"/desk/orgs/organisation/{acme.id}/act/offer-package/", offer, follow=True)
    assert "Enter a number." in page.content.decode()
    coupon = {"code": "SALE", "what": "package", "amount": typed, "once_each": "on", "why": "the fair"}
    assert "Enter a number." in olga.post("/desk/billing/coupon/make/", coupon, follow=True).content.decode()
    assert not OperatorRequest.objects.exists() and not Coupon.objects.exists()
    assert ledger.balance(acme.id).available == 6


@pytest.mark.parametrize("typed", SLIPS)
def test_commands_take_plain_numbers_alone(acme: Organisation, typed: str) -> None:
    for words in (
        ("goodwill", typed, "--why", "a bad week"),
        ("offer-package", "own-27", "10", typed, "--why", "a contract"),
        ("offer-package", "own-27", typed, "450", "--why", "a contract"),
        ("coupons", "make", "SALE", "--amount", typed, "--why", "the fair"),
        ("coupons", "make", "SALE", "--percent", typed, "--why", "the fair"),
        ("topup", "notice", typed),
    ):
        with pytest.raises(Invalid, match=r"is not one|is no amount"):
            otai(*words)
    assert not OperatorRequest.objects.exists() and not Coupon.objects.exists()
    assert ledger.balance(acme.id).available == 6


@pytest.mark.pure
def test_a_typed_number_is_its_digits() -> None:
    assert [typed_number(text) for text in ("0", " 12 ", "-5", "007")] == [0, 12, -5, 7]
