"""What is due of one organisation's monthly credits: how many grants, how many credits, and what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.gateway import ReversalOutcome, ReversalSeen
from otai.billing.models import BroughtLot, Event, Purchase, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.monthly import _may_still_be_paid, grant_what_is_due, period_of
from otai.billing.operations.reversals import partly_reversed
from otai.billing.price_books import price_book
from otai.billing.status import PurchaseStatus, SubscriptionStatus
from otai.billing.testing import GOOD_CARD
from otai.ledger.models import Lot, LotSource
from otai.ledger.reasons import read_reason
from otai.orgs.models import Organisation
from otai.orgs.operations.foundings import Person
from otai.pricing.anniversary import anniversary_at
from otai.pricing.price_book import Tier
from otai.words.sentences import Fact
from tests.billing.people import ALICE, details, sign_up

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def due(of: Organisation, now: datetime, **more: Any) -> tuple[tuple[int, int], int]:
    """What was granted, and how many months are counted by then."""
    with transaction.atomic():
        subscription = Subscription.objects.select_for_update().select_related("organisation").get(organisation=of)
        made = grant_what_is_due(subscription, partly_reversed=[], now=now, **more)
    return made, subscription.months_granted


def month(of: Organisation, number: int, start: datetime) -> datetime:
    return anniversary_at(start, number, of.zone)


def rises(acme: Organisation, now: datetime) -> Any:
    details(acme, now=now)
    answer = billing.change_tier(
        organisation=acme, tier=Tier.PRO, who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    )
    assert answer.in_force
    return answer.purchase


def test_what_is_due_is_counted_in_grants_and_credits(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    assert due(acme, month(acme, 1, now) - timedelta(microseconds=1)) == ((0, 0), 0)
    assert due(acme, month(acme, 3, now)) == ((3, 6), 3)
    assert due(acme, month(acme, 3, now)) == ((0, 0), 3)


def test_a_month_that_was_granted_before_counts_no_second_time(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    assert due(acme, month(acme, 2, now)) == ((2, 4), 2)
    Subscription.objects.filter(organisation=acme).update(months_granted=0)
    assert due(acme, month(acme, 2, now)) == ((0, 0), 2)
    assert Lot.objects.filter(organisation=acme, source=LotSource.MONTHLY).count() == 2


@pytest.mark.parametrize(("credits", "made"), [(0, (0, 0)), (1, (2, 2)), (2, (2, 4))])
def test_a_tier_without_monthly_credits_is_granted_nothing(
    monkeypatch: pytest.MonkeyPatch, now: datetime, credits: int, made: tuple[int, int]
) -> None:
    acme, book = sign_up("acme", Tier.COMMUNITY, now), price_book()
    community = replace(book.tiers[Tier.COMMUNITY], monthly_credits=credits)
    ours = replace(book, tiers={**book.tiers, Tier.COMMUNITY: community})
    monkeypatch.setattr(queries, "price_book", lambda: ours)
    assert due(acme, month(acme, 2, now)) == (made, 2)


@pytest.mark.parametrize(
    ("status", "paid_until_days", "waits"),
    [
        (SubscriptionStatus.FREE, None, False),
        (SubscriptionStatus.FREE, -1, False),
        (SubscriptionStatus.PAID, None, False),
        (SubscriptionStatus.PAID, -1, True),
        (SubscriptionStatus.PAID, 0, True),
        (SubscriptionStatus.PAID, 1, False),
    ],
)
def test_a_day_may_still_be_paid_in_a_paid_tier_from_the_end_of_what_is_paid_on(
    status: SubscriptionStatus, paid_until_days: int | None, waits: bool, now: datetime
) -> None:
    until = None if paid_until_days is None else now + paid_until_days * DAY
    assert _may_still_be_paid(Subscription(status=status, paid_until_at=until), now) is waits


def test_nothing_is_given_while_the_founders_address_is_not_confirmed(now: datetime) -> None:
    alice = Person(None, ALICE, False)
    acme = billing.sign_up(
        slug="acme", name="Acme", time_zone="UTC", tier=Tier.COMMUNITY, now=now, who=ALICE, founder=alice
    )
    assert due(acme, month(acme, 2, now)) == ((0, 0), 0)


def test_a_suspended_organisation_waits_and_free_days_of_it_are_lost(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    since = month(acme, 2, now)
    billing.suspend(organisation=acme, who="olga", why="unpaid", now=since)
    acme.refresh_from_db()
    assert due(acme, since) == ((0, 0), 0)
    assert due(acme, month(acme, 4, now), suspended_since=since) == ((1, 2), 4), "the day itself is one of them"


def test_a_paid_month_brings_the_credits_of_its_tier(fake: Any, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    rises(acme, now + 20 * DAY)
    assert due(acme, month(acme, 1, now)) == ((1, 50), 1)


def test_the_tier_is_that_of_the_month_that_was_paid(fake: Any, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    Purchase.objects.filter(id=rises(acme, now + 20 * DAY).id).update(tier=Tier.ENTERPRISE)
    assert due(acme, month(acme, 1, now)) == ((1, 250), 1)


def test_of_a_month_that_was_lost_in_part_a_part_of_its_credits_goes_back_at_once(fake: Any, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    bought = rises(acme, now + 20 * DAY)
    half = ReversalSeen(bought.gateway_reference, "dp_1", ReversalOutcome.LOST, bought.gross_cents // 2, "EUR")
    billing.book_reversals(bought.id, [half], who="bank", now=now + 21 * DAY)
    at = month(acme, 1, now)
    with transaction.atomic():
        subscription = Subscription.objects.select_for_update().get(organisation=acme)
        assert grant_what_is_due(subscription, partly_reversed=partly_reversed(acme.id), now=at) == (1, 50)
    told = Event.objects.get(move__in=BillingOccurrence.OWED_COLLECTED.stored_as)
    assert (told.at, told.details["credits"]) == (at, 24), "half of them, rounded down"


def test_the_day_of_an_unpaid_month_waits_for_its_payment(fake: Any, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    rises(acme, now + 20 * DAY)
    assert due(acme, month(acme, 1, now)) == ((1, 50), 1)
    assert due(acme, month(acme, 2, now)) == ((0, 0), 1), "the paid month ended before"


def test_while_a_bank_decides_nothing_comes_and_the_day_waits(fake: Any, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    bought = rises(acme, now + 20 * DAY)
    disputed = ReversalSeen(bought.gateway_reference, "dp_1", ReversalOutcome.OPEN, bought.gross_cents, "EUR")
    billing.book_reversals(bought.id, [disputed], who="bank", now=now + 21 * DAY)
    assert due(acme, month(acme, 1, now)) == ((0, 0), 0)
    assert not Lot.objects.filter(organisation=acme, source=LotSource.MONTHLY).exists()


def test_the_month_in_which_a_time_lies_is_the_one_that_began_last(fake: Any, now: datetime) -> None:
    acme, globex = sign_up("acme", Tier.COMMUNITY, now), sign_up("globex", Tier.COMMUNITY, now)
    bought = rises(acme, now)
    begins, ends = bought.period_from_at, bought.period_until_at
    own = Subscription.objects.get(organisation=acme)
    assert begins and ends
    assert period_of(own, begins) == period_of(own, ends - timedelta(microseconds=1)) == bought
    assert (period_of(own, begins - timedelta(microseconds=1)), period_of(own, ends)) == (None, None)
    assert period_of(Subscription.objects.get(organisation=globex), begins) is None
    periods = Purchase.objects.filter(id=bought.id)
    periods.update(period_cut_at=begins + DAY)
    assert (period_of(own, begins), period_of(own, begins + DAY)) == (bought, None), "it gave way to another"
    periods.update(period_cut_at=None, status=PurchaseStatus.DISPUTED)
    assert period_of(own, begins) == bought
    billing.buy(organisation=acme, package="10", key="k", who=ALICE, now=now)
    assert period_of(own, begins + DAY) == bought, "an order of a package is no month"


def test_a_grant_says_its_tier_its_day_and_its_price_book_and_belongs_to_the_payment(fake: Any, now: datetime) -> None:
    evening = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)  # The third in Berlin.
    acme = sign_up("acme", Tier.COMMUNITY, evening)
    bought = rises(acme, evening + 20 * DAY)
    assert due(acme, month(acme, 1, evening)) == ((1, 50), 1)
    lot = Lot.objects.get(organisation=acme, source=LotSource.MONTHLY)
    assert (lot.reference, lot.price_book) == ("tier:pro", price_book().version)
    assert read_reason(lot.reason) == Fact("moved_why.monthly", {"tier": "pro", "day": "2026-12-03"})
    assert BroughtLot.objects.get(lot=lot.id).purchase == bought
