"""Copies of what is in encrypted files, for processes that read them as files: in memory where the machine has a file
system there (`/dev/shm`), readable by our user alone, gone two hours after somebody asked for them last."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings

from otai import sealed_files
from otai.db import new_id
from otai.errors import Unavailable

stay_seconds = 7200
"""Longer than a job waits for its turn and works."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- ours alone below it: made with 0700, and looked at


class SealedFileDamaged(Unavailable):
    """An encrypted file was changed or cut off since it was written."""

    code = "sealed_file_damaged"


def copy_of(stored: Path, path: str, *, store: str, key_of: Callable[[UUID], sealed_files.DataKey]) -> Path:
    """The path of a copy of what is in `stored`, which lies in the store as `path`. Raises SealedFileDamaged, and what
    `key_of` raises."""
    # Also where a copy is here already: without the key there is nothing to be read any more.
    with stored.open("rb") as handle:
        header = handle.read(sealed_files.HEADER_BYTES)
        key_of(UUID(bytes=header[8:24]))
    for folder in folders(store):
        if (there := folder / path).is_file():
            there.touch()
            return there
    folder = _with_room(stored.stat().st_size, store)
    _clear(folder)
    copy = folder / path
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = copy.parent / f".{new_id()}.partial"
    try:
        with stored.open("rb") as source, open(partial, "xb", opener=_for_us_alone) as target:
            sealed_files.unseal(source, target, key_of)
    except sealed_files.NotSealedHere:
        raise SealedFileDamaged("changed", path=path) from None
    else:
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)
    return copy


def forget(path: str, *, store: str) -> None:
    """Removes this machine's copies of one file."""
    for folder in folders(store):
        (folder / path).unlink(missing_ok=True)


def forget_all(*, store: str) -> None:
    """Removes this machine's copies of all files of the store; who reads one goes on reading it."""
    for folder in folders(store):
        shutil.rmtree(folder, ignore_errors=True)


def forget_old(*, store: str) -> None:
    """Removes the copies that nobody has asked for in two hours. For each machine's housekeeping."""
    for folder in folders(store):
        _clear(folder)


def folders(store: str) -> list[Path]:
    """Where copies may lie on this machine, the best first: in memory, and below OTAI_HOME."""
    name = hashlib.sha256(f"{settings.OTAI_HOME}\0{store}".encode()).hexdigest()[:16]
    if settings.OTAI_OPENED_FILES:
        return [Path(settings.OTAI_OPENED_FILES) / name]
    below_home = Path(settings.OTAI_HOME) / "opened" / name
    in_memory = IN_MEMORY / f"otai-opened-{os.getuid()}-{name}"
    return [below_home] if _is_anothers(in_memory) else [in_memory, below_home]


def _is_anothers(folder: Path) -> bool:
    """Whether somebody else can look into it, or has put it there for us; what is not there is nobody's."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or bool(found.st_mode & 0o077)


def _with_room(size: int, store: str) -> Path:
    *better, last = folders(store)
    for folder in better:
        with suppress(OSError):
            # Where there is no such file system, or it is full, the next one serves.
            folder.mkdir(mode=0o700, exist_ok=True)
            if not _is_anothers(folder) and shutil.disk_usage(folder).free > 2 * size:
                return folder
    last.mkdir(parents=True, exist_ok=True, mode=0o700)
    return last


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _clear(folder: Path) -> None:
    old = time.time() - stay_seconds
    for copy in folder.rglob("*"):
        with suppress(OSError):
            if copy.is_file() and copy.stat().st_mtime < old:
                copy.unlink()
