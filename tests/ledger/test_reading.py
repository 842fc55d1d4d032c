from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otai.ledger import queries
from otai.ledger.models import LotSource
from otai.ledger.queries import InvalidPeriod
from otai.ledger.revenue import value_of
from otai.units import Money
from tests.ledger.stories import NOW, capture, credit_refund, grant, hold, release, withdraw


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def books(acme: UUID) -> UUID:
    """Alice's day at acme: granted, held, captured, held again, released; one movement an hour."""
    grant(acme, 6, now=at(0))
    first = hold(acme, 4, now=at(1), reference="run:1", reason="Basic training")
    capture(acme, first.hold, now=at(2), reason="Run 1: completed")
    second = hold(acme, 2, now=at(3), reference="run:2")
    release(acme, second.hold, now=at(4), reason="Run 2: failed")
    return acme


@pytest.mark.django_db
def test_the_balance_of_any_past_instant_is_known(books: UUID) -> None:
    def then(hours: float) -> tuple[int, int, int]:
        found = queries.balance(books, at=at(hours))
        return found.available, found.held, found.spent

    assert then(-1) == (0, 0, 0)
    assert then(0) == (6, 0, 0)
    assert then(0.999) == (6, 0, 0)
    assert [then(hours + 0.5) for hours in range(5)] == [(6, 0, 0), (2, 4, 0), (2, 0, 4), (0, 2, 4), (2, 0, 4)]
    assert queries.balance(books) == queries.balance(books, at=at(1000))


@pytest.mark.django_db
def test_the_statement_carries_the_balance_after_each_line(books: UUID, globex: UUID) -> None:
    lines = queries.statement(books)
    assert [
        (line.what, line.credits_in, line.credits_out, line.available, line.held, line.spent) for line in lines
    ] == [
        ("Initial credits", 6, 0, 6, 0, 0),
        ("Credits held", 0, 4, 2, 4, 0),
        ("Credits spent", 0, 0, 2, 0, 4),
        ("Credits held", 0, 2, 0, 2, 4),
        ("Hold released", 2, 0, 2, 0, 4),
    ]
    assert [line.at for line in lines] == [at(hours) for hours in range(5)]
    assert lines[2].reference == "run:1" and lines[2].reason == "Run 1: completed"
    assert len(queries.statement(globex)) == 1


@pytest.mark.django_db
def test_a_statement_can_be_narrowed(books: UUID) -> None:
    def seqs(*arguments: object, **filters: object) -> list[int]:
        return [line.seq for line in queries.statement(books, *arguments, **filters)]

    assert seqs(at(1), at(3)) == [2, 3]
    assert seqs(at(1)) == [2, 3, 4, 5]
    assert seqs(None, at(1)) == [1]
    assert seqs(at(100)) == []
    assert seqs(None, at(-1)) == []
    assert seqs(kinds=["hold", "release"]) == [2, 4, 5]
    assert seqs(kinds=[]) == []
    assert seqs(reference="run:1") == [2, 3]
    assert seqs(newest_first=True, limit=2) == [5, 4]
    assert seqs(limit=2, offset=3) == [4, 5]
    with pytest.raises(InvalidPeriod):
        seqs(at(2), at(1))


@pytest.mark.django_db
def test_the_csv_statement_cannot_run_formulas(acme: UUID) -> None:
    grant(acme, 6, reference="=cmd|'/c calc'!A1", reason=' @SUM(1+1), "quoted"\nsecond line')
    rows = list(csv.reader("".join(queries.statement_csv(acme)).splitlines(keepends=True)))
    assert rows[0] == ["date", "what", "reference", "reason", "credits in", "credits out", "available", "held", "spent"]
    assert rows[1][2] == "'=cmd|'/c calc'!A1"
    assert rows[1][3] == '\' @SUM(1+1), "quoted"\nsecond line'
    assert rows[1][4:] == ["6", "0", "6", "0", "0"]


@pytest.mark.django_db
def test_a_lot_says_what_became_of_its_credits_and_what_the_rest_is_worth(acme: UUID) -> None:
    bought = grant(acme, 3, source=LotSource.PURCHASE, price=Money(10_000), price_book="2026-11", reference="order-1")
    capture(acme, hold(acme, 1).hold)
    hold(acme, 1)
    (lot,) = queries.lots(acme)
    assert (lot.id, lot.unspent, lot.held, lot.spent, lot.withdrawn) == (bought.lot, 1, 1, 1, 0)
    assert (lot.price, lot.unspent_value, lot.price_book) == (Money(10_000), Money(3_333), "2026-11")
    grant(acme, 6)
    assert [lot.source for lot in queries.lots(acme)] == ["initial", "purchase"]
    assert queries.lots(acme, open_only=True)[0].price is None


@pytest.mark.django_db
def test_revenue_is_deferred_until_the_credits_are_spent(acme: UUID, globex: UUID) -> None:
    november, december = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 12, 3, tzinfo=UTC)
    later = {"deadline_at": datetime(2027, 6, 1, tzinfo=UTC)}
    bought = grant(acme, 3, source=LotSource.PURCHASE, price=Money(10_000), now=november)
    grant(globex, 10, source=LotSource.PURCHASE, price=Money(90_000, "USD"), now=november)
    first = hold(acme, 1, now=november, **later)
    assert queries.deferred_revenue(november).totals == {"EUR": Money(10_000), "USD": Money(90_000, "USD")}
    capture(acme, first.hold, now=november)
    assert queries.revenue_recognised(2026, 11).totals == {"EUR": Money(3_333)}
    second = hold(acme, 1, now=december, **later)
    capture(acme, second.hold, now=december)
    assert queries.revenue_recognised(2026, 12).totals == {"EUR": Money(3_333)}
    withdraw(acme, bought.lot, 1, now=december)
    assert queries.revenue_recognised(2026, 12).totals == {"EUR": Money(3_333)}
    assert queries.revenue_recognised(2026, 11).totals == {"EUR": Money(3_333)}
    assert queries.deferred_revenue(december).totals == {"EUR": Money(0), "USD": Money(90_000, "USD")}
    (left,) = [lot for lot in queries.deferred_revenue(november).lots if lot.organisation == acme]
    assert (left.remaining, left.deferred) == (2, Money(6_667))
    assert queries.revenue_recognised(2026, 10).totals == {}


@pytest.mark.django_db
def test_a_credit_refund_takes_revenue_back_in_the_month_it_happens(acme: UUID) -> None:
    november, december = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 12, 3, tzinfo=UTC)
    grant(acme, 3, source=LotSource.PURCHASE, price=Money(10_000), now=november)
    placed = hold(acme, 2, now=november, deadline_at=december)
    capture(acme, placed.hold, now=november)
    credit_refund(acme, placed.hold, now=december)
    assert queries.revenue_recognised(2026, 11).totals == {"EUR": Money(6_666)}
    assert queries.revenue_recognised(2026, 12).totals == {"EUR": Money(-6_666)}
    assert queries.deferred_revenue(december).totals == {"EUR": Money(10_000)}


@pytest.mark.django_db
def test_a_month_belongs_to_a_time_zone(acme: UUID) -> None:
    new_year_in_berlin = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    grant(acme, 1, source=LotSource.PURCHASE, price=Money(1_000))
    placed = hold(acme, 1, deadline_at=datetime(2027, 6, 1, tzinfo=UTC))
    capture(acme, placed.hold, now=new_year_in_berlin)
    assert queries.revenue_recognised(2026, 12).totals == {"EUR": Money(1_000)}
    berlin = ZoneInfo("Europe/Berlin")
    assert queries.revenue_recognised(2026, 12, zone=berlin).totals == {}
    assert queries.revenue_recognised(2027, 1, zone=berlin).totals == {"EUR": Money(1_000)}


@pytest.mark.pure
@given(
    st.integers(0, 10**9),
    st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n)))),
)
def test_the_parts_of_a_lot_add_up_to_its_price(price: int, cut: tuple[int, list[int]]) -> None:
    credits, cuts = cut
    places = [0, *sorted(cuts), credits]
    parts = [value_of(price, credits, before, after) for before, after in pairwise(places)]
    assert sum(parts) == price
    assert all(part >= 0 for part in parts)
