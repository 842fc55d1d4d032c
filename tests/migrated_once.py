"""A pytest plugin for `make mutants`: the database is migrated once for all mutants, and each begins with a copy.

Each mutant is tried in a process of its own, and migrating an empty database would take most of its time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MIGRATED = Path("migrated.sqlite3")
"""In the folder of the mutants, which `make mutants` begins anew."""


def pytest_configure(config: pytest.Config) -> None:
    # The copy is nobody else's: nothing is torn down.
    config.option.reuse_db = True


def pytest_sessionstart(session: pytest.Session) -> None:
    from django.db import connection, connections
    from django.test import utils

    if not MIGRATED.exists():
        begun = MIGRATED.with_suffix(f".{os.getpid()}")
        address = {
            "OTAI_DATABASE_URL": f"sqlite:///{begun.resolve()}",
            "DJANGO_SETTINGS_MODULE": "otai.config.settings",
        }
        migrating = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        subprocess.run(migrating, env={**os.environ, **address}, check=True, timeout=300)
        begun.replace(MIGRATED)
    # Open ones belong to the process that this one was forked from.
    connections.close_all()
    shutil.copyfile(MIGRATED, _copy())
    connection.settings_dict["NAME"] = str(_copy())
    utils.setup_databases = _is_set_up


def pytest_sessionfinish(session: pytest.Session) -> None:
    _copy().unlink(missing_ok=True)


def _is_set_up(**_: Any) -> list[Any]:
    return []


def _copy() -> Path:
    """The database of this process."""
    return Path(os.environ["OTAI_HOME"]) / f"mutant-{os.getpid()}.sqlite3"
