"""Monthly credits: the same day of each month, exactly once, whatever the sweep's habits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import Purchase, Subscription
from otai.billing.operations.tiers import RiseNotPossible
from otai.billing.testing import GOOD_CARD
from otai.ledger import queries as ledger
from otai.ledger.models import Lot, LotSource, Transfer
from otai.ledger.reasons import read_reason
from otai.orgs.models import Organisation
from otai.pricing.anniversary import anniversary_at, anniversary_on
from otai.pricing.price_book import Tier
from otai.words.sentences import Fact
from tests.billing.people import ALICE, details, sign_up

pytestmark = pytest.mark.django_db


def monthly(organisation: Organisation) -> list[int]:
    lots = Lot.objects.filter(organisation=organisation, source=LotSource.MONTHLY).order_by("seq")
    return list(lots.values_list("credits", flat=True))


@pytest.mark.parametrize(("tier", "credits"), [(Tier.COMMUNITY, 6), (Tier.PRO, 100), (Tier.ENTERPRISE, 500)])
def test_sign_up_brings_the_initial_credits_of_the_tier_at_once(tier: Tier, credits: int, now: datetime) -> None:
    acme = sign_up("acme", tier, now)
    assert ledger.balance(acme.id).available == credits
    assert queries.tier_of(acme) is tier


def test_the_first_monthly_grant_comes_one_month_after_sign_up(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    midnight_in_berlin = datetime(2026, 12, 1, 23, tzinfo=UTC)
    billing.sweep_grants(now=midnight_in_berlin - timedelta(seconds=1))
    assert monthly(acme) == []
    billing.sweep_grants(now=midnight_in_berlin)
    assert monthly(acme) == [2]
    assert ledger.balance(acme.id).available == 8


def test_a_second_sweep_grants_nothing_more(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    later = now + timedelta(days=40)
    assert billing.sweep_grants(now=later).grants == 1
    assert billing.sweep_grants(now=later).grants == 0
    assert monthly(acme) == [2]


def test_months_missed_while_nothing_ran_are_caught_up(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    assert billing.sweep_grants(now=now + timedelta(days=366)).grants == 12
    assert monthly(acme) == [2] * 12
    reasons = (
        Lot.objects.filter(organisation=acme, source=LotSource.MONTHLY).order_by("seq").values_list("reason", flat=True)
    )
    assert read_reason(reasons[0]) == Fact("moved_why.monthly", {"tier": "community", "day": "2026-12-02"})
    assert read_reason(reasons[11]) == Fact("moved_why.monthly", {"tier": "community", "day": "2027-11-02"})


def test_a_sweep_of_one_organisation_changes_nothing_for_another(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    globex = sign_up("globex", Tier.COMMUNITY, now + timedelta(days=20))
    billing.sweep_grants(now=now + timedelta(days=35))
    assert (monthly(acme), monthly(globex)) == ([2], [])


def test_whoever_pays_every_second_month_has_the_credits_of_every_second_month(fake: Any, now: datetime) -> None:
    """Pay, lapse, pay, with a grant day in each time of grace: six payments in a year are six grants of the paid
    tier."""
    acme = sign_up("acme", Tier.COMMUNITY, now)
    details(acme, now=now)
    paid = 0
    for day in range(366):
        clock = now + timedelta(days=day)
        billing.sweep_subscriptions(now=clock)
        billing.sweep_grants(now=clock)
        if day % 61 == 20:
            answer = billing.change_tier(
                organisation=acme, tier=Tier.PRO, who=ALICE, now=clock, gateway="fake", payment_method=GOOD_CARD
            )
            paid += answer.in_force
    assert paid == 6
    assert monthly(acme).count(50) == 6
    assert set(monthly(acme)) <= {2, 50}


def test_credits_do_not_expire_and_roll_over(now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    for month in range(1, 25):
        billing.sweep_grants(now=anniversary_at(now, month, acme.zone))
    assert ledger.balance(acme.id).available == 6 + 24 * 2


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_over_years_every_month_is_granted_once(data: st.DataObject, db: None) -> None:
    """A clock that jumps about, forwards and backwards, over years, across month ends and changes of summer time."""
    zone = data.draw(
        st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo"])
    )
    start = data.draw(
        st.one_of(
            st.sampled_from(["2027-01-31T12:00Z", "2028-02-29T23:59Z", "2027-03-28T01:30Z"]).map(
                datetime.fromisoformat
            ),
            st.integers(0, 3 * 366 * 24 * 60).map(
                lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
            ),
        )
    )
    slug = f"o{Organisation.objects.count()}"
    acme = sign_up(slug, Tier.COMMUNITY, start, zone)
    clock, reached = start, start
    for _ in range(data.draw(st.integers(1, 12))):
        clock = clock + timedelta(hours=data.draw(st.integers(-24 * 10, 24 * 120)))
        billing.sweep_grants(now=max(clock, start))
        reached = max(reached, clock)
    billing.sweep_grants(now=reached)
    due = [n for n in range(1, 100) if anniversary_at(start, n, ZoneInfo(zone)) <= reached]
    assert monthly(acme) == [2] * len(due)
    here = start.astimezone(ZoneInfo(zone)).date()
    named = (
        Lot.objects.filter(organisation=acme, source=LotSource.MONTHLY).order_by("seq").values_list("reason", flat=True)
    )
    days = [anniversary_on(here, n).isoformat() for n in due]
    assert [read_reason(reason) for reason in named] == [
        Fact("moved_why.monthly", {"tier": "community", "day": day}) for day in days
    ]


@pytest.mark.pure
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_over_years_of_changing_tiers_each_grant_comes_with_the_month_that_is_paid(
    data: st.DataObject, db: None, fake: Any
) -> None:
    """An oracle keeps its own list of when which tier came into force; months are paid by card, or not at all."""
    zone = data.draw(st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Apia"]))
    start = data.draw(
        st.sampled_from(["2027-01-31T12:00Z", "2028-02-29T23:59Z", "2027-03-28T01:30Z"]).map(datetime.fromisoformat)
    )
    acme = sign_up(f"o{Organisation.objects.count()}", Tier.COMMUNITY, start, zone)
    details(acme, now=start)
    pays = data.draw(st.booleans())
    if pays:
        billing.set_renewal_payment(
            organisation=acme, gateway="fake", payment_method=f"c:{GOOD_CARD}", who=ALICE, now=start
        )
    clock, in_force = start, [(start, Tier.COMMUNITY)]

    def tick(now: datetime) -> None:
        before = Subscription.objects.get(organisation=acme)
        billing.sweep_subscriptions(now=now)
        billing.sweep_grants(now=now)
        after = Subscription.objects.get(organisation=acme)
        if before.status == "ending" and before.paid_until_at and before.paid_until_at <= now:
            in_force.append((before.paid_until_at, Tier(before.next_tier or "")))
        if before.status == "unpaid" and before.grace_until_at and before.grace_until_at <= now and not pays:
            in_force.append((before.grace_until_at, Tier.COMMUNITY))
        assert after.tier == in_force[-1][1].value

    for _ in range(data.draw(st.integers(2, 10))):
        clock = clock + timedelta(hours=data.draw(st.integers(1, 24 * 45)))
        tick(clock)
        wish = data.draw(st.sampled_from([None, None, *Tier]))
        now_in = in_force[-1][1]
        if wish is None or wish is now_in:
            continue
        try:
            answer = billing.change_tier(
                organisation=acme, tier=wish, who=ALICE, now=clock, gateway="fake", payment_method=GOOD_CARD
            )
        except RiseNotPossible:
            continue
        if answer.in_force:
            in_force.append((clock, wish))
    for _ in range(14):
        clock = clock + timedelta(days=16)
        tick(clock)
    amounts = {Tier.COMMUNITY: 2, Tier.PRO: 50, Tier.ENTERPRISE: 250}
    due = [anniversary_at(start, n, ZoneInfo(zone)) for n in range(1, 100)]
    months = Purchase.objects.filter(organisation=acme, kind="subscription", paid_at__isnull=False)
    paid = [(m.period_from_at, m.period_until_at, Tier(m.tier)) for m in months.order_by("period_from_at", "paid_at")]
    in_grace_since = Subscription.objects.get(organisation=acme).paid_until_at
    expected = []
    for day in due:
        tier = [t for at, t in in_force if at <= day][-1]
        of_paid = [t for begins, ends, t in paid if begins <= day < ends]
        if day > clock or (not of_paid and in_grace_since is not None and day >= in_grace_since):
            break  # An unpaid month's day waits, and all after it.
        if of_paid or tier is Tier.COMMUNITY:
            expected.append(amounts[of_paid[-1] if of_paid else tier])
    assert monthly(acme) == expected
    highest = max({Tier.COMMUNITY: 6, Tier.PRO: 100, Tier.ENTERPRISE: 500}[tier] for _, tier in in_force)
    initial = Lot.objects.filter(organisation=acme, source=LotSource.INITIAL).values_list("credits", flat=True)
    assert sum(initial) == highest


@pytest.mark.django_db(transaction=True)
def test_any_number_of_sweeps_at_once_grant_each_month_once(now: datetime) -> None:
    customers = [sign_up(f"c{n}", Tier.COMMUNITY, now + timedelta(hours=n)) for n in range(6)]
    barrier, problems, granted = threading.Barrier(4), [], []

    def sweep() -> None:
        try:
            barrier.wait()
            granted.append(billing.sweep_grants(now=now + timedelta(days=100)))
        except Exception as error:  # noqa: BLE001 -- reported below
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sum(report.grants for report in granted) == 18
    assert [monthly(customer) for customer in customers] == [[2, 2, 2]] * 6
    assert Transfer.objects.filter(key__startswith="monthly:").count() == 18


def test_an_organisation_in_trouble_does_not_keep_the_others_waiting(
    now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    globex = sign_up("globex", Tier.COMMUNITY, now)
    # Somebody used the ledger's key for something else: the grant of acme is refused.
    from otai.ledger import operations

    operations.grant(
        organisation=acme.id, credits=1, source=LotSource.GOODWILL, key="monthly:1", reference="", reason="x", now=now
    )
    report = billing.sweep_grants(now=now + timedelta(days=40))
    assert (report.grants, report.failed) == (1, 1)
    assert (monthly(acme), monthly(globex)) == ([], [2])
    assert Subscription.objects.get(organisation=acme).months_granted == 0
