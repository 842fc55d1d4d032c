"""A Maximum that is not expected to gain is asked about once; one that answers as Business does costs what Business
does, to the credit, where the price book says so."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.pricing.price_book import PRICE_BOOK, Mode, Tier
from otai.runs import operations, queries
from otai.runs.causes import unexplained
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)

CHEAPER_BOOK = dataclasses.replace(PRICE_BOOK, version="cheaper", business_answers_cost_business=True)
AS_BUSINESS = {"attributes": [], "findings": [{"code": "answers_of_business", "severity": "warning", "values": {}}]}


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now, tier=Tier.ENTERPRISE)


@pytest.fixture(autouse=True)
def everything_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)


def trained(acme: Organisation, folder: Path, now: datetime, card: dict[str, Any], mode: Mode = Mode.MAXIMUM) -> Run:
    quote = stories.quote_for(acme, stories.tickets_of(acme, folder, now), now, mode=mode)
    run = operations.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    Worker(executor=FakeExecutor(report_card=card), clock=lambda: now + timedelta(minutes=1)).work_once()
    run.refresh_from_db()
    assert run.status == "completed", run.failure_message
    return run


def test_the_difference_goes_back_to_the_lots_it_came_from(acme, settings, tmp_path: Path, now: datetime) -> None:
    settings.OTAI_PRICE_BOOK = "tests.runs.test_business_answers:CHEAPER_BOOK"
    before = ledger.balance(acme.id).available
    run = trained(acme, tmp_path, now, AS_BUSINESS)
    # Maximum would be 6 credits, Business is 2.
    assert run.credits == 2
    found = ledger.balance(acme.id)
    assert (found.available, found.held, found.spent) == (before - 2, 0, 2)
    assert [line.kind for line in ledger.statement(acme.id, newest_first=True)][:4] == [
        "capture",
        "hold",
        "release",
        "hold",
    ]
    assert queries.events(run).last().said() == (
        "It answers as Business does, and costs as much: 2 credits spent, 4 given back."
    )
    assert audit().clean and list(unexplained()) == []

    # What is refunded later is what it cost.
    operations.refund_run(organisation=acme, number=run.number, who="op", why="a fault", now=now + timedelta(hours=1))
    assert ledger.balance(acme.id).available == before and audit().clean


@pytest.mark.parametrize(
    ("book", "card", "mode", "credits"),
    [
        ("otai.pricing.price_book:PRICE_BOOK", AS_BUSINESS, Mode.MAXIMUM, 6),
        ("tests.runs.test_business_answers:CHEAPER_BOOK", {"attributes": []}, Mode.MAXIMUM, 6),
        ("tests.runs.test_business_answers:CHEAPER_BOOK", AS_BUSINESS, Mode.BUSINESS, 2),
    ],
    ids=["the switch is off", "networks joined", "it was Business that was ordered"],
)
def test_whatever_else_costs_what_its_quote_said(
    acme, settings, tmp_path: Path, now: datetime, book: str, card: dict[str, Any], mode: Mode, credits: int
) -> None:
    settings.OTAI_PRICE_BOOK = book
    assert trained(acme, tmp_path, now, card, mode).credits == credits
    assert ledger.balance(acme.id).spent == credits and audit().clean and list(unexplained()) == []


def test_an_order_of_maximum_that_is_not_expected_to_gain_is_asked_about_once(
    acme, tmp_path: Path, now: datetime
) -> None:
    support = stories.tickets_of(acme, tmp_path, now)
    stories.maximum_tried(support, now, queue=0.002, priority=-0.01)
    quote = stories.quote_for(acme, support, now, mode=Mode.MAXIMUM)
    with pytest.raises(operations.NoGainExpected) as refused:
        operations.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    assert "no better than Business (+0.2 points" in refused.value.message and "--accept-no-gain" in str(refused.value)
    assert Run.objects.count() == 0 and ledger.balance(acme.id).held == 0
    run = operations.order_run(organisation=acme, quote=quote.id, who="alice", now=now, knows_no_gain=True)
    assert run.credits == 6
    # It was asked once: the same order again is that run.
    assert operations.order_run(organisation=acme, quote=quote.id, who="alice", now=now) == run


@pytest.mark.parametrize(
    ("mode", "gains"),
    [(Mode.MAXIMUM, {"queue": 0.03, "priority": -0.01}), (Mode.MAXIMUM, {}), (Mode.BUSINESS, {"queue": 0.0})],
    ids=["one attribute gains", "nobody knows", "it is Business"],
)
def test_nobody_is_asked_where_a_gain_is_expected_or_nobody_knows(
    acme, tmp_path: Path, now: datetime, mode: Mode, gains: dict[str, float]
) -> None:
    support = stories.tickets_of(acme, tmp_path, now)
    stories.maximum_tried(support, now, **gains)
    quote = stories.quote_for(acme, support, now, mode=mode)
    assert operations.order_run(organisation=acme, quote=quote.id, who="alice", now=now).status == "queued"
