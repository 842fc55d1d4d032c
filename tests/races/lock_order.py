"""Whether the rows of one transaction were locked in the order of docs/ledger.md, read from the statements that it
sent.

A race finds an order that is kept wrong only if two meet in the same moment; this finds it in one transaction alone.
Every test on PostgreSQL is looked at (tests/conftest.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ORDER: tuple[tuple[str, ...], ...] = (
    ("orgs_organisation",),
    ("orgs_invitation", "orgs_member", "orgs_api_key"),
    ("outbound_endpoint",),
    ("helpdesks_connection",),
    ("outbound_delivery",),
    ("serving_model",),
    ("serving_advice",),
    ("serving_model_version",),
    ("tickets_data_set",),
    ("runs_pool",),
    ("runs_worker",),
    ("runs_run",),
    ("runs_attempt",),
    ("runs_guarantee",),
    ("billing_bank_entry",),
    ("billing_operator_request",),
    ("billing_subscription",),
    ("billing_payment_method",),
    ("billing_purchase",),
    ("billing_coupon",),
    ("billing_payment",),
    ("billing_reversal",),
    ("billing_payment_refund",),
    ("orgs_founder",),
    ("ledger_account", "ledger_lot", "ledger_hold"),
    ("billing_credit_watch",),
    ("billing_top_up",),
    ("billing_invoice_series",),
)
"""First to last. A table that is not named is locked by one row at a time, or its rows are only added."""
RANK = {table: rank for rank, tables in enumerate(ORDER) for table in tables}

_TABLE = r'(?:ONLY )?"?(\w+)"?'
_WRITES = re.compile(rf"^\s*(?:UPDATE|DELETE FROM) {_TABLE}", re.I)
_READS_LOCKED = re.compile(rf"^\s*SELECT .*? FROM {_TABLE}.* FOR (?:NO KEY )?UPDATE", re.I | re.S)
_ADDS = re.compile(rf"^\s*INSERT INTO {_TABLE}", re.I)
_LEDGER = re.compile(r"FROM ledger_(?:grant|withdraw|place_holds?|resolve_hold|extend_hold|captures)\(", re.I)


@dataclass
class Seen:
    """What one transaction has locked so far: tables, in their order, and those in which it made rows of its own."""

    locked: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)


@dataclass
class Watch:
    """`violations` tells of each table that was locked after one that comes later."""

    violations: list[str] = field(default_factory=list)

    def statement(self, sql: str, seen: Seen) -> None:
        if found := _ADDS.match(sql):
            seen.made.add(found[1])
            return
        if _LEDGER.search(sql):
            table = "ledger_account"
        elif found := _WRITES.match(sql) or _READS_LOCKED.match(sql):
            table = found[1]
        else:
            return
        if table not in RANK or table in seen.locked or table in seen.made:
            # A row that this transaction made nobody else can hold; one that it holds it does not wait for.
            return
        later = [other for other in seen.locked if RANK[other] > RANK[table]]
        if later:
            self.violations.append(f"{table} is locked after {', '.join(later)}: {sql[:300]}")
        seen.locked.append(table)


@contextmanager
def watched() -> Iterator[Watch]:
    """Looks at the statements of this thread's and every other thread's transactions until it ends."""
    from django.db import connection
    from django.db.transaction import Atomic

    watch = Watch()

    def look(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        seen = getattr(context["connection"], "otai_locks_seen", None)
        if seen is not None and isinstance(sql, str) and context["connection"].in_atomic_block:
            watch.statement(sql, seen)
        return execute(sql, params, many, context)

    entered, left = Atomic.__enter__, Atomic.__exit__

    def ours(database: Any) -> list[Any]:
        return [block for block in database.atomic_blocks if not block._from_testcase]

    def enter(self: Any) -> None:
        database = _connection(self)
        entered(self)
        if look not in database.execute_wrappers:
            database.execute_wrappers.append(look)
        if not self._from_testcase and len(ours(database)) == 1:
            database.otai_locks_seen = Seen()

    def leave(self: Any, *error: Any) -> Any:
        try:
            return left(self, *error)
        finally:
            database = _connection(self)
            if not ours(database):
                database.otai_locks_seen = None

    Atomic.__enter__, Atomic.__exit__ = enter, leave  # type: ignore[method-assign,assignment]
    try:
        yield watch
    finally:
        Atomic.__enter__, Atomic.__exit__ = entered, left  # type: ignore[method-assign]
        connection.execute_wrappers[:] = [one for one in connection.execute_wrappers if one is not look]


def _connection(atomic: Any) -> Any:
    from django.db.transaction import get_connection

    return get_connection(atomic.using)
