"""What is taken of what a payment brought, to the cent: which of several reversals takes what, and what comes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.models import CreditWatch, Event, Payment, Purchase, Reversal, Taking
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import takings
from otai.billing.operations.reversals import AlreadySettled, PurchaseNotDelivered
from otai.ledger.models import Lot, LotSource, Transfer
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, OLGA
from tests.billing.test_reversals import assert_books_fit, available, buys, deliver, spends
from tests.billing.test_several_payments import pays_by_card
from tests.billing.test_topups import opt_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def rows(*names: str) -> list[tuple[Any, ...]]:
    return list(Reversal.objects.order_by("external_id").values_list(*names))


def gone() -> list[int]:
    """Of each payment, the cents of its surplus that went back."""
    return list(Payment.objects.order_by("id").values_list("returned_cents", flat=True))


# --- surplus


def test_a_surplus_of_two_payments_goes_and_comes_back_to_the_cent(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    """Fifty credits for EUR 535.50, paid again twice with a euro and with two: what a bank takes of the last of them is
    surplus first, the earliest payment's before the next one's."""
    bought = buys(acme, now, "50")
    pays_by_card(fake, bought, 1_00, now, "a euro")
    last = pays_by_card(fake, bought, 2_00, now, "two euros")
    assert (gone(), available(acme)) == ([0, 0, 0], 56)
    for verdict, cents, went in [("opened", 1, [0, 1, 0]), ("opened", 1_50, [0, 1_00, 50]), ("won", 1_50, [0, 0, 0])]:
        deliver(fake, fake.dispute(last, cents=cents, verdict=verdict), now)
        assert (gone(), available(acme)) == (went, 56)
    deliver(fake, fake.dispute(last, cents=1_50, name="-2"), now)
    deliver(fake, fake.dispute(last, cents=1_00, name="-2"), now)
    assert (gone(), available(acme)) == ([0, 50, 50], 56), "the earliest payment's comes back first"
    assert_books_fit()


def test_of_an_order_that_was_cancelled_only_the_surplus_can_go_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    ordered = billing.buy(organisation=acme, package="50", key="k", who=ALICE, now=now).purchase
    billing.cancel(organisation=acme, reference=ordered.reference, who=ALICE, now=now)
    paid = pays_by_card(fake, ordered, 100_00, now, "after all")
    deliver(fake, fake.dispute(paid), now)
    assert rows("surplus_cents", "price_cents", "excess_cents", "share_credits") == [(100_00, 0, 0, 0)]
    assert rows("withdrawn_credits", "withdrawn_net_cents") == [(0, 0)]
    assert rows("owed_credits", "owed_net_cents", "owed_gross_cents") == [(0, 0, 0)]
    assert Purchase.objects.get(id=ordered.id).status == "cancelled"
    assert_books_fit()


def test_what_comes_back_of_a_payment_in_dollars_was_paid_in_dollars(
    acme: Organisation, fake: Any, now: datetime, settings: Any
) -> None:
    settings.OTAI_PRICE_BOOK = "tests.billing.dollars:PRICE_BOOK"
    bought = buys(acme, now, "50")
    for verdict in ("opened", "won"):
        deliver(fake, fake.dispute(bought.gateway_reference, verdict=verdict), now)
    paid = Lot.objects.filter(source=LotSource.PURCHASE).order_by("id")
    assert [(lot.credits, lot.price_cents, lot.price_currency) for lot in paid] == [(50, 450_00, "USD")] * 2
    assert_books_fit()


# --- several reversals of one payment


def test_two_disputes_over_the_whole_price_take_it_once_and_the_second_is_owed(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now, "50")
    for name in ("-1", "-2", "-3"):
        deliver(fake, fake.dispute(bought.gateway_reference, name=name), now)
    assert rows("price_cents", "excess_cents") == [(535_50, 0), (0, 535_50), (0, 535_50)]
    assert rows("withdrawn_credits", "withdrawn_net_cents") == [(50, 450_00), (0, 0), (0, 0)]
    assert rows("owed_gross_cents") == [(0,), (535_50,), (535_50,)]


def test_of_what_is_left_each_reversal_takes_its_cents_and_the_last_one_the_rest(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    """A third of the price of fifty credits, thrice: 16, 17 and 17 of them, of nine euros each."""
    bought = buys(acme, now, "50")
    for name in ("-1", "-2", "-3"):
        deliver(fake, fake.dispute(bought.gateway_reference, cents=178_50, name=name), now)
    assert rows("share_credits", "withdrawn_credits", "withdrawn_net_cents") == [
        (16, 16, 144_00),
        (17, 17, 153_00),
        (17, 17, 153_00),
    ]
    assert available(acme) == 6
    assert_books_fit()


def test_the_earliest_takes_the_price_whichever_machine_booked_it(acme: Organisation, fake: Any, now: datetime) -> None:
    """The clock of the machine that booked the second was behind: what is spent is owed by the later of them."""
    bought = buys(acme, now, "50")
    spends(acme, 46, now)
    for name, at in (("-1", now + 2 * DAY), ("-2", now + DAY)):
        fake.dispute(bought.gateway_reference, name=name)
        billing.book_reversals(bought.id, fake.reversals(bought.gateway_reference)[-1:], who="fake", now=at)
    before = rows("price_cents", "withdrawn_credits", "owed_credits")
    assert before == [(0, 0, 0), (535_50, 10, 40)]
    billing.collect_owed(now=now + 3 * DAY)
    assert rows("price_cents", "withdrawn_credits", "owed_credits") == before


def test_what_of_a_price_is_still_ours(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now, "50")
    assert takings.kept_net(bought) == 450_00
    billing.refund_payment(reference=bought.reference, who=OLGA, why="goodwill", now=now, credits=40)
    assert takings.kept_net(bought) == 90_00
    deliver(fake, fake.dispute(bought.gateway_reference, cents=10_71), now)
    assert takings.kept_net(bought) == 81_00


# --- what goes with it


def test_whoever_is_charged_back_is_not_charged_automatically_from_then_on(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now, "50")
    opt_in(acme, now)
    deliver(fake, fake.dispute(bought.gateway_reference), now + DAY)
    assert CreditWatch.objects.get().stopped_at == now + DAY


def test_who_closes_again_what_is_owed_reads_who_did_and_why(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now, "50")
    spends(acme, 46, now)
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="lost"), now)
    owed = Reversal.objects.get()
    billing.settle_owed(reversal=owed.id, who=OLGA, why="never paid", now=now, is_lost=True)
    told = Event.objects.get(subject="reversal", move=BillingOccurrence.OWED_SETTLED).details
    assert told["written_off_cents"] == told["gross_cents"] == owed.owed_gross_cents > 0
    with pytest.raises(AlreadySettled) as refused:
        billing.settle_owed(reversal=owed.id, who=OLGA, why="again", now=now)
    assert refused.value.key == "already_settled.reversal"
    assert (refused.value.details["settled_by"], refused.value.details["settled_why"]) == (OLGA, "never paid")


@pytest.mark.parametrize(("by_hand", "code"), [(True, "moved_why.refunded"), (False, "moved_why.taken_back")])
def test_the_ledger_says_whether_a_bank_took_it_back_or_the_vendor_gave_it(
    acme: Organisation, fake: Any, now: datetime, by_hand: bool, code: str
) -> None:
    bought = buys(acme, now, "50")
    reference = bought.gateway_reference
    deliver(fake, fake.refund_by_hand(reference, cents=107_10) if by_hand else fake.dispute(reference), now)
    booked, moved = Reversal.objects.get(), Transfer.objects.get(id=Taking.objects.get().transfer)
    assert code in moved.reason
    assert (booked.settled_by, booked.settled_why) == (
        ("billing", "billing.nothing_is_claimed") if by_hand else ("", "")
    )


def test_a_purchase_of_which_a_part_was_paid_back_stays_so_when_a_dispute_is_won(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now, "50")
    billing.refund_payment(reference=bought.reference, who=OLGA, why="goodwill", now=now, credits=40)
    for verdict, stands in (("opened", "disputed"), ("won", "refunded")):
        deliver(fake, fake.dispute(bought.gateway_reference, cents=10_71, verdict=verdict), now)
        assert Purchase.objects.get(id=bought.id).status == stands


def test_what_goes_back_of_a_payment_that_is_not_booked_waits_for_it(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought, other = buys(acme, now, "50"), buys(acme, now, "50", key="other")
    fake.dispute(other.gateway_reference)
    of_other = fake.reversals(other.gateway_reference)
    with pytest.raises(PurchaseNotDelivered):
        billing.book_reversals(bought.id, of_other, who="fake", now=now)
    waits = billing.buy(organisation=acme, package="10", key="waits", who=ALICE, now=now).purchase
    with pytest.raises(PurchaseNotDelivered):
        billing.book_reversals(waits.id, of_other, who="fake", now=now)
    assert not Reversal.objects.exists()
