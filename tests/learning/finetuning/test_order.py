"""Alice's acme, in Enterprise, orders a Maximum model: quote, order, worker, report card, prediction; and what is asked
for before any credit is held."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otai.learning.encoders import EncoderStore
from otai.ledger import queries as ledger
from otai.pricing.price_book import Mode, Tier
from otai.runs import operations as runs
from otai.runs.executors.local import LocalExecutor
from otai.runs.models import Attempt
from otai.runs.readiness import ModeNotInstalled
from otai.runs.worker import Worker
from otai.serving import queries as serving
from otai.serving.operations import register_completed_runs
from tests import stories
from tests.learning.encoders.conftest import store

__all__ = ["store"]

pytestmark = pytest.mark.django_db(transaction=True)

# The same recipe with a single short epoch: a story must not take minutes.
IN_A_HURRY = """
import sys
from dataclasses import replace
from otai.learning import recipes

short = tuple(
    (name, tuple(replace(way, epochs=1, fewest_steps=4, contrast_epochs=0) for way in ways[:1]))
    for name, ways in recipes.RECIPES["maximum"].tunings
)
recipes.RECIPES["maximum"] = replace(recipes.RECIPES["maximum"], tunings=short, tickets_to_combine=20)
from otai.learning.process import main

sys.exit(main(sys.argv[1:]))
"""


# What orders and settles it is the same as of a Business model (tests/walk), on either database.
@pytest.mark.pure
def test_alice_gets_a_maximum_model(
    tmp_path: Path, now: datetime, store: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTAI_ENCODERS", str(store.folder))
    acme = stories.acme(now, tier=Tier.ENTERPRISE)
    support = stories.tickets_of(acme, tmp_path, now)
    quote = stories.quote_for(acme, support, now, mode=Mode.MAXIMUM)
    assert quote.credits == 6
    run = runs.order_run(organisation=acme, quote=quote.id, who="alice", now=now)
    executor = LocalExecutor(command=(sys.executable, "-c", IN_A_HURRY))
    Worker(executor=executor, threads=1, clock=lambda: now + timedelta(minutes=1)).work_once()

    run.refresh_from_db()
    assert run.status == "completed", run.failure_message
    assert ledger.balance(acme.id).spent == 6
    # She was told how long it would take, and the card says what fine-tuning gained, or that the cheaper mode is
    # enough.
    assert "takes about a minute with 1 thread and no GPU" in Attempt.objects.get(run=run).log
    card = run.report_card or {}
    assert card["mode"] == "maximum" and "tuning" in card["seconds"]
    codes = {(finding["attribute"], finding["code"]) for finding in card["findings"]}
    for name in ("queue", "priority"):
        assert codes & {(name, "business_is_enough"), (name, "fine_tuning_gained")}
    # Nothing of a finished training stays behind.
    assert run.checkpoint_file == ""

    register_completed_runs(now=now)
    [ticket] = serving.predict(serving.version(acme, "support"), ["the wlan is slow on the second floor"])
    assert ticket["queue"].label == "network"


def test_without_encoders_or_torch_nothing_is_held(
    tmp_path: Path, now: datetime, store: EncoderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTAI_ENCODERS", str(tmp_path / "none"))
    acme = stories.acme(now, tier=Tier.ENTERPRISE)
    support = stories.tickets_of(acme, tmp_path, now)
    with pytest.raises(ModeNotInstalled) as refused:
        stories.quote_for(acme, support, now, mode=Mode.MAXIMUM)
    assert "otai encoders pull use-multilingual" in refused.value.said("command")

    monkeypatch.setenv("OTAI_ENCODERS", str(store.folder))
    monkeypatch.setattr("otai.learning.encoders.store.missing_libraries", lambda: ("torch",))
    with pytest.raises(ModeNotInstalled) as refused:
        stories.quote_for(acme, support, now, mode=Mode.MAXIMUM)
    assert "pip install 'otai[encoders]'" in refused.value.said("command")
    balance = ledger.balance(acme.id)
    assert (balance.held, balance.spent) == (0, 0)
