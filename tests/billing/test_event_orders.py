"""Whatever a provider tells, in whatever order, twice, late or never: the books fit at the end, and credits equal
money.

Each order is a world of its own: payments, disputes of all or a part, inquiries, verdicts that change, refunds past the
Studio, refunds of ours, runs that hold, spend and release; between them some of the news arrives.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.models import Purchase, RefundKind, Reversal
from otai.billing.operations import webhooks
from otai.billing.revenue import month_close
from otai.billing.testing import GOOD_CARD
from otai.errors import Refused
from otai.ledger import operations as ledger
from otai.ledger import queries as balances
from otai.ledger.audit import audit as ledger_audit
from otai.ledger.models import Lot
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from tests.billing.people import ALICE, OLGA, details, sign_up

pytestmark = pytest.mark.django_db
VERDICTS = ("opened", "opened", "won", "lost", "lost", "inquiry", "inquiry_closed", "a_new_word")


@dataclass
class World:
    fake: Any
    chance: random.Random
    now: datetime
    acme: Organisation
    holds: list[Any] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    number: int = 0

    def key(self) -> str:
        self.number += 1
        return f"{self.acme.slug}-{self.number}"

    def payments(self) -> list[Purchase]:
        return list(Purchase.objects.filter(organisation=self.acme, paid_at__isnull=False).order_by("id"))

    def buys(self) -> None:
        package = self.chance.choice(["10", "50", "100"])
        billing.buy(organisation=self.acme, package=package, key=self.key(), who=ALICE, now=self.now, **CARD)

    def rises(self) -> None:
        billing.change_tier(organisation=self.acme, tier=Tier.PRO, who=ALICE, now=self.now, **CARD)

    def is_disputed(self) -> None:
        of = self.chance.choice(self.payments())
        part = self.chance.choice([None, None, 1_00, 10_00, of.gross_cents // 3])
        name = self.chance.choice(["", "-2"])
        self.fake.dispute(of.gateway_reference, verdict=self.chance.choice(VERDICTS), name=name, cents=part)

    def is_refunded_by_hand(self) -> None:
        of = self.chance.choice(self.payments())
        self.fake.refund_by_hand(of.gateway_reference, cents=max(1, of.gross_cents // self.chance.choice([1, 2, 5])))

    def is_refunded_by_us(self) -> None:
        of = self.chance.choice(self.payments())
        credits = self.chance.choice([None, 1, 4])
        billing.refund_payment(reference=of.reference, who=OLGA, why="asked for", now=self.now, credits=credits)

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

    def news_arrives(self) -> None:
        """Any of what was ever told: again, out of order, or for the first time long after."""
        if self.fake.account.events:
            event = self.chance.choice(self.fake.account.events)
            body, headers = self.fake.signed(event)
            webhooks.receive(gateway="fake", body=body, headers=headers, now=self.now)

    def the_sweep_comes(self) -> None:
        """Of this world alone: the sweep itself goes through all that is open."""
        billing.collect_before_spending(self.acme, now=self.now)
        self.is_asked_about_all()

    def is_asked_about_all(self) -> None:
        for payment in self.payments():
            seen = self.fake.reversals(payment.gateway_reference)
            billing.book_reversals(payment.id, seen, who="fake", now=self.now)

    def somebody_settles(self) -> None:
        for owing in Reversal.objects.filter(organisation=self.acme, owed_gross_cents__gt=0, settled_at=None)[:1]:
            billing.settle_owed(reversal=owing.id, who=OLGA, why="written off", now=self.now)

    def lives(self, steps: int) -> None:
        self.buys()
        acts = [self.buys, self.rises, *[self.is_disputed] * 4, self.is_refunded_by_hand, self.is_refunded_by_us]
        acts += [self.holds_credits, self.a_run_ends, *[self.news_arrives] * 6, self.the_sweep_comes]
        for _ in range(steps):
            self.now += timedelta(minutes=self.chance.randint(0, 600))
            try:
                self.chance.choice(acts)()
            except Refused:
                continue

    def all_news_arrives(self) -> None:
        webhooks.fetch_lost(now=self.now)
        webhooks.handle_waiting(now=self.now)
        # A payment whose event was handled before its dispute began is asked about as events tell; all have come by
        # now.
        self.is_asked_about_all()


CARD: dict[str, Any] = {"gateway": "fake", "payment_method": GOOD_CARD}


def assert_credits_equal_money(world: World) -> None:
    for payment in world.payments():
        goes_back = [
            seen.cents
            for reference, seen in world.fake.account.reversals.values()
            if reference == payment.gateway_reference and seen.outcome in ("open", "lost")
        ]
        own = payment.payment_refunds.filter(kind=RefundKind.UNUSED_CREDITS).first()
        price = payment.gross_cents - (own.gross_cents if own else 0)
        rows = list(payment.reversals.all())
        assert sum(r.surplus_cents + r.price_cents + r.excess_cents for r in rows) == sum(goes_back)
        assert sum(r.price_cents for r in rows) == min(sum(goes_back), price)
        brought = list(payment.brought_lots.filter(gives_back=False))
        left = sum(one.credits for one in brought) - (own.credits if own else 0)
        taken = min(sum(goes_back), price)
        whole = taken == price and taken > 0
        share = left if whole else sum(one.credits * taken // payment.gross_cents for one in brought)
        assert sum(r.share_credits for r in rows) == min(share, left)
        for row in rows:
            assert row.withdrawn_credits + row.owed_credits == row.share_credits or row.settled_at is not None
        lots = Lot.objects.filter(id__in=list(payment.brought_lots.values_list("lot", flat=True)))
        there = sum(lot.unspent + lot.held + lot.spent for lot in lots)
        assert there == left - sum(r.withdrawn_credits for r in rows), "what is gone is gone, what is there is paid for"


def live(fake: Any, now: datetime, seed: int, *, steps: int) -> None:
    fake.account.events.clear()
    fake.account.reversals.clear()
    acme = sign_up(f"o{seed}", Tier.COMMUNITY, now)
    details(acme, now=now)
    world = World(fake, random.Random(seed), now, acme)
    world.lives(steps)
    world.all_news_arrives()
    assert_credits_equal_money(world)
    before = balances.balance(acme.id)
    world.all_news_arrives()
    assert balances.balance(acme.id) == before, "asked again, nothing moves"


def test_any_order_of_news_ends_in_books_that_fit(fake: Any, now: datetime) -> None:
    for seed in range(8):
        live(fake, now, seed, steps=25)
    assert audit().findings == []
    assert ledger_audit().clean
    close = month_close(now.year, now.month, zone=sign_up("zone", Tier.COMMUNITY, now).zone)
    assert (close.packages.difference.cents, close.tiers.difference.cents) == (0, 0)


@pytest.mark.torture
def test_ten_thousand_orders_of_news_end_in_books_that_fit(fake: Any, now: datetime) -> None:
    for seed in range(10_000):
        live(fake, now, 1000 + seed, steps=25)
        if seed % 500 == 499:
            assert audit().findings == []
            assert ledger_audit().clean
