"""Events and invoices are chained: what was written once and is changed, deleted or cut off later is found."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.chain import head
from otai.billing.models import Event
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.chaining import chain_new
from otai.ledger.checkpoint import export_checkpoint, verify_checkpoint
from otai.orgs.models import Organisation
from otai.units import Money
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db
LINKS = "billing_chain_link"


@pytest.fixture
def chained(acme: Organisation, now: datetime) -> int:
    bought = billing.buy(organisation=acme, package="50", key="click", who=ALICE, now=now).purchase
    billing.confirm_payment(
        reference=bought.reference,
        received=Money(bought.gross_cents),
        bank_reference="TX",
        who=OLGA,
        why="on the statement",
        now=now,
    )
    return chain_new(now=now)


def behind_the_books_back(*statements: str) -> None:
    """As somebody with full power over the database, without its triggers and foreign keys."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in ("billing_event", LINKS):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            for table in ("billing_event", LINKS):
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_is_never_changed")
        for statement in statements:
            cursor.execute(statement)


def broken() -> set[str]:
    return {found.where for found in audit().findings if found.what == "billing's chain is unbroken"}


def test_every_event_invoice_and_row_that_stays_is_chained_once(
    chained: int, acme: Organisation, now: datetime
) -> None:
    tier_and_lot = 2
    assert chained == Event.objects.count() + 1 + tier_and_lot == head()[0]
    assert chain_new(now=now) == 0
    billing.give_goodwill(organisation=acme, credits=1, who=OLGA, why="sorry", key="g", now=now)
    assert chain_new(now=now) == 1
    assert audit().findings == []


def test_an_event_that_was_changed_is_found(chained: int) -> None:
    event = Event.objects.get(move=BillingOccurrence.PAYMENT_RECEIVED)
    behind_the_books_back(f"UPDATE billing_event SET who = 'somebody else' WHERE id = {event.id}")
    assert broken() == {f"event {event.id}"}


def test_an_event_that_was_deleted_is_found(chained: int) -> None:
    place = Event.objects.get(move=BillingOccurrence.ORDERED).chain_link.seq
    of_it = f"(SELECT event_id FROM {LINKS} WHERE seq = {place})"
    behind_the_books_back(
        f"CREATE TEMPORARY TABLE gone AS SELECT event_id FROM {LINKS} WHERE seq = {place}",
        f"DELETE FROM {LINKS} WHERE event_id IN {of_it}",
        "DELETE FROM billing_event WHERE id IN (SELECT event_id FROM gone)",
    )
    assert f"link {place}" in broken()


def test_a_chain_that_was_cut_or_made_anew_is_found_by_a_checkpoint(chained: int, now: datetime) -> None:
    kept = export_checkpoint(now=now)
    assert verify_checkpoint(kept).clean
    behind_the_books_back(f"DELETE FROM {LINKS} WHERE seq = {chained}")
    assert broken() == set(), "what is left is a chain"
    (problem,) = verify_checkpoint(kept).problems
    assert str(problem) == f"the chain of billing was in the checkpoint and is gone, place {chained}"
    chain_new(now=now)
    assert verify_checkpoint(kept).clean, "its row was still there, and is chained as it was"
    behind_the_books_back(
        f"DELETE FROM {LINKS}", "UPDATE billing_event SET who = 'somebody else' WHERE move = 'ordered'"
    )
    chain_new(now=now)
    assert broken() == set(), "a chain made anew fits itself"
    (problem,) = verify_checkpoint(kept).problems
    assert "was rewritten up to here" in str(problem)
