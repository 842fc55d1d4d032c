"""An installation of the version before: what its payments brought and its disputes took is written down, and its books
fit as they did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from otai.billing import operations as billing
from otai.billing.audit import Discrepancy, audit
from otai.billing.gateway import ReversalOutcome, ReversalSeen
from otai.billing.models import BroughtLot, Purchase, Reversal
from otai.billing.operations.events import record
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.pricing.price_book import Tier
from otai.words.explained import arrow
from tests.billing.people import ALICE, acme_signs_up

BEFORE = [("billing", "0004_any_language")]


def _migrate(to: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return MigrationExecutor(connection).loader.project_state(to).apps


def _migrate_to_the_newest() -> None:
    # Of all rooms: what stands on billing went back with it.
    _migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())


def findings() -> list[Discrepancy]:
    """What the audit finds, but for what the way back emptied: `deducted_cents` of an order of today."""
    return [found for found in audit().findings if found.what != "an order is of the terms that it was made of"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_dispute_of_the_version_before_goes_on_as_it_stood(fake: Any, now: datetime) -> None:
    acme = acme_signs_up(now)
    card: dict[str, Any] = {
        "organisation": acme,
        "who": ALICE,
        "now": now,
        "gateway": "fake",
        "payment_method": "pm_good",
    }
    bought = billing.buy(package="100", key="one", **card).purchase
    month = billing.change_tier(tier=Tier.PRO, **card).purchase
    try:
        old = _migrate(BEFORE).get_model("billing", "Reversal")
        ledger_operations.withdraw(
            organisation=acme.id,
            lot=bought.lot,
            credits=100,
            key=f"reversal:{bought.id}",
            reference=f"purchase:{bought.reference}",
            reason="The payment was taken back",
            now=now,
        )
        old.objects.create(
            organisation_id=acme.id,
            purchase_id=bought.id,
            external_id="dp_old",
            state="open",
            cents=bought.gross_cents,
            currency="EUR",
            withdrawn_credits=100,
            withdrawn_net_cents=bought.net_cents,
            owed_credits=0,
            owed_net_cents=0,
            owed_gross_cents=0,
            opened_at=now,
            reason="fraudulent",
        )
        connection.cursor().execute("UPDATE billing_purchase SET status = 'disputed' WHERE kind = 'package'")
    finally:
        _migrate_to_the_newest()
    record(
        organisation=acme, subject="purchase", subject_id=bought.id, move=arrow("paid", "disputed"), who="fake", now=now
    )
    of_month = BroughtLot.objects.get(purchase=month)
    assert (of_month.source, of_month.credits) == ("initial", 94)
    kept = Reversal.objects.get()
    assert (kept.price_cents, kept.share_credits, kept.withdrawn_credits) == (bought.gross_cents, 100, 100)
    assert findings() == []
    won = ReversalSeen(bought.gateway_reference, "dp_old", ReversalOutcome.WON, bought.gross_cents, "EUR")
    billing.book_reversals(bought.id, [won], who="fake", now=now)
    assert ledger.balance(acme.id).available == 200
    assert Purchase.objects.get(id=bought.id).status == "paid"
    assert findings() == []
