"""One attempt to break each constraint with raw SQL, past every operation. NULL is tried too: a CHECK that is unknown
passes."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from otai.ledger.audit import audit
from otai.ledger.models import LotSource
from otai.units import Money
from tests.ledger.stories import grant, hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(acme: UUID) -> UUID:
    """acme with two lots, one of them bought, and an open hold."""
    grant(acme, 6)
    grant(acme, 10, source=LotSource.PURCHASE, price=Money(10_000))
    hold(acme, 4)
    return acme


def attempt(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


ATTEMPTS = [
    ("ledger_account_not_overdrawn", "UPDATE ledger_account SET available = -1, held = held + available + 1"),
    ("ledger_account_not_overdrawn", "UPDATE ledger_account SET held = -1, available = available + held + 1"),
    ("ledger_account_not_overdrawn", "UPDATE ledger_account SET spent = -1, available = available + 1"),
    ("ledger_account_not_overdrawn", "UPDATE ledger_account SET withdrawn = -1, available = available + 1"),
    ("ledger_account_adds_up", "UPDATE ledger_account SET available = available + 1"),
    ("ledger_account_adds_up", "UPDATE ledger_account SET granted = granted - 1"),
    ("ledger_hash_is_a_sha256", "UPDATE ledger_account SET last_hash = 'abc'"),
    ("ledger_lot_has_credits", "UPDATE ledger_lot SET credits = 0, unspent = 0, held = 0, is_open = false"),
    ("ledger_lot_not_overdrawn", "UPDATE ledger_lot SET unspent = -1, spent = credits - held + 1, is_open = false"),
    ("ledger_lot_not_overdrawn", "UPDATE ledger_lot SET held = -1, unspent = credits + 1, is_open = true"),
    ("ledger_lot_not_overdrawn", "UPDATE ledger_lot SET spent = -1, unspent = unspent + 1, is_open = true"),
    ("ledger_lot_not_overdrawn", "UPDATE ledger_lot SET withdrawn = -1, unspent = unspent + 1, is_open = true"),
    ("ledger_lot_adds_up", "UPDATE ledger_lot SET spent = spent + 1"),
    ("ledger_lot_is_open_while_it_has_unspent_credits", "UPDATE ledger_lot SET is_open = NOT is_open"),
    ("ledger_lot_is_spent_in_the_order_of_its_source", "UPDATE ledger_lot SET rank = rank + 1"),
    ("ledger_lot_is_spent_in_the_order_of_its_source", "UPDATE ledger_lot SET source = 'lottery'"),
    ("ledger_lot_is_spent_in_the_order_of_its_source", "UPDATE ledger_lot SET source = 'lottery', rank = 0"),
    ("ledger_lot_price_has_a_currency", "UPDATE ledger_lot SET price_currency = 'eur'"),
    ("ledger_lot_price_has_a_currency", "UPDATE ledger_lot SET price_currency = '' WHERE price_cents IS NOT NULL"),
    ("ledger_lot_price_has_a_currency", "UPDATE ledger_lot SET price_cents = -1, price_currency = 'EUR'"),
    (
        "ledger_lot_price_has_a_currency",
        "UPDATE ledger_lot SET price_currency = 'EUR' WHERE price_cents IS NULL",
    ),
    (
        "ledger_lot_purchase_has_a_price",
        "UPDATE ledger_lot SET price_cents = NULL, price_currency = '' WHERE source = 'purchase'",
    ),
    ("ledger_hold_has_credits", "UPDATE ledger_hold SET credits = 0"),
    ("ledger_hold_has_a_known_state", "UPDATE ledger_hold SET state = 'lost', resolved_at = placed_at"),
    ("ledger_hold_is_resolved_at_a_time", "UPDATE ledger_hold SET state = 'captured'"),
    ("ledger_hold_is_resolved_at_a_time", "UPDATE ledger_hold SET resolved_at = placed_at"),
    ("ledger_hold_pins_its_lots", "UPDATE ledger_hold SET lots = '[]'"),
    ("ledger_hold_pins_its_lots", "UPDATE ledger_hold SET lots = '{}'"),
    ("ledger_hold_pins_its_lots", "UPDATE ledger_hold SET lots = 'null'"),
]


@pytest.mark.parametrize(("constraint", "statement"), ATTEMPTS, ids=[f"{a[0]}-{i}" for i, a in enumerate(ATTEMPTS)])
def test_the_database_refuses(books: UUID, constraint: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        attempt(statement)
    assert audit().clean


COLUMNS = (
    "id, organisation_id, seq, at, kind, source, target, credits, key, request_hash, reference, reason, hold_id, lots, "
    "available_after, held_after, spent_after, hash"
)

FORGERIES = [
    ("ledger_transfer_moves_credits", {"credits": "0"}),
    ("ledger_transfer_moves_credits", {"credits": "-4"}),
    ("ledger_transfer_moves_as_its_kind_says", {"target": "'spent'"}),
    ("ledger_transfer_moves_as_its_kind_says", {"kind": "'gift'"}),
    ("ledger_transfer_moves_as_its_kind_says", {"source": "'lottery'", "kind": "'grant'", "target": "'available'"}),
    ("ledger_transfer_names_its_hold", {"hold_id": "NULL"}),
    (
        "ledger_transfer_names_its_hold",
        {"kind": "'grant'", "source": "'initial'", "target": "'available'"},
    ),
    ("ledger_transfer_names_its_lots", {"lots": "'[]'"}),
    ("ledger_transfer_names_its_lots", {"lots": "'{}'"}),
    ("ledger_transfer_names_its_lots", {"lots": "'null'"}),
    ("ledger_transfer_has_a_key", {"key": "''"}),
    ("ledger_hash_is_a_sha256", {"request_hash": "'short'"}),
    ("ledger_hash_is_a_sha256", {"hash": "'short'"}),
    ("ledger_transfer_counts_from_one", {"seq": "0"}),
    ("ledger_transfer_leaves_no_negative_balance", {"available_after": "-1"}),
    ("ledger_transfer_leaves_no_negative_balance", {"held_after": "-1"}),
    ("ledger_transfer_leaves_no_negative_balance", {"spent_after": "-1"}),
    ("ledger_transfer_counts_each_once", {"seq": "seq"}),
    ("ledger_transfer_uses_a_key_once", {"key": "key"}),
]


@pytest.mark.parametrize(("constraint", "changes"), FORGERIES, ids=[f"{f[0]}-{i}" for i, f in enumerate(FORGERIES)])
def test_the_database_refuses_a_forged_transfer(books: UUID, constraint: str, changes: dict[str, str]) -> None:
    """A copy of the hold's transfer, sound but for `changes`."""
    new_id = f"'{UUID(int=7)}'" if connection.vendor == "postgresql" else f"'{UUID(int=7).hex}'"
    values = {name.strip(): name.strip() for name in COLUMNS.split(",")}
    values |= {"id": new_id, "seq": "seq + 1", "key": "'forged'"} | changes
    # What SQLite says of a unique index names its columns instead.
    said = {
        "ledger_transfer_counts_each_once": "organisation_id.*seq|counts_each_once",
        "ledger_transfer_uses_a_key_once": "organisation_id.*key|uses_a_key_once",
    }.get(constraint, constraint)
    with pytest.raises(IntegrityError, match=said):
        attempt(
            f"INSERT INTO ledger_transfer ({COLUMNS}) SELECT {', '.join(values.values())} "
            "FROM ledger_transfer WHERE kind = 'hold'"
        )
    assert audit().clean


@pytest.mark.parametrize("table", ["ledger_account", "ledger_lot", "ledger_hold", "ledger_transfer"])
def test_nothing_may_be_null_that_a_rule_is_about(books: UUID, table: str) -> None:
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, table)
    nullable = {column.name for column in description if column.null_ok}
    generated = {"last_transfer", "previous_seq"}
    assert nullable - generated <= {"price_cents", "resolved_at", "hold_id"}


def test_two_lots_cannot_come_from_one_grant(books: UUID) -> None:
    with pytest.raises(IntegrityError, match=r"seq|comes_from_one_grant"):
        attempt("UPDATE ledger_lot SET seq = 1")


@pytest.mark.django_db(transaction=True)
def test_an_account_needs_its_organisation(acme: UUID) -> None:
    grant(acme, 6)
    with pytest.raises(IntegrityError):
        attempt("DELETE FROM orgs_organisation")


def test_a_transfer_is_never_changed(books: UUID) -> None:
    for change in ("reason = 'other'", "credits = credits + 1", "hash = hash"):
        with pytest.raises(IntegrityError, match="ledger_transfer_is_append_only"):
            attempt(f"UPDATE ledger_transfer SET {change}")
    assert audit().clean


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("which", ["seq = 1", "seq = 2", "seq = 3", "seq >= 2"])
def test_a_transfer_is_never_deleted(books: UUID, which: str) -> None:
    with pytest.raises(DatabaseError, match=r"append_only|FOREIGN KEY"):
        attempt(f"DELETE FROM ledger_transfer WHERE {which}")
    assert audit().clean
