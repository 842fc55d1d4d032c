"""Whoever moves their organisation to another time zone has no month more and none less: a paid month brings what one
month brings, however often the days begin elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.models import BroughtLot, Event, Purchase, PurchaseKind, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.tiers import RiseNotPossible
from otai.billing.testing import GOOD_CARD
from otai.ledger.models import Lot, LotSource
from otai.orgs.models import Organisation
from otai.orgs.operations import change_organisation
from otai.pricing.anniversary import months_begun
from otai.pricing.price_book import Tier
from tests.billing.people import ALICE, details, sign_up

pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
"""The third in Berlin, and the second in New York."""
FARTHEST = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
DAY = timedelta(days=1)


def moves_to(organisation: Organisation, zone: str, now: datetime) -> None:
    change_organisation(organisation=organisation, name=organisation.name, time_zone=zone, who=ALICE, now=now)
    organisation.refresh_from_db()


def sweeps(now: datetime) -> None:
    billing.sweep_subscriptions(now=now)
    billing.sweep_grants(now=now)


def pays_a_month(organisation: Organisation, now: datetime) -> None:
    billing.change_tier(
        organisation=organisation, tier=Tier.PRO, who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    )


def brought_by_months(organisation: Organisation) -> list[int]:
    """How many monthly grants each paid month brought, in their order."""
    months = Purchase.objects.filter(organisation=organisation, kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=False)
    return [
        BroughtLot.objects.filter(purchase=month, source=LotSource.MONTHLY).count()
        for month in months.order_by("period_from_at", "paid_at")
    ]


def test_a_month_that_was_paid_in_berlin_brings_one_grant_in_new_york_too(fake: Any) -> None:
    """It began on 3 December in Berlin; in New York the day of the grant is the second, and came twice within it."""
    acme = sign_up("acme", Tier.COMMUNITY, EVENING)
    details(acme, now=EVENING)
    billing.set_renewal_payment(
        organisation=acme, gateway="fake", payment_method=f"c:{GOOD_CARD}", who=ALICE, now=EVENING
    )
    pays_a_month(acme, EVENING + DAY / 2)
    sweeps(datetime(2026, 12, 2, 23, tzinfo=UTC))
    moves_to(acme, "America/New_York", EVENING + 40 * DAY)
    billing.change_tier(organisation=acme, tier=Tier.COMMUNITY, who=ALICE, now=EVENING + 41 * DAY)
    sweeps(datetime(2027, 1, 3, tzinfo=UTC))
    assert brought_by_months(acme) == [0, 1], "the first month's are its initial credits"
    assert audit().findings == []


def test_days_of_a_free_tier_follow_and_are_told_and_those_of_a_paid_month_stay(fake: Any, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, EVENING)
    details(acme, now=EVENING)
    moves_to(acme, "America/New_York", EVENING + DAY)
    sweeps(EVENING + 31 * DAY)
    told = Event.objects.get(subject="subscription", move=BillingOccurrence.DAYS_FOLLOWED)
    assert told.details["became"] == {"time_zone": "America/New_York"}
    own = Subscription.objects.get(organisation=acme)
    assert own.next_grant_at == datetime(2027, 1, 2, 5, tzinfo=UTC), "the second begins in New York"
    pays_a_month(acme, EVENING + 40 * DAY)
    moves_to(acme, "Europe/Berlin", EVENING + 41 * DAY)
    sweeps(EVENING + 62 * DAY)
    own.refresh_from_db()
    assert (own.time_zone, own.next_grant_at) == ("America/New_York", datetime(2027, 2, 2, 5, tzinfo=UTC))
    assert audit().findings == []


ACTS = st.sampled_from(["move", "move", "pay", "cancel", "sweep"])
ZONES = (*FARTHEST, "Europe/Berlin", "America/New_York", "UTC", "Africa/Cairo")


@pytest.mark.pure
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, 100 * 24).map(lambda hours: datetime(2026, 12, 20, 23, 30, tzinfo=UTC) + hours * DAY / 24),
    first=st.sampled_from(ZONES),
    acts=st.lists(st.tuples(ACTS, st.sampled_from(ZONES), st.integers(1, 24 * 34)), min_size=4, max_size=14),
    renews=st.booleans(),
)
@example(
    start=EVENING,
    first=FARTHEST[0],
    acts=[("pay", "UTC", 26), *[("move", zone, 730) for zone in FARTHEST * 4]],
    renews=True,
)
def test_however_often_the_zone_changes_months_granted_are_months_paid(
    fake: Any, start: datetime, first: str, acts: list[tuple[str, str, int]], renews: bool, db: None
) -> None:
    acme = sign_up(f"o{Organisation.objects.count()}", Tier.COMMUNITY, start, first)
    details(acme, now=start)
    if renews:
        billing.set_renewal_payment(
            organisation=acme, gateway="fake", payment_method=f"c:{GOOD_CARD}", who=ALICE, now=start
        )
    clock = start
    for act, zone, hours in acts:
        clock += timedelta(hours=hours)
        sweeps(clock)
        own = Subscription.objects.get(organisation=acme)
        if act == "move":
            moves_to(acme, zone, clock)
        elif act == "pay" and own.tier == Tier.COMMUNITY:
            pays_a_month(acme, clock)
        elif act == "cancel" and own.status == "paid":
            try:
                billing.change_tier(organisation=acme, tier=Tier.COMMUNITY, who=ALICE, now=clock)
            except RiseNotPossible:
                continue
    sweeps(clock := clock + 70 * DAY)
    assert [found for found in audit().findings if "grant" in found.what] == []
    ended = Purchase.objects.filter(
        organisation=acme, kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=False, period_until_at__lte=clock
    )
    until = None
    for month in ended.order_by("period_from_at", "paid_at"):
        brought = BroughtLot.objects.filter(purchase=month, source=LotSource.MONTHLY).count()
        # One that begins on a grant day, after its grant was made, ends with the beginning of the next one.
        assert brought == 1 or (brought == 0 and month.period_from_at != until), month.period_from_at
        until = month.period_until_at
    own = Subscription.objects.get(organisation=acme)
    made = Lot.objects.filter(organisation=acme, source=LotSource.MONTHLY).count()
    counted = [months_begun(start, clock, Organisation(time_zone=zone).zone) for zone in ZONES]
    assert made <= own.months_granted <= max(counted), "nor does a free tier bring one more"
