"""A copied database is what migrations would make today, and another as soon as they would make another."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.migrated import HERE, deciding


@pytest.mark.django_db
def test_nothing_is_left_to_migrate() -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


@pytest.mark.pure
def test_migrations_their_sql_and_the_modules_they_name_decide() -> None:
    found = {str(path.relative_to(HERE)) for path in deciding()}
    assert {
        "otai/billing/migrations/0001_initial.py",
        "otai/billing/status.py",
        "otai/db.py",
        "otai/ledger/installation.py",
        "otai/ledger/sql/postgres.sql",
    } <= found
