"""How a process of ours is begun so that it has no network and sees no secret (`confined.py`)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from otai import key_files
from otai.environment import switch
from otai.jobs import confined


def secret_files() -> tuple[Path, ...]:
    """The installation's secret keys and, where it is a file, its database; none on a node that is no installation."""
    if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
        return ()
    database = settings.DATABASES["default"]
    files = [Path(settings.OTAI_HOME) / name for name in (key_files.CURRENT, key_files.FORMER)]
    if database["ENGINE"].endswith("sqlite3"):
        files += [Path(f"{database['NAME']}{ending}") for ending in ("", "-wal", "-shm")]
    return tuple(files)


def is_to_confine(unless: str) -> bool:
    """Whether processes are begun so; not on systems without namespaces, nor where an operator says so (`unless`, a
    switch that is 0)."""
    return sys.platform.startswith("linux") and switch(unless)


def confining(hidden: Sequence[Path], *, unless: str) -> list[str]:
    """What a command is begun with so that it has no network and does not see these files; nothing where it is not to
    be (`is_to_confine`)."""
    if not is_to_confine(unless):
        return []
    return [sys.executable, "-I", "-S", str(confined.__file__), *map(str, hidden), "--"]


def confines(unless: str) -> bool:
    """Whether this machine lets a process be without network and secrets, and nobody said otherwise; one is begun to
    see."""
    begun = confining(secret_files(), unless=unless)
    if not begun:
        return False
    tried = subprocess.run([*begun, sys.executable, "-c", ""], capture_output=True, timeout=30, check=False)
    return tried.returncode == 0 and not tried.stderr
