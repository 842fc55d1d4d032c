from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from otai.billing.models import Subscription
from otai.errors import NotFound
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.ledger.operations import InsufficientCredits
from otai.pricing.price_book import PRICE_BOOK, Delivery, Mode, Tier
from otai.pricing.quote import AttributeCountOutOfRange, ModeNotInTier
from otai.runs import operations, queries
from otai.runs.models import Event, Quote, Reason, Run
from tests import stories

pytestmark = pytest.mark.django_db


def balance(organisation) -> tuple[int, int, int]:
    found = ledger.balance(organisation.id)
    return found.available, found.held, found.spent


def test_a_quote_holds_nothing_and_an_order_holds_the_price(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)
    assert (offered.credits, offered.price_book, offered.expires_at) == (1, "2026-12b", now + timedelta(minutes=30))
    assert balance(acme) == (6, 0, 0)
    run = operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert balance(acme) == (5, 1, 0)
    assert (run.number, run.status, run.credits, run.ordered_by) == (1, "queued", 1, "alice")
    assert [(e.move, e.who) for e in queries.events(run)] == [("-> queued", "alice")]
    assert audit().clean


def test_ordering_a_quote_twice_is_one_run_and_one_hold(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)
    first = operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    # Even after the quote expired: the order was made in time.
    second = operations.order_run(organisation=acme, quote=offered.id, who="bob", now=now + timedelta(hours=5))
    assert first.id == second.id
    assert balance(acme) == (5, 1, 0)


def test_an_expired_quote_is_refused(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)
    with pytest.raises(operations.QuoteExpired):
        operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now + timedelta(minutes=30))
    assert balance(acme) == (6, 0, 0)
    assert not Run.objects.exists()


def test_a_run_is_charged_what_its_quote_said_though_prices_rose_meanwhile(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = stories.acme(now)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)
    dearer = replace(
        PRICE_BOOK,
        version="dearer",
        base_prices={key: replace(base, credits=base.credits * 5) for key, base in PRICE_BOOK.base_prices.items()},
    )
    monkeypatch.setattr("otai.billing.queries.price_book", lambda: dearer)
    run = operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert (run.credits, balance(acme)) == (1, (5, 1, 0))


def test_without_enough_credits_the_order_says_what_is_missing_and_which_package_covers_it(
    tmp_path: Path, now: datetime
) -> None:
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    for _ in range(6):
        stories.ordered(acme, data_set, now)
    offered = stories.quote_for(acme, data_set, now)
    with pytest.raises(InsufficientCredits) as refused:
        operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert refused.value.message == (
        "This training needs 1 credit (available: 0, missing: 1). What covers it: 10-credit package (EUR 100), "
        "50-credit package (EUR 450), 100-credit package (EUR 800)."
    )
    assert [package["credits"] for package in refused.value.details["packages"]] == [10, 50, 100]
    assert (Run.objects.count(), balance(acme)) == (6, (0, 6, 0))
    assert Event.objects.count() == 6
    assert audit().clean


def test_a_mode_outside_the_tier_is_refused_at_the_quote(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    with pytest.raises(ModeNotInTier):
        stories.quote_for(acme, data_set, now, mode=Mode.MAXIMUM)
    assert not Quote.objects.exists()


def test_a_mode_that_left_the_tier_since_the_quote_is_refused_at_the_order(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    acme = stories.acme(now, tier=Tier.PRO)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now, mode=Mode.BUSINESS)
    Subscription.objects.filter(organisation=acme).update(tier=Tier.COMMUNITY)
    with pytest.raises(ModeNotInTier):
        operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert balance(acme) == (100, 0, 0)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ((), AttributeCountOutOfRange),
        (("colour",), operations.UnknownAttribute),
        (("queue", "queue"), operations.UnknownAttribute),
    ],
)
def test_what_cannot_be_predicted_is_refused(tmp_path: Path, now: datetime, attributes, error) -> None:
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    with pytest.raises(error):
        stories.quote_for(acme, data_set, now, attributes=attributes)
    assert not Quote.objects.exists()


@pytest.mark.parametrize("name", ["", "../etc", "a/b", "x" * 101, " lead", "new\nline"])
def test_an_unusable_model_name_is_refused(tmp_path: Path, now: datetime, name: str) -> None:
    acme = stories.acme(now)
    with pytest.raises(operations.InvalidModelName):
        operations.make_quote(
            organisation=acme,
            data_set=stories.tickets_of(acme, tmp_path, now),
            attributes=["queue"],
            mode=Mode.BASIC,
            delivery=Delivery.FAST,
            model_name=name,
            reason=Reason.NEW_MODEL,
            now=now,
        )


def test_carol_finds_nothing_of_acmes_and_changes_nothing(tmp_path: Path, now: datetime) -> None:
    acme, globex = stories.acme(now), stories.globex(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    offered = stories.quote_for(acme, data_set, now)
    run = stories.ordered(acme, data_set, now)
    with pytest.raises(NotFound):
        stories.quote_for(globex, data_set, now)
    with pytest.raises(NotFound):
        operations.order_run(organisation=globex, quote=offered.id, who="carol", now=now)
    with pytest.raises(NotFound):
        queries.run(globex, run.number)
    with pytest.raises(NotFound):
        operations.cancel_run(organisation=globex, number=run.number, who="carol", now=now)
    with pytest.raises(NotFound):
        operations.refund_run(organisation=globex, number=run.number, why="mine", who="carol", now=now)
    assert (balance(acme), balance(globex)) == ((5, 1, 0), (6, 0, 0))
    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_quote_ordered_by_eight_people_at_once_is_one_run(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)

    def order(who: int) -> object:
        try:
            return operations.order_run(organisation=acme, quote=offered.id, who=f"person {who}", now=now).id
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        runs = set(people.map(order, range(8)))
    assert len(runs) == 1
    assert balance(acme) == (5, 1, 0)
    assert audit().clean


@pytest.mark.django_db(transaction=True)
def test_orders_beyond_the_balance_are_refused_however_close_they_come(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    offers = [stories.quote_for(acme, data_set, now).id for _ in range(10)]

    def order(quote: object) -> bool:
        try:
            operations.order_run(organisation=acme, quote=quote, who="alice", now=now)  # type: ignore[arg-type]
            return True
        except InsufficientCredits:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as people:
        assert sum(people.map(order, offers)) == 6
    assert sorted(Run.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert balance(acme) == (0, 6, 0)
    assert audit().clean


BREAKS = [
    ("runs_run_costs_at_least_one_credit", "UPDATE runs_run SET credits = 0"),
    ("runs_run_(status_is_known|has_an_ending)", "UPDATE runs_run SET status = 'lost'"),
    ("runs_run_has_an_ending_exactly_when_it_ended", "UPDATE runs_run SET status = 'failed'"),
    ("runs_run_has_an_ending_exactly_when_it_ended", "UPDATE runs_run SET ended_at = ordered_at, ending = 'cancelled'"),
    ("runs_run_at_work_has_an_attempt_and_a_heartbeat", "UPDATE runs_run SET status = 'training'"),
    (
        "runs_run_completed_has_a_model_and_a_report_card",
        "UPDATE runs_run SET status = 'completed', ended_at = ordered_at, ending = 'completed'",
    ),
    ("runs_quote_costs_at_least_one_credit", "UPDATE runs_quote SET credits = 0"),
    ("runs_quote_expires_after_it_was_made", "UPDATE runs_quote SET expires_at = made_at"),
]


@pytest.mark.parametrize(("constraint", "sql"), BREAKS)
def test_the_database_itself_refuses_a_run_that_cannot_be(
    tmp_path: Path, now: datetime, constraint: str, sql: str
) -> None:
    acme = stories.acme(now)
    stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_credits_that_come_back_while_their_payment_is_disputed_pay_for_no_run(tmp_path: Path, now: datetime) -> None:
    from otai.billing import operations as billing
    from otai.billing.gateway import ReversalOutcome, ReversalSeen
    from otai.ledger import operations as ledger_operations
    from otai.units import Money
    from tests.billing.people import OLGA, details

    acme = stories.acme(now)
    details(acme, now=now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now).purchase
    came = Money(bought.gross_cents)
    billing.confirm_payment(
        reference=bought.reference, received=came, bank_reference="TX", who=OLGA, why="statement", now=now
    )
    hold = ledger_operations.place_hold(
        organisation=acme.id,
        credits=16,
        key="h",
        reference="h",
        reason="run",
        now=now,
        deadline_at=now + timedelta(days=1),
    )
    disputed = ReversalSeen("TX", "dp_1", ReversalOutcome.OPEN, bought.gross_cents, "EUR")
    billing.book_reversals(bought.id, [disputed], who="bank", now=now)
    ledger_operations.release(organisation=acme.id, hold=hold.hold, key="r", reason="failed", now=now)
    offered = stories.quote_for(acme, stories.tickets_of(acme, tmp_path, now), now)
    operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert balance(acme) == (5, 1, 0), "the ten that came back are frozen; the six of the sign-up pay"
    assert audit().clean
