"""When to train again, told with real tickets: the right advice, its price, one step to follow it; and silence when
nothing is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otai.errors import NotFound
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.serving import advice, feedback, queries, versions
from otai.serving.feedback import Correction
from otai.serving.models import Advice, ModelVersion
from tests import stories
from tests.serving.training_here import trained, work
from tests.walk.real_tickets import CARDS, Ticket, brought, real

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)


def looked(acme: Organisation, at: datetime) -> list[tuple[str, str]]:
    return [(one.kind, one.reason) for one in advice.check(organisation=acme, name="support", now=at)]


def reviewed(version: ModelVersion, tickets: Sequence[Ticket], at: datetime) -> None:
    """People say of every ticket of a week what its queue is."""
    feedback.give(
        version=version,
        corrections=[Correction(text, {"queue": (queue,)}) for text, queue in tickets],
        by="bob",
        key=f"week of {at:%Y-%m-%d}",
        now=at,
        complete=True,
    )


def test_a_queue_is_renamed_and_costs_nothing(shared_data: Path, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    tickets = real(shared_data, "banking77", "intent", CARDS, each=100)
    old, new = tickets[:260], tickets[260:]
    trained(acme, brought(acme, old, tmp_path / "1.csv", now), now)
    credits = ledger.balance(acme.id).available

    # New tickets arrive, and what was "lost_or_stolen_card" is called "card security" in all of them.
    called = [(text, "card security" if queue == "lost_or_stolen_card" else queue) for text, queue in new]
    later = now + WEEK
    brought(acme, called, tmp_path / "2.csv", later)
    [found] = advice.check(organisation=acme, name="support", now=later)
    assert (found.kind, found.credits) == ("labels_renamed", 0)
    assert found.mapping == {"queue": {"lost_or_stolen_card": "card security"}}
    assert "“lost_or_stolen_card” is called “card security” now" in str(found)

    # One step, and the model says the new name; no training, no credits.
    assert advice.follow(organisation=acme, id=found.id, who="alice", now=later) is None
    [said] = queries.predict(queries.version(acme, "support"), ["someone stole my card"])
    assert said["queue"].label == "card security"
    assert looked(acme, later) == []
    assert ledger.balance(acme.id).available == credits
    assert audit().clean


def test_a_queue_is_split_and_another_opens(shared_data: Path, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    labels = (*CARDS, "wrong_amount_of_cash_received")
    tickets = real(shared_data, "banking77", "intent", labels, each=100)
    # At first, everything about cards is one queue, and cash machines have none.
    one_queue = [
        (text, "cards" if queue in ("card_arrival", "lost_or_stolen_card") else queue)
        for text, queue in tickets
        if queue != "wrong_amount_of_cash_received"
    ]
    first = brought(acme, one_queue[:250], tmp_path / "1.csv", now)
    trained(acme, first, now)

    later = now + WEEK
    brought(acme, tickets, tmp_path / "2.csv", later)
    [found] = advice.check(organisation=acme, name="support", now=later)
    assert (found.kind, found.reason, found.credits) == ("labels_changed", "labels_changed", 1)
    [evidence] = [one for one in found.evidence if one["kind"] == "labels"]
    assert evidence["split"] == {"cards": ["card_arrival", "lost_or_stolen_card"]}
    assert evidence["added"] == ["wrong_amount_of_cash_received"]
    assert evidence["removed"] == []

    # One step orders the training at that price, and the run says why.
    run = advice.follow(organisation=acme, id=found.id, who="alice", now=later)
    assert run is not None
    assert (run.reason, run.credits, run.ordered_by) == ("labels_changed", 1, "alice")
    [version] = work(later)
    assert versions.is_live(version)
    assert version.comparison["attributes"][0]["new_labels"]
    assert looked(acme, later + WEEK) == []
    assert audit().clean


@pytest.mark.pure
def test_german_tickets_arrive_at_an_english_model(shared_data: Path, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    queues = ("Technical Support", "Billing and Payments", "Returns and Exchanges")
    english = real(shared_data, "support_en_de", "queue", queues, each=150, language="en")
    german = real(shared_data, "support_en_de", "queue", queues, each=60, language="de")
    version = trained(acme, brought(acme, english[:300], tmp_path / "1.csv", now), now)
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    version = queries.version(acme, "support")

    # In the first week English tickets come, as ever.
    feedback.keep(version, [text for text, _ in english[300:]], now=now + timedelta(days=3))
    assert looked(acme, now + timedelta(days=4)) == []

    # From the second on, many are German.
    later = now + 2 * WEEK
    feedback.keep(version, [text for text, _ in german[:80]], now=later)
    [found] = advice.check(organisation=acme, name="support", now=later + timedelta(days=1))
    assert (found.kind, found.reason, found.credits) == ("new_language", "new_language", 0), "none are there to learn"
    assert "German" in str(found)
    assert found.chart["points"][0]["language"] == "de"
    assert audit().clean


@pytest.mark.pure
def test_slow_drift_is_found_when_it_matters_and_feedback_becomes_the_next_version(
    shared_data: Path, tmp_path: Path, now: datetime
) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    globex = stories.globex(now)
    labels = ("GRP_0", "GRP_8", "GRP_24", "GRP_12")
    usual = real(shared_data, "grp_it", "group", labels, each=230)
    version = trained(acme, brought(acme, usual[:450], tmp_path / "1.csv", now), now)
    stream, spare = iter(usual[450:]), usual[:450]

    # Week by week people handle more of GRP_8's tickets in GRP_0: the words stay as they were, their meaning changes.
    found: list[tuple[str, str]] = []
    for week in range(1, 7):
        at = now + week * WEEK
        tickets = [next(stream, spare[at.day + number]) for number in range(70)]
        moved = 0 if week < 3 else (week - 2) * 0.3
        said = [
            (text, "GRP_0" if queue == "GRP_8" and number % 10 < 10 * moved else queue)
            for number, (text, queue) in enumerate(tickets)
        ]
        reviewed(version, said, at)
        found = looked(acme, at + timedelta(hours=1))
        if week < 3:
            assert found == [], f"quiet in week {week}"
        if found:
            break
    assert found == [("drift", "drift")], "found before six weeks were over"
    [open_advice] = advice.open_advice(version)
    assert any(one["kind"] == "accuracy" and one["is_drift"] for one in open_advice.evidence)
    with pytest.raises(NotFound):
        advice.follow(organisation=globex, id=open_advice.id, who="carol", now=at)

    # One step: the feedback becomes part of the tickets, and the training is ordered with its reason.
    run = advice.follow(organisation=acme, id=open_advice.id, who="alice", now=at, with_feedback=True)
    assert run is not None
    assert (run.reason, run.data_set.version) == ("drift", 2)
    work(at)
    assert Advice.objects.get(id=open_advice.id).status == "followed"
    assert audit().clean


def test_an_unchanged_helpdesk_is_left_in_peace(shared_data: Path, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    usual = real(shared_data, "banking77", "intent", CARDS, each=150)
    version = trained(acme, brought(acme, usual[:280], tmp_path / "1.csv", now), now)
    for week in range(1, 4):
        at = now + week * WEEK
        reviewed(version, usual[200 + week * 80 : 280 + week * 80], at)
        assert looked(acme, at + timedelta(hours=1)) == []
    assert [check.tickets for check in advice.checks(version)] == [160, 160]


def test_advice_that_was_dismissed_is_not_repeated_and_decided_once(
    shared_data: Path, tmp_path: Path, now: datetime
) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    tickets = real(shared_data, "banking77", "intent", (*CARDS, "age_limit"), each=70)
    trained(acme, brought(acme, [one for one in tickets if one[1] != "age_limit"], tmp_path / "1.csv", now), now)
    brought(acme, tickets, tmp_path / "2.csv", now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert found.kind == "labels_changed"
    advice.dismiss(organisation=acme, id=found.id, who="alice", why="not yet", now=now)
    assert looked(acme, now + WEEK) == []
    with pytest.raises(advice.AdviceDecided):
        advice.follow(organisation=acme, id=found.id, who="alice", now=now)
