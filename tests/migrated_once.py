"""A pytest plugin for `make mutants`: the database is migrated once for all mutants, and each begins with a copy.

Each mutant is tried in a process of its own, and migrating an empty database would take most of its time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.migrated import migrate


def pytest_sessionstart(session: pytest.Session) -> None:
    from django.db import connection, connections
    from django.test import utils

    # Open ones belong to the process that this one was forked from.
    connections.close_all()
    migrate(f"sqlite:///{_copy()}")
    connection.settings_dict["NAME"] = str(_copy())
    utils.setup_databases = _is_set_up


def pytest_sessionfinish(session: pytest.Session) -> None:
    _copy().unlink(missing_ok=True)


def _is_set_up(**_: Any) -> list[Any]:
    return []


def _copy() -> Path:
    """The database of this process."""
    return Path(os.environ["OTAI_HOME"]) / f"mutant-{os.getpid()}.sqlite3"
