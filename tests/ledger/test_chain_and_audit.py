"""What someone with the database's password could do behind the ledger's back, and how the audit finds it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from otai.ledger import chain
from otai.ledger.audit import AuditReport, audit
from otai.ledger.checkpoint import InvalidCheckpoint, export_checkpoint, verify_checkpoint
from otai.ledger.models import Account, LotSource, Transfer
from otai.units import Money
from tests.ledger.stories import NOW, capture, credit_refund, grant, hold, release, withdraw

KEY = b"a key that is kept elsewhere"


@pytest.fixture
def books(acme: UUID, globex: UUID) -> UUID:
    """acme with one of everything: seq 1 and 2 grants, 3 hold, 4 capture, 5 hold, 6 release, 7 refund, 8 withdrawal, 9
    hold."""
    grant(acme, 6)
    bought = grant(acme, 10, source=LotSource.PURCHASE, price=Money(10_000), price_book="2026-11")
    first = hold(acme, 8)
    capture(acme, first.hold)
    second = hold(acme, 2)
    release(acme, second.hold)
    credit_refund(acme, first.hold)
    withdraw(acme, bought.lot, 1)
    hold(acme, 3)
    return acme


@contextmanager
def behind_the_ledgers_back() -> Iterator[None]:
    """Triggers and foreign keys off, as only someone with full power over the database can have it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE ledger_transfer DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_transfer_is_append_only'")
            (trigger,) = cursor.fetchone()
            cursor.execute("DROP TRIGGER ledger_transfer_is_append_only")
            cursor.execute("PRAGMA foreign_keys = OFF")
        yield
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE ledger_transfer ENABLE TRIGGER USER")
        else:
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(trigger)


def tamper(*statements: str) -> AuditReport:
    with behind_the_ledgers_back(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return audit()


def _of(organisation: UUID) -> str:
    return f"organisation_id = '{organisation if connection.vendor == 'postgresql' else organisation.hex}'"


@pytest.mark.django_db
def test_an_untouched_ledger_is_clean(books: UUID) -> None:
    report = audit()
    assert report.clean, report.problems
    assert (report.organisations, report.transfers, report.lots, report.holds) == (2, 10, 3, 3)
    assert report.sealing_lag_seconds == 0
    assert audit(books).transfers == 9
    assert json.dumps(report.as_dict())


@pytest.mark.django_db
def test_an_empty_ledger_is_clean(db: None) -> None:
    assert audit().clean


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "edit",
    [
        "reason = 'nothing to see here'",
        "reference = 'run:2'",
        "key = 'another key'",
        "at = '2026-11-02 09:29:00'",
        "credits = 7",
        "available_after = 9",
        "request_hash = hash",
        "lots = '[]'",
    ],
)
@pytest.mark.parametrize("seq", [1, 4, 9])
def test_an_edited_row_is_found_and_named(books: UUID, edit: str, seq: int) -> None:
    report = (
        tamper(f"UPDATE ledger_transfer SET {edit} WHERE seq = {seq} AND {_of(books)}")
        if "lots" not in edit
        else (tamper(f"UPDATE ledger_transfer SET lots = '[[\"{uuid4()}\", 6]]' WHERE seq = {seq} AND {_of(books)}"))
    )
    assert report.first_bad is not None
    assert (report.first_bad.organisation, report.first_bad.seq) == (books, seq)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seq", [1, 5, 9])
def test_a_deleted_row_is_found_and_named(books: UUID, seq: int) -> None:
    report = tamper(f"DELETE FROM ledger_transfer WHERE seq = {seq} AND {_of(books)}")
    assert report.first_bad is not None
    assert (report.first_bad.organisation, report.first_bad.seq) == (books, seq)


@pytest.mark.django_db(transaction=True)
def test_an_inserted_row_is_found(books: UUID) -> None:
    id = uuid4() if connection.vendor == "postgresql" else uuid4().hex
    columns = "organisation_id, at, kind, source, target, credits, request_hash, reference, reason, hold_id, lots"
    balances = "available_after, held_after, spent_after, hash"
    report = tamper(
        f"INSERT INTO ledger_transfer (id, seq, key, {columns}, {balances}) "
        f"SELECT '{id}', 10, 'forged', {columns}, {balances} FROM ledger_transfer WHERE seq = 1 AND {_of(books)}"
    )
    assert report.first_bad is not None
    assert (report.first_bad.organisation, report.first_bad.seq) == (books, 10)


@pytest.mark.django_db(transaction=True)
def test_reordered_rows_are_found(books: UUID) -> None:
    report = tamper(
        f"UPDATE ledger_transfer SET seq = 100 WHERE seq = 1 AND {_of(books)}",
        f"UPDATE ledger_transfer SET seq = 1 WHERE seq = 2 AND {_of(books)}",
        f"UPDATE ledger_transfer SET seq = 2 WHERE seq = 100 AND {_of(books)}",
    )
    assert report.first_bad is not None
    assert (report.first_bad.organisation, report.first_bad.seq) == (books, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE ledger_account SET available = available + 1, granted = granted + 1", "says .* credits available"),
        ("UPDATE ledger_account SET last_seq = last_seq + 1", "the account counts"),
        ("UPDATE ledger_lot SET unspent = unspent - 1, spent = spent + 1 WHERE source = 'purchase'", "says unspent"),
        (
            "UPDATE ledger_lot SET credits = credits + 1, unspent = unspent + 1 WHERE source = 'purchase'",
            "says credits",
        ),
        ("UPDATE ledger_lot SET price_cents = 1 WHERE source = 'purchase'", "another price"),
        ("UPDATE ledger_lot SET price_book = 'cheap' WHERE source = 'purchase'", "another price"),
        ("DELETE FROM ledger_lot WHERE source = 'purchase'", "is gone"),
        ("UPDATE ledger_hold SET state = 'released', resolved_at = placed_at WHERE state = 'held'", "transfers say"),
        ("UPDATE ledger_hold SET credits = 4 WHERE state = 'held'", "transfers say"),
        ("UPDATE ledger_hold SET reference = 'run:other' WHERE state = 'held'", "transfers say"),
        ("DELETE FROM ledger_hold WHERE state = 'held'", "does not exist"),
        ("DELETE FROM ledger_account", "no account"),
    ],
)
def test_an_edited_account_lot_or_hold_is_found(books: UUID, statement: str, finding: str) -> None:
    report = tamper(statement)
    assert not report.clean
    assert any(re.search(finding, problem.what) for problem in report.problems), report.problems


@pytest.mark.django_db(transaction=True)
def test_a_chain_rewritten_to_its_end_is_found_by_a_checkpoint(books: UUID) -> None:
    kept = export_checkpoint(now=NOW, key=KEY)
    grant(books, 5)
    assert verify_checkpoint(kept, key=KEY).clean
    assert verify_checkpoint(kept, key=KEY).transfers_since == 1
    # Someone edits the first row and computes every hash after it anew, as this product would.
    previous = chain.START
    statements = []
    as_bytes = "'\\x{}'" if connection.vendor == "postgresql" else "x'{}'"
    for row in Transfer.objects.filter(organisation=books).order_by("seq"):
        reason = "Rewritten" if row.seq == 1 else row.reason
        previous = chain.transfer_hash(
            previous,
            organisation=books,
            seq=row.seq,
            id=row.id,
            at=row.at,
            kind=row.kind,
            source=row.source,
            target=row.target,
            credits=row.credits,
            request_hash=bytes(row.request_hash),
            hold=row.hold_id,
            lots=chain.pins_text(row.lots),
            available=row.available_after,
            held=row.held_after,
            spent=row.spent_after,
            key=row.key,
            reference=row.reference,
            reason=reason,
        )
        statements.append(
            f"UPDATE ledger_transfer SET reason = '{reason}', hash = {as_bytes.format(previous.hex())} "
            f"WHERE seq = {row.seq} AND {_of(books)}"
        )
    statements.append(f"UPDATE ledger_account SET last_hash = {as_bytes.format(previous.hex())} WHERE {_of(books)}")
    report = tamper(*statements)
    # The chain alone fits again; only the lot's own reason could give it away, and the checkpoint does.
    assert not [problem for problem in report.problems if "chained" in problem.what]
    verdict = verify_checkpoint(kept, key=KEY)
    assert [(problem.organisation, problem.what) for problem in verdict.problems] == [
        (books, "the chain up to here was rewritten")
    ]


@pytest.mark.django_db
def test_a_checkpoint_is_trusted_only_with_its_signature(books: UUID) -> None:
    kept = export_checkpoint(now=NOW, key=KEY)
    forged = json.loads(kept)
    forged["organisations"][0]["seq"] -= 1
    for text, key in (
        (json.dumps(forged), KEY),
        (kept, b"another key of enough bytes"),
        ("{}", KEY),
        ("[]", KEY),
        ("not JSON", KEY),
    ):
        with pytest.raises(InvalidCheckpoint):
            verify_checkpoint(text, key=key)
    with pytest.raises(InvalidCheckpoint, match="16 bytes"):
        export_checkpoint(now=NOW, key=b"short")
    assert verify_checkpoint(export_checkpoint(now=NOW)).clean


@pytest.mark.django_db(transaction=True)
def test_a_checkpoint_names_an_organisation_that_is_gone(books: UUID) -> None:
    kept = export_checkpoint(now=NOW, key=KEY)
    tamper(*(f"DELETE FROM ledger_{table} WHERE {_of(books)}" for table in ("transfer", "hold", "lot", "account")))
    assert audit().clean
    (problem,) = verify_checkpoint(kept, key=KEY).problems
    assert (problem.organisation, problem.what) == (books, "was in the checkpoint and is gone")


@pytest.mark.django_db
def test_the_database_computes_the_same_hash_as_python(acme: UUID) -> None:
    times = [NOW, NOW + timedelta(microseconds=1), datetime(2027, 3, 28, 1, 59, 59, 999999, tzinfo=UTC)]
    for at, text in zip(times, ["plain", "with | and 3|abc", "Ünïcode 🎟 発注"], strict=True):
        grant(acme, 6, key=f"key {text}", reference=text, reason=text, now=at)
        hold(acme, 5, reference=text, reason="", now=at, deadline_at=at + timedelta(days=1))
    # The audit computes each hash in Python; on PostgreSQL they were made by ledger_transfer_hash.
    assert audit().clean
    assert Account.objects.get().last_seq == 6


@pytest.mark.pure
def test_different_rows_have_different_forms() -> None:
    base = {
        "organisation": UUID(int=1),
        "seq": 1,
        "id": UUID(int=2),
        "at": NOW,
        "kind": "grant",
        "source": "initial",
        "target": "available",
        "credits": 1,
        "request_hash": bytes(32),
        "hold": None,
        "lots": "[]",
        "available": 1,
        "held": 0,
        "spent": 0,
        "key": "a|1|b",
        "reference": "c",
        "reason": "",
    }
    moved = base | {"key": "a", "reference": "b|1|c"}
    assert chain.transfer_hash(chain.START, **base) != chain.transfer_hash(chain.START, **moved)
    assert chain.transfer_hash(chain.START, **base) != chain.transfer_hash(bytes(31) + b"\1", **base)
