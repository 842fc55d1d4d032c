"""Buying packages: what is charged, when credits come, and what goes wrong on the way."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from otai.billing import operations as billing
from otai.billing import packages
from otai.billing.gateway import GatewayUnavailable, GatewayUnknown, PaymentDeclined, PaymentState
from otai.billing.models import Event, Invoice, Payment, Purchase
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.checkout import CannotCancel, PurchaseKeyReused
from otai.billing.operations.events import WhoAndWhyMissing
from otai.billing.operations.orders import BillingDetailsMissing, TooManyUnpaidOrders
from otai.billing.operations.payments import InvalidPayment, PaymentDiffers
from otai.billing.operations.refunds import NothingToRefund
from otai.billing.revenue import month_close
from otai.billing.status import PURCHASE_MOVES, PurchaseStatus
from otai.billing.testing import CARD_WITH_3D_SECURE, DECLINED_CARD, GOOD_CARD, SLOW_DEBIT
from otai.errors import NotFound
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.ledger.models import Lot, LotSource
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, acme_signs_up, details, own_findings, sign_up

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def buy(organisation: Organisation, now: datetime, package: str = "50", key: str = "click-1", **more: Any) -> Any:
    return billing.buy(organisation=organisation, package=package, key=key, who=ALICE, now=now, **more)


def by_card(organisation: Organisation, now: datetime, method: str = GOOD_CARD, **more: Any) -> Any:
    return buy(organisation, now, gateway="fake", payment_method=method, **more)


def transfer(purchase: Purchase, now: datetime, cents: int, entry: str, currency: str = "EUR") -> Any:
    return billing.confirm_payment(
        reference=purchase.reference,
        received=Money(cents, currency),
        bank_reference=entry,
        who=OLGA,
        why="bank statement of today",
        now=now,
    )


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


# --- packages


def test_packages_show_their_effective_price(acme: Organisation, now: datetime) -> None:
    offers = packages.packages_for(acme, now=now)
    assert [(o.credits, str(o.price), o.effective_price) for o in offers] == [
        (10, "EUR 100", "EUR 10 / credit"),
        (50, "EUR 450", "EUR 9 / credit"),
        (100, "EUR 800", "EUR 8 / credit"),
    ]


def test_an_operator_offers_an_own_package_to_one_organisation(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    billing.offer_package(
        organisation=acme,
        code="big-2026",
        credits=1000,
        price=Money(7000_00),
        who=OLGA,
        why="framework contract",
        now=now,
    )
    assert [o.code for o in packages.packages_for(acme, now=now)] == ["10", "50", "100", "big-2026"]
    assert [o.code for o in packages.packages_for(globex, now=now)] == ["10", "50", "100"]
    with pytest.raises(NotFound):
        by_card(globex, now, package="big-2026")
    by_card(acme, now, package="big-2026")
    assert available(acme) == 1006
    billing.withdraw_package(organisation=acme, code="big-2026", who=OLGA, why="contract ended", now=now)
    with pytest.raises(NotFound, match="There are: 10, 50, 100"):
        by_card(acme, now, package="big-2026", key="again")


def test_an_own_package_needs_a_reason(acme: Organisation, now: datetime) -> None:
    with pytest.raises(WhoAndWhyMissing):
        billing.offer_package(organisation=acme, code="big", credits=10, price=Money(1), who=OLGA, why=" ", now=now)


def test_any_tier_buys_any_package_any_number_of_times(fake: Any, db: None, now: datetime) -> None:
    for tier, initial in ((Tier.COMMUNITY, 6), (Tier.PRO, 100), (Tier.ENTERPRISE, 500)):
        customer = sign_up(f"in-{tier.value}", tier, now)
        details(customer, now=now)
        for n, package in enumerate(("10", "50", "100", "10")):
            by_card(customer, now, package=package, key=f"click-{n}")
        assert available(customer) == initial + 170


# --- credits come with the confirmed payment


def test_credits_come_when_the_card_is_charged(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = by_card(acme, now)
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.PAID, 56)
    lot = Lot.objects.get(organisation=acme, source=LotSource.PURCHASE)
    assert (lot.credits, lot.price_cents, lot.id) == (50, 450_00, bought.purchase.lot)
    assert (bought.purchase.net_cents, bought.purchase.vat_cents, bought.purchase.gross_cents) == (45000, 8550, 53550)


def test_a_bank_transfer_brings_credits_when_an_operator_confirms_it(acme: Organisation, now: datetime) -> None:
    bought = buy(acme, now)
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.OPEN, 6)
    booked = transfer(bought.purchase, now + DAY, 535_50, "TX1")
    assert (booked.delivered, available(acme)) == (True, 56)
    assert Invoice.objects.get(purchase=bought.purchase).gross_cents == 535_50


def test_the_same_bank_entry_counts_once(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    transfer(purchase, now, 535_50, "TX1")
    assert transfer(purchase, now, 535_50, "TX1").replayed
    assert (available(acme), Payment.objects.count()) == (56, 1)
    other = buy(acme, now, key="click-2").purchase
    with pytest.raises(PaymentDiffers, match="recorded before"):
        transfer(other, now, 535_50, "TX1")
    with pytest.raises(PaymentDiffers):
        transfer(purchase, now, 1_00, "TX1")


def test_a_partial_transfer_waits_for_the_rest(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    booked = transfer(purchase, now, 500_00, "TX1")
    assert (booked.delivered, str(booked.missing), available(acme)) == (False, "EUR 35.50", 6)
    assert booked.purchase.status == PurchaseStatus.PART_PAID
    assert str(transfer(purchase, now, 10_00, "TX2").missing) == "EUR 25.50"
    assert transfer(purchase, now, 25_50, "TX3").delivered
    assert available(acme) == 56


def test_an_overpayment_is_kept_as_surplus_and_returned_once(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    booked = transfer(purchase, now, 600_00, "TX1")
    assert (booked.delivered, str(booked.surplus), available(acme)) == (True, "EUR 64.50", 56)
    refund = billing.return_surplus(payment=booked.payment.id, who=OLGA, why="paid too much", now=now)
    assert (refund.gross_cents, refund.state) == (64_50, "sent")
    from otai.billing.operations.refunds import NothingToRefund

    with pytest.raises(NothingToRefund):
        billing.return_surplus(payment=booked.payment.id, who=OLGA, why="again", now=now)


def test_money_in_the_wrong_currency_grants_nothing_and_is_kept(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    booked = transfer(purchase, now, 535_50, "TX1", currency="USD")
    assert (booked.delivered, str(booked.surplus), available(acme)) == (False, "USD 535.50", 6)
    assert Event.objects.filter(move=BillingOccurrence.SURPLUS_WAITS).exists()


@pytest.mark.parametrize(("cents", "entry"), [(0, "TX"), (-5, "TX"), (100, ""), (100, "   "), (100, "x" * 200)])
def test_a_payment_without_amount_or_bank_reference_is_refused(
    cents: int, entry: str, acme: Organisation, now: datetime
) -> None:
    purchase = buy(acme, now).purchase
    with pytest.raises(InvalidPayment):
        transfer(purchase, now, cents, entry)
    assert not Payment.objects.exists()


def test_an_unknown_reference_is_refused(db: None, now: datetime) -> None:
    with pytest.raises(NotFound, match="OT-NONE"):
        billing.confirm_payment(
            reference="OT-NONE", received=Money(1), bank_reference="x", who=OLGA, why="statement", now=now
        )


def test_less_than_the_price_from_a_provider_grants_nothing(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = by_card(acme, now, SLOW_DEBIT)
    fake.settle(bought.purchase.gateway_reference, cents=1_00)
    billing.ask_gateways(now=now + DAY)
    bought.purchase.refresh_from_db()
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.PART_PAID, 6)


def test_another_currency_from_a_provider_grants_nothing(acme: Organisation, fake: Any, now: datetime) -> None:
    from dataclasses import replace

    bought = by_card(acme, now, SLOW_DEBIT)
    reference = bought.purchase.gateway_reference
    fake.settle(reference)
    fake.account.payments[reference] = replace(fake.account.payments[reference], currency="USD")
    billing.ask_gateways(now=now + DAY)
    bought.purchase.refresh_from_db()
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.PROCESSING, 6)
    assert Payment.objects.get().surplus_cents == 535_50


# --- double clicks and races


def test_a_double_click_buys_once(acme: Organisation, fake: Any, now: datetime) -> None:
    first = by_card(acme, now)
    second = by_card(acme, now + timedelta(seconds=1))
    assert (second.replayed, second.purchase.id) == (True, first.purchase.id)
    assert (available(acme), fake.account.charges, Invoice.objects.count()) == (56, 1, 1)


def test_one_key_is_not_two_purchases(acme: Organisation, fake: Any, now: datetime) -> None:
    by_card(acme, now)
    with pytest.raises(PurchaseKeyReused, match="50-credit package"):
        by_card(acme, now, package="100")
    assert available(acme) == 56


def test_the_same_key_of_another_organisation_is_its_own(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    by_card(acme, now)
    by_card(globex, now, package="100")
    assert (available(acme), available(globex)) == (56, 106)


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_buy_once_and_grant_once(fake: Any, now: datetime) -> None:
    acme = acme_signs_up(now)
    barrier, problems = threading.Barrier(8), []

    def click() -> None:
        try:
            barrier.wait()
            by_card(acme, now)
        except Exception as error:  # noqa: BLE001 -- reported below
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert (Purchase.objects.count(), Payment.objects.count(), Invoice.objects.count()) == (1, 1, 1)
    assert available(acme) == 56


@pytest.mark.django_db(transaction=True)
def test_two_operators_confirming_the_same_entry_grant_once(now: datetime) -> None:
    acme = acme_signs_up(now)
    purchase = buy(acme, now).purchase
    barrier, booked, problems = threading.Barrier(4), [], []

    def confirm() -> None:
        try:
            barrier.wait()
            booked.append(transfer(purchase, now, 535_50, "TX1"))
        except Exception as error:  # noqa: BLE001 -- reported below
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (problems, sorted(b.replayed for b in booked)) == ([], [False, True, True, True])
    assert available(acme) == 56


# --- declined, delayed, cancelled, expired


def test_a_declined_card_leaves_the_order_open_for_another(acme: Organisation, fake: Any, now: datetime) -> None:
    with pytest.raises(PaymentDeclined, match="declined") as refused:
        by_card(acme, now, DECLINED_CARD)
    purchase = Purchase.objects.get(reference=refused.value.details["purchase"])
    assert (purchase.status, available(acme)) == (PurchaseStatus.OPEN, 6)
    fake.account.methods[purchase.gateway_reference] = GOOD_CARD
    by_card(acme, now)
    assert available(acme) == 56


def test_3d_secure_waits_for_the_customer(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = by_card(acme, now, CARD_WITH_3D_SECURE)
    assert (bought.payment.state, bought.payment.client_secret, available(acme)) == (
        PaymentState.ACTION_NEEDED,
        "shh",
        6,
    )
    fake.settle(bought.purchase.gateway_reference)
    billing.ask_gateways(now=now + DAY)
    assert available(acme) == 56


def test_a_debit_that_fails_before_it_succeeded_grants_nothing(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = by_card(acme, now, SLOW_DEBIT)
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.PROCESSING, 6)
    fake.settle(bought.purchase.gateway_reference, succeeds=False)
    billing.ask_gateways(now=now + DAY)
    bought.purchase.refresh_from_db()
    assert (bought.purchase.status, available(acme)) == (PurchaseStatus.OPEN, 6)


def test_a_provider_that_is_down_can_be_asked_again_with_the_same_key(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    fake.account.is_down = True
    with pytest.raises(GatewayUnavailable):
        by_card(acme, now)
    fake.account.is_down = False
    assert by_card(acme, now).purchase.status == PurchaseStatus.PAID
    assert (available(acme), Purchase.objects.count()) == (56, 1)


def test_a_cancelled_order_brings_nothing_and_no_document(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    billing.cancel(organisation=acme, reference=purchase.reference, who=ALICE, why="bought twice", now=now)
    billing.cancel(organisation=acme, reference=purchase.reference, who=ALICE, why="bought twice", now=now)
    assert Invoice.objects.count() == 0
    assert available(acme) == 6


def test_the_full_amount_for_a_cancelled_order_brings_the_credits_after_all(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    billing.cancel(organisation=acme, reference=purchase.reference, who=ALICE, why="changed our minds", now=now)
    booked = transfer(purchase, now + DAY, 535_50, "TX1")
    assert (booked.delivered, available(acme)) == (True, 56)
    assert Invoice.objects.get().gross_cents == 535_50, "an invoice stands for the money that came"


def test_part_of_the_amount_for_a_cancelled_order_is_kept_to_be_returned(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    transfer(purchase, now, 100_00, "TX1")
    billing.cancel(organisation=acme, reference=purchase.reference, who=ALICE, why="changed our minds", now=now)
    booked = transfer(purchase, now + DAY, 435_50, "TX2")
    assert (booked.delivered, available(acme)) == (False, 6)
    assert sum(Payment.objects.values_list("surplus_cents", flat=True)) == 535_50


def test_what_is_paid_or_with_the_bank_cannot_be_cancelled(acme: Organisation, fake: Any, now: datetime) -> None:
    paid, slow = by_card(acme, now).purchase, by_card(acme, now, SLOW_DEBIT, key="click-2").purchase
    for purchase in (paid, slow):
        with pytest.raises(CannotCancel):
            billing.cancel(organisation=acme, reference=purchase.reference, who=ALICE, why="no", now=now)


def test_a_payment_that_wins_the_race_against_its_cancellation_stands(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = by_card(acme, now, CARD_WITH_3D_SECURE)
    fake.settle(bought.purchase.gateway_reference)
    with pytest.raises(CannotCancel):
        billing.cancel(organisation=acme, reference=bought.purchase.reference, who=ALICE, why="too slow", now=now)
    assert available(acme) == 56


def test_orders_nobody_pays_lapse_after_their_time(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    assert billing.cancel_expired(now=now + 29 * DAY) == 0
    assert billing.cancel_expired(now=now + 30 * DAY) == 1
    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.CANCELLED


# --- who may see and do what


def test_carol_neither_sees_nor_cancels_what_acme_bought(
    acme: Organisation, globex: Organisation, now: datetime
) -> None:
    purchase = buy(acme, now).purchase
    with pytest.raises(NotFound):
        billing.cancel(organisation=globex, reference=purchase.reference, who="carol", why="curious", now=now)
    assert not Purchase.objects.filter(organisation=globex).exists()


def test_without_billing_details_nothing_is_bought(fake: Any, db: None, now: datetime) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, now)
    with pytest.raises(BillingDetailsMissing):
        by_card(acme, now)
    assert not Purchase.objects.exists()


def test_an_unknown_way_to_pay_is_refused(acme: Organisation, now: datetime) -> None:
    with pytest.raises(GatewayUnknown, match="bank_transfer"):
        buy(acme, now, gateway="barter")


def test_every_move_of_a_purchase_is_recorded_with_who_and_why(acme: Organisation, now: datetime) -> None:
    purchase = buy(acme, now).purchase
    transfer(purchase, now, 100_00, "TX1")
    transfer(purchase, now, 435_50, "TX2")
    events = Event.objects.filter(subject="purchase", subject_id=str(purchase.id)).order_by("id")
    assert [(e.move, e.who) for e in events] == [
        (BillingOccurrence.ORDERED, ALICE),
        (BillingOccurrence.PAYMENT_RECEIVED, OLGA),
        ("open -> part_paid", OLGA),
        (BillingOccurrence.PAYMENT_RECEIVED, OLGA),
        ("part_paid -> paid", OLGA),
    ]


@pytest.mark.pure
def test_every_purchase_status_has_its_moves() -> None:
    assert set(PURCHASE_MOVES) == set(PurchaseStatus)
    assert {to for moves in PURCHASE_MOVES.values() for to in moves} == set(PurchaseStatus)


def test_a_fee_of_any_size_goes_back_over_as_many_payments_as_it_takes(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    card: dict[str, Any] = {
        "organisation": acme,
        "who": ALICE,
        "now": now,
        "gateway": "fake",
        "payment_method": GOOD_CARD,
    }
    billing.change_tier(tier=Tier.PRO, **card)
    package = billing.buy(package="10", key="ten", **card).purchase
    lot = ledger_operations.grant(
        organisation=acme.id, credits=18, source=LotSource.GUARANTEE, key="fee", reference="fee", reason="fee", now=now
    ).lot
    fee: dict[str, Any] = {
        "organisation": acme,
        "lot": lot,
        "reference": "fee",
        "who": OLGA,
        "why": "as money",
        "now": now,
    }
    with pytest.raises(NothingToRefund):
        billing.refund_fee(credits=20, key="too much", **fee)
    refunds = billing.refund_fee(credits=18, key="back", **fee)
    assert [(one.purchase.kind, one.net_cents, one.credits) for one in refunds] == [
        ("subscription", 99_00, 9),
        ("package", 81_00, 9),
    ]
    with pytest.raises(NothingToRefund, match="EUR 19 "):
        billing.refund_payment(reference=package.reference, who=OLGA, why="unused", now=now, credits=10)
    [unused] = billing.refund_payment(reference=package.reference, who=OLGA, why="unused", now=now)
    assert (unused.credits, unused.net_cents) == (1, 10_00), "the same money goes out once"
    assert own_findings() == []
    close = month_close(now.year, now.month, zone=acme.zone)
    assert (close.packages.difference.cents, close.tiers.difference.cents) == (0, 0)


def test_three_orders_may_wait_for_their_money_and_no_more(acme: Organisation, now: datetime) -> None:
    orders = [
        billing.buy(organisation=acme, package="10", key=f"click {n}", who=ALICE, now=now).purchase for n in range(3)
    ]
    with pytest.raises(TooManyUnpaidOrders, match=orders[0].reference):
        billing.buy(organisation=acme, package="10", key="click 4", who=ALICE, now=now)
    with pytest.raises(TooManyUnpaidOrders):
        billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now)
    assert billing.buy(organisation=acme, package="10", key="click 0", who=ALICE, now=now).replayed
    billing.cancel(organisation=acme, reference=orders[0].reference, who=ALICE, why="too many", now=now)
    assert billing.buy(organisation=acme, package="10", key="click 4", who=ALICE, now=now).purchase.status == "open"
