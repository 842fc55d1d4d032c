"""A checkpoint folder as one file, to travel between machines."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

Contents = tuple[tuple[str, int, int], ...]
"""(name, bytes, changed in nanoseconds) of every file."""


def contents_of(folder: Path) -> Contents:
    """Every finished file of the folder: one that begins with a dot is still being written."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            stat = path.stat()
            found.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def pack(folder: Path, contents: Contents, *, into: Path) -> None:
    """Raises OSError, also when a file vanished meanwhile."""
    with tarfile.open(into, "w") as archive:
        for name, _bytes, _changed in contents:
            archive.add(folder / name, arcname=name)


def unpack(packed: IO[bytes], folder: Path) -> None:
    """Raises OSError and tarfile.TarError. Nothing is written outside of `folder`."""
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
