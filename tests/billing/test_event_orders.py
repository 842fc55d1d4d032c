"""Whatever a provider tells, in whatever order, twice, late or never: the books fit at the end, and credits equal
money.

Each order is a world of its own (worlds.py): cards, debits, pages and transfers, disputes of all or a part, inquiries,
verdicts that change, refunds past the Studio, refunds of ours that fail, runs that hold, spend and release; between
them some of the news arrives.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from otai.billing.audit import audit
from otai.billing.revenue import month_close
from otai.ledger import queries as balances
from otai.ledger.audit import audit as ledger_audit
from tests.billing.wilder_worlds import a_wilder_world
from tests.billing.worlds import a_world

pytestmark = pytest.mark.django_db
ORDERS_IN_A_BLOCK = 500


def live(fake: Any, now: datetime, seed: int) -> None:
    """One world from its sign-up to the audits; nothing of it is left."""
    around = transaction.atomic()
    # As around each test: the order of locks is watched in the transactions within.
    around._from_testcase = True
    with around:
        world = a_world(fake, now, seed)
        world.lives(steps=5 + seed % 16)
        world.all_is_heard()
        world.assert_credits_equal_money()
        if seed % 4 == 0:
            before = balances.balance(world.acme.id)
            world.all_is_heard()
            assert balances.balance(world.acme.id) == before, "asked again, nothing moves"
        assert audit().findings == []
        assert ledger_audit().clean
        for year, month in {(now.year, now.month), (world.now.year, world.now.month)}:
            close = month_close(year, month, zone=world.acme.zone)
            assert (close.packages.difference.cents, close.tiers.difference.cents) == (0, 0)
        transaction.set_rollback(True)


def live_all(fake: Any, now: datetime, seeds: range) -> None:
    for seed in seeds:
        try:
            live(fake, now, seed)
        except Exception as error:
            error.add_note(f"in the world of seed {seed}")
            raise


def test_any_order_of_news_ends_in_books_that_fit(fake: Any, now: datetime) -> None:
    # The sums are the same on either database; what PostgreSQL adds is in tests/races.
    live_all(fake, now, range(20) if connection.vendor == "sqlite" else range(20, 40))


@pytest.mark.torture
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("block", range(20))
def test_ten_thousand_orders_of_news_end_in_books_that_fit(fake: Any, now: datetime, block: int) -> None:
    live_all(fake, now, range(block * ORDERS_IN_A_BLOCK, (block + 1) * ORDERS_IN_A_BLOCK))


def live_wilder(fake: Any, now: datetime, seeds: range) -> None:
    """Worlds of everything that a customer, a bank and an accountant can do, to their audits and their months."""
    for seed in seeds:
        around = transaction.atomic()
        around._from_testcase = True
        with around:
            world = a_wilder_world(fake, now, seed)
            world.lives(steps=15 + seed % 30)
            world.all_is_heard()
            world.assert_credits_equal_money()
            assert audit().findings == [], f"in the wilder world of seed {seed}"
            assert ledger_audit().clean
            world.assert_months_fit(now)
            world.assert_paid_months_brought_their_credits_once()
            transaction.set_rollback(True)


@pytest.mark.pure
def test_months_that_were_handed_over_stay_while_everything_goes_on(fake: Any, now: datetime) -> None:
    live_wilder(fake, now, range(8))


@pytest.mark.torture
@pytest.mark.pure
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("block", range(4))
def test_five_hundred_wilder_worlds_end_in_months_that_fit(fake: Any, now: datetime, block: int) -> None:
    live_wilder(fake, now, range(block * 125, (block + 1) * 125))
