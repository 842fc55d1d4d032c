"""What charts and overviews read: balances at many instants at once, and where credits came from."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otai.ledger import operations, queries
from otai.ledger.models import LotSource
from otai.ledger.queries import SourceTotal
from tests import stories

pytestmark = pytest.mark.django_db


def test_balances_at_many_instants_are_those_of_each_and_cost_two_queries(now: datetime) -> None:
    acme, globex = stories.acme(now), stories.globex(now)
    for day in range(1, 8):
        at = now + timedelta(days=day)
        for who in (acme, globex):
            operations.grant(
                organisation=who.id,
                credits=day,
                source=LotSource.GOODWILL,
                key=f"{day}",
                reference="x",
                reason="r",
                now=at,
            )
    moments = [now + timedelta(hours=hours) for hours in range(-5, 200, 7)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = queries.balances_at(acme.id, moments)
    assert len(asked) == 2
    assert found == [queries.balance(acme.id, at) for at in moments]
    assert found[0].available == 0
    assert found[-1].available == 6 + sum(range(1, 8))


def test_no_instants_no_balances(now: datetime) -> None:
    assert queries.balances_at(stories.acme(now).id, []) == []


def test_totals_say_where_credits_came_from_and_what_became_of_them(now: datetime) -> None:
    acme = stories.acme(now)
    operations.grant(
        organisation=acme.id, credits=9, source=LotSource.GOODWILL, key="g", reference="x", reason="r", now=now
    )
    operations.place_hold(
        organisation=acme.id,
        credits=8,
        key="h",
        reference="run:1",
        reason="r",
        now=now,
        deadline_at=now + timedelta(days=1),
    )
    assert queries.totals_by_source(acme.id) == [
        SourceTotal("initial", 6, 0, 6, 0, 0),
        SourceTotal("goodwill", 9, 7, 2, 0, 0),
    ]
    assert [(source, credits) for _, source, credits in queries.granted_since(acme.id, now)] == [
        ("initial", 6),
        ("goodwill", 9),
    ]
    assert queries.granted_since(acme.id, now + timedelta(seconds=1)) == []


def test_a_statement_is_searched_and_read_in_pages_both_ways(now: datetime) -> None:
    acme = stories.acme(now)
    for n in range(5):
        operations.grant(
            organisation=acme.id,
            credits=1,
            source=LotSource.GOODWILL,
            key=f"{n}",
            reference=f"case {n}",
            reason="Sorry",
            now=now,
        )
    assert [line.seq for line in queries.statement(acme.id, text="CASE 3")] == [5]
    assert [line.seq for line in queries.statement(acme.id, text="sorry", limit=2)] == [2, 3]
    assert [line.seq for line in queries.statement(acme.id, after=4)] == [5, 6]
    assert [line.seq for line in queries.statement(acme.id, before=3, newest_first=True)] == [2, 1]
