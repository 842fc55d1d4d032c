"""A customer's life in one world: payments of every kind, what goes back of them, runs, and news that comes in any
order. Whoever made the world decides nothing: everything is drawn from its seed.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from otai.billing import operations as billing
from otai.billing.gateway import PaymentDeclined, PaymentState, ReversalOutcome
from otai.billing.models import CheckoutPage, CouponFor, Payment, PaymentRefund, Purchase, RefundKind, Reversal
from otai.billing.operations import checkout, dunning, pages, refunds, reversals, webhooks
from otai.billing.operations.coupons import CouponTerms
from otai.billing.status import PurchaseStatus
from otai.billing.testing import CARD_THAT_ASKS_EVERY_TIME, DECLINED_CARD, GOOD_CARD, SLOW_DEBIT, FakeGateway
from otai.errors import Refused
from otai.ledger import operations as ledger
from otai.ledger.models import Lot
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, details, sign_up

VERDICTS = ("opened", "opened", "won", "lost", "lost", "inquiry", "inquiry", "inquiry_closed", "a_new_word")
COUPON = "WORLD-27"
CARD: dict[str, Any] = {"gateway": "fake", "payment_method": GOOD_CARD}


@dataclass
class World:
    fake: FakeGateway
    chance: random.Random
    now: datetime
    acme: Organisation
    holds: list[Any] = field(default_factory=list)
    number: int = 0

    def key(self) -> str:
        self.number += 1
        return f"{self.acme.slug}-{self.number}"

    def purchases(self) -> list[Purchase]:
        return list(Purchase.objects.filter(organisation=self.acme).order_by("id"))

    def a_payment(self) -> str:
        """One that the provider has money of, whether we know of it or not."""
        came = [one.reference for one in self.fake.account.payments.values() if one.state is PaymentState.SUCCEEDED]
        return self.chance.choice(came)

    # --- what the customer does ---------------------------------------------------------------------------------------

    def buys(self, method: str = GOOD_CARD) -> None:
        package = self.chance.choice(["10", "50", "100"])
        with suppress(PaymentDeclined):
            billing.buy(
                organisation=self.acme,
                package=package,
                key=self.key(),
                who=ALICE,
                now=self.now,
                gateway="fake",
                payment_method=method,
                coupon=self.chance.choice(["", COUPON]),
            )

    def buys_by_debit(self) -> None:
        self.buys(SLOW_DEBIT)

    def is_declined(self) -> None:
        self.buys(self.chance.choice([DECLINED_CARD, CARD_THAT_ASKS_EVERY_TIME]))

    def rises(self) -> None:
        """By the month or the year; in the tier in force, from one to the other."""
        billing.change_tier(
            organisation=self.acme,
            tier=self.chance.choice([Tier.PRO, Tier.PRO, Tier.ENTERPRISE]),
            term=self.chance.choice([None, Term.MONTH, Term.YEAR]),
            at_once=self.chance.random() < 0.5,
            who=ALICE,
            now=self.now,
            **CARD,
        )

    def opens_a_page(self) -> None:
        waiting = [one for one in self.purchases() if one.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID)]
        if waiting and self.chance.random() < 0.5:
            order = self.chance.choice(waiting)
        else:
            order, _ = billing.order_package(
                organisation=self.acme, package="10", key=self.key(), who=ALICE, now=self.now, gateway="fake"
            )
        billing.open_payment_page(organisation=self.acme, reference=order.reference, who=ALICE, now=self.now)

    def pays_on_a_page(self) -> None:
        """The browser never comes back; what happened is in the news."""
        open_ones = list(CheckoutPage.objects.filter(organisation=self.acme).order_by("id"))
        open_ones = [one for one in open_ones if self.fake.account.pages[one.reference][1].url]
        if open_ones:
            page = self.chance.choice(open_ones)
            method = self.chance.choice([GOOD_CARD, GOOD_CARD, DECLINED_CARD, SLOW_DEBIT])
            with suppress(PaymentDeclined):
                self.fake.payer_pays(page.reference, method)

    def pays_again_with_a_card(self) -> None:
        for order in self.purchases():
            if order.status == PurchaseStatus.OPEN and order.gateway == "fake":
                with suppress(PaymentDeclined):
                    checkout.pay(order, now=self.now, payment_method=GOOD_CARD)
                return

    def pays_by_bank(self) -> None:
        """All of it, a part, or too much; an operator confirms what the statement shows."""
        order, _ = billing.order_package(
            organisation=self.acme, package="10", key=self.key(), who=ALICE, now=self.now, gateway="bank_transfer"
        )
        cents = self.chance.choice([order.gross_cents, order.gross_cents // 3, order.gross_cents + 5_00])
        billing.confirm_payment(
            reference=order.reference,
            received=Money(cents, "EUR"),
            bank_reference=self.key(),
            who=OLGA,
            why="on the statement",
            now=self.now,
        )

    def cancels(self) -> None:
        for order in self.purchases():
            if order.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID):
                billing.cancel(
                    organisation=self.acme, reference=order.reference, who=ALICE, why="changed my mind", now=self.now
                )
                return

    def holds_credits(self) -> None:
        billing.collect_before_spending(self.acme, now=self.now)
        credits = self.chance.randint(1, 60)
        request: dict[str, Any] = {"credits": credits, "key": self.key(), "reference": "run", "reason": "run"}
        deadline = self.now + timedelta(days=9)
        self.holds.append(
            ledger.place_hold(organisation=self.acme.id, now=self.now, deadline_at=deadline, **request).hold
        )

    def a_run_ends(self) -> None:
        if self.holds:
            ends = self.chance.choice([ledger.capture, ledger.release])
            hold = self.holds.pop(self.chance.randrange(len(self.holds)))
            ends(organisation=self.acme.id, hold=hold, key=self.key(), reason="ended", now=self.now)

    def a_month_passes(self) -> None:
        """Monthly credits, the next month of the tier or its end, and charges that are tried again."""
        self.now += timedelta(days=self.chance.choice([8, 20, 31]))
        billing.sweep_subscriptions(now=self.now)
        dunning.charge_again(now=self.now)
        billing.sweep_grants(now=self.now)
        checkout.cancel_expired(now=self.now)

    # --- what banks and the vendor do ---------------------------------------------------------------------------------

    def a_debit_is_settled(self) -> None:
        at_work = [one for one in self.fake.account.payments.values() if one.state is PaymentState.PROCESSING]
        if at_work:
            self.fake.settle(self.chance.choice(at_work).reference, succeeds=self.chance.random() < 0.6)

    def is_disputed(self) -> None:
        of = self.a_payment()
        whole = self.fake.account.amounts[of]
        part = self.chance.choice([None, None, 1_00, 10_00, whole // 3])
        name = self.chance.choice(["", "-2"])
        self.fake.dispute(of, verdict=self.chance.choice(VERDICTS), name=name, cents=part)
        self._is_lost_for_good()

    def is_refunded_by_hand(self) -> None:
        """Or a refund of before fails after all, or succeeds again."""
        of = self.a_payment()
        cents = max(1, self.fake.account.amounts[of] // self.chance.choice([1, 2, 5]))
        outcome = self.chance.choice([ReversalOutcome.LOST, ReversalOutcome.LOST, ReversalOutcome.WON])
        self.fake.refund_by_hand(of, cents=cents, name=self.chance.choice("12"), outcome=outcome)
        self._is_lost_for_good()

    def _is_lost_for_good(self) -> None:
        """Now and then the provider's list forgets it too: only asking how the payment stands finds it."""
        if self.chance.random() < 0.2:
            self.fake.account.events.pop()

    def is_refunded_by_us(self) -> None:
        paid = [one for one in self.purchases() if one.paid_at is not None]
        of = self.chance.choice(paid)
        credits = self.chance.choice([None, 1, 4])
        billing.refund_payment(reference=of.reference, who=OLGA, why="asked for", now=self.now, credits=credits)

    def a_refund_of_ours_fails(self) -> None:
        for sent in PaymentRefund.objects.filter(organisation=self.acme, gateway="fake", state="confirmed"):
            if f"refund:{sent.id}" in self.fake.account.refunds:
                self.fake.refund_fails(sent.gateway_reference)
                return

    def a_failed_refund_is_sent_again(self) -> None:
        for failed in PaymentRefund.objects.filter(organisation=self.acme, state="failed"):
            refunds.send(failed.id, now=self.now, who=OLGA, why="once more")

    def surplus_is_returned(self) -> None:
        for payment in Payment.objects.filter(organisation=self.acme, surplus_cents__gt=0)[:1]:
            billing.return_surplus(payment=payment.id, who=OLGA, why="not asked for", now=self.now)

    def somebody_settles(self) -> None:
        for owing in Reversal.objects.filter(organisation=self.acme, owed_gross_cents__gt=0, settled_at=None)[:1]:
            billing.settle_owed(reversal=owing.id, who=OLGA, why="written off", now=self.now)

    # --- what is heard of it ------------------------------------------------------------------------------------------

    def news_arrives(self) -> None:
        """Any of what was ever told: again, out of order, or for the first time long after."""
        if self.fake.account.events:
            event = self.chance.choice(self.fake.account.events)
            body, headers = self.fake.signed(event)
            webhooks.receive(gateway="fake", body=body, headers=headers, now=self.now)

    def the_sweep_comes(self) -> None:
        """All parts of it that move money or credits."""
        webhooks.fetch_lost(now=self.now)
        webhooks.handle_waiting(now=self.now)
        checkout.ask_gateways(now=self.now)
        webhooks.ask_reversals(now=self.now)
        pages.look_at_pages(now=self.now)
        reversals.collect_owed(now=self.now)
        refunds.send_waiting(now=self.now)

    def lives(self, steps: int) -> None:
        self.buys()
        acts = [self.buys, self.buys_by_debit, self.is_declined, self.rises, self.opens_a_page, self.pays_on_a_page]
        acts += [self.pays_again_with_a_card, self.pays_by_bank, self.cancels, *[self.is_disputed] * 4]
        acts += [self.a_debit_is_settled, *[self.is_refunded_by_hand] * 2, self.is_refunded_by_us]
        acts += [self.a_refund_of_ours_fails, self.a_failed_refund_is_sent_again, self.surplus_is_returned]
        acts += [*[self.holds_credits] * 2, *[self.a_run_ends] * 2, *[self.news_arrives] * 8, self.the_sweep_comes]
        acts += [self.somebody_settles, *[self.a_month_passes] * 2]
        for _ in range(steps):
            self.now += timedelta(minutes=self.chance.randint(0, 600))
            with suppress(Refused):
                self.chance.choice(acts)()

    def all_is_heard(self) -> None:
        """What came late comes now. What not even the provider's list of events has is found by asking about each
        payment."""
        self.now += timedelta(minutes=30)
        self.the_sweep_comes()
        for purchase in self.purchases():
            if purchase.paid_at is not None or Payment.objects.filter(purchase=purchase).exists():
                webhooks.ask_about(purchase, now=self.now)

    # --- what must be so ----------------------------------------------------------------------------------------------

    def assert_credits_equal_money(self) -> None:
        self._assert_all_that_came_is_booked()
        for purchase in self.purchases():
            self._assert_what_it_brought_is_what_was_paid(purchase)

    def _assert_all_that_came_is_booked(self) -> None:
        booked = dict(Payment.objects.filter(gateway="fake").values_list("external_id", "cents"))
        came = {
            one.reference: one.received_cents
            for one in self.fake.account.payments.values()
            if one.state is PaymentState.SUCCEEDED
        }
        assert booked == came, "all money that came is booked, once"

    def _assert_what_it_brought_is_what_was_paid(self, purchase: Purchase) -> None:
        payments = list(Payment.objects.filter(purchase=purchase))
        mine = {one.external_id for one in payments if one.gateway == "fake"}
        goes_back = sum(
            seen.cents
            for reference, seen in self.fake.account.reversals.values()
            if reference in mine and seen.outcome in (ReversalOutcome.OPEN, ReversalOutcome.LOST)
        )
        own = list(purchase.payment_refunds.filter(kind=RefundKind.UNUSED_CREDITS))
        returned = sum(one.gross_cents for one in purchase.payment_refunds.filter(kind=RefundKind.SURPLUS))
        surplus = sum(one.surplus_cents for one in payments) - returned
        price = purchase.gross_cents - sum(one.gross_cents for one in own) if purchase.paid_at else 0
        rows = list(purchase.reversals.all())
        assert sum(r.surplus_cents + r.price_cents + r.excess_cents for r in rows) == goes_back
        taken = min(max(0, goes_back - surplus), price)
        assert sum(r.price_cents for r in rows) == taken
        brought = list(purchase.brought_lots.filter(gives_back=False))
        left = sum(one.credits for one in brought) - sum(one.credits for one in own)
        whole = taken == price and taken > 0
        # In proportion of each source, and not of each month that a year has brought so far.
        of_sources: Counter[str] = Counter()
        for one in brought:
            of_sources[one.source] += one.credits
        share = left if whole else sum(credits * taken // purchase.gross_cents for credits in of_sources.values())
        assert sum(r.share_credits for r in rows) == min(share, left)
        for row in rows:
            assert row.withdrawn_credits + row.owed_credits == row.share_credits or row.settled_at is not None
        lots = Lot.objects.filter(id__in=list(purchase.brought_lots.values_list("lot", flat=True)))
        there = sum(lot.unspent + lot.held + lot.spent for lot in lots)
        assert there == left - sum(r.withdrawn_credits for r in rows), "what is gone is gone, what is there is paid for"


def a_world(fake: FakeGateway, now: datetime, seed: int) -> World:
    """A new provider, and acme, which has just signed up."""
    fake.forget_everything()
    acme = sign_up("acme", Tier.COMMUNITY, now)
    details(acme, now=now)
    terms = CouponTerms(CouponFor.PACKAGE, now, percent=13, once_each=False)
    billing.make_coupon(code=COUPON, terms=terms, who=OLGA, why="for half of what is bought", now=now)
    return World(fake, random.Random(seed), now, acme)
