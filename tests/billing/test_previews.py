"""What an order would cost is told before it, and is what the order then costs; nothing is written for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.models import BillingDetails, CouponFor, Event, Purchase
from otai.billing.operations.coupons import CouponNotValid, CouponUnknown
from otai.billing.previews import NoHigherTier, OrderPreview, preview_package, preview_tier
from otai.billing.testing import GOOD_CARD
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE
from tests.billing.test_commands import as_json, otai
from tests.billing.test_coupons import buys, coupon

pytestmark = pytest.mark.django_db


def told(preview: OrderPreview) -> tuple[int, int, int]:
    assert preview.tax is not None and preview.gross is not None
    return preview.net.cents, preview.tax.cents, preview.gross.cents


def ordered(purchase: Purchase | None) -> tuple[int, int, int]:
    assert purchase is not None
    return purchase.net_cents, purchase.vat_cents, purchase.gross_cents


def test_a_package_costs_what_was_told_before(acme: Organisation, now: datetime) -> None:
    coupon(now=now, percent=7)
    before = Event.objects.count()
    seen = preview_package(acme, "50", coupon=" Wel come ", now=now)
    assert (seen.coupon, seen.discount) == ("WELCOME", Money(31_50))
    assert (Event.objects.count(), Purchase.objects.count()) == (before, 0)
    assert told(seen) == ordered(buys(acme, now))


def test_a_rise_costs_what_was_told_before(acme: Organisation, fake: Any, now: datetime) -> None:
    coupon(now=now, what=CouponFor.FIRST_MONTH, percent=50)
    card: dict[str, Any] = {"organisation": acme, "who": ALICE, "gateway": "fake", "payment_method": GOOD_CARD}
    seen = preview_tier(acme, Tier.PRO, coupon="welcome", now=now)
    assert told(seen) == ordered(billing.change_tier(tier=Tier.PRO, coupon="welcome", now=now, **card).purchase)
    later = now + timedelta(days=9)
    seen = preview_tier(acme, Tier.ENTERPRISE, now=later)
    assert 0 < seen.deducted.cents < 49_50, "of what the month cost with its coupon"
    assert told(seen) == ordered(billing.change_tier(tier=Tier.ENTERPRISE, now=later, **card).purchase)
    with pytest.raises(NoHigherTier):
        preview_tier(acme, Tier.PRO, now=later)


def test_a_rise_that_nobody_paid_gives_its_coupon_to_the_next(acme: Organisation, now: datetime) -> None:
    coupon(now=now, what=CouponFor.FIRST_MONTH, most_uses=1)
    billing.change_tier(organisation=acme, tier=Tier.PRO, coupon="welcome", who=ALICE, now=now)
    for tier in (Tier.PRO, Tier.ENTERPRISE):
        seen = preview_tier(acme, tier, coupon="welcome", now=now)
        asked = billing.change_tier(organisation=acme, tier=tier, coupon="welcome", who=ALICE, now=now)
        assert told(seen) == ordered(asked.purchase)


def test_a_coupon_that_takes_nothing_off_says_why(acme: Organisation, now: datetime) -> None:
    coupon("ENDS", now=now, valid_until_at=now + timedelta(days=1))
    coupon("ONCE", now=now)
    buys(acme, now, code="once")
    with pytest.raises(CouponUnknown):
        preview_package(acme, "50", coupon="WRONG", now=now)
    for code, later, case in (("ENDS", 1, "over"), ("ONCE", 0, "used")):
        with pytest.raises(CouponNotValid) as found:
            preview_package(acme, "50", coupon=code, now=now + timedelta(days=later))
        assert found.value.case == case
    with pytest.raises(CouponNotValid):
        preview_tier(acme, Tier.PRO, coupon="ONCE", now=now)


def test_without_billing_details_the_vat_is_not_known(acme: Organisation, now: datetime) -> None:
    BillingDetails.objects.all().delete()
    seen = preview_package(acme, "10", now=now)
    assert (seen.net, seen.vat, seen.tax, seen.gross) == (Money(100_00), None, None, None)


def test_at_the_command_line(acme: Organisation, now: datetime) -> None:
    coupon(now=now, what=CouponFor.EITHER)
    assert "EUR 405 + EUR 76.95 VAT = EUR 481.95. Nothing was ordered." in otai(
        "buy", "50", "--coupon", "welcome", "--preview"
    )
    seen = as_json("tier", "change", "pro", "--coupon", "welcome", "--preview")
    assert (seen["coupon"], seen["discount_cents"], seen["gross_cents"]) == ("WELCOME", 9_90, 106_03)
    assert not Purchase.objects.exists()
