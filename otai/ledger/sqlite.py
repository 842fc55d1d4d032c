"""The ledger's operations on SQLite: each is one short IMMEDIATE transaction of statements from sql/sqlite.sql.

Step for step what the functions in sql/postgres.sql do; where a step has a reason, it is written there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from otai.ledger.answers import DatabaseAnswer, TransferRequest
from otai.ledger.chain import pins_text, transfer_hash


def _statements() -> dict[str, str]:
    text = (Path(__file__).parent / "sql" / "sqlite.sql").read_text()
    blocks = (block.partition("\n") for block in text.split("-- name: ")[1:])
    return {name.strip(): statement.strip().rstrip(";") for name, _, statement in blocks}


SQL = _statements()

ACCOUNTS = ("available", "held", "spent")

RESOLUTIONS = {
    # kind: (from account, to account, hold state before, hold state after, statement for each of its lots)
    "capture": ("held", "spent", "held", "captured", SQL["capture_in_lot"]),
    "release": ("held", "available", "held", "released", SQL["release_in_lot"]),
    "credit_refund": ("spent", "available", "captured", "refunded", SQL["refund_in_lot"]),
}


@contextmanager
def _writing() -> Iterator[CursorWrapper]:
    # Inside the caller's transaction this opens none of its own, not even a savepoint; a refusal is returned, never
    # raised here, so that it leaves the caller's transaction usable.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        yield cursor


def stored_time(moment: datetime) -> str:
    """A moment as Django stores it: UTC without a zone. Text order is time order."""
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _read_time(stored: str | datetime) -> datetime:
    moment = stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)
    return moment.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Account:
    organisation: UUID
    available: int
    held: int
    spent: int
    granted: int
    withdrawn: int
    last_seq: int
    last_at: datetime
    last_hash: bytes

    def move(self, *, source: str, target: str, credits: int) -> None:
        self.granted += credits if source not in ACCOUNTS else 0
        self.withdrawn += credits if target not in ACCOUNTS else 0
        for name in ACCOUNTS:
            change = credits * ((name == target) - (name == source))
            setattr(self, name, getattr(self, name) + change)


def _account(cursor: CursorWrapper, organisation: UUID) -> _Account | None:
    cursor.execute(SQL["account"], [organisation.hex])
    row = cursor.fetchone()
    if row is None:
        return None
    available, held, spent, granted, withdrawn, last_seq, last_at, last_hash = row
    return _Account(
        organisation, available, held, spent, granted, withdrawn, last_seq, _read_time(last_at), bytes(last_hash)
    )


def _without_account(
    cursor: CursorWrapper, organisation: UUID, otherwise: str, credits: int | None = None
) -> DatabaseAnswer:
    cursor.execute(SQL["organisation_exists"], [organisation.hex])
    return DatabaseAnswer(otherwise if cursor.fetchone() else "no_organisation", credits=credits, available=0)


def _replay(cursor: CursorWrapper, asked: TransferRequest) -> DatabaseAnswer | None:
    cursor.execute(SQL["transfer_by_key"], [asked.organisation.hex, asked.key])
    row = cursor.fetchone()
    if row is None:
        return None
    id, request_hash, hold, lots, credits, available = row
    outcome = "replayed" if bytes(request_hash) == asked.request_hash else "key_reused"
    return DatabaseAnswer(outcome, UUID(id), UUID(hold or json.loads(lots)[0][0]), credits, available)


def _record(
    cursor: CursorWrapper,
    account: _Account,
    asked: TransferRequest,
    *,
    kind: str,
    source: str,
    target: str,
    credits: int,
    reference: str,
    hold: UUID | None,
    lots: str,
) -> DatabaseAnswer:
    account.move(source=source, target=target, credits=credits)
    account.last_seq += 1
    account.last_at = max(account.last_at, asked.now)
    account.last_hash = transfer_hash(
        account.last_hash,
        organisation=account.organisation,
        seq=account.last_seq,
        id=asked.id,
        at=account.last_at,
        kind=kind,
        source=source,
        target=target,
        credits=credits,
        request_hash=asked.request_hash,
        hold=hold,
        lots=lots,
        available=account.available,
        held=account.held,
        spent=account.spent,
        key=asked.key,
        reference=reference,
        reason=asked.reason,
    )
    at = stored_time(account.last_at)
    balances = (account.available, account.held, account.spent)
    cursor.execute(
        SQL["add_transfer"],
        [
            asked.id.hex,
            account.organisation.hex,
            account.last_seq,
            at,
            kind,
            source,
            target,
            credits,
            asked.key,
            asked.request_hash,
            reference,
            asked.reason,
            hold.hex if hold else None,
            lots,
            *balances,
            account.last_hash,
        ],
    )
    cursor.execute(
        SQL["move_account"],
        [
            *balances,
            account.granted,
            account.withdrawn,
            account.last_seq,
            at,
            account.last_hash,
            account.organisation.hex,
        ],
    )
    subject = hold or UUID(json.loads(lots)[0][0])
    return DatabaseAnswer("done", asked.id, subject, credits, account.available)


def grant(
    asked: TransferRequest,
    *,
    credits: int,
    source: str,
    rank: int,
    price_cents: int | None,
    price_currency: str,
    price_book: str,
    reference: str,
) -> DatabaseAnswer:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        account = _account(cursor, asked.organisation)
        if account is None:
            unknown = _without_account(cursor, asked.organisation, "done")
            if unknown.outcome == "no_organisation":
                return unknown
            cursor.execute(SQL["open_account"], [asked.organisation.hex, stored_time(asked.now)])
            account = _account(cursor, asked.organisation)
            assert account is not None
        if replayed := _replay(cursor, asked):
            return replayed
        lot = asked.id.hex
        granted_at = stored_time(max(account.last_at, asked.now))
        price = (price_cents, price_currency, price_book)
        cursor.execute(
            SQL["add_lot"],
            [
                lot,
                asked.organisation.hex,
                source,
                rank,
                account.last_seq + 1,
                credits,
                credits,
                *price,
                reference,
                asked.reason,
                granted_at,
            ],
        )
        lots = pins_text([(str(asked.id), credits)])
        return _record(
            cursor,
            account,
            asked,
            kind="grant",
            source=source,
            target="available",
            credits=credits,
            reference=reference,
            hold=None,
            lots=lots,
        )


def withdraw(asked: TransferRequest, *, lot: UUID, credits: int, reference: str) -> DatabaseAnswer:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        account = _account(cursor, asked.organisation)
        if account is None:
            return _without_account(cursor, asked.organisation, "no_lot", credits)
        if replayed := _replay(cursor, asked):
            return replayed
        cursor.execute(SQL["lot"], [lot.hex, asked.organisation.hex])
        row = cursor.fetchone()
        if row is None:
            return DatabaseAnswer("no_lot")
        (unspent,) = row
        if unspent < credits:
            return DatabaseAnswer("lot_insufficient", credits=credits, available=unspent)
        cursor.execute(SQL["withdraw_from_lot"], [credits, credits, credits, lot.hex])
        lots = pins_text([(str(lot), credits)])
        return _record(
            cursor,
            account,
            asked,
            kind="withdrawal",
            source="available",
            target="withdrawn",
            credits=credits,
            reference=reference,
            hold=None,
            lots=lots,
        )


def _draw(cursor: CursorWrapper, organisation: UUID, credits: int) -> list[tuple[str, int]]:
    cursor.execute(SQL["open_lots"], [organisation.hex])
    drawn: list[tuple[str, int]] = []
    missing = credits
    while missing:
        row = cursor.fetchone()
        assert row is not None, (
            f"The lots of organisation {organisation} have fewer unspent credits than its account says."
        )
        lot, unspent = row
        drawn.append((lot, min(unspent, missing)))
        missing -= drawn[-1][1]
    for lot, take in drawn:
        cursor.execute(SQL["hold_in_lot"], [take, take, take, lot])
    return [(str(UUID(lot)), take) for lot, take in drawn]


def _place_hold(
    cursor: CursorWrapper,
    account: _Account,
    asked: TransferRequest,
    *,
    credits: int,
    reference: str,
    deadline_at: datetime,
) -> DatabaseAnswer:
    if replayed := _replay(cursor, asked):
        return replayed
    if account.available < credits:
        return DatabaseAnswer("insufficient", credits=credits, available=account.available)
    lots = pins_text(_draw(cursor, asked.organisation, credits))
    placed_at = stored_time(max(account.last_at, asked.now))
    cursor.execute(
        SQL["add_hold"],
        [
            asked.id.hex,
            asked.organisation.hex,
            credits,
            lots,
            reference,
            placed_at,
            stored_time(deadline_at),
        ],
    )
    return _record(
        cursor,
        account,
        asked,
        kind="hold",
        source="available",
        target="held",
        credits=credits,
        reference=reference,
        hold=asked.id,
        lots=lots,
    )


def place_hold(asked: TransferRequest, *, credits: int, reference: str, deadline_at: datetime) -> DatabaseAnswer:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        account = _account(cursor, asked.organisation)
        if account is None:
            return _without_account(cursor, asked.organisation, "insufficient", credits)
        return _place_hold(cursor, account, asked, credits=credits, reference=reference, deadline_at=deadline_at)


def place_holds(
    asked: Sequence[TransferRequest],
    *,
    credits: Sequence[int],
    references: Sequence[str],
    deadlines: Sequence[datetime],
) -> list[DatabaseAnswer]:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        account = _account(cursor, asked[0].organisation)
        if account is None:
            return [_without_account(cursor, asked[0].organisation, "insufficient", each) for each in credits]
        return [
            _place_hold(cursor, account, each, credits=amount, reference=reference, deadline_at=deadline)
            for each, amount, reference, deadline in zip(asked, credits, references, deadlines, strict=True)
        ]


def _resolve(
    cursor: CursorWrapper,
    account: _Account,
    asked: TransferRequest,
    *,
    hold: UUID,
    kind: str,
    expired_at: datetime | None,
) -> DatabaseAnswer:
    if replayed := _replay(cursor, asked):
        return replayed
    cursor.execute(SQL["hold"], [hold.hex, asked.organisation.hex])
    row = cursor.fetchone()
    if row is None:
        return DatabaseAnswer("no_hold")
    credits, lots, state, reference, deadline_at = row
    source, target, from_state, to_state, statement = RESOLUTIONS[kind]
    resolved_at = stored_time(max(account.last_at, asked.now))
    if state != from_state:
        if kind == "capture" and state == "released":
            late = [hold.hex, asked.organisation.hex, asked.key, asked.reason, resolved_at]
            cursor.execute(SQL["record_late_capture"], late)
        return DatabaseAnswer("wrong_state", credits=credits, state=state)
    if expired_at is not None and _read_time(deadline_at) > expired_at:
        return DatabaseAnswer("extended")
    for lot, drawn in json.loads(lots):
        cursor.execute(statement, [drawn, drawn, UUID(lot).hex])
    cursor.execute(SQL["resolve_hold"], [to_state, resolved_at, hold.hex])
    return _record(
        cursor,
        account,
        asked,
        kind=kind,
        source=source,
        target=target,
        credits=credits,
        reference=reference,
        hold=hold,
        lots=lots,
    )


def resolve_hold(asked: TransferRequest, *, hold: UUID, kind: str, expired_at: datetime | None) -> DatabaseAnswer:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        account = _account(cursor, asked.organisation)
        if account is None:
            return _without_account(cursor, asked.organisation, "no_hold")
        return _resolve(cursor, account, asked, hold=hold, kind=kind, expired_at=expired_at)


def captures(asked: Sequence[TransferRequest], *, holds: Sequence[UUID]) -> list[DatabaseAnswer]:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        account = _account(cursor, asked[0].organisation)
        if account is None:
            return [_without_account(cursor, asked[0].organisation, "no_hold") for _ in holds]
        return [
            _resolve(cursor, account, each, hold=hold, kind="capture", expired_at=None)
            for each, hold in zip(asked, holds, strict=True)
        ]


def extend_hold(*, organisation: UUID, hold: UUID, deadline_at: datetime) -> DatabaseAnswer:
    """As in `postgres.py`, in one transaction that holds the write lock."""
    with _writing() as cursor:
        cursor.execute(SQL["hold"], [hold.hex, organisation.hex])
        row = cursor.fetchone()
        if row is None:
            return _without_account(cursor, organisation, "no_hold")
        credits, _, state, _, deadline_before = row
        if state != "held":
            return DatabaseAnswer("wrong_state", None, hold, credits, None, state)
        if _read_time(deadline_before) < deadline_at:
            cursor.execute(SQL["extend_hold"], [stored_time(deadline_at), hold.hex])
        return DatabaseAnswer("done", None, hold, credits, None, state)
