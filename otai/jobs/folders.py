"""Where jobs keep their files on the machine that works on them, and where files lie that have just come in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings

from otai.environment import number
from otai.errors import Unavailable


class DiskFull(Unavailable):
    """Other files that arrive need what is left on this machine's disk."""

    code = "disk_full"


def jobs_folder() -> Path:
    """The folder of all jobs' files below OTAI_HOME; made where it is missing, readable by its owner alone."""
    folder = Path(settings.OTAI_HOME) / "jobs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def arrivals_folder() -> Path:
    """Files that are being received or made lie here, beside the jobs' folders, so that a job takes one without copying
    it. What a killed process leaves is swept (`operations.sweep_files`)."""
    folder = Path(settings.OTAI_HOME) / "arrivals"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def require_free_room(size: int) -> None:
    """For a file of `size` bytes beside those that arrive: leaves as much free as the front does. Raises DiskFull."""
    if shutil.disk_usage(arrivals_folder()).free - size < number("OTAI_UPLOADS_LEAVE_FREE_BYTES"):
        raise DiskFull("file")


def uploads_folder() -> Path:
    """Files that a page has taken and whose columns somebody is to settle, by organisation."""
    return Path(settings.OTAI_HOME) / "uploads"


def folder_of(job: UUID) -> Path:
    """Where one job's files lie; it need not exist."""
    return jobs_folder() / str(job)


def bring(source: Path, target: Path) -> None:
    """The file at `target` too, without copying where both lie on one file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
