"""Any two operations of one organisation meet, in threads with a connection each: none deadlocks, and the books are
right afterwards."""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from otai.billing.audit import audit as billing_audit
from otai.ledger.audit import audit
from tests.races.operations import ALL, World, answer_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_gateway")]

ONE_GUARANTEE = {"guarantee_end", "guarantee_fee"}
"""What they need of the one guarantee excludes each other; each meets all the others."""
PAIRS = [pair for pair in itertools.combinations_with_replacement(ALL, 2) if not set(pair) <= ONE_GUARANTEE]
SLICE = [
    ("order", "cancel"),
    ("order", "end"),
    ("guarantee_order", "guarantee_end"),
    ("guarantee_fee", "payment"),
    ("dispute", "dispute"),
    ("top_up", "payment"),
    ("tier_change", "subscription_sweep"),
    ("monthly_grants", "payment_refund"),
    ("order", "delete_some_tickets"),
    ("guarantee_agree", "delete_some_tickets"),
    ("members", "keys"),
]
"""Those that share the most rows; `make torture` races all of them, several times."""


@pytest.fixture
def fake_gateway(settings: Any) -> None:
    from otai.billing.gateways import gateways

    settings.OTAI_GATEWAYS = ["otai.billing.gateways.bank_transfer:BankTransfer", "otai.billing.testing:FakeGateway"]
    gateways()["fake"].forget_everything()  # type: ignore[attr-defined]
    # Races order by the dozen.
    settings.OTAI_PRICE_BOOK = "tests.races.operations:MANY_ORDERS"


def at_once(calls: list[Callable[[], object]]) -> list[Any]:
    """Each call in a thread of its own, from the same moment on; what came of each, in their order."""
    start = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            answers[number] = answer_of(calls[number])
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    return answers


def race(first: str, second: str, *, folder: Path, now: datetime, seed: int = 0) -> list[Any]:
    world = World.begun(folder, now)
    calls = [*ALL[first](world), *ALL[second](world)]
    random.Random(seed).shuffle(calls)
    answers = at_once(calls)
    assert audit().clean
    assert billing_audit().clean, billing_audit()
    return answers


def unexpected(answers: list[Any]) -> list[str]:
    return [f"{type(one).__name__}: {one}" for one in answers if isinstance(one, BaseException)]


@pytest.mark.parametrize(("first", "second"), SLICE)
def test_two_operations_of_one_organisation_meet(
    first: str, second: str, tmp_path: Path, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="otai.db"):
        answers = race(first, second, folder=tmp_path, now=now)
    assert not unexpected(answers)
    assert "done" in answers
    assert "deadlock" not in caplog.text, "done again is a remedy, not the order of locks"


@pytest.mark.torture
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_meets(
    first: str, second: str, tmp_path: Path, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="otai.db"):
        answers = race(first, second, folder=tmp_path, now=now, seed=PAIRS.index((first, second)))
    assert not unexpected(answers)
    assert "deadlock" not in caplog.text
