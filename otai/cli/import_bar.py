"""How far an import is, in a line of the terminal: megabytes and tickets, here as with a Studio elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from otai.cli.output import console


class ImportBar:
    """`with ImportBar(wanted=not json) as bar:` shows what it is told, where somebody looks at a window."""

    def __init__(self, *, wanted: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.fields[what]}"), BarColumn(), DownloadColumn(), TimeElapsedColumn(), transient=True,
            disable=not (wanted and sys.stdout.isatty()), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("import", total=None, what="Importing")

    def __enter__(self) -> ImportBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def uploads(self, sent: int, size: int) -> None:
        """So many bytes of the file are with the Studio."""
        self._bar.update(self._task, completed=sent, total=size, what="Uploading")

    def reads(self, *, place: int, tickets: int, bytes_read: int, bytes_total: int) -> None:
        """So much of the file is read; `place` is the import's in the queue, 0 once it is read."""
        what = f"Waiting, place {place}" if place else f"Importing, {tickets:,} tickets"
        self._bar.update(self._task, completed=bytes_read, total=bytes_total, what=what)
