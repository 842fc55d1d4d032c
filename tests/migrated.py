"""A new database as `otai init` leaves it: migrated once, and copied from then on.

Every migration renders the models anew, ten seconds for all of them, and each session of tests, each server and each
home of its own would pay that again. What `otai init` made of an empty database is therefore kept beside pytest's own
cache, for SQLite as a file and for PostgreSQL as a dump, until a migration or something that it uses changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tests.postgres import binaries
from tests.web.studio_server import Installation

HERE = Path(__file__).resolve().parents[1]
KEPT = HERE / ".pytest_cache" / "migrated"


def migrate(url: str) -> None:
    """Fills the new, empty database at `url` (an `OTAI_DATABASE_URL`): by `otai init` the first time, then by a
    copy."""
    is_sqlite = url.startswith("sqlite:///")
    kept = KEPT / f"{made_by()}.{'sqlite3' if is_sqlite else 'sql'}"
    with _one_at_a_time():
        if not kept.exists():
            with tempfile.TemporaryDirectory(prefix="otai-migrating-") as home:
                Installation(Path(home), {"OTAI_DATABASE_URL": url}).otai("init")
            begun = kept.with_suffix(".begun")
            if is_sqlite:
                shutil.copyfile(_file(url), begun)
            else:
                _run("pg_dump", "--dbname", _for_libpq(url), "--file", str(begun))
            for outdated in KEPT.glob(f"*{kept.suffix}"):
                outdated.unlink()
            begun.replace(kept)
            return
    if is_sqlite:
        shutil.copyfile(kept, _file(url))
    else:
        quietly = ("--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1")
        _run("psql", *quietly, "--dbname", _for_libpq(url), "--file", str(kept))


@cache
def made_by() -> str:
    """A digest of all that decides what migrations make."""
    digest = hashlib.sha256(" ".join(version(name) for name in ("django", "django-allauth")).encode())
    for path in sorted(deciding()):
        digest.update(str(path.relative_to(HERE)).encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def deciding() -> set[Path]:
    """Our migrations, the SQL that they run, and the modules that they name."""
    migrations = set((HERE / "otai").glob("**/migrations/*.py"))
    named = {name for path in migrations for name in re.findall(r"\botai(?:\.\w+)+", path.read_text("utf-8"))}
    modules = {HERE / Path(*parts).with_suffix(".py") for name in named for parts in _beginnings(name.split("."))}
    return migrations | set((HERE / "otai").glob("**/*.sql")) | set(filter(Path.exists, modules))


def _beginnings(parts: list[str]) -> Iterator[list[str]]:
    """`otai.db.new_id` is said in the module `otai.db`."""
    for end in range(2, len(parts) + 1):
        yield parts[:end]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _for_libpq(url: str) -> str:
    return url.replace("postgres://", "postgresql://", 1)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([binaries() / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program}: {done.stderr}"
