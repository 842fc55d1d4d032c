"""The month's figures: what was received is earned, deferred or paid back, to the cent."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from otai.billing import operations as billing
from otai.billing.audit import _months_that_do_not_close, audit
from otai.billing.models import Invoice, Payment, PaymentRefund, Purchase, PurchaseKind
from otai.billing.months import Month
from otai.billing.operations import webhooks
from otai.billing.revenue import month_close
from otai.billing.testing import GOOD_CARD
from otai.errors import OtaiError
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.ledger.audit import audit as ledger_audit
from otai.ledger.models import LotSource
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, transfer

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def spend(organisation: Organisation, credits: int, at: datetime, key: str) -> Any:
    hold = ledger_operations.place_hold(
        organisation=organisation.id,
        credits=credits,
        key=key,
        reference=key,
        reason="run",
        now=at,
        deadline_at=at + DAY,
    )
    ledger_operations.capture(organisation=organisation.id, hold=hold.hold, key=f"{key}:c", reason="run", now=at)
    return hold.hold


def test_a_package_is_earned_as_it_is_spent(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = billing.buy(
        organisation=acme, package="50", key="b", who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    )
    spend(acme, 6 + 20, now + DAY, "run-1")
    billing.refund_payment(
        reference=bought.purchase.reference, who=OLGA, why="smaller team", now=now + 40 * DAY, credits=10
    )
    november = month_close(2026, 11, zone=BERLIN)
    assert [
        str(x) for x in (november.packages.received, november.packages.recognised, november.packages.deferred_after)
    ] == [
        "EUR 450",
        "EUR 180",
        "EUR 270",
    ]
    december = month_close(2026, 12, zone=BERLIN)
    assert (str(december.packages.refunded), str(december.packages.deferred_after)) == ("EUR 90", "EUR 180")
    assert (november.total.difference.cents, december.total.difference.cents) == (0, 0)
    assert (str(november.invoiced), str(december.credited)) == ("EUR 535.50", "EUR 107.10")


def test_a_month_of_a_tier_is_earned_day_by_day(acme: Organisation, fake: Any, now: datetime) -> None:
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD)
    november, december = month_close(2026, 11, zone=BERLIN), month_close(2026, 12, zone=BERLIN)
    assert november.tiers.recognised.cents + december.tiers.recognised.cents == 99_00
    assert 90_00 < november.tiers.recognised.cents < 99_00
    assert december.tiers.deferred_after.cents == 0


MIDNIGHT = datetime(2026, 12, 1, tzinfo=BERLIN)


@pytest.mark.parametrize("what", ["package", "month", "refund", "dispute", "lost dispute"])
def test_clocks_that_are_two_minutes_apart_make_one_month(what: str, acme: Organisation, fake: Any) -> None:
    """A machine whose clock is ahead writes to the ledger first, and the ledger's time never runs backwards: for what
    the other machine books a minute before midnight it is December there, and so it is for money and documents."""
    before, late, ahead = MIDNIGHT - DAY, MIDNIGHT - timedelta(minutes=1), MIDNIGHT + timedelta(minutes=1)
    card = {"gateway": "fake", "payment_method": GOOD_CARD}

    def buys(at: datetime) -> Purchase:
        return billing.buy(organisation=acme, package="100", key="b", who=ALICE, now=at, **card).purchase

    def fast_machine() -> None:
        billing.give_goodwill(organisation=acme, credits=1, who=OLGA, why="sorry", key="fast", now=ahead)

    was_paid = what not in ("package", "month")
    purchase = buys(before) if was_paid else None
    fast_machine()
    if what == "package":
        buys(late)
    elif what == "month":
        billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=late, **card)
    elif what == "refund":
        assert purchase is not None
        billing.refund_payment(reference=purchase.reference, who=OLGA, why="no longer needed", now=late)
    else:
        assert purchase is not None
        fake.dispute(purchase.gateway_reference, verdict="lost" if what == "lost dispute" else "opened")
        billing.book_reversals(purchase.id, fake.reversals(purchase.gateway_reference), who="fake", now=late)
    november, december = [month_close(2026, month, zone=BERLIN) for month in (11, 12)]
    assert (november.total.difference.cents, december.total.difference.cents) == (0, 0)
    assert november.packages.deferred_after == december.packages.deferred_before
    price = 99_00 if what == "month" else 800_00
    assert [close.total.received.cents for close in (november, december)] == ([price, 0] if was_paid else [0, price])
    assert [close.total.refunded.cents for close in (november, december)] == [0, price if was_paid else 0]
    for close in (november, december):
        assert close.cash_received.cents == close.invoiced.cents == close.total.received.cents * 119 // 100
        gone = 0 if what == "dispute" else close.total.refunded.cents * 119 // 100
        assert close.cash_paid_back.cents == close.credited.cents == gone, "what is only disputed is not gone"


def test_a_clock_that_is_wrong_dates_no_document(acme: Organisation, fake: Any, now: datetime) -> None:
    billing.give_goodwill(organisation=acme, credits=1, who=OLGA, why="sorry", key="years", now=now + 800 * DAY)
    billing.buy(organisation=acme, package="10", key="b", who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD)
    assert Invoice.objects.get().issued_at == Purchase.objects.get().paid_at == now


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.pure) for seed in (2, 3))])
def test_a_year_of_everything_closes_to_the_cent(
    seed: int, acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    """Two customers buy, pay too little and too much, spend, get refunds and disputes, rise and fall, for fourteen
    months."""
    dice = random.Random(seed)
    clock, runs = now, []
    customers = [acme, globex]
    billing.set_renewal_payment(
        organisation=acme, gateway="fake", payment_method=f"cus:{GOOD_CARD}", who=ALICE, now=now
    )
    for step in range(90):
        clock += timedelta(hours=dice.randint(1, 24 * 9))
        one = dice.choice(customers)
        paid = list(Purchase.objects.filter(organisation=one, paid_at__isnull=False, kind=PurchaseKind.PACKAGE))
        try:
            match dice.choice(
                ["card", "bank", "spend", "spend", "spend", "refund", "dispute", "credit refund", "tier", "sweep"]
            ):
                case "card":
                    billing.buy(
                        organisation=one,
                        package=dice.choice(["10", "50", "100"]),
                        key=f"k{step}",
                        who=ALICE,
                        now=clock,
                        gateway="fake",
                        payment_method=GOOD_CARD,
                    )
                case "bank":
                    order = billing.buy(organisation=one, package="50", key=f"k{step}", who=ALICE, now=clock).purchase
                    for part in range(dice.randint(0, 3)):
                        billing.confirm_payment(
                            reference=order.reference,
                            received=Money(dice.choice([100_00, 300_01, order.gross_cents])),
                            bank_reference=f"TX{step}-{part}",
                            who=OLGA,
                            why="statement",
                            now=clock,
                        )
                case "spend":
                    runs.append((one, spend(one, dice.randint(1, 12), clock, f"run-{step}")))
                case "refund" if paid:
                    billing.refund_payment(reference=dice.choice(paid).reference, who=OLGA, why="refund", now=clock)
                case "dispute" if paid:
                    purchase = dice.choice([p for p in paid if p.gateway == "fake"] or paid)
                    for verdict in dice.choice([["opened"], ["opened", "won"], ["opened", "lost"], ["lost"]]):
                        if purchase.gateway == "fake":
                            body, headers = fake.signed(fake.dispute(purchase.gateway_reference, verdict=verdict))
                            webhooks.receive(gateway="fake", body=body, headers=headers, now=clock)
                case "credit refund" if runs:
                    owner, hold = dice.choice(runs)
                    billing.refund_credits(organisation=owner, hold=hold, who=OLGA, why="faulty", now=clock)
                case "tier":
                    billing.change_tier(
                        organisation=one,
                        tier=dice.choice(list(Tier)),
                        who=ALICE,
                        now=clock,
                        gateway="fake",
                        payment_method=GOOD_CARD,
                    )
                case "sweep":
                    billing.sweep_subscriptions(now=clock)
                    billing.sweep_grants(now=clock)
                    billing.collect_owed(now=clock)
                    billing.cancel_expired(now=clock)
        except OtaiError:
            continue
    received = refunded = recognised = 0
    at = datetime(now.year, now.month, 1, tzinfo=UTC)
    last = None
    while at <= clock:
        close = month_close(at.year, at.month, zone=BERLIN)
        assert (close.packages.difference.cents, close.tiers.difference.cents) == (0, 0)
        deferred = ledger.deferred_revenue(Month(at.year, at.month).ends(BERLIN) - timedelta(microseconds=1))
        assert deferred.totals.get("EUR", Money(0)) == close.packages.deferred_after
        if last is not None:
            assert close.total.deferred_before == last.total.deferred_after
        received += close.total.received.cents
        refunded += close.total.refunded.cents
        recognised += close.total.recognised.cents
        last, at = close, (at + 31 * DAY).replace(day=1)
    assert last is not None
    assert recognised + last.total.deferred_after.cents == received - refunded
    assert received > 0
    # Money: what came is applied or surplus; what goes back was booked.
    for payment in Payment.objects.all():
        assert payment.cents == payment.applied_cents + payment.surplus_cents
    for purchase in Purchase.objects.all():
        signed = [
            i.gross_cents if i.kind == "invoice" else -i.gross_cents for i in Invoice.objects.filter(purchase=purchase)
        ]
        back = sum(
            PaymentRefund.objects.filter(purchase=purchase, kind="unused_credits").values_list("gross_cents", flat=True)
        )
        assert sum(signed) >= 0
        if purchase.paid_at and purchase.status in ("paid", "refunded"):
            assert sum(signed) == purchase.gross_cents - back, purchase.reference
        if purchase.status == "cancelled":
            assert sum(signed) == 0
    for customer in customers:
        assert ledger.balance(customer.id).available >= 0
    assert audit().findings == []
    assert ledger_audit().clean
    for kind in ("invoice", "credit_note"):
        for year in (2026, 2027, 2028):
            numbers = sorted(Invoice.objects.filter(kind=kind, year=year).values_list("sequence", flat=True))
            assert numbers == list(range(1, len(numbers) + 1))


def test_more_months_are_audited_in_as_many_readings(acme: Organisation, now: datetime) -> None:
    def buys_and_spends(at: datetime, key: str) -> None:
        transfer(billing.buy(organisation=acme, package="10", key=key, who=ALICE, now=at).purchase, at)
        spend(acme, 7, at + DAY, key)

    def readings() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert list(_months_that_do_not_close()) == []
        return len(asked)

    buys_and_spends(now, "first")
    with_one_month = readings()
    for month in range(1, 5):
        buys_and_spends(now + 31 * month * DAY, f"month {month}")
    assert readings() == with_one_month
    closed = [month_close(now.year, 11, zone=BERLIN), month_close(now.year, 12, zone=BERLIN)]
    assert [str(close.packages.recognised) for close in closed] == ["EUR 10", "EUR 70"]


def test_the_audit_finds_credits_that_nobody_paid_for(acme: Organisation, now: datetime) -> None:
    ledger_operations.grant(
        organisation=acme.id,
        credits=50,
        source=LotSource.PURCHASE,
        key="by hand",
        reference="purchase:OT-NONE",
        reason="by hand",
        now=now,
        price=Money(1),
    )
    assert [finding.what for finding in audit().findings] == [
        "credits of a purchase were paid for",
        "a month's close adds up",
    ]


def test_the_audit_finds_payments_that_were_changed_behind_its_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD)
    assert audit().clean
    Payment.objects.update(cents=1, applied_cents=1)
    assert [finding.what for finding in audit().findings] == [
        "payments add up to what was paid",
        "a payment is what was told when it came",
    ]


def test_the_audit_finds_a_deleted_invoice(acme: Organisation, fake: Any, now: datetime) -> None:
    for key in ("a", "b"):
        billing.buy(
            organisation=acme,
            package="50",
            key=key,
            who=ALICE,
            now=now,
            gateway="fake",
            payment_method="pm_good",
        )
    if connection.vendor == "postgresql":
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            Invoice.objects.filter(sequence=1)._raw_delete("default")
    else:
        Invoice.objects.filter(sequence=1)._raw_delete("default")
        found = [finding.where for finding in audit().findings]
        assert found[0] == "invoice 2026: 1"
