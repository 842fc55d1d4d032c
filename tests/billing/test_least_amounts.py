"""What is too little to be charged is refused before it is ordered, and says what takes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.models import Purchase
from otai.billing.operations.orders import AmountTooSmall
from otai.billing.status import PurchaseStatus
from otai.billing.testing import GOOD_CARD
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db
CARD: dict[str, Any] = {"gateway": "fake", "payment_method": GOOD_CARD}


def offers_for_a_few_cents(organisation: Organisation, now: datetime) -> None:
    billing.offer_package(
        organisation=organisation, code="tiny", credits=1, price=Money(40), who=OLGA, why="a try", now=now
    )


def test_a_charge_that_the_provider_would_refuse_is_not_ordered(acme: Organisation, fake: Any, now: datetime) -> None:
    offers_for_a_few_cents(acme, now)
    order: dict[str, Any] = {"organisation": acme, "package": "tiny", "who": ALICE, "now": now}
    with pytest.raises(AmountTooSmall, match=r"takes no less than EUR 0.50; this is EUR 0.48") as refused:
        billing.buy(**order, key="card", **CARD)
    assert refused.value.details["least"] == {"cents": 50, "currency": "EUR"}
    assert Purchase.objects.count() == 0
    assert billing.buy(**order, key="bank").purchase.status == PurchaseStatus.OPEN, "a transfer takes any amount"


def test_a_rise_that_costs_next_to_nothing_is_charged_the_least_and_lasts_longer(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now, **CARD)
    # What is left of a dearer month is worth more than the tier above.
    dear = {"net_cents": 600_00, "vat_cents": 114_00, "gross_cents": 714_00, "paid_cents": 714_00}
    Purchase.objects.filter(organisation=acme).update(**dear)
    answer = billing.change_tier(
        organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now + timedelta(hours=1), **CARD
    )
    assert answer.purchase is not None and answer.purchase.period_until_at is not None
    assert (answer.purchase.net_cents, answer.purchase.deducted_cents) == (50, 498_50)
    # What is left, about EUR 599, is 36 days at EUR 499 a month; they end as a day begins.
    assert (answer.purchase.period_until_at - now).days == 35


def test_the_rest_of_a_part_payment_is_not_asked_for_by_card(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = billing.buy(organisation=acme, package="10", key="bank", who=ALICE, now=now).purchase
    billing.confirm_payment(
        reference=bought.reference,
        received=Money(bought.gross_cents - 30),
        bank_reference="ENTRY-1",
        who=OLGA,
        why="on the statement",
        now=now,
    )
    with pytest.raises(AmountTooSmall):
        billing.open_payment_page(organisation=acme, reference=bought.reference, who=ALICE, now=now)
    assert fake.account.pages == {}
