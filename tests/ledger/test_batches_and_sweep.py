from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from otai.errors import NotFound
from otai.ledger import operations as ledger
from otai.ledger import queries
from otai.ledger.audit import audit
from otai.ledger.models import LotSource
from otai.ledger.operations import CaptureRequest, HoldRequest
from otai.units import InvalidAmount, Money
from tests.ledger.stories import NOW, balance, capture, grant, hold, release, unspent_by_source

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=9)


def wanted(credits: int, key: str) -> HoldRequest:
    return HoldRequest(credits, key, f"run:{key}", "Basic training", NOW + timedelta(hours=8))


def test_a_batch_of_holds_answers_each_as_if_asked_alone(acme: UUID) -> None:
    grant(acme, 5)
    grant(acme, 5, source=LotSource.PURCHASE, price=Money(5_000))
    hold(acme, 1, key="before", reference="run:before", reason="Basic training")
    answers = ledger.place_holds(
        organisation=acme,
        requests=[
            wanted(3, "a"),
            wanted(7, "b"),
            wanted(0, "c"),
            wanted(4, "d"),
            wanted(1, "before"),
            wanted(2, "before"),
            wanted(3, "a"),
            wanted(4, "a"),
            wanted(2, "e"),
        ],
        now=NOW,
    )
    a, b, c, d, before, reused, again, changed, e = answers
    assert isinstance(a, ledger.HoldPlaced) and a.available_after == 6
    assert isinstance(b, ledger.InsufficientCredits) and b.details["missing"] == 1
    assert isinstance(c, InvalidAmount)
    assert isinstance(d, ledger.HoldPlaced) and d.available_after == 2
    assert isinstance(before, ledger.HoldPlaced) and before.replayed
    assert isinstance(reused, ledger.KeyReused)
    assert isinstance(again, ledger.HoldPlaced) and again.replayed and again.hold == a.hold
    assert isinstance(changed, ledger.KeyReused)
    assert isinstance(e, ledger.HoldPlaced) and e.available_after == 0
    assert balance(acme) == (0, 10, 0)
    assert unspent_by_source(acme) == {"initial": 0, "purchase": 0}
    assert [credits for _, credits in queries.hold(acme, d.hold).lots] == [1, 3]
    assert audit().clean


def test_a_batch_of_captures_answers_each_as_if_asked_alone(acme: UUID, globex: UUID) -> None:
    grant(acme, 3)
    grant(acme, 7, source=LotSource.GOODWILL)
    one, two, three = hold(acme, 2), hold(acme, 4), hold(acme, 1)
    carols = hold(globex, 5)
    release(acme, three.hold)
    answers = ledger.captures(
        organisation=acme,
        requests=[
            CaptureRequest(one.hold, "c1", ""),
            CaptureRequest(carols.hold, "c2", ""),
            CaptureRequest(three.hold, "c3", "too late"),
            CaptureRequest(two.hold, "c4", ""),
            CaptureRequest(two.hold, "c5", ""),
            CaptureRequest(one.hold, "c1", ""),
        ],
        now=NOW,
    )
    assert [type(answer) for answer in answers] == [
        ledger.HoldResolved,
        ledger.HoldNotFound,
        ledger.HoldAlreadyResolved,
        ledger.HoldResolved,
        ledger.HoldAlreadyResolved,
        ledger.HoldResolved,
    ]
    assert answers[5].replayed
    assert balance(acme) == (4, 0, 6)
    assert balance(globex) == (95, 5, 0)
    assert [late.reason for late in queries.late_captures()] == ["too late"]
    assert audit().clean


def test_an_empty_batch_and_one_for_nobody(acme: UUID) -> None:
    assert ledger.place_holds(organisation=acme, requests=[], now=NOW) == []
    assert ledger.captures(organisation=acme, requests=[], now=NOW) == []
    (refused,) = ledger.place_holds(organisation=acme, requests=[wanted(1, "a")], now=NOW)
    assert isinstance(refused, ledger.InsufficientCredits)
    (refused,) = ledger.place_holds(organisation=uuid4(), requests=[wanted(1, "a")], now=NOW)
    assert isinstance(refused, NotFound)
    (refused,) = ledger.captures(organisation=acme, requests=[CaptureRequest(uuid4(), "a", "")], now=NOW)
    assert isinstance(refused, ledger.HoldNotFound)


def nobody_works(references: Sequence[str]) -> set[str]:
    return set()


def test_the_sweep_releases_what_is_stranded_and_only_that(acme: UUID, globex: UUID) -> None:
    grant(acme, 20)
    stranded = hold(acme, 1, reference="run:dead")
    working = hold(acme, 2, reference="run:working")
    not_due = hold(acme, 3, reference="run:later", deadline_at=NOW + timedelta(days=2))
    settled = hold(acme, 4, reference="run:done")
    capture(acme, settled.hold)
    carols = hold(globex, 5, reference="run:carol")
    report = ledger.sweep_stranded_holds(now=LATER, still_working=lambda references: {"run:working"} & set(references))
    assert (report.released, report.still_working, report.resolved_meanwhile) == (2, 1, 0)
    states = {one.hold: queries.hold(acme, one.hold).state for one in (stranded, working, not_due, settled)}
    assert list(states.values()) == ["released", "held", "held", "captured"]
    assert queries.hold(globex, carols.hold).state == "released"
    again = ledger.sweep_stranded_holds(now=LATER, still_working=lambda references: {"run:working"})
    assert (again.released, again.still_working) == (0, 1)
    assert audit().clean


def test_the_sweep_leaves_a_hold_that_moved_while_it_asked(acme: UUID) -> None:
    grant(acme, 20)
    captured, extended = hold(acme, 1, reference="run:1"), hold(acme, 2, reference="run:2")

    def both_wake_up(references: Sequence[str]) -> set[str]:
        capture(acme, captured.hold)
        ledger.extend_hold(organisation=acme, hold=extended.hold, deadline_at=LATER + timedelta(hours=1), now=LATER)
        return set()

    report = ledger.sweep_stranded_holds(now=LATER, still_working=both_wake_up)
    assert (report.released, report.resolved_meanwhile) == (0, 2)
    assert balance(acme) == (17, 2, 1)


def test_the_sweep_gets_past_many_holds_that_still_work(acme: UUID) -> None:
    grant(acme, 20)
    for number in range(7):
        hold(acme, 1, reference=f"run:working-{number}")
    hold(acme, 1, reference="run:dead", deadline_at=NOW + timedelta(hours=8, minutes=1))
    asked: list[int] = []

    def those_working(references: Sequence[str]) -> set[str]:
        asked.append(len(references))
        return {reference for reference in references if "working" in reference}

    report = ledger.sweep_stranded_holds(now=LATER, still_working=those_working, page=3)
    assert (report.released, report.still_working) == (1, 7)
    assert max(asked) <= 3


def test_a_capture_after_the_sweep_is_refused_and_recorded(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    ledger.sweep_stranded_holds(now=LATER, still_working=nobody_works)
    with pytest.raises(ledger.HoldAlreadyResolved, match="given back"):
        capture(acme, placed.hold, now=LATER)
    assert [late.hold_id for late in queries.late_captures()] == [placed.hold]
    assert balance(acme) == (6, 0, 0)
