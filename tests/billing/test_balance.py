"""The balance at the provider, compared with the books once a day: what no news told of is booked, what differs stands
on the desk and in the audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.gateway import GatewayUnavailable, MoveKind, PaymentState
from otai.billing.gateways.stripe_balance import seen_move
from otai.billing.models import BalanceCheck, BalanceDifference, BalanceMove, Payment, Purchase
from otai.billing.operations.balance import compare_balances, explain
from otai.billing.operations.sweep import sweep
from otai.billing.testing import FEE_CENTS, GOOD_CARD
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def buys(organisation: Organisation, now: datetime, key: str = "click") -> Purchase:
    return billing.buy(
        organisation=organisation, package="50", key=key, who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    ).purchase


def standing() -> list[tuple[str, int, int]]:
    found = BalanceDifference.objects.filter(gone_at__isnull=True).order_by("what", "subject")
    return list(found.values_list("what", "ours_cents", "theirs_cents"))


def test_books_and_balance_say_the_same(acme: Organisation, fake: Any, now: datetime) -> None:
    disputed, refunded = buys(acme, now), buys(acme, now, key="two")
    fake.dispute(disputed.gateway_reference, cents=100_00)
    billing.refund_payment(reference=refunded.reference, who=OLGA, why="refund", now=now, credits=5)
    fake.refund_by_hand(refunded.gateway_reference, cents=10_00)
    fake.pays_out(300_00)
    sweep(now=now + 2 * HOUR)
    assert standing() == []
    assert BalanceCheck.objects.get().moves == 6
    assert sum(BalanceMove.objects.filter(kind=MoveKind.PAYMENT).values_list("fee_cents", flat=True)) == 70
    fake.dispute(disputed.gateway_reference, cents=100_00, verdict="won")
    sweep(now=now + DAY)
    assert (standing(), audit().findings) == ([], [])


def test_it_is_compared_once_a_day(acme: Organisation, fake: Any, now: datetime) -> None:
    for hours in (0, 1, 5, 24, 25):
        compare_balances(now=now + hours * HOUR)
    assert BalanceCheck.objects.count() == 2


def test_a_dispute_that_no_news_told_of_is_booked(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    fake.dispute(bought.gateway_reference)
    fake.account.events.pop()
    sweep_without_balance = now + 2 * HOUR
    BalanceCheck.objects.create(gateway="fake", day=now.date(), since_at=now - DAY, made_at=now, moves=0, differences=0)
    sweep(now=sweep_without_balance)
    bought.refresh_from_db()
    assert bought.status == "paid", "nobody told, and nobody asked"
    sweep(now=now + DAY)
    bought.refresh_from_db()
    assert (bought.status, standing()) == ("disputed", [])


def test_what_is_not_booked_stands_until_it_is_gone(
    acme: Organisation, fake: Any, now: datetime, admin_client: Client
) -> None:
    bought = buys(acme, now)
    fake.account.moves.clear()
    fake._moves(MoveKind.PAYMENT, 77_00, payment="fp_nobody_knows")
    fake._moves(MoveKind.OTHER, 5_00)
    sweep(now=now + 2 * HOUR)
    unknown = ("unknown_kind", 0, 5_00)
    missing = ("payment_not_moved", bought.gross_cents, 0)
    assert standing() == [("payment_not_booked", 0, 77_00), missing, unknown]
    found = [found for found in audit().findings if found.what.startswith("the balance at fake")]
    assert len(found) == 3 and "fp_nobody_knows" in {one.where for one in found}
    page = admin_client.get("/desk/billing/balancedifference/?gone_at__isempty=1").content.decode()
    assert "fp_nobody_knows" in page and "EUR 77" in page and "a payment is not booked" in page
    german = admin_client.get("/desk/billing/balancedifference/", headers={"Accept-Language": "de"}).content.decode()
    assert "eine Zahlung ist nicht gebucht" in german
    assert "fp_nobody_knows" in admin_client.get("/desk/billing/balancemove/").content.decode()
    fake._moves(MoveKind.PAYMENT, bought.gross_cents, payment=bought.gateway_reference)
    fake._moves(MoveKind.PAYMENT, -77_00, payment="fp_nobody_knows")
    sweep(now=now + DAY)
    assert standing() == [unknown]
    assert BalanceDifference.objects.filter(gone_at=now + DAY).count() == 2


def test_charges_of_another_business_are_told_one_by_one(acme: Organisation, fake: Any, now: datetime) -> None:
    """Over the same account, in whatever way: not all of them are of an intent, nor all movements in euros."""
    charges = (("ch_1", 10_00), ("ch_2", 25_00))
    came = [
        {"id": f"txn_{id}", "type": "charge", "amount": cents, "source": {"object": "charge", "id": id}}
        for id, cents in charges
    ]
    came.append({"id": "txn_new", "type": "reserved_funds", "amount": -9_00, "source": "rf_1"})
    fake.account.moves = [seen_move({"currency": "usd", "created": now.timestamp(), **one}) for one in came]
    sweep(now=now + 2 * HOUR)
    found = BalanceDifference.objects.order_by("subject").values_list("subject", "theirs_cents", "currency")
    assert list(found) == [("ch_1", 10_00, "USD"), ("ch_2", 25_00, "USD"), ("txn_new", -9_00, "USD")]


def test_what_is_none_of_ours_is_explained_until_its_amount_changes(
    acme: Organisation, fake: Any, now: datetime, admin_client: Client
) -> None:
    fake._moves(MoveKind.PAYMENT, 77_00, payment="fp_of_the_shop")
    sweep(now=now + 2 * HOUR)
    found = BalanceDifference.objects.get()
    action = f"/desk/billing/balancedifference/{found.id}/act/explain/"
    assert "Explained." in admin_client.post(action, {"why": "our other shop"}, follow=True).content.decode()
    assert audit().findings == []
    sweep(now=now + DAY)
    assert audit().findings == [], "it is found again, and explained still"
    fake._moves(MoveKind.PAYMENT, 1_00, payment="fp_of_the_shop")
    sweep(now=now + 2 * DAY)
    assert [finding.where for finding in audit().findings] == ["fp_of_the_shop"]


def test_a_difference_that_release_0_1_found_is_the_same_one(acme: Organisation, fake: Any, now: datetime) -> None:
    """It kept an English sentence, and what an operator explained stays explained."""
    fake._moves(MoveKind.PAYMENT, 77_00, payment="fp_of_the_shop")
    sweep(now=now + 2 * HOUR)
    explained = {"explained_at": now, "explained_by": "olga", "explained_why": "our other shop"}
    BalanceDifference.objects.update(what="a payment is not booked", **explained)
    sweep(now=now + DAY)
    [found] = BalanceDifference.objects.all()
    assert (found.gone_at, found.explained_why, found.said()) == (None, "our other shop", "a payment is not booked")


def test_a_payment_whose_amount_was_changed_is_found(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    Payment.objects.update(cents=1_000_00, surplus_cents=1_000_00 - bought.gross_cents)
    sweep(now=now + 2 * HOUR)
    assert standing() == [("payment_moved_otherwise", 1_000_00, bought.gross_cents)]


def test_a_provider_that_does_not_answer_is_compared_later(acme: Organisation, fake: Any, now: datetime) -> None:
    buys(acme, now)
    fake.account.is_down = True
    compare_balances(now=now + 2 * HOUR)
    assert BalanceCheck.objects.count() == 0
    fake.account.is_down = False
    compare_balances(now=now + 3 * HOUR)
    assert (BalanceCheck.objects.count(), standing()) == (1, [])


def test_fees_payouts_and_the_balance_are_the_books(acme: Organisation, fake: Any, now: datetime) -> None:
    """A payout brings what was paid less its fees; one that fails is back, and in the next one."""
    paid = buys(acme, now)
    first = fake.pays_out()
    assert first.cents == paid.gross_cents - FEE_CENTS
    sweep(now=now + 2 * HOUR)
    fake.payout_fails(first.reference)
    again = fake.pays_out()
    sweep(now=now + DAY)
    assert ({move.kind for move in again.brought}, again.cents) == ({MoveKind.PAYOUT}, first.cents)
    assert (standing(), audit().findings) == ([], [])
    balances = BalanceCheck.objects.order_by("day").values_list("balances", flat=True)
    assert list(balances) == [{"EUR": 0}, {"EUR": 0}]


def test_a_payout_that_is_not_its_sum_or_did_not_come_back_stands_with_what_to_do(
    acme: Organisation, fake: Any, now: datetime, admin_client: Client
) -> None:
    paid = buys(acme, now)
    short, lost = fake.pays_out(), fake.pays_out(20_00)
    fake.account.payouts[short.reference] = replace(short, cents=short.cents + 1_00)
    fake.payout_fails(lost.reference, comes_back=False)
    sweep(now=now + 2 * HOUR)
    brought = paid.gross_cents - FEE_CENTS
    assert standing() == [
        ("payout_brought_otherwise", brought, brought + 1_00),
        ("payout_moved_otherwise", -brought, -brought - 1_00),
        ("payout_not_back", -20_00, 0),
    ]
    page = admin_client.get("/desk/billing/balancedifference/").content.decode()
    assert "a payout failed, and its money did not come back" in page
    assert "Ask the provider where the money is." in page
    assert len(audit().findings) == 3
    fake.account.payouts[short.reference] = short
    fake._moves(MoveKind.PAYOUT, 20_00, subject=lost.reference)
    sweep(now=now + DAY)
    assert standing() == []


def test_a_payout_is_asked_about_for_two_weeks_and_what_was_found_stays(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    payout = fake.pays_out(20_00)
    sweep(now=now + 2 * HOUR)
    fake.payout_fails(payout.reference, comes_back=False)
    sweep(now=now + 13 * DAY)
    fake.account.payouts.clear()
    sweep(now=now + 30 * DAY)
    assert standing() == [("payout_not_back", -20_00, 0)]


def test_a_movement_that_only_a_payout_names_is_read_and_booked(acme: Organisation, fake: Any, now: datetime) -> None:
    """The list of movements had left it out; the payout's own has it."""
    bought = buys(acme, now)
    sweep(now=now + 2 * HOUR)
    late = replace(fake.account.moves[0], id="fm_late", kind=MoveKind.FEE, cents=-5_00, fee_cents=0, payment="", at=now)
    early = replace(late, id="fm_early", at=now - 60 * DAY)
    payout = fake.pays_out()
    sent = payout.cents - 10_00
    fake.account.payouts[payout.reference] = replace(payout, cents=sent, brought=(*payout.brought, late, early))
    fake.account.moves[-1] = replace(fake.account.moves[-1], cents=-sent)
    fake.balance = lambda: {"EUR": 10_00 - 5_00}  # type: ignore[method-assign]
    sweep(now=now + DAY)
    del fake.balance
    assert standing() == []
    assert BalanceMove.objects.get(external_id="fm_late").fetched_at == now + DAY
    assert not BalanceMove.objects.filter(external_id="fm_early").exists(), "from before the books"
    assert bought.gross_cents > 0


def test_another_fee_and_a_movement_that_is_gone_are_told_until_explained(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    buys(acme, now)
    fake.account.moves = [replace(move, at=now) for move in fake.account.moves]
    fake._moves(MoveKind.FEE, -7_00)
    fake.account.moves[-1] = replace(fake.account.moves[-1], at=now, id="fm_gone")
    sweep(now=now + 2 * HOUR)
    assert standing() == []
    paid, _fee = fake.account.moves
    fake.account.moves = [replace(paid, fee_cents=paid.fee_cents + 5)]
    sweep(now=now + DAY)
    net = paid.cents - paid.fee_cents
    wanted = [
        ("balance_not_the_sum", net - 7_00, net - 5),
        ("move_changed", net, net - 5),
        ("move_not_listed", -7_00, 0),
    ]
    assert standing() == wanted
    sweep(now=now + 20 * DAY)
    assert standing() == wanted, "though it is not listed any more"
    for found in BalanceDifference.objects.all():
        explain(difference=found.id, who=OLGA, why="booked by hand", now=now + 20 * DAY)
    fake.pays_out(1_00)
    sweep(now=now + 21 * DAY)
    assert audit().findings == [], "the balance went on, and differs by no more than was explained"


def test_a_fee_of_a_payment_that_nobody_knows_is_told(acme: Organisation, fake: Any, now: datetime) -> None:
    """It came and went back whole: no amount differs, and its fee is gone. Of an order's failed debit it is ours."""
    for payment in ("fp_of_the_shop", "fp_of_a_debit"):
        fake._moves(MoveKind.PAYMENT, 50_00, payment=payment, fee_cents=30)
        fake._moves(MoveKind.PAYMENT, -50_00, payment=payment)
    order = buys(acme, now)
    fake.account.payments["fp_of_a_debit"] = replace(fake.look_up(order.gateway_reference), reference="fp_of_a_debit")
    fake.account.payments["fp_of_a_debit"] = replace(fake.look_up("fp_of_a_debit"), state=PaymentState.FAILED)
    for days in (1, 30):
        sweep(now=now + days * DAY)
        assert standing() == [("fee_of_unknown_payment", 0, -30)]


def test_without_the_right_to_ask_for_balance_and_payouts_the_rest_is_compared(
    acme: Organisation, fake: Any, now: datetime, monkeypatch: Any
) -> None:
    def refused(*_: Any) -> Any:
        raise GatewayUnavailable("key")

    buys(acme, now)
    fake.pays_out(1_00)
    monkeypatch.setattr(fake, "balance", refused)
    monkeypatch.setattr(fake, "payout", refused)
    fake._moves(MoveKind.OTHER, 5_00)
    sweep(now=now + 2 * HOUR)
    assert standing() == [("unknown_kind", 0, 5_00)]
    assert BalanceCheck.objects.get().balances is None


def test_a_balance_that_moves_while_it_is_read_is_compared_the_next_day(
    acme: Organisation, fake: Any, now: datetime, monkeypatch: Any
) -> None:
    read = iter(range(9))
    with monkeypatch.context() as busy:
        busy.setattr(fake, "balance", lambda: {"EUR": next(read)})
        compare_balances(now=now)
    compare_balances(now=now + DAY)
    assert list(BalanceCheck.objects.order_by("day").values_list("balances", flat=True)) == [None, {}]
