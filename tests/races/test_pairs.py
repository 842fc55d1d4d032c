"""Any two operations of one organisation meet, in threads with a connection each: none deadlocks, and the books are
right afterwards."""

from __future__ import annotations

import itertools
import logging
import random
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from otai.billing import operations as billing
from otai.billing.audit import audit as billing_audit
from otai.ledger.audit import audit
from tests.races import operations, paying, world
from tests.races.operations import ALL, answer_of
from tests.races.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_gateway")]

ONE_GUARANTEE = {"guarantee_end", "guarantee_fee"}
"""What they need of the one guarantee excludes each other; each meets all the others."""
PLACE = {name: number for number, name in enumerate(ALL)}
PAIRS = [pair for pair in itertools.combinations_with_replacement(ALL, 2) if not set(pair) <= ONE_GUARANTEE]
NOT_RACED_BY_NAME = {
    "cancel_tier": "change_tier to Community",
    "refund_credits": "part of refund_run",
    "send": "part of refund_payment and send_waiting",
    "set_billing_details": "called by the desk's race in the name of Alice",
    "sign_up": "before it there is no organisation",
    "offer_package": "rows of packages alone",
    "withdraw_package": "rows of packages alone",
    "provision": "before it there is no organisation",
    "checked_language": "only reads",
    "credits_take_two": "only reads",
    "SameOperator": "a refusal",
    "mail_welcome": "writes nothing",
    "revoke_vendor_key": "rows of vendor keys alone",
    "schedule_price_book": "a file and an event",
    "is_hosted": "only reads",
    "payment_methods": "only reads",
}
SLICE = [
    ("order", "cancel"),
    ("guarantee_order", "guarantee_end"),
    ("tier_change", "subscription_sweep"),
    ("order", "delete_some_tickets"),
    ("guarantee_agree", "delete_some_tickets"),
    ("subscription_sweep", "years"),
]
"""Those of which a third operation would have one refused, on either database."""
OF_THE_CLOCK = {"a taking was when its transfer was", "a lot was brought when it was granted, or later"}
"""Sweeps are raced a month ahead of what they meet, and a ledger's time never runs backwards: that is all that the
audit may say."""
GUESTS = 12
"""Operations that meet at one party: their three dozen calls take about a second."""


def parties(pairs: list[tuple[str, str]], guests: int) -> list[list[str]]:
    """Groups of operations such that any two that are a pair meet in at least one: a covering design, found greedily.

    A party costs little more than a pair, so that all pairs meet for a thirtieth of what they cost one by one, which is
    for `make torture`.
    """
    left, found = {pair for pair in pairs if pair[0] != pair[1]}, []
    allowed = set(pairs)

    def new_pairs(name: str, party: Sequence[str]) -> int:
        return sum(in_order(name, other) in left for other in party)

    while left:
        party = list(min(left, key=lambda pair: (PLACE[pair[0]], PLACE[pair[1]])))
        while len(party) < guests:
            others = [one for one in ALL if one not in party and all(in_order(one, two) in allowed for two in party)]
            best = max(others, key=lambda name: new_pairs(name, party), default=None)
            if best is None or not new_pairs(best, party):
                break
            party.append(best)
        left -= {in_order(*two) for two in itertools.combinations(party, 2)}
        found.append(sorted(party, key=PLACE.__getitem__))
    return found


def in_order(one: str, other: str) -> tuple[str, str]:
    return (one, other) if PLACE[one] <= PLACE[other] else (other, one)


@pytest.fixture
def fake_gateway(settings: Any) -> None:
    from otai.billing.gateways import gateways

    settings.OTAI_GATEWAYS = ["otai.billing.gateways.bank_transfer:BankTransfer", "tests.races.paying:Provider"]
    gateways()["fake"].forget_everything()  # type: ignore[attr-defined]
    # Races order by the dozen.
    settings.OTAI_PRICE_BOOK = "tests.races.world:MANY_ORDERS"


def at_once(calls: list[Callable[[], object]]) -> list[Any]:
    """Each call in a thread of its own, from the same moment on; what came of each, in their order."""
    start = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            _wait_long()
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


def _wait_long() -> None:
    """A busy machine must not turn a queue for one row into a refusal: the races are about who waits for whom."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '60s'")


def race(names: Iterable[str], *, folder: Path, now: datetime, seed: int = 0) -> list[Any]:
    """What came of each call of these operations, which all began in the same moment."""
    world = World.begun(folder, now)
    calls = [call for name in names for call in ALL[name](world)]
    random.Random(seed).shuffle(calls)
    answers = at_once(calls)
    assert audit().clean
    audited = billing_audit()
    assert not [one for one in audited.findings if one.what not in OF_THE_CLOCK], audited
    return answers


def unexpected(answers: list[Any]) -> list[str]:
    return [f"{type(one).__name__}: {one}" for one in answers if isinstance(one, BaseException)]


@pytest.mark.parametrize(("first", "second"), SLICE)
def test_two_operations_of_one_organisation_meet(
    first: str, second: str, tmp_path: Path, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="otai.db"):
        answers = race((first, second), folder=tmp_path, now=now)
    assert not unexpected(answers)
    assert "done" in answers
    assert "deadlock" not in caplog.text, "done again is a remedy, not the order of locks"


@pytest.mark.skipif("config.getoption('--database') == 'sqlite'", reason="SQLite has one lock for all")
@pytest.mark.parametrize("guests", parties(PAIRS, GUESTS), ids="-".join)
def test_operations_of_one_organisation_meet(
    guests: list[str], tmp_path: Path, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="otai.db"):
        answers = race(guests, folder=tmp_path, now=now)
    assert not unexpected(answers)
    assert "deadlock" not in caplog.text


def test_each_operation_that_billing_offers_is_raced() -> None:
    raced = "".join(Path(module.__file__ or "").read_text() for module in (operations, paying, world))
    missing = [name for name in billing.__all__ if not re.search(rf"\b{name}\b", raced)]
    assert set(missing) == set(NOT_RACED_BY_NAME)


@pytest.mark.torture
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_meets(
    first: str, second: str, tmp_path: Path, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="otai.db"):
        answers = race((first, second), folder=tmp_path, now=now, seed=PAIRS.index((first, second)))
    assert not unexpected(answers)
    assert "deadlock" not in caplog.text
