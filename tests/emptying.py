"""Tables emptied between tests that commit: only those with rows, which most tests leave in a handful.

Django empties every table and then writes its content types and permissions anew: half a second a test on PostgreSQL,
for four hundred tests. Those two tables hold what the models say, and no test changes it; they stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

STAY = frozenset({"django_content_type", "auth_permission"})


def empty_tables(database: str = "default") -> None:
    """Deletes every row of every model's table in `database`, whatever constraints and triggers say of it."""
    connection = connections[database]
    quote = connection.ops.quote_name
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - STAY
    with connection.cursor() as cursor:
        looks = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in sorted(tables))
        cursor.execute(" UNION ALL ".join(looks))
        filled = [table for (table,) in cursor.fetchall()]
    deletions = [f"DELETE FROM {quote(table)}" for table in filled]
    # Each by itself: in one transaction they would hold locks on every table, in no order that the product knows.
    with _no_rules(connection), connection.cursor() as cursor:
        for deletion in deletions:
            cursor.execute(deletion)


@contextmanager
def _no_rules(connection: BaseDatabaseWrapper) -> Iterator[None]:
    if connection.vendor == "sqlite":
        with connection.constraint_checks_disabled():
            yield
        return
    with connection.cursor() as cursor:
        # Neither triggers nor foreign keys, which are triggers too, hold for a replica.
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("RESET session_replication_role")


def _empty_after(test: TransactionTestCase) -> None:
    for database in test._databases_names(include_mirrors=False):
        empty_tables(database)


def install() -> None:
    """Every test with `transaction=True` ends by `empty_tables`."""
    TransactionTestCase._fixture_teardown = _empty_after  # type: ignore[method-assign]
