"""Alice of acme, now in Pro, trains a Business model; what it needs is asked for before any credit is held."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otai.learning.encoders import EncoderStore
from otai.ledger import queries as ledger
from otai.pricing.price_book import Mode, Tier
from otai.runs import operations as runs
from otai.runs.executors.local import LocalExecutor
from otai.runs.readiness import ModeNotInstalled
from otai.runs.worker import Worker
from otai.serving import queries as serving
from otai.serving.deletion import delete_tickets
from otai.serving.operations import register_completed_runs
from otai.tickets.files import vectors_folder
from tests import stories
from tests.learning.encoders.conftest import store

__all__ = ["store"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.pure
def test_alice_gets_a_business_model(
    tmp_path: Path, now: datetime, store: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTAI_ENCODERS", str(store.folder))
    acme = stories.acme(now, tier=Tier.PRO)
    support = stories.tickets_of(acme, tmp_path, now)
    quote = stories.quote_for(acme, support, now, mode=Mode.BUSINESS)
    run = runs.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    Worker(executor=LocalExecutor(), threads=1, clock=lambda: now + timedelta(minutes=1)).work_once()

    # The card says which encoders read her tickets, and the credits are spent.
    run.refresh_from_db()
    assert run.status == "completed", run.failure_message
    assert any(finding["values"].get("encoder") == "use-multilingual" for finding in run.report_card["findings"])
    assert ledger.balance(acme.id).spent == quote.credits

    # The model answers, also in words that no ticket had.
    register_completed_runs(now=now)
    [ticket] = serving.predict(serving.version(acme, "support"), ["the wlan is slow on the second floor"])
    assert ticket["queue"].label == "network"

    # Her tickets' vectors are kept for the next training, and go when she deletes tickets.
    assert vectors_folder(acme.id).is_dir()
    other = stories.tickets_of(acme, tmp_path, now, name="other")
    delete_tickets(organisation=acme, data_sets=[other], who="alice", now=now)
    assert not vectors_folder(acme.id).exists()


def test_without_encoders_nothing_is_held(tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTAI_ENCODERS", str(tmp_path / "none"))
    acme = stories.acme(now, tier=Tier.PRO)
    support = stories.tickets_of(acme, tmp_path, now)
    with pytest.raises(ModeNotInstalled, match="Business cannot be trained on this installation") as refused:
        stories.quote_for(acme, support, now, mode=Mode.BUSINESS)
    assert "otai encoders pull use-multilingual" in refused.value.details["install"]
    balance = ledger.balance(acme.id)
    assert (balance.held, balance.spent) == (0, 0)
