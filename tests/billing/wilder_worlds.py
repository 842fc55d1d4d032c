"""Lives in which more happens than in worlds.py: tiers by the month and the year with coupons, falls, suspensions, bank
statements, debts written off, moves to other time zones, and months that are closed and handed to the accountant while
all of it goes on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from otai.billing import operations as billing
from otai.billing.accountant.accounts import accounts
from otai.billing.accountant.closing import close_month, figures_of
from otai.billing.accountant.datev import Booking, bookings
from otai.billing.models import BankEntry, ClosedMonth, CouponFor, Purchase, Reversal
from otai.billing.months import Month
from otai.billing.operations.coupons import CouponTerms
from otai.billing.package_months import package_months
from otai.billing.revenue import month_close
from otai.billing.seller import seller
from otai.billing.status import PurchaseStatus
from otai.billing.testing import SLOW_DEBIT, FakeGateway
from otai.errors import OtaiError, Refused
from otai.orgs.operations import change_organisation
from otai.pricing.price_book import Term, Tier
from tests.billing.people import ALICE, OLGA
from tests.billing.test_statements import entry, statement
from tests.billing.worlds import CARD, World, a_world

OTTO = "otto (operator)"
COUPON = "TIER-27"
WAYS: list[dict[str, Any]] = [
    CARD,
    CARD,
    {"gateway": "bank_transfer"},
    {"gateway": "fake", "payment_method": SLOW_DEBIT},
]


@dataclass
class WilderWorld(World):
    handed_over: dict[Month, list[Booking]] = field(default_factory=dict)
    """What the accountant was given of each closed month."""

    def rises_somehow(self) -> None:
        billing.change_tier(
            organisation=self.acme,
            tier=self.chance.choice([Tier.PRO, Tier.ENTERPRISE]),
            term=self.chance.choice([None, Term.MONTH, Term.YEAR]),
            at_once=self.chance.random() < 0.5,
            coupon=self.chance.choice(["", COUPON]),
            who=ALICE,
            now=self.now,
            **self.chance.choice(WAYS),
        )

    def falls(self) -> None:
        tier = self.chance.choice([Tier.COMMUNITY, Tier.PRO])
        billing.change_tier(organisation=self.acme, tier=tier, who=ALICE, now=self.now, **CARD)

    def moves_to_another_zone(self) -> None:
        zone = self.chance.choice(["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "America/New_York"])
        self.acme = change_organisation(
            organisation=self.acme, name=self.acme.name, time_zone=zone, who=ALICE, now=self.now
        )

    def is_suspended_or_resumed(self) -> None:
        does = self.chance.choice([billing.suspend, billing.resume])
        does(organisation=self.acme, who=OLGA, why="not paid for long", now=self.now)

    def pays_by_statement(self) -> None:
        """All, the rest, half, or too much; what does not fit is decided by Otto."""
        waiting = (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID, PurchaseStatus.CANCELLED)
        orders = [one for one in self.purchases() if one.status in waiting]
        if orders:
            order = self.chance.choice(orders)
            due, all_of_it = order.gross_cents - order.paid_cents, order.gross_cents
            cents = self.chance.choice([due, all_of_it, all_of_it // 2, all_of_it + 1_00])
            shown = entry(f"{cents / 100:.2f}", order.reference, ref=self.key())
            billing.import_statement(statement(shown), who=OLGA, now=self.now)
            for left in BankEntry.objects.filter(state="waiting")[:1]:
                how = {"reference": order.reference, "who": OTTO, "why": "it is theirs", "now": self.now}
                billing.assign_entry(entry=left.id, **how)

    def is_written_off(self) -> None:
        for owing in Reversal.objects.filter(organisation=self.acme, owed_gross_cents__gt=0, settled_at=None)[:1]:
            billing.write_off_owed(reversal=owing.id, who=OLGA, why="they are bankrupt", now=self.now)

    def a_month_is_closed(self) -> None:
        last = ClosedMonth.objects.order_by("year", "month").last()
        month = Month(last.year, last.month).next if last else Month.at(self.now, seller().zone).plus(-1)
        with suppress(OtaiError):
            close_month(month, who=OLGA, now=self.now)
            self.handed_over[month] = bookings(month)

    def lives(self, steps: int) -> None:
        terms = CouponTerms(CouponFor.FIRST_MONTH, self.now, percent=37, once_each=False)
        billing.make_coupon(code=COUPON, terms=terms, who=OLGA, why="for a first month", now=self.now)
        self.buys()
        acts = [self.buys, self.buys_by_debit, *[self.rises_somehow] * 3, self.falls, self.is_suspended_or_resumed]
        acts += [self.opens_a_page, self.pays_on_a_page, self.pays_again_with_a_card, self.pays_by_bank, self.cancels]
        acts += [*[self.pays_by_statement] * 2, *[self.is_disputed] * 4, *[self.is_refunded_by_hand] * 2]
        acts += [self.a_debit_is_settled, self.is_refunded_by_us, self.a_refund_of_ours_fails, self.is_written_off]
        acts += [self.a_failed_refund_is_sent_again, self.surplus_is_returned, *[self.a_month_is_closed] * 3]
        acts += [*[self.holds_credits] * 2, *[self.a_run_ends] * 2, *[self.news_arrives] * 8]
        acts += [*[self.the_sweep_comes] * 2, self.somebody_settles, *[self.a_month_passes] * 3]
        acts += [self.moves_to_another_zone] * 3
        for _ in range(steps):
            self.now += timedelta(minutes=self.chance.randint(0, 600))
            with suppress(Refused):
                self.chance.choice(acts)()
        with suppress(Refused):
            billing.resume(organisation=self.acme, who=OLGA, why="all is paid", now=self.now)

    # --- what must be so ----------------------------------------------------------------------------------------------

    def assert_paid_months_brought_their_credits_once(self) -> None:
        months = Purchase.objects.filter(organisation=self.acme, kind="subscription", paid_at__isnull=False)
        brought = Q(brought_lots__source="monthly", brought_lots__gives_back=False)
        for paid in months.annotate(grants=Count("brought_lots", filter=brought)):
            assert paid.grants <= paid.months, paid.reference

    def assert_months_fit(self, since: datetime) -> None:
        """Each month adds up and begins with what the one before left; its bookings are its figures to the cent, and
        those that were handed over are the same today; all files together say what the books say."""
        zone, chart = seller().zone, accounts()
        read = package_months(zone)
        month, last, before = Month.at(since, zone), Month.at(self.now, zone), None
        while month <= last:
            close = month_close(month.year, month.number, zone=zone, of_packages=read)
            assert close.total.difference.cents == 0, month
            assert before is None or before.total.deferred_after == close.total.deferred_before, month
            booked = bookings(month)
            of_documents = sum(one.cents for one in booked if one.account == chart.debtor)
            of_money = sum(one.cents for one in booked if one.contra == chart.debtor and one.account != chart.loss)
            assert of_documents == close.invoiced.cents - close.credited.cents, month
            assert of_money == close.cash_received.cents - close.cash_paid_back.cents, month
            month, before = month.next, close
        for closed, was in self.handed_over.items():
            assert bookings(closed) == was, closed
        self._assert_files_are_the_books()

    def _assert_files_are_the_books(self) -> None:
        """After one more close, which corrects what changed since."""
        if not self.handed_over:
            return
        close_month(max(self.handed_over).next, who=OLGA, now=self.now + timedelta(days=70))
        told: dict[tuple[str, str, str], int] = {}
        true: dict[tuple[str, str, str], int] = {}
        read = package_months(seller().zone)
        for file in ClosedMonth.objects.all():
            for line in file.content.splitlines()[2:]:
                month, currency, name, _kind, amount = line.split(";")
                key = (month, currency, name)
                told[key] = told.get(key, 0) + int(amount.replace(".", ""))
            true |= figures_of(Month(file.year, file.month), read)
        assert {key: cents for key, cents in told.items() if cents} == {
            key: cents for key, cents in true.items() if cents
        }


def a_wilder_world(fake: FakeGateway, now: datetime, seed: int) -> WilderWorld:
    """Acme, which has just signed up, at a new provider."""
    made = a_world(fake, now, seed)
    return WilderWorld(made.fake, made.chance, made.now, made.acme)
