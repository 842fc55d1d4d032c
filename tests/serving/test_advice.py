"""Advice: once a week, once while open, closed when it holds no more; and what the database refuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from otai.errors import NotFound
from otai.ledger import operations
from otai.ledger import queries as ledger
from otai.ledger.models import Transfer
from otai.orgs.models import Organisation
from otai.runs.models import Quote, Run
from otai.serving import advice, feedback, queries, versions
from otai.serving.feedback import Correction
from otai.serving.models import Advice, AdviceCheck, ModelVersion, ObservedTicket
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from tests import stories
from tests.serving.training_here import trained

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return stories.import_tickets(organisation=acme, name="support", source=source, now=now)


def renamed(support: DataSet, now: datetime) -> DataSet:
    return feedback.map_labels(
        data_set=support, mapping={"queue": {"network": "infrastructure"}}, by="alice", now=now
    ).data_set


def kinds(acme: Organisation, now: datetime) -> list[str]:
    return [one.kind for one in advice.check(organisation=acme, name="support", now=now)]


def test_nothing_new_is_no_advice_and_reads_no_model(acme: Organisation, version: ModelVersion, now: datetime) -> None:
    queries._bundle.cache_clear()
    assert advice.check(organisation=acme, name="support", now=now) == []
    assert queries._bundle.cache_info().currsize == 0


def test_advice_is_given_once_and_outdated_when_it_holds_no_more(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    other = renamed(support, now)
    assert kinds(acme, now) == ["labels_renamed"]
    assert kinds(acme, now + timedelta(days=1)) == ["labels_renamed"]
    [only] = Advice.objects.all()
    assert only.checked_at == now + timedelta(days=1)
    # The old names come back with the next version of the tickets.
    feedback.map_labels(data_set=other, mapping={"queue": {"infrastructure": "network"}}, by="bob", now=now)
    assert kinds(acme, now + timedelta(days=2)) == []
    only.refresh_from_db()
    assert (only.status, only.decided_by) == ("outdated", "advice")


def test_carol_neither_sees_nor_follows_it(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    globex = stories.globex(now)
    renamed(support, now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    for act in (
        lambda: advice.check(organisation=globex, name="support", now=now),
        lambda: advice.advice(globex, found.id),
        lambda: advice.follow(organisation=globex, id=found.id, who="carol", now=now),
        lambda: advice.dismiss(organisation=globex, id=found.id, who="carol", why="", now=now),
        lambda: advice.improvements(globex, "support"),
        lambda: advice.accept_suspects(organisation=globex, name="support", attribute="queue", who="carol", now=now),
    ):
        with pytest.raises(NotFound):
            act()
    assert not advice.all_advice(globex).exists()
    assert queries.version(acme, "support").renamed == {}


def test_drift_is_tested_once_a_week_however_often_someone_looks(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    version = queries.version(acme, "support")
    texts = [f"{row['subject']}\n{row['body']}" for row in tickets.tickets(support, limit=120)]
    feedback.keep(version, texts, now=now)
    for hours in (1, 2, 3):
        assert kinds(acme, now + timedelta(hours=hours)) == []
    [made] = AdviceCheck.objects.all()
    assert made.tickets == 120
    assert {signal["kind"] for signal in made.signals} >= {"confidence", "words", "unfamiliar"}
    kinds(acme, now + timedelta(days=7))
    assert AdviceCheck.objects.count() == 2


def test_corrections_of_what_was_wrong_count_the_rest_as_right(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    """Nobody says that a model was right: of 200 tickets that it was asked about, 60 come back as wrong, and that is
    enough to know."""
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    version = queries.version(acme, "support")
    texts = [f"{row['subject']}\n{row['body']}" for row in tickets.tickets(support, limit=200)]
    feedback.keep(version, texts, now=now)
    said = queries.predict(version, texts[:60])
    wrong = [
        Correction(text, {"queue": ("billing" if one["queue"].label != "billing" else "network",)})
        for text, one in zip(texts, said, strict=False)
    ]
    feedback.give(version=version, corrections=wrong, by="bob", key="week", now=now)
    [found] = advice.check(organisation=acme, name="support", now=now + timedelta(hours=1))
    assert found.kind == "drift"
    accuracy = next(one for one in found.evidence if one["kind"] == "accuracy")
    assert accuracy["now"]["value"] == pytest.approx(0.7)


def test_corrections_alone_say_nothing_about_accuracy(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    wrong = [
        Correction(f"{row['subject']}\n{row['body']}", {"queue": ("nowhere",)})
        for row in tickets.tickets(support, limit=150)
    ]
    feedback.give(version=version, corrections=wrong, by="bob", key="week", now=now)
    assert kinds(acme, now + timedelta(hours=1)) == []


def test_the_daily_look_is_made_by_one_process_and_forgets_old_tickets(
    acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    versions.keep_tickets(organisation=acme, name="support", days=1, who="alice", now=now)
    feedback.keep(queries.version(acme, "support"), ["vpn drops"], now=now)
    renamed(support, now)
    assert advice.look_when_due(now=now + timedelta(hours=1)) == 1
    assert advice.look_when_due(now=now + timedelta(hours=2)) is None
    assert Advice.objects.get().kind == "labels_renamed"
    assert advice.look_when_due(now=now + timedelta(hours=26)) == 1
    assert not ObservedTicket.objects.exists()


def test_a_new_attribute_is_offered_with_the_price_of_all(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    lines = stories.write_tickets(tmp_path / "a.csv", tickets=200).read_text().splitlines()
    without = tmp_path / "without.csv"
    without.write_text("\n".join(line.rpartition(",")[0] for line in lines))
    first = stories.import_tickets(organisation=acme, name="support", source=without, now=now)
    trained(acme, first, now)
    stories.import_tickets(organisation=acme, name="support", source=tmp_path / "a.csv", now=now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert (found.kind, found.attributes, found.credits) == ("new_attribute", ["queue", "priority"], 1)
    run = advice.follow(organisation=acme, id=found.id, who="alice", now=now)
    assert run is not None
    assert [one["name"] for one in run.attributes] == ["queue", "priority"]
    assert ledger.balance(acme.id).held == 1


def test_an_order_that_is_refused_leaves_the_feedback_waiting(
    acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    lines = stories.write_tickets(tmp_path / "a.csv", tickets=200).read_text().splitlines()
    without = tmp_path / "without.csv"
    without.write_text("\n".join(line.rpartition(",")[0] for line in lines))
    version = trained(acme, stories.import_tickets(organisation=acme, name="support", source=without, now=now), now)
    there = stories.import_tickets(organisation=acme, name="support", source=tmp_path / "a.csv", now=now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    said = [Correction("The coffee machine asks for a password", {"queue": ("network",)}, ticket="t-900")]
    feedback.give(version=version, corrections=said, by="bob", key="b-1", now=now)
    held = operations.place_hold(
        organisation=acme.id,
        credits=ledger.balance(acme.id).available,
        key="all",
        reference="another run",
        reason="everything",
        deadline_at=now + timedelta(days=1),
        now=now,
    )
    runs, quotes, transfers = Run.objects.count(), Quote.objects.count(), Transfer.objects.count()
    with pytest.raises(operations.InsufficientCredits):
        advice.follow(organisation=acme, id=found.id, who="alice", now=now, with_feedback=True)
    assert tickets.data_set(acme, "support") == there
    assert feedback.offer(acme, "support").statements == 1
    assert (Run.objects.count(), Quote.objects.count(), Transfer.objects.count()) == (runs, quotes, transfers)
    assert Advice.objects.get().status == "open"

    operations.release(organisation=acme.id, hold=held.hold, key="none", reason="given back", now=now)
    run = advice.follow(organisation=acme, id=found.id, who="alice", now=now, with_feedback=True)
    assert run is not None
    # Tried first and then ordered: one hold, one run.
    assert (run.data_set.version, ledger.balance(acme.id).held, Run.objects.count()) == (there.version + 1, 1, runs + 1)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("serving_advice_kind_is_known", {"kind": "weather"}),
        ("serving_advice_status_is_known|serving_advice_is_decided_exactly_when_not_open", {"status": "lost"}),
        ("serving_advice_is_decided_exactly_when_not_open", {"status": "followed"}),
        ("serving_advice_is_decided_exactly_when_not_open", {"decided_by": "bob", "status": "dismissed"}),
    ],
)
def test_the_database_refuses(
    rule: str, changes: dict, acme: Organisation, support: DataSet, version: ModelVersion, now: datetime
) -> None:
    renamed(support, now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Advice.objects.filter(id=found.id).update(**changes)
    with pytest.raises(IntegrityError), transaction.atomic():
        found.pk = None
        found.id = version.id
        found.save(force_insert=True)
