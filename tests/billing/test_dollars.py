"""A vendor who sells in another currency than the euro: amounts that are typed without one are of the price book's."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.billing.models import CheckoutPage, CreditWatch, CustomPackage
from otai.orgs.models import Organisation, User
from otai.orgs.operations import add_member
from otai.orgs.permissions import Role
from otai.pricing.published import from_published
from tests.billing.dollars import IN_EUROS
from tests.billing.people import ALICE
from tests.billing.test_commands import as_json, otai

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_dollars(settings: Any) -> None:
    settings.OTAI_PRICE_BOOK = "tests.billing.dollars:PRICE_BOOK"


def test_a_top_up_is_set_by_every_door(acme: Organisation, fake: Any, now: datetime) -> None:
    kept = billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=now)
    assert kept is not None and CheckoutPage.objects.get().purchase is None
    options = ["--below", "5", "--package", "10", "--payment-method", "pm_good", "--gateway", "fake", "--org", "acme"]
    assert "at most USD 300 net" in otai("topup", "set", "--limit", "300", *options)
    alice = User.objects.create_user(username=ALICE, email=ALICE, password="the paid invoices 8")
    add_member(organisation=acme, user=alice, role=Role.OWNER, who=ALICE, now=now)
    browser = Client()
    browser.force_login(alice)
    page = browser.get("/acme/credits/low/").content.decode()
    assert "USD" in page and "300" in page and "EUR" not in page, page[page.find("<h1>") :][:900]
    changed = browser.put(
        "/api/v1/top-up",
        json.dumps(
            {"below": 6, "package": "10", "monthly_limit_cents": 200_00, "gateway": "fake", "payment_method": "pm_good"}
        ),
        content_type="application/json",
    )
    assert changed.json()["monthly_limit"] == {"cents": 200_00, "currency": "USD"}
    assert CreditWatch.objects.get().monthly_limit_cents == 200_00


def test_operators_type_dollars(acme: Organisation) -> None:
    otai("offer-package", "big-2027", "400", "3000", "--why", "a long contract", "--org", "acme")
    assert (CustomPackage.objects.get().currency, CustomPackage.objects.get().price_cents) == ("USD", 3000_00)
    otai("coupons", "make", "FAIR-27", "--amount", "5", "--why", "the fair")
    assert as_json("coupons", "list")[0]["currency"] == "USD"
    assert "EUR" not in otai("tier", "show", "--org", "acme")


def test_what_stripe_would_charge_a_hundred_times_is_sold_by_nobody() -> None:
    with pytest.raises(ValueError, match="hundredths, which JPY has not"):
        from_published(json.loads(IN_EUROS.replace('"EUR"', '"JPY"')))
