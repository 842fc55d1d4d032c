"""Alice trains a first model on the credits that her free subscription brings, and every credit is accounted for."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.runs import operations as runs
from otai.runs.executors.local import LocalExecutor
from otai.runs.worker import Worker
from otai.serving import queries as serving
from otai.serving.operations import register_completed_runs
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)


def test_alice_gets_a_model_that_knows_where_tickets_go(tmp_path: Path, now: datetime) -> None:
    # Acme signs up in Community: 6 credits.
    acme = stories.acme(now)
    assert ledger.balance(acme.id).available == 6

    # Alice brings 150 tickets and asks what a model for queue and priority costs.
    support = stories.tickets_of(acme, tmp_path, now)
    quote = stories.quote_for(acme, support, now)
    assert (support.tickets, quote.credits) == (150, 1)

    # She orders. One credit is held, none is spent.
    run = runs.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    assert ledger.balance(acme.id).held == 1

    # The training is real, and so is the evidence: measured on tickets that it never saw, far better than guessing.
    Worker(executor=LocalExecutor(), clock=lambda: now + timedelta(minutes=1)).work_once()
    run.refresh_from_db()
    assert run.status == "completed"
    queue = next(a for a in run.report_card["attributes"] if a["name"] == "queue")
    assert queue["accuracy"]["value"] > 0.9 > 0.6 > queue["majority"]["accuracy"]

    # Now the credit is spent, and the model answers.
    register_completed_runs(now=now)
    [ticket] = serving.predict(serving.version(acme, "support"), ["the wifi is slow on the second floor"])
    assert ticket["queue"].label == "network"

    # The statement tells the whole story, and the books balance.
    story = [(line.what, line.credits, line.available, line.held, line.spent) for line in ledger.statement(acme.id)]
    assert story == [
        ("Initial credits", 6, 6, 0, 0),
        ("Credits held", 1, 5, 1, 0),
        ("Credits spent", 1, 5, 0, 1),
    ]
    assert audit().clean


def test_what_does_not_work_costs_nothing(tmp_path: Path, now: datetime) -> None:
    # Alice brings tickets whose texts are all the same, so that nothing can be learned from them.
    acme = stories.acme(now)
    source = tmp_path / "same.csv"
    rows = [f"same words,{'billing' if number % 2 else 'network'}" for number in range(40)]
    source.write_text("\n".join(["text,queue", *rows]))
    same = stories.import_tickets(organisation=acme, name="same", source=source, now=now)
    quote = stories.quote_for(acme, same, now, attributes=("queue",))
    run = runs.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    Worker(executor=LocalExecutor(), clock=lambda: now + timedelta(minutes=1)).work_once()

    # The run fails, says why, is not tried again, and gives the credit back.
    run.refresh_from_db()
    assert (run.status, run.ending, run.attempt) == ("failed", "failed_input", 1)
    assert "same text" in run.what_failed
    balance = ledger.balance(acme.id)
    assert (balance.available, balance.held, balance.spent) == (6, 0, 0)
    assert audit().clean
