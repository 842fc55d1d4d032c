"""On PostgreSQL each operation is one statement: seen on the wire, where no cleverness of a driver or an ORM can hide
another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, transaction

from otai.ledger import operations as ledger
from tests.ledger.stories import NOW, capture, credit_refund, grant, hold, release, withdraw

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def on_the_wire(acme: UUID, tmp_path: Path) -> Callable[[Callable[[], object]], list[str]]:
    """Runs something and returns the messages that went to the server, by name."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no wire")

    def record(something: Callable[[], object]) -> list[str]:
        connection.ensure_connection()
        protocol = connection.connection.pgconn
        with (tmp_path / "wire").open("w+") as file:
            protocol.trace(file.fileno())
            try:
                something()
            finally:
                protocol.untrace()
            file.seek(0)
            return [line.split("\t")[3] for line in file.read().splitlines() if line.split("\t")[1] == "F"]

    return record


def test_each_operation_is_one_statement_and_one_round_trip(
    acme: UUID, on_the_wire: Callable[[Callable[[], object]], list[str]]
) -> None:
    made = grant(acme, 1000)
    deadline = NOW + timedelta(hours=8)

    def operations() -> dict[str, Callable[[], object]]:
        holds = [hold(acme, 1).hold for _ in range(6)]
        capture(acme, holds[3])
        batch = [ledger.HoldRequest(1, f"{holds[0]}:{n}", "run", "", deadline) for n in range(50)]
        captured = [ledger.CaptureRequest(one, f"{one}", "") for one in holds[4:]]
        return {
            "grant": lambda: grant(acme, 1),
            "place_hold": lambda: hold(acme, 1),
            "capture": lambda: capture(acme, holds[0]),
            "release": lambda: release(acme, holds[1]),
            "credit_refund": lambda: credit_refund(acme, holds[3]),
            "withdraw": lambda: withdraw(acme, made.lot, 1),
            "extend_hold": lambda: ledger.extend_hold(
                organisation=acme, hold=holds[2], deadline_at=deadline + timedelta(hours=1), now=NOW
            ),
            "place_holds": lambda: ledger.place_holds(organisation=acme, requests=batch, now=NOW),
            "captures": lambda: ledger.captures(organisation=acme, requests=captured, now=NOW),
        }

    for _ in range(4):
        # The first times prepare the statement on the server; from then on it is bound and executed.
        for operation in operations().values():
            operation()
    for name, operation in operations().items():
        assert on_the_wire(operation) == ["Bind", "Describe", "Execute", "Sync"], name


def test_inside_the_callers_transaction_it_is_one_statement_more(
    acme: UUID, on_the_wire: Callable[[Callable[[], object]], list[str]]
) -> None:
    grant(acme, 1000)
    with transaction.atomic():
        for _ in range(5):
            hold(acme, 1)
        assert on_the_wire(lambda: hold(acme, 1)) == ["Bind", "Describe", "Execute", "Sync"]


def test_a_refusal_and_a_replay_are_one_statement_too(
    acme: UUID, on_the_wire: Callable[[Callable[[], object]], list[str]]
) -> None:
    grant(acme, 1000)
    for _ in range(5):
        hold(acme, 1, key="again")

    def refused() -> None:
        with pytest.raises(ledger.InsufficientCredits):
            hold(acme, 1200)

    assert on_the_wire(refused).count("Sync") == 1
    assert on_the_wire(lambda: hold(acme, 1, key="again")).count("Sync") == 1
