"""The guarantee's life: agreed, trained, judged; improved; credited; refunded. And who may do what with it."""

from __future__ import annotations

import csv
import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from django.db import connection

from otai.billing import operations as billing
from otai.billing.audit import audit as billing_audit
from otai.billing.models import PaymentRefund, Purchase
from otai.billing.operations.refunds import NothingToRefund
from otai.billing.revenue import month_close
from otai.errors import NotFound, OtaiError
from otai.learning.evidence.acceptance import Criterion
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.pricing.price_book import PRICE_BOOK, BasePrice, Delivery, Mode, Tier
from otai.runs import operations as runs
from otai.runs.executors.local import LocalExecutor
from otai.runs.guarantee import fee, files, operations, queries
from otai.runs.models import Guarantee, Run
from otai.runs.operations.corrections import RunNotCharged
from otai.runs.worker import Worker
from otai.serving.deletion import delete_tickets
from otai.tickets.files import file_store
from otai.tickets.models import DataSet, TicketsDeleted
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact
from tests import stories
from tests.billing import people
from tests.ledger import stories as books
from tests.runs.guarantees import agreed, failed, improvement, included, quote, trained

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return stories.import_tickets(organisation=acme, name="support", source=source, now=now)


def balance(organisation: Organisation) -> tuple[int, int, int]:
    found = ledger.balance(organisation.id)
    return found.available, found.held, found.spent


def moves(guarantee: Guarantee) -> list[str]:
    return [event.move for event in queries.events(guarantee)]


def test_the_included_run_costs_nothing_and_every_price_shows_in_the_books(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    assert (guarantee.status, guarantee.agreed_by, guarantee.verdict_rule) == ("agreed", "price book", "point_estimate")
    assert balance(acme) == (6, 0, 0)

    run = included(acme, support, now)
    assert (run.credits, balance(acme)) == (1, (6, 1, 0))
    trained(now, queue=0.8, priority=0.9)

    guarantee.refresh_from_db()
    assert (guarantee.status, balance(acme)) == ("met", (6, 0, 1))
    assert guarantee.verdict[0]["value"] == 0.8
    assert [line.what for line in ledger.statement(acme.id)] == [
        "Initial credits",
        "Guarantee",
        "Credits held",
        "Credits spent",
    ]
    assert moves(guarantee) == [
        "-> open",
        "criteria_proposed",
        "open -> agreed",
        "agreed -> training",
        "training -> trained",
        "trained -> met",
    ]
    assert audit().clean


def test_criteria_above_the_bar_wait_for_an_operator(acme: Organisation, support: DataSet, now: datetime) -> None:
    guarantee = agreed(acme, support, now, "queue accuracy 0.9", "priority accuracy 0.6")
    assert (guarantee.status, guarantee.waits_for_operator, list(queries.waiting())) == ("open", True, [guarantee])
    with pytest.raises(operations.NotAgreed, match="wait for our yes"):
        included(acme, support, now)

    operations.decline(guarantee=guarantee.id, who="olga", why="the tickets do not carry it", now=now)
    assert not queries.waiting().exists()
    with pytest.raises(operations.NotAgreed):
        operations.agree(guarantee=guarantee.id, who="olga", why="or do they", now=now)

    guarantee = agreed(acme, support, now, "queue accuracy 0.85")
    operations.agree(guarantee=guarantee.id, who="olga", why="seen the learning curve", now=now)
    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.agreed_by, guarantee.waits_for_operator) == ("agreed", "olga", False)
    assert balance(acme) == (6, 0, 0)


def test_criteria_can_change_until_the_run_is_ordered_and_not_after(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    agreed(acme, support, now)
    guarantee = agreed(acme, support, now, "queue macro_f1 0.5")
    assert [say_fact(one.as_fact()) for one in queries.criteria(guarantee)] == [
        "queue: macro F1 of at least 50\N{NO-BREAK SPACE}%"
    ]
    included(acme, support, now)
    with pytest.raises(operations.CriteriaFrozen):
        agreed(acme, support, now)


def test_a_promise_needs_tickets_to_measure_it_on(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    few = stories.tickets_of(acme, tmp_path, now, name="few")
    with pytest.raises(operations.CriteriaInvalid, match="at least 50"):
        agreed(acme, few, now)
    assert queries.guarantee(acme).status == "open"


def test_tickets_deleted_while_they_are_read_are_refused_as_deleted(
    acme: Organisation, support: DataSet, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(source: Path, *_: object, **__: object) -> None:
        delete_tickets(organisation=acme, data_sets=[support], who="alice", now=now)
        pq.read_table(source)

    monkeypatch.setattr("otai.runs.guarantee.holdout.choose", reading)
    with pytest.raises(TicketsDeleted):
        agreed(acme, DataSet.objects.get(id=support.id), now)


def test_nonsense_is_refused(acme: Organisation, support: DataSet, now: datetime) -> None:
    with pytest.raises(operations.CriteriaInvalid, match="no attribute “colour”"):
        agreed(acme, support, now, "colour accuracy 0.5")
    with pytest.raises(operations.CriteriaInvalid, match="twice"):
        agreed(acme, support, now, "queue accuracy 0.5", "queue accuracy 0.6")
    with pytest.raises(operations.CriteriaInvalid):
        operations.propose(organisation=acme, data_set=support, criteria=[], who="alice", now=now)


def test_carol_can_do_nothing_with_it(acme: Organisation, support: DataSet, now: datetime) -> None:
    globex = stories.globex(now)
    guarantee = agreed(acme, support, now)
    with pytest.raises(NotFound):
        agreed(globex, support, now)
    operations.open_guarantees(organisation=globex, now=now)
    with pytest.raises(NotFound):
        runs.order_included_run(organisation=globex, quote=quote(acme, support, now).id, who="carol", now=now)
    guarantee.refresh_from_db()
    assert (guarantee.status, balance(globex)) == ("agreed", (6, 0, 0))


def test_a_failed_or_cancelled_run_leaves_no_free_credits_and_the_chance_stays(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    failed(now)
    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.run, balance(acme)) == ("agreed", None, (6, 0, 0))
    back = {"why": Fact("guarantee.funding_back", {"run": 1, "credits": 1}).as_dict()}
    ended = queries.events(guarantee).last()
    assert ended and (ended.who, ended.move, ended.at) == (
        "guarantee",
        "training -> agreed",
        now + timedelta(minutes=1),
    )
    assert ended.details == {**back, "run": 1, "credits": 1, "short": 0}

    run = included(acme, support, now)
    runs.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    guarantee.refresh_from_db()
    assert (guarantee.status, balance(acme)) == ("agreed", (6, 0, 0))

    included(acme, support, now)
    trained(now, queue=0.9)
    guarantee.refresh_from_db()
    assert (guarantee.status, balance(acme)) == ("met", (6, 0, 1))
    assert audit().clean


def test_the_funding_goes_back_even_if_its_lot_paid_for_another_run(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    """Included credits are spent first: the guaranteed run drew on them, and the guarantee's own lot paid for what came
    after."""
    agreed(acme, support, now)
    run = included(acme, support, now)
    for _ in range(6):
        runs.order_run(organisation=acme, quote=quote(acme, support, now).id, who="alice", now=now)
    assert balance(acme) == (0, 7, 0)
    runs.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    assert balance(acme) == (0, 6, 0)
    assert audit().clean


def test_funding_that_was_spent_meanwhile_is_told_and_bought_credits_stay(
    acme: Organisation, support: DataSet, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody gave the hold back by hand, and all credits but bought ones went into other trainings."""
    guarantee = agreed(acme, support, now)
    run = included(acme, support, now)
    ledger_operations.release(organisation=acme.id, hold=run.hold, key="by hand", reason="a mistake", now=now)
    for _ in range(7):
        runs.order_run(organisation=acme, quote=quote(acme, support, now).id, who="alice", now=now)
    people.details(acme, now=now)
    bought = billing.buy(organisation=acme, package="10", key="k", who="alice", now=now).purchase
    people.transfer(bought, now)
    assert balance(acme) == (10, 7, 0)

    runs.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    guarantee.refresh_from_db()
    assert (guarantee.status, balance(acme)) == ("agreed", (10, 7, 0))
    *_, back, lost = queries.events(guarantee)
    assert (back.move, back.details["credits"], back.details["short"]) == ("training -> agreed", 1, 1)
    assert (lost.move, lost.who, lost.at) == ("funding_not_recovered", "guarantee", now)
    assert lost.details == {"why": Fact("guarantee.funding_spent", {"credits": 1}).as_dict()}
    assert f"guarantee {guarantee.id}: 1 of 1 funding credits were spent already" in caplog.text
    assert audit().clean


def test_funding_that_was_spent_meanwhile_comes_from_what_was_given_since(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    run = included(acme, support, now)
    ledger_operations.release(organisation=acme.id, hold=run.hold, key="by hand", reason="a mistake", now=now)
    for _ in range(7):
        runs.order_run(organisation=acme, quote=quote(acme, support, now).id, who="alice", now=now)
    books.grant(acme.id, 2, source="goodwill", now=now)

    runs.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    assert balance(acme) == (1, 7, 0)
    back = queries.events(guarantee).last()
    assert back and (back.move, back.details["short"]) == ("training -> agreed", 0)
    line = ledger.statement(acme.id)[-1]
    assert (line.credits_out, line.reference) == (1, runs.hold_reference(run.id))
    assert audit().clean


DEARER = {(Mode.BASIC, Delivery.STANDARD): BasePrice(6, "Three for few attributes.")}
DEARER_BOOK = dataclasses.replace(PRICE_BOOK, version="dearer", base_prices={**PRICE_BOOK.base_prices, **DEARER})


def test_funding_of_several_credits_is_taken_from_the_lots_that_have_it(
    acme: Organisation, support: DataSet, now: datetime, settings: Any
) -> None:
    """Of the three credits that the guarantee gave, two went into something else: they come from what the training
    drew on."""
    settings.OTAI_PRICE_BOOK = "tests.runs.test_guarantee:DEARER_BOOK"
    guarantee = agreed(acme, support, now)
    run = included(acme, support, now)
    assert (run.credits, balance(acme)) == (3, (6, 3, 0))
    books.hold(acme.id, 5, now=now)
    runs.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    assert balance(acme) == (1, 5, 0)
    taken = [(line.credits_out, line.reference) for line in ledger.statement(acme.id)][-2:]
    assert taken == [(1, runs.hold_reference(run.id)), (2, runs.hold_reference(run.id))]
    back = queries.events(guarantee).last()
    assert back and (back.details["credits"], back.details["short"]) == (3, 0)
    assert audit().clean


def test_an_included_run_is_not_refunded_since_nobody_paid_for_it(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    agreed(acme, support, now)
    run = included(acme, support, now)
    trained(now, queue=0.9)
    with pytest.raises(RunNotCharged, match="included"):
        runs.refund_run(organisation=acme, number=run.number, why="faulty", who="olga", now=now)
    from otai.billing.operations import refund_credits

    with pytest.raises(RunNotCharged, match="included"):
        refund_credits(organisation=acme, hold=run.hold, why="the desk's way", who="olga", now=now)


def test_missed_twice_credits_the_list_price_once_after_a_look(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    with pytest.raises(runs.NothingMissed):
        improvement(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.69)
    guarantee.refresh_from_db()
    assert (guarantee.status, balance(acme)) == ("missed", (6, 0, 1))
    *_, trained_on, judged = queries.events(guarantee)
    assert (trained_on.move, judged.move) == ("training -> trained", "trained -> missed")
    assert trained_on.details == {"why": Fact("guarantee.trained", {"run": 1}).as_dict()}
    assert (judged.details["run"], judged.details["verdict"]) == (1, guarantee.verdict)
    [outcome] = judged.details["why"]["values"]["outcomes"]
    assert (outcome["code"], outcome["values"]["value"], outcome["values"]["tickets"]) == (
        "guarantee.missed",
        0.69,
        100,
    )
    assert outcome["values"]["criterion"] == Criterion.parse("queue accuracy 0.7").as_fact().as_dict()

    run = improvement(acme, support, now)
    runs.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.improvement_run, balance(acme)) == ("missed", None, (6, 0, 1))
    ended = queries.events(guarantee).last()
    back = {"why": Fact("guarantee.funding_back", {"run": 2, "credits": 1}).as_dict()}
    assert ended and ended.details == {**back, "run": 2, "credits": 1, "short": 0}

    improvement(acme, support, now)
    trained(now, queue=0.695)
    guarantee.refresh_from_db()
    assert (guarantee.status, guarantee.fee_credits, balance(acme)) == ("in_review", 0, (6, 0, 2))
    assert fee.credit_fee(guarantee=guarantee.id, who="olga", why="honest labels", now=now).fee_credits == 1
    assert balance(acme) == (7, 0, 2)
    assert moves(guarantee)[-3:] == ["improving -> missed", "missed -> in_review", "in_review -> credited"]
    with pytest.raises(fee.FeeNotInReview) as settled:
        fee.credit_fee(guarantee=guarantee.id, who="olga", why="once more", now=now)
    assert (settled.value.case, settled.value.details) == ("fee", {"status": "credited"})
    with pytest.raises(NotFound) as nobodys:
        fee.decline_fee(guarantee=uuid4(), who="olga", why="nobody is", now=now)
    assert nobodys.value.case == "no_guarantee"
    with pytest.raises(runs.NothingMissed):
        improvement(acme, support, now)
    assert audit().clean


def test_missed_then_met_by_the_improvement_costs_nothing(acme: Organisation, support: DataSet, now: datetime) -> None:
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.5)
    improvement(acme, support, now)
    trained(now, queue=0.75)
    guarantee.refresh_from_db()
    assert (guarantee.status, balance(acme)) == ("met", (6, 0, 2))
    assert (guarantee.verdict[0]["met"], guarantee.improvement_verdict[0]["met"]) == (False, True)
    judged = [event for event in queries.events(guarantee) if event.move.endswith((" -> missed", " -> met"))]
    assert [event.details["why"]["values"]["outcomes"][0]["code"] for event in judged] == [
        "guarantee.missed",
        "guarantee.met",
    ]


def test_an_order_repeated_is_one_order_and_a_paid_quote_is_not_included(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    agreed(acme, support, now)
    paid = quote(acme, support, now)
    runs.order_run(organisation=acme, quote=paid.id, who="alice", now=now)
    with pytest.raises(runs.QuoteDoesNotFit, match="paid training"):
        runs.order_included_run(organisation=acme, quote=paid.id, who="alice", now=now)
    offered = quote(acme, support, now)
    first = runs.order_included_run(organisation=acme, quote=offered.id, who="alice", now=now)
    again = runs.order_included_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert (first.id, balance(acme)) == (again.id, (5, 2, 0))
    with pytest.raises(operations.NotAgreed, match="ordered already"):
        included(acme, support, now)


def test_two_orders_at_once_are_one_included_run_and_one_grant(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    agreed(acme, support, now)
    quotes = [quote(acme, support, now).id for _ in range(4)]
    answers: list[object] = []

    def order(offered: UUID) -> None:
        try:
            answers.append(runs.order_included_run(organisation=acme, quote=offered, who="alice", now=now).number)
        except OtaiError as refused:
            answers.append(refused.code)
        finally:
            connection.close()

    threads = [Thread(target=order, args=(offered,)) for offered in quotes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, answers)) == ["1", *["criteria_not_agreed"] * 3]
    assert balance(acme) == (6, 1, 0)
    assert audit().clean


def test_a_run_that_does_not_train_what_was_agreed_is_refused(
    acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    agreed(acme, support, now)
    other = stories.tickets_of(acme, tmp_path, now, name="other")
    with pytest.raises(runs.QuoteDoesNotFit, match="not for other"):
        included(acme, other, now)
    without = stories.quote_for(acme, support, now, attributes=("priority",))
    with pytest.raises(runs.QuoteDoesNotFit, match="queue"):
        runs.order_included_run(organisation=acme, quote=without.id, who="alice", now=now)
    expired = quote(acme, support, now - timedelta(hours=2))
    with pytest.raises(runs.QuoteExpired):
        runs.order_included_run(organisation=acme, quote=expired.id, who="alice", now=now)
    assert balance(acme) == (6, 0, 0), "nothing was granted"


def test_one_for_each_tier_level_and_not_per_renewal(support: DataSet, acme: Organisation, now: datetime) -> None:
    people.details(acme, now=now)
    operations.open_guarantees(organisation=acme, now=now)
    pay_for(acme, Tier.PRO, now)
    later = now + timedelta(days=2)
    assert [one.tier for one in operations.open_guarantees(organisation=acme, now=later)] == ["community", "pro"]
    assert [one.tier for one in operations.open_guarantees(organisation=acme, now=later)] == ["community", "pro"]
    assert queries.guarantee(acme).tier == "pro"


def pay_for(acme: Organisation, tier: Tier, now: datetime) -> Purchase:
    answer = billing.change_tier(organisation=acme, tier=tier, who="alice", why="we grow", now=now)
    assert answer.purchase is not None
    due = answer.purchase
    from otai.units import Money

    billing.confirm_payment(
        reference=due.reference,
        received=Money(due.gross_cents),
        bank_reference=f"TX-{tier}",
        who="olga",
        why="paid",
        now=now,
    )
    return due


def missed_twice_as_pro(acme: Organisation, support: DataSet, now: datetime) -> Guarantee:
    people.details(acme, now=now)
    pay_for(acme, Tier.PRO, now)
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.6)
    improvement(acme, support, now)
    trained(now, queue=0.6)
    guarantee.refresh_from_db()
    assert (guarantee.tier, guarantee.status) == ("pro", "credited")
    return guarantee


def test_an_operator_turns_the_fee_into_money_on_the_month_that_included_it(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = missed_twice_as_pro(acme, support, now)
    before = ledger.balance(acme.id).available
    [refund] = operations.refund_fee(guarantee=guarantee.id, who="olga", why="they asked for money", now=now)
    assert (refund.net_cents, refund.vat_cents, refund.credits) == (10_00, 1_90, 1)
    assert ledger.balance(acme.id).available == before - 1
    guarantee.refresh_from_db()
    assert guarantee.status == "refunded"
    with pytest.raises(operations.FeeNotCredited):
        operations.refund_fee(guarantee=guarantee.id, who="olga", why="once more", now=now)
    assert PaymentRefund.objects.count() == 1
    close = month_close(now.year, now.month, zone=acme.zone)
    assert (close.tiers.refunded.cents, close.tiers.difference.cents, close.total.difference.cents) == (10_00, 0, 0)
    assert audit().clean
    assert billing_audit().findings == []


def test_a_fee_that_was_spent_or_that_nobody_paid_money_for_stays_credits(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.1)
    improvement(acme, support, now)
    trained(now, queue=0.1)
    fee.credit_fee(guarantee=guarantee.id, who="olga", why="honest labels", now=now)
    with pytest.raises(NothingToRefund, match="leave the fee as credits"):
        operations.refund_fee(guarantee=guarantee.id, who="olga", why="asked", now=now)
    assert balance(acme) == (7, 0, 2), "a refusal changes nothing"
    for _ in range(7):
        runs.order_run(organisation=acme, quote=quote(acme, support, now).id, who="alice", now=now)
    with pytest.raises(operations.FeeWasSpent):
        operations.refund_fee(guarantee=guarantee.id, who="olga", why="asked", now=now)
    guarantee.refresh_from_db()
    assert guarantee.status == "credited"


def test_training_and_tuning_never_see_the_holdout(acme: Organisation, support: DataSet, now: datetime) -> None:
    guarantee = agreed(acme, support, now)
    held = files.table_at(guarantee.holdout_file)
    run = included(acme, support, now)
    table = pq.read_table(file_store().local_path(run.training_file))
    splits = dict(zip(table["ticket"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert {ticket for ticket, split in splits.items() if split == "test"} == set(held["ticket"].to_pylist())
    assert 50 <= held.num_rows <= 75
    Worker(executor=LocalExecutor(), clock=lambda: now + timedelta(minutes=1)).work_once()
    run = Run.objects.get(id=run.id)
    assert (run.status, run.report_card["holdout"]) == ("completed", "given")
    assert run.report_card["holdout_tickets"] == held.num_rows
    assert not run.report_card["final_model_learnt_holdout"]
    guarantee.refresh_from_db()
    assert guarantee.status == "met"


def test_the_improvement_is_measured_on_the_same_tickets_with_corrections_shown(
    acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    included(acme, support, now)
    trained(now, queue=0.5)
    held = files.table_at(guarantee.holdout_file)
    measured = set(held["subject"].to_pylist())
    victim = next(iter(measured))

    # The next version has one label of a ticket to measure on corrected, lacks some tickets, and repeats a text that is
    # measured.
    rows = list(csv.reader((tmp_path / "support.csv").open()))
    header, body = rows[0], rows[1:]
    original = next(row for row in body if row[0] == victim)
    changed = [[*row[:2], "network", row[3]] if row[0] == victim else row for row in body[40:]]
    if victim not in {row[0] for row in changed}:
        changed.append([*original[:2], "network", original[3]])
    other = next(row for row in body if row[0] in measured and row[0] != victim)
    changed.append([other[0].upper(), other[1], *other[2:]])
    source = tmp_path / "second.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([header, *changed])
    second = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    run = improvement(acme, second, now)
    table = pq.read_table(file_store().local_path(run.training_file))
    learnt = table.filter(
        pq.read_table(file_store().local_path(run.training_file))["split"].to_pylist()
        and [split == "train" for split in table["split"].to_pylist()]
    )
    tested = table.filter([split == "test" for split in table["split"].to_pylist()])
    assert set(tested["subject"].to_pylist()) == measured, "the same tickets, whatever the data set has now"
    assert not {text.lower() for text in learnt["subject"].to_pylist()} & {text.lower() for text in measured}
    guarantee.refresh_from_db()
    corrections = queries.corrections(guarantee)
    expected = [] if original[2] == "network" else [(original[2], "network")]
    assert [(one.agreed, one.now) for one in corrections] == expected
    text = "".join(queries.holdout_csv(guarantee))
    assert ("queue (corrected)" in text.splitlines()[0]) == bool(expected)


def test_the_holdout_is_a_file_that_no_spreadsheet_runs(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    nasty = [
        row if number == 0 else [f"=cmd|'{row[0]}'", *row[1:]] for number, row in enumerate(csv.reader(source.open()))
    ]
    with source.open("w", newline="") as file:
        csv.writer(file).writerows(nasty)
    support = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    guarantee = agreed(acme, support, now)
    lines = list(csv.reader("".join(queries.holdout_csv(guarantee)).splitlines()))
    assert lines[0] == ["ticket", "subject", "body", "language", "queue", "priority"]
    assert len(lines) == guarantee.holdout_tickets + 1
    assert all(line[1].startswith("'=cmd") for line in lines[1:])
