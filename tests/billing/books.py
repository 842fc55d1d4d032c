"""Books in which something of every kind stands: what the test of tampering changes, column by column."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from otai.billing import operations as billing
from otai.billing.accountant.closing import close_month
from otai.billing.gateway import MoveKind
from otai.billing.models import BalanceDifference, CouponFor, Purchase, Reversal
from otai.billing.months import Month
from otai.billing.operations import balance, dunning, second_operator, topups
from otai.billing.operations.coupons import CouponTerms
from otai.billing.testing import DECLINED_CARD, GOOD_CARD, FakeGateway
from otai.ledger import operations as ledger
from otai.ledger import queries as ledger_queries
from otai.ledger.operations import HoldAlreadyResolved
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.units import Money
from tests.billing.people import ALICE, CAROL, OLGA
from tests.billing.test_statements import entry, statement

DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
CARD: dict[str, Any] = {"gateway": "fake", "payment_method": GOOD_CARD}
OTTO = "otto (operator)"


def packages_and_what_went_back(acme: Organisation, fake: FakeGateway, now: datetime) -> None:
    """Alice pays a month and, with a coupon, two packages: one is refunded, over the other a dispute is lost."""
    card = {**CARD, "organisation": acme, "who": ALICE, "now": now}
    billing.change_tier(tier=Tier.PRO, **card)
    terms = CouponTerms(
        what=CouponFor.PACKAGE,
        valid_from_at=now,
        valid_until_at=now + 9 * DAY,
        percent=10,
        most_uses=5,
        once_each=False,
    )
    billing.make_coupon(code="WELCOME", terms=terms, who=OLGA, why="the fair", now=now)
    less = {**card, "coupon": "WELCOME"}
    refunded, disputed = (billing.buy(package="50", key=key, **less).purchase for key in ("one", "two"))
    billing.withdraw_coupon(code="WELCOME", who=OLGA, why="the fair is over", now=now)
    billing.refund_payment(reference=refunded.reference, who=OLGA, why="refund", now=now, credits=5)
    billing.give_goodwill(organisation=acme, credits=3, who=OLGA, why="sorry", key="g", now=now)
    _spends(acme, 120, now)
    for verdict in ("opened", "lost"):
        _is_disputed(fake, disputed, verdict, now, cents=300_00)


def _spends(acme: Organisation, credits: int, now: datetime) -> None:
    request: dict[str, Any] = {"reference": "run", "reason": "run", "now": now, "deadline_at": now + DAY}
    held = ledger.place_hold(organisation=acme.id, credits=credits, key=f"run of {credits}", **request)
    ledger.capture(organisation=acme.id, hold=held.hold, key=f"run of {credits}:c", reason="run", now=now)


def _is_disputed(fake: FakeGateway, purchase: Purchase, verdict: str, now: datetime, cents: int | None = None) -> None:
    fake.dispute(purchase.gateway_reference, verdict=verdict, cents=cents)
    billing.book_reversals(purchase.id, fake.reversals(purchase.gateway_reference), who="fake", now=now)


def _is_owed_and_written_off(acme: Organisation, fake: FakeGateway, now: datetime) -> None:
    bought = billing.buy(organisation=acme, package="10", key="spent", who=ALICE, now=now, **CARD).purchase
    _spends(acme, ledger_queries.balance(acme.id).available, now)
    _is_disputed(fake, bought, "lost", now)
    owing = Reversal.objects.get(purchase=bought)
    billing.write_off_owed(reversal=owing.id, who=OLGA, why="they are bankrupt", now=now)


def a_year_in_the_place_of_a_month(globex: Organisation, now: datetime) -> None:
    """Carol takes a month by card, and ten days later the year: what is left of the month is deducted."""
    for term, at in ((Term.MONTH, now), (Term.YEAR, now + 10 * DAY)):
        billing.change_tier(organisation=globex, tier=Tier.PRO, term=term, at_once=True, who=CAROL, now=at, **CARD)


def what_else_is_money(acme: Organisation, globex: Organisation, fake: FakeGateway, now: datetime) -> None:
    """A row of each other table that money or its proof is in."""
    billing.offer_package(
        organisation=acme, code="thirty", credits=30, price=Money(240_00), who=OLGA, why="the fair", now=now
    )
    _is_owed_and_written_off(acme, fake, now)
    by_bank, _ = billing.order_package(
        organisation=acme, package="10", key="bank", who=ALICE, now=now, gateway="bank_transfer"
    )
    billing.import_statement(statement(entry("119.00", by_bank.reference, ref="B1")), who=OLGA, now=now)
    asked = second_operator.goodwill(organisation=acme, credits=5000, who=OLGA, why="a lot", key="lot", now=now)
    second_operator.decline(request=asked.id, who=OTTO, why="too much", now=now)  # type: ignore[union-attr]
    offered = second_operator.package(
        organisation=acme, code="cheap", credits=500, price=Money(10_00), who=OLGA, why="a bad week", now=now
    )
    second_operator.approve(request=offered.id, who=OTTO, why="I agree", now=now)
    topups.set_top_up(
        organisation=acme, below=500, package="10", monthly_limit=Money(300_00), who=ALICE, now=now, **CARD
    )
    for minutes in (0, topups.notice_minutes):
        topups.watch_credits(now=now + timedelta(minutes=minutes))
    open_order, _ = billing.order_package(
        organisation=globex, package="10", key="page", who=CAROL, now=now, gateway="fake"
    )
    dunning.charge_without_payer(open_order, DECLINED_CARD, now=now)
    billing.open_payment_page(organisation=globex, reference=open_order.reference, who=CAROL, now=now)
    held = ledger.place_hold(
        organisation=globex.id, credits=1, key="late", reference="run", reason="run", now=now, deadline_at=now + DAY
    ).hold
    ledger.release(organisation=globex.id, hold=held, key="late:r", reason="cancelled", now=now)
    with suppress(HoldAlreadyResolved):
        ledger.capture(organisation=globex.id, hold=held, key="late:c", reason="completed", now=now)
    close_month(Month.at(now, BERLIN).plus(-1), who=OLGA, now=now)
    fake._moves(MoveKind.PAYMENT, 77_00, payment="fp_of_the_shop")
    balance.compare_balances(now=now + timedelta(hours=2))
    of_the_shop = BalanceDifference.objects.get(subject="fp_of_the_shop")
    balance.explain(difference=of_the_shop.id, who=OLGA, why="our other shop", now=now + timedelta(hours=3))
