"""Tiers: rising, falling, paying, not paying, cancelling."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.models import ChargeAttempt, Event, Notice, Purchase, Subscription
from otai.billing.operations import dunning
from otai.billing.operations.orders import BillingDetailsMissing
from otai.billing.operations.tiers import AlreadyInTier, RiseNotPossible
from otai.billing.status import SUBSCRIPTION_MOVES, PurchaseStatus, SubscriptionStatus
from otai.billing.testing import DECLINED_CARD, GOOD_CARD, SLOW_DEBIT, FakeGateway
from otai.ledger import queries as ledger
from otai.ledger.models import Lot, LotSource
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, details, sign_up

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def rise(organisation: Organisation, tier: Tier, now: datetime, method: str = GOOD_CARD) -> Any:
    return billing.change_tier(
        organisation=organisation, tier=tier, who=ALICE, now=now, gateway="fake", payment_method=method
    )


def subscription(organisation: Organisation) -> Subscription:
    return Subscription.objects.get(organisation=organisation)


def sweep(now: datetime) -> None:
    billing.sweep_subscriptions(now=now)
    billing.sweep_grants(now=now)


def monthly(organisation: Organisation) -> list[int]:
    lots = Lot.objects.filter(organisation=organisation, source=LotSource.MONTHLY).order_by("seq")
    return list(lots.values_list("credits", flat=True))


def transfer(purchase: Purchase, now: datetime, cents: int | None = None, entry: str = "") -> Any:
    return billing.confirm_payment(
        reference=purchase.reference,
        received=Money(purchase.gross_cents if cents is None else cents),
        bank_reference=entry or f"entry of {purchase.reference}",
        who=OLGA,
        why="bank statement",
        now=now,
    )


def test_a_rise_takes_effect_when_its_first_month_is_paid(acme: Organisation, fake: Any, now: datetime) -> None:
    answer = rise(acme, Tier.PRO, now, SLOW_DEBIT)
    assert (answer.in_force, queries.tier_of(acme), ledger.balance(acme.id).available) == (False, Tier.COMMUNITY, 6)
    fake.settle(answer.purchase.gateway_reference)
    billing.ask_gateways(now=now + DAY)
    assert queries.tier_of(acme) is Tier.PRO
    assert ledger.balance(acme.id).available == 100
    assert subscription(acme).paid_until_at == datetime(2026, 12, 2, 23, tzinfo=UTC)


def test_a_climb_totals_the_same_as_signing_up_there(acme: Organisation, fake: Any, now: datetime) -> None:
    rise(acme, Tier.PRO, now)
    assert ledger.balance(acme.id).available == 100
    rise(acme, Tier.ENTERPRISE, now + DAY)
    assert ledger.balance(acme.id).available == 500
    assert queries.tiers_reached(acme) == [Tier.COMMUNITY, Tier.PRO, Tier.ENTERPRISE]


def test_a_sweep_that_slept_for_months_orders_them_all_and_takes_no_tier_away(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    billing.set_renewal_payment(organisation=acme, gateway="fake", payment_method=f"c:{GOOD_CARD}", who=ALICE, now=now)
    late = now + 100 * DAY
    assert billing.sweep_subscriptions(now=late).ordered == 3
    assert (subscription(acme).status, queries.tier_of(acme)) == ("paid", Tier.PRO)
    assert subscription(acme).paid_until_at == datetime(2027, 3, 1, 23, tzinfo=UTC)


def test_grace_does_not_run_out_for_a_month_that_was_never_ordered(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    billing.sweep_grants(now=now + 40 * DAY)  # sees that the paid month ended; months are ordered by the other sweep
    report = billing.sweep_subscriptions(now=now + 60 * DAY)
    assert (report.ended, report.ordered) == (0, 1)
    assert (subscription(acme).status, queries.tier_of(acme)) == ("unpaid", Tier.PRO)
    assert subscription(acme).grace_until_at == now + 74 * DAY
    assert billing.sweep_subscriptions(now=now + 74 * DAY).ended == 1
    assert queries.tier_of(acme) is Tier.COMMUNITY


def test_going_up_and_down_and_up_again_earns_nothing(acme: Organisation, fake: Any, now: datetime) -> None:
    rise(acme, Tier.PRO, now)
    billing.cancel_tier(organisation=acme, who=ALICE, why="too dear", now=now + DAY)
    later = now + 29 * DAY + timedelta(hours=23)
    billing.sweep_subscriptions(now=later + 5 * DAY)
    assert queries.tier_of(acme) is Tier.COMMUNITY
    rise(acme, Tier.PRO, later + 6 * DAY)
    assert queries.tier_of(acme) is Tier.PRO
    assert Lot.objects.filter(organisation=acme, source=LotSource.INITIAL).count() == 2
    assert (ledger.balance(acme.id).available, monthly(acme)) == (102, [2]), "two of Community, whose day was between"


def test_from_enterprise_down_and_up_to_pro_earns_nothing(fake: Any, db: None, now: datetime) -> None:
    acme = sign_up("acme", Tier.ENTERPRISE, now)
    billing.change_tier(organisation=acme, tier=Tier.COMMUNITY, who=ALICE, now=now)
    details(acme, now=now)
    rise(acme, Tier.PRO, now + DAY)
    assert (queries.tier_of(acme), ledger.balance(acme.id).available) == (Tier.PRO, 500)


def test_a_declined_card_changes_nothing(acme: Organisation, fake: Any, now: datetime) -> None:
    from otai.billing.gateway import PaymentDeclined

    with pytest.raises(PaymentDeclined, match="declined"):
        rise(acme, Tier.PRO, now, DECLINED_CARD)
    assert (queries.tier_of(acme), ledger.balance(acme.id).available) == (Tier.COMMUNITY, 6)


def test_cancelling_falls_back_to_community_when_the_paid_month_ends_and_credits_stay(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    answer = billing.cancel_tier(organisation=acme, who=ALICE, why="too dear", now=now + 3 * DAY)
    ends = datetime(2026, 12, 1, 23, tzinfo=UTC)
    assert (answer.in_force, answer.from_at) == (False, ends)
    sweep(ends - timedelta(seconds=1))
    assert queries.tier_of(acme) is Tier.PRO
    sweep(ends)
    assert queries.tier_of(acme) is Tier.COMMUNITY
    # The grant of that very day follows the tier that came into force on it.
    assert monthly(acme) == [2]
    assert ledger.balance(acme.id).available == 102


def test_a_cancellation_can_be_taken_back_in_time(acme: Organisation, fake: Any, now: datetime) -> None:
    rise(acme, Tier.PRO, now)
    billing.cancel_tier(organisation=acme, who=ALICE, why="too dear", now=now + DAY)
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now + 2 * DAY)
    assert subscription(acme).status == SubscriptionStatus.PAID
    with pytest.raises(AlreadyInTier):
        billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now + 2 * DAY)


def test_enterprise_to_pro_takes_effect_at_the_months_end_and_pro_is_ordered_then(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.ENTERPRISE, now)
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now + DAY)
    assert queries.tier_of(acme) is Tier.ENTERPRISE
    sweep(now + 31 * DAY)
    assert queries.tier_of(acme) is Tier.PRO
    ordered = Purchase.objects.get(organisation=acme, status=PurchaseStatus.OPEN)
    assert (ordered.tier, ordered.net_cents) == ("pro", 99_00)
    assert monthly(acme) == [], "the month's credits wait for its payment"
    transfer(ordered, now + 35 * DAY)
    assert monthly(acme) == [50], "and come at once with it"


def test_a_renewal_is_charged_to_the_saved_card_every_month(acme: Organisation, fake: Any, now: datetime) -> None:
    rise(acme, Tier.PRO, now)
    billing.set_renewal_payment(
        organisation=acme, gateway="fake", payment_method=f"cus:{GOOD_CARD}", who=ALICE, now=now
    )
    for days in (30, 31, 61, 62, 92, 93):
        sweep(now + days * DAY)
    assert monthly(acme) == [50, 50, 50]
    paid = Purchase.objects.filter(organisation=acme, kind="subscription", status=PurchaseStatus.PAID)
    spans = [(p.period_from_at, p.period_until_at) for p in paid.order_by("period_from_at")]
    assert len(spans) == 4
    assert all(first[1] == second[0] for first, second in itertools.pairwise(spans)), "no gap, no overlap"
    assert fake.account.charges == 4
    assert not Notice.objects.filter(template="month_due").exists(), "nobody is asked for what pays itself"


def test_a_month_is_asked_for_where_its_card_cannot_be_charged_now(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    billing.set_renewal_payment(
        organisation=acme, gateway="fake", payment_method=f"cus:{GOOD_CARD}", who=ALICE, now=now
    )
    fake.account.is_down = True
    sweep(now + 31 * DAY)
    [said] = Notice.objects.filter(template="month_due")
    assert said.context["reference"] == Purchase.objects.get(status=PurchaseStatus.OPEN).reference


def test_an_unpaid_renewal_keeps_the_tier_for_the_grace_and_then_falls_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    ends = now + 30 * DAY
    sweep(ends)
    assert (subscription(acme).status, queries.tier_of(acme)) == (SubscriptionStatus.UNPAID, Tier.PRO)
    order = Purchase.objects.get(organisation=acme, status=PurchaseStatus.OPEN)
    sweep(ends + 13 * DAY)
    assert queries.tier_of(acme) is Tier.PRO
    sweep(ends + 14 * DAY)
    order.refresh_from_db()
    assert (queries.tier_of(acme), order.status) == (Tier.COMMUNITY, PurchaseStatus.CANCELLED)
    # Invoice and credit note of the month that was never paid cancel each other out.
    assert sum(i.gross_cents * (1 if i.kind == "invoice" else -1) for i in order.invoices.all()) == 0
    sweep(ends + 40 * DAY)
    assert monthly(acme) == [2], "a month that is never paid grants nothing"


def test_a_renewal_paid_within_the_grace_goes_on_without_a_gap(acme: Organisation, fake: Any, now: datetime) -> None:
    rise(acme, Tier.PRO, now)
    ended = subscription(acme).paid_until_at
    sweep(now + 31 * DAY)
    order = Purchase.objects.get(organisation=acme, status=PurchaseStatus.OPEN)
    transfer(order, now + 40 * DAY)
    order.refresh_from_db()
    assert order.period_from_at == ended
    assert subscription(acme).status == SubscriptionStatus.PAID


def test_our_own_downtime_costs_no_customer_the_tier(acme: Organisation, fake: Any, now: datetime) -> None:
    rise(acme, Tier.PRO, now)
    sweep(now + 100 * DAY)
    assert queries.tier_of(acme) is Tier.PRO
    assert subscription(acme).grace_until_at == now + 114 * DAY


def test_signing_up_in_a_paid_tier_bills_the_first_month(db: None, now: datetime) -> None:
    acme = sign_up("acme", Tier.PRO, now)
    sweep(now + DAY)
    assert not Purchase.objects.exists(), "nobody can be invoiced without an address"
    details(acme, now=now)
    sweep(now + 2 * DAY)
    order = Purchase.objects.get(organisation=acme)
    transfer(order, now + 3 * DAY)
    order.refresh_from_db()
    assert (order.period_from_at, subscription(acme).status) == (now, SubscriptionStatus.PAID)


def test_a_sign_up_that_is_never_paid_falls_back_to_community(db: None, now: datetime) -> None:
    acme = sign_up("acme", Tier.PRO, now)
    sweep(now + 15 * DAY)
    assert queries.tier_of(acme) is Tier.COMMUNITY


def test_a_rise_without_billing_details_says_what_is_missing(fake: Any, db: None, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    with pytest.raises(BillingDetailsMissing, match="billing details"):
        rise(acme, Tier.PRO, now)


def test_what_is_left_of_a_paid_month_is_deducted_from_the_higher_tier(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    answer = rise(acme, Tier.ENTERPRISE, now + 15 * DAY)
    first = Purchase.objects.get(organisation=acme, tier="pro")
    assert first.period_until_at and first.period_from_at
    left = first.period_until_at - (now + 15 * DAY)
    unused = 99_00 * int(left.total_seconds()) // int((first.period_until_at - first.period_from_at).total_seconds())
    assert answer.purchase.net_cents == 499_00 - unused
    assert 40_00 < unused < 55_00


def test_every_move_of_a_subscription_is_recorded_with_who_and_why(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    billing.cancel_tier(organisation=acme, who=ALICE, why="too dear", now=now + DAY)
    moves = Event.objects.filter(organisation=acme, subject="subscription").order_by("id")
    assert [(e.move, e.who) for e in moves] == [("free -> paid", "fake"), ("paid -> ending", ALICE)]
    assert moves[1].why == "too dear"


@pytest.mark.pure
def test_every_status_can_be_left_and_reached() -> None:
    assert set(SUBSCRIPTION_MOVES) == set(SubscriptionStatus)
    reached = {to for moves in SUBSCRIPTION_MOVES.values() for to in moves}
    assert reached == set(SubscriptionStatus)


@pytest.mark.django_db(transaction=True)
def test_payments_and_sweeps_at_the_last_moment_of_grace_never_block_each_other(now: datetime) -> None:
    """Each customer ends up paid and in Pro: in time, or late, when the whole amount revives the order."""
    import threading

    from django.db import connection

    from otai.billing.audit import audit

    customers = [sign_up(f"c{n}", Tier.PRO, now) for n in range(4)]
    for customer in customers:
        details(customer, now=now)
    billing.sweep_subscriptions(now=now)
    orders = list(Purchase.objects.order_by("id"))
    barrier, problems = threading.Barrier(4), []

    def at_once(work: Any) -> None:
        try:
            barrier.wait()
            work()
        except Exception as error:  # noqa: BLE001 -- reported below
            problems.append(error)
        finally:
            connection.close()

    def confirm() -> None:
        for order in orders:
            transfer(order, now + 14 * DAY)

    works = [confirm, confirm, lambda: sweep(now + 14 * DAY), lambda: sweep(now + 14 * DAY)]
    threads = [threading.Thread(target=at_once, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert audit().findings == []
    assert [queries.tier_of(customer) for customer in customers] == [Tier.PRO] * 4
    assert [ledger.balance(customer.id).available for customer in customers] == [100] * 4


# --- what a rise deducts, and what it leaves alone


def month_ends(purchase: Purchase) -> datetime:
    found = Purchase.objects.get(id=purchase.id).period_until_at
    assert found is not None
    return found


def test_a_rise_paid_late_is_a_month_less_what_the_old_tier_was_used_meanwhile(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    ordered = billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now + DAY).purchase
    assert ordered is not None
    late = now + 29 * DAY + timedelta(hours=20)
    transfer(ordered, late)
    # EUR 95.70 had been deducted for 29 days, and nothing but hours is left: 5.9 days of the new month are used
    # already.
    whole = datetime(2027, 1, 1, 23, tzinfo=UTC) - late
    assert timedelta(0) <= month_ends(ordered) - (late + whole * (1 - 95.3 / 499)) < DAY


@pytest.mark.parametrize(
    ("begun", "ends"),
    [
        (datetime(2026, 11, 2, 9, 30, tzinfo=UTC), datetime(2027, 1, 8, 23, tzinfo=UTC)),
        # Made up into February, and not a day less: EUR 93 are 5 days and 19 hours of Enterprise.
        (datetime(2026, 12, 24, tzinfo=UTC), datetime(2027, 3, 1, 23, tzinfo=UTC)),
    ],
)
def test_a_rise_paid_after_the_old_month_was_renewed_counts_what_that_left(
    acme: Organisation, fake: Any, begun: datetime, ends: datetime
) -> None:
    rise(acme, Tier.PRO, begun)
    paid = {"gateway": "fake", "payment_method": f"c:{GOOD_CARD}"}
    billing.set_renewal_payment(organisation=acme, who=ALICE, now=begun, **paid)
    ordered = billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=begun + 29 * DAY).purchase
    assert ordered is not None
    sweep(begun + 31 * DAY)
    assert subscription(acme).status == SubscriptionStatus.PAID, "an unpaid rise stops no renewal"
    transfer(ordered, begun + 31 * DAY)
    assert month_ends(ordered) == ends, "the month renewed meanwhile is not lost"


def test_a_month_that_was_charged_back_is_not_deducted(acme: Organisation, fake: Any, now: datetime) -> None:
    month = rise(acme, Tier.PRO, now).purchase
    fake.dispute(month.gateway_reference)
    billing.book_reversals(month.id, fake.reversals(month.gateway_reference), who="fake", now=now)
    ordered = billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now + DAY).purchase
    assert ordered is not None
    assert (ordered.net_cents, ordered.deducted_cents, ordered.gateway) == (499_00, 0, "bank_transfer")


def test_an_unpaid_rise_leaves_the_renewal_and_is_paid_instead_of_it(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    rise(acme, Tier.PRO, now)
    higher = billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now + DAY).purchase
    sweep(now + 31 * DAY)
    renewal = Purchase.objects.get(organisation=acme, tier="pro", status=PurchaseStatus.OPEN)
    assert higher is not None
    transfer(higher, now + 32 * DAY)
    renewal.refresh_from_db()
    assert (queries.tier_of(acme), renewal.status) == (Tier.ENTERPRISE, PurchaseStatus.CANCELLED)
    assert Purchase.objects.filter(organisation=acme, status=PurchaseStatus.OPEN).count() == 0


def renewed_by_card(organisation: Organisation, now: datetime) -> datetime:
    """A month of Pro is paid, and a kept card pays those that follow; returns when the next one is due."""
    rise(organisation, Tier.PRO, now)
    kept = {"gateway": "fake", "payment_method": f"cus:{GOOD_CARD}"}
    billing.set_renewal_payment(organisation=organisation, who=ALICE, now=now, **kept)
    return now + 31 * DAY


def test_whoever_cancels_while_the_month_is_charged_is_told_so_and_cancels_after_it(
    acme: Organisation, fake: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order was cancelled, "cancelled" was answered, and the card charged all the same: the tier began again."""
    due = renewed_by_card(acme, now)
    confirm, refusals = FakeGateway.confirm, []

    def meanwhile(*asked: Any, **how: Any) -> Any:
        with pytest.raises(RiseNotPossible) as refused:
            billing.cancel_tier(organisation=acme, who=ALICE, now=due)
        refusals.append(refused.value)
        return confirm(*asked, **how)

    with monkeypatch.context() as patch:
        patch.setattr(FakeGateway, "confirm", meanwhile)
        sweep(due)
    assert len(refusals) == 1 and subscription(acme).status == SubscriptionStatus.PAID
    billing.cancel_tier(organisation=acme, who=ALICE, now=due)
    assert subscription(acme).status == SubscriptionStatus.ENDING


def test_a_month_that_was_cancelled_just_before_it_is_charged_is_not(
    acme: Organisation, fake: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = renewed_by_card(acme, now)
    claim = dunning._claim

    def after_alice_cancelled(*asked: Any, **how: Any) -> Any:
        billing.cancel_tier(organisation=acme, who=ALICE, now=due)
        return claim(*asked, **how)

    with monkeypatch.context() as patch:
        patch.setattr(dunning, "_claim", after_alice_cancelled)
        billing.sweep_subscriptions(now=due)
    assert subscription(acme).status == SubscriptionStatus.FREE
    assert list(Purchase.objects.order_by("id").values_list("status", flat=True)) == ["paid", "cancelled"]
    assert not ChargeAttempt.objects.exists()


def test_a_try_that_a_dead_process_left_keeps_nobody_in_a_tier(acme: Organisation, fake: Any, now: datetime) -> None:
    due = renewed_by_card(acme, now)
    fake.account.is_down = True
    billing.sweep_subscriptions(now=due)
    ChargeAttempt.objects.update(ended_at=None, outcome="")
    with pytest.raises(RiseNotPossible):
        billing.cancel_tier(organisation=acme, who=ALICE, now=due)
    billing.cancel_tier(organisation=acme, who=ALICE, now=due + timedelta(hours=1))
    assert subscription(acme).status == SubscriptionStatus.FREE


@pytest.mark.django_db(transaction=True)
def test_an_audit_reads_one_moment_while_customers_go_on(acme: Organisation, fake: Any, now: datetime) -> None:
    """A rise between two of its looks read as a tier that nothing had brought into force."""
    import threading

    from django.db import connection

    from otai.billing.audit import audit

    rises = [lambda: rise(acme, Tier.PRO, now)]

    def alice_rises() -> None:
        try:
            rises.pop()()
        finally:
            connection.close()

    def beside(execute: Any, sql: str, *more: Any) -> Any:
        if rises and "billing_tier_change" in sql and "DESC" in sql:
            other = threading.Thread(target=alice_rises)
            other.start()
            other.join()
        return execute(sql, *more)

    with connection.execute_wrapper(beside):
        assert audit().findings == []
    assert queries.tier_of(acme) is Tier.PRO and audit().findings == []
