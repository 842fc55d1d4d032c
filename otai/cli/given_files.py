"""Files as somebody names them on the command line: one that is there, a pipe, or what is no file at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otai.tickets.limits import LIMITS
from otai.tickets.problems import refused

_PIECE_BYTES = 1 << 20


@contextmanager
def readable(file: Path) -> Iterator[Path]:
    """The file; of a pipe (`/dev/stdin`, `<(zcat export.gz)`) what comes out of it, as a file of the same name for as
    long as it is needed, since a file is read more than once. Of another's file that root names, a copy as well: the
    process that reads it has none of root's rights. Raises DatasetInvalid for what is no file."""
    must_be_readable(file)
    if file.is_file() and (os.geteuid() != 0 or file.stat().st_uid == 0):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="otai-given-") as folder:
        copy = Path(folder) / file.name
        with file.open("rb") as pipe, copy.open("wb") as out:
            while piece := pipe.read(_PIECE_BYTES):
                out.write(piece)
                if out.tell() > LIMITS.source_bytes:
                    size, most = (bytes_ / (1 << 30) for bytes_ in (out.tell(), LIMITS.source_bytes))
                    raise refused("large", size=round(size, 1), most=round(most))
        yield copy


def must_be_readable(file: Path) -> None:
    """Raises DatasetInvalid, which says what it is, for what is neither a file nor a pipe."""
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise refused("no_file", path=file) from None
    except OSError as error:
        raise refused("file_unreadable", path=file, error=error.strerror) from None
    if stat.S_ISDIR(mode):
        raise refused("folder", path=file)
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise refused("device", path=file)
