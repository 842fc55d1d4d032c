"""Real processes with real connections, all at the same moment: of what excludes each other, exactly one happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from otai.ledger import queries
from otai.ledger.audit import audit
from otai.ledger.operations import HoldPlaced, HoldResolved
from tests.ledger.processes import Clients
from tests.ledger.stories import NOW, balance, grant, hold

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 8


@pytest.fixture(scope="module")
def running_clients() -> Iterator[list[Clients]]:
    """Started by the first race, kept for the others: starting eight processes takes longer than racing them."""
    running: list[Clients] = []
    yield running
    for clients in running:
        clients.stop()


@pytest.fixture
def clients(running_clients: list[Clients], database_url: str) -> Clients:
    if not running_clients:
        running_clients.append(Clients(database_url, CLIENTS))
    return running_clients[0]


def resolve(operation: str, organisation: UUID, hold: UUID, number: int) -> tuple[str, dict[str, Any]]:
    return operation, {
        "organisation": organisation,
        "hold": hold,
        "key": f"{operation}-{hold}-{number}",
        "reason": "",
        "now": NOW,
    }


def order(organisation: UUID, credits: int, key: str) -> tuple[str, dict[str, Any]]:
    return "place_hold", {
        "organisation": organisation,
        "credits": credits,
        "key": key,
        "reference": "run",
        "reason": "",
        "deadline_at": NOW + timedelta(hours=8),
        "now": NOW,
    }


def test_of_many_captures_one_wins(acme: UUID, clients: Clients) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    answers = clients.at_once([resolve("capture", acme, placed.hold, n) for n in range(CLIENTS)])
    assert sorted(map(type, answers), key=str).count(HoldResolved) == 1
    assert answers.count("hold_resolved") == CLIENTS - 1
    assert balance(acme) == (2, 0, 4)
    assert audit().clean


def test_of_captures_and_releases_one_wins(acme: UUID, clients: Clients) -> None:
    for attempt in range(5):
        grant(acme, 4)
        before = balance(acme)
        placed = hold(acme, 4)
        answers = clients.at_once(
            [resolve("capture" if n % 2 else "release", acme, placed.hold, n) for n in range(CLIENTS)]
        )
        assert [type(answer) for answer in answers].count(HoldResolved) == 1, (attempt, answers)
        captured = queries.hold(acme, placed.hold).state == "captured"
        spent = 4 if captured else 0
        assert balance(acme) == (before[0] - spent, 0, before[2] + spent)
    assert audit().clean


def test_holds_that_together_exceed_the_balance_never_overdraw_it(acme: UUID, clients: Clients) -> None:
    grant(acme, 3)
    grant(acme, 10)
    answers = clients.at_once([order(acme, 3, f"order-{n}") for n in range(CLIENTS)])
    assert [type(answer) for answer in answers].count(HoldPlaced) == 4
    assert answers.count("insufficient_credits") == 4
    assert balance(acme) == (1, 12, 0)
    assert audit().clean


def test_the_same_key_from_eight_processes_is_one_hold(acme: UUID, clients: Clients) -> None:
    grant(acme, 100)
    for number in range(5):
        answers = clients.at_once([order(acme, 3, f"order-{number}")] * CLIENTS)
        assert len({answer.hold for answer in answers}) == 1, answers
        assert [answer.replayed for answer in answers].count(False) == 1
    assert balance(acme) == (85, 15, 0)


def test_the_same_key_for_different_requests_is_one_of_them(acme: UUID, clients: Clients) -> None:
    grant(acme, 100)
    answers = clients.at_once([order(acme, 1 + n, "order") for n in range(CLIENTS)])
    assert [type(answer) for answer in answers].count(HoldPlaced) == 1
    assert answers.count("duplicate_request") == CLIENTS - 1
    assert audit().clean


def test_the_first_grants_of_an_organisation_open_one_account(acme: UUID, clients: Clients) -> None:
    grants = [
        (
            "grant",
            {
                "organisation": acme,
                "credits": 2,
                "source": "goodwill",
                "key": f"g{n % 4}",
                "reference": "",
                "reason": "",
                "now": NOW,
            },
        )
        for n in range(CLIENTS)
    ]
    answers = clients.at_once(grants)
    assert [answer.replayed for answer in answers].count(False) == 4
    assert balance(acme) == (8, 0, 0)
    assert audit().clean


def test_nothing_changes_for_carol(acme: UUID, globex: UUID, clients: Clients) -> None:
    grant(acme, 3)
    clients.at_once([order(acme, 1, f"order-{n}") for n in range(CLIENTS)])
    assert balance(globex) == (100, 0, 0)
