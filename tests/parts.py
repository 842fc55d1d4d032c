"""The programs and modules that tests need beside the product: found where they are, installed where we may, and never
silently missed.

As root on Debian a missing program's package is installed. Elsewhere the test that needs it is skipped, and with `CI`
in the environment it fails: a skipped door is a door that nobody tried.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

T = TypeVar("T")

most_seconds_to_install = 600


class PartMissing(RuntimeError):
    pass


def installed(find: Callable[[], T | None], *, package: str) -> T:
    """What `find` finds, after installing Debian's `package` where it finds nothing and we may. Raises PartMissing."""
    found = find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(package)
        found = find()
    if found is None:
        raise PartMissing(f"These tests need {package} (Debian: apt-get install {package}).")
    return found


def needed(find: Callable[[], T | None], *, package: str) -> T:
    """As `installed`; where it stays missing the test that asks is skipped, and fails where `CI` is set."""
    try:
        return installed(find, package=package)
    except PartMissing as absent:
        missing(str(absent))


def module(name: str, *, extra: str = "") -> Any:
    """A module of the development environment (`make dev`), in the place of `pytest.importorskip`: where it is missing
    the test, or the file, that asks is skipped, and fails where `CI` is set."""
    try:
        return importlib.import_module(name)
    except ImportError as absent:
        wanted = f"'otai[{extra}]'" if extra else name
        missing(f"needs {name}: pip install {wanted} ({absent})")


def missing(why: str) -> NoReturn:
    """Skips the test, or the file, that asks, and fails it where `CI` is set."""
    if is_ci():
        pytest.fail(why)
    pytest.skip(why, allow_module_level=True)


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def program(*names: str) -> str | None:
    """The path of the first of `names` that is there; where only root's path has it, too."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def chromium_program() -> str:
    return needed(lambda: program("chromium", "chromium-browser", "google-chrome"), package="chromium")


def caddy_program() -> str:
    """Caddy, which Debian has."""
    return needed(lambda: program("caddy"), package="caddy")


def nginx_program() -> str:
    return needed(lambda: program("nginx"), package="nginx-light")


def _install(package: str) -> None:
    # Several workers of pytest may miss the same part at the same moment.
    with (Path(tempfile.gettempdir()) / "otai-tests-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                timeout=most_seconds_to_install,
            )
