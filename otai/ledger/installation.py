"""Puts the ledger's hand-written SQL into a database, for its migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

HERE = Path(__file__).parent


def run_script(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    """Runs the statements of `migrations/NAME` inside the migration's transaction."""
    script = (HERE / "migrations" / name).read_text()
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            cursor.execute(script)
        else:
            for statement in _sqlite_statements(script):
                cursor.execute(statement)


def install_functions(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Installs sql/postgres.sql, also over an earlier version of itself. SQLite has no functions to install."""
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute((HERE / "sql" / "postgres.sql").read_text())


def _sqlite_statements(script: str) -> Iterator[str]:
    # Not `executescript`, which would commit the migration's transaction; and a trigger's body has semicolons of its
    # own.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
