"""Alice's program orders and cancels many runs at once, over HTTP, as her integration does on a busy morning."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from otai.billing import operations as billing
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from tests import stories
from tests.api.callers import Program

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS, AT_A_TIME = 36, 6


@pytest.fixture
def acme() -> Organisation:
    now = datetime.now(tz=UTC)
    acme = stories.acme(now, tier=Tier.PRO)
    billing.give_goodwill(organisation=acme, credits=200, who="olga", why="for the race", key="race", now=now)
    return acme


@pytest.fixture
def caller(acme: Organisation, live_server: Any) -> Iterator[httpx.Client]:
    key = Program(acme, name="race").secret
    with httpx.Client(
        base_url=f"{live_server.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        yield client


def test_orders_and_cancellations_at_once_are_all_answered(
    acme: Organisation, caller: httpx.Client, tmp_path: Path
) -> None:
    """On PostgreSQL half of them used to end as 503: an order's lock of the organisation met the event row of a
    cancellation."""
    now = datetime.now(tz=UTC)
    support = stories.tickets_of(acme, tmp_path, now)
    quotes = [str(stories.quote_for(acme, support, now).id) for _ in range(ORDERS)]
    before = ledger.balance(acme.id).available

    def order_and_cancel(quote: str) -> tuple[int, int]:
        ordered = caller.post("/runs", json={"quote": quote, "again": True})
        if ordered.status_code != 201:
            return ordered.status_code, 0
        return ordered.status_code, caller.post(f"/runs/{ordered.json()['number']}/cancel").status_code

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        answers = list(threads.map(order_and_cancel, quotes))
    assert answers == [(201, 200)] * ORDERS
    assert ledger.balance(acme.id).available == before
    assert audit().clean
