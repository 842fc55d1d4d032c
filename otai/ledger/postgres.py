"""The ledger's operations on PostgreSQL: each is one call of a function in sql/postgres.sql, one statement, one round
trip."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from otai.ledger.answers import DatabaseAnswer, TransferRequest


def _prepare_on_the_server() -> None:
    """Lets the connection prepare statements that come again: a third of an operation's time is otherwise spent on
    parsing it.

    Django turns this off unless the settings say otherwise, for the sake of connection poolers that cannot have it; a
    deployment behind one says `prepare_threshold: None` in its database options.
    """
    connection.ensure_connection()
    driver: Any = connection.connection
    if driver.prepare_threshold is None and "prepare_threshold" not in connection.settings_dict["OPTIONS"]:
        driver.prepare_threshold = 2


def _execute(cursor: CursorWrapper, statement: str, parameters: tuple[Any, ...]) -> None:
    _prepare_on_the_server()
    cursor.execute(statement, parameters)


def _ask(statement: str, parameters: tuple[Any, ...]) -> DatabaseAnswer:
    with connection.cursor() as cursor:
        _execute(cursor, statement, parameters)
        return DatabaseAnswer(*cursor.fetchone())


def _ask_many(statement: str, parameters: tuple[Any, ...]) -> list[DatabaseAnswer]:
    with connection.cursor() as cursor:
        _execute(cursor, statement, parameters)
        return [DatabaseAnswer(*row) for row in cursor.fetchall()]


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
    """One lot of credits, in one statement. See `operations.grants`."""
    return _ask(
        "SELECT * FROM ledger_grant(%s, %s, %s, %s, %s::smallint, %s::bigint, %s, %s, %s, %s, %s, %s, %s)",
        (
            asked.organisation,
            asked.id,
            credits,
            source,
            rank,
            price_cents,
            price_currency,
            price_book,
            asked.key,
            asked.request_hash,
            reference,
            asked.reason,
            asked.now,
        ),
    )


def withdraw(asked: TransferRequest, *, lot: UUID, credits: int, reference: str) -> DatabaseAnswer:
    """Takes unspent credits out of a lot again. See `operations.grants`."""
    return _ask(
        "SELECT * FROM ledger_withdraw(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (asked.organisation, asked.id, lot, credits, asked.key, asked.request_hash, reference, asked.reason, asked.now),
    )


def place_hold(asked: TransferRequest, *, credits: int, reference: str, deadline_at: datetime) -> DatabaseAnswer:
    """Sets credits aside, oldest lots in the order of the policy first; `insufficient` where there are too few."""
    return _ask(
        "SELECT * FROM ledger_place_hold(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            asked.organisation,
            asked.id,
            credits,
            asked.key,
            asked.request_hash,
            reference,
            asked.reason,
            deadline_at,
            asked.now,
        ),
    )


def resolve_hold(asked: TransferRequest, *, hold: UUID, kind: str, expired_at: datetime | None) -> DatabaseAnswer:
    """Captures or releases a hold; `wrong_state` where it was resolved otherwise before."""
    return _ask(
        "SELECT * FROM ledger_resolve_hold(%s, %s, %s, %s, %s, %s, %s, %s::timestamptz, %s)",
        (
            asked.organisation,
            asked.id,
            hold,
            kind,
            asked.key,
            asked.request_hash,
            asked.reason,
            expired_at,
            asked.now,
        ),
    )


def extend_hold(*, organisation: UUID, hold: UUID, deadline_at: datetime) -> DatabaseAnswer:
    """Moves a hold's deadline to later; an earlier one changes nothing."""
    return _ask("SELECT * FROM ledger_extend_hold(%s, %s, %s)", (organisation, hold, deadline_at))


def place_holds(
    asked: Sequence[TransferRequest],
    *,
    credits: Sequence[int],
    references: Sequence[str],
    deadlines: Sequence[datetime],
) -> list[DatabaseAnswer]:
    """Many holds of one organisation in one statement; answers in the order asked."""
    return _ask_many(
        "SELECT * FROM ledger_place_holds(%s, %s::uuid[], %s::bigint[], %s::text[], %s::bytea[], %s::text[], "
        "%s::text[], %s::timestamptz[], %s)",
        (
            asked[0].organisation,
            [each.id for each in asked],
            list(credits),
            [each.key for each in asked],
            [each.request_hash for each in asked],
            list(references),
            [each.reason for each in asked],
            list(deadlines),
            asked[0].now,
        ),
    )


def captures(asked: Sequence[TransferRequest], *, holds: Sequence[UUID]) -> list[DatabaseAnswer]:
    """Captures many holds of one organisation in one statement; answers in the order asked."""
    return _ask_many(
        "SELECT * FROM ledger_captures(%s, %s::uuid[], %s::uuid[], %s::text[], %s::bytea[], %s::text[], %s)",
        (
            asked[0].organisation,
            [each.id for each in asked],
            list(holds),
            [each.key for each in asked],
            [each.request_hash for each in asked],
            [each.reason for each in asked],
            asked[0].now,
        ),
    )
