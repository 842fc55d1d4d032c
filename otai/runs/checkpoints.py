"""Checkpoints: what a long training has saved of itself, kept in the file store so that any machine can go on from
there.

A training writes into its checkpoint folder, each file whole or not at all (written under a name that begins with a
dot, then renamed). The worker packs the folder from time to time and when the attempt ends early; the next attempt
finds it unpacked, wherever it runs.
"""

from __future__ import annotations

import logging
import tarfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from otai.errors import Unavailable
from otai.runs.models import Run
from otai.runs.packing import Contents, contents_of, pack, unpack
from otai.runs.status import ENDED
from otai.tickets.files import StoredFile, file_store

log = logging.getLogger(__name__)

save_every_seconds = 60.0
"""So much work a lost machine costs at most, and so often a checkpoint travels at most."""


@dataclass
class Checkpoints:
    """Those of one attempt. `folder` is what the training sees; `packed` is a path of ours to pack them into."""

    run: Run
    attempt: int
    folder: Path
    packed: Path
    _seen: Contents = ()
    _saved_at: float | None = None
    _saving: Future[StoredFile | None] | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "checkpoint"))

    def restore(self) -> bool:
        """Unpacks the last checkpoint of an earlier attempt. False: there is none, or it cannot be read, so begin
        anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.run.checkpoint_file:
            return False
        try:
            with file_store().open(self.run.checkpoint_file) as packed:
                unpack(packed, self.folder)
        except (OSError, tarfile.TarError, Unavailable) as error:
            log.warning("run %s: its checkpoint cannot be read, so it begins anew: %s", self.run.id, error)
            return False
        self._seen = contents_of(self.folder)
        return True

    def save_when_due(self, *, monotonic: float) -> None:
        """Packs and stores in the background what is new, at most every `save_every_seconds`: heartbeats must not wait
        for it."""
        if self._saving is not None:
            if not self._saving.done():
                return
            self._record(self._saving.result())
            self._saving = None
        if self._saved_at is None:
            self._saved_at = monotonic
        if monotonic - self._saved_at < save_every_seconds or contents_of(self.folder) == self._seen:
            return
        self._saved_at = monotonic
        self._saving = self._thread.submit(self._store)

    def save_now(self) -> None:
        """The attempt ended early: whatever is new is kept."""
        if self._saving is not None:
            self._record(self._saving.result())
            self._saving = None
        if self.folder.is_dir() and contents_of(self.folder) != self._seen:
            self._record(self._store())

    def close(self) -> None:
        """One that was still on its way when the attempt ended is not wanted any more."""
        self._thread.shutdown(wait=True)
        if self._saving is not None and (stored := self._saving.result()) and stored.path != self.run.checkpoint_file:
            file_store().delete(stored.path)

    def _store(self) -> StoredFile | None:
        contents = contents_of(self.folder)
        try:
            pack(self.folder, contents, into=self.packed)
            stored = file_store().put(
                self.packed, folder=f"checkpoints/{self.run.id}", suffix=".tar", owner=self.run.organisation_id
            )
        except (OSError, Unavailable) as error:
            # A checkpoint is a convenience: without it the next attempt takes longer, that is all.
            log.warning("run %s: its checkpoint could not be kept: %s", self.run.id, error)
            return None
        finally:
            self.packed.unlink(missing_ok=True)
        self._seen = contents
        return stored

    def _record(self, stored: StoredFile | None) -> None:
        if stored is None or stored.path == self.run.checkpoint_file:
            return
        # Only while the attempt is the run's own: a late checkpoint must not replace that of the attempt which took
        # over.
        kept = Run.objects.filter(id=self.run.id, attempt=self.attempt).exclude(status__in=sorted(ENDED))
        if not kept.update(checkpoint_file=stored.path):
            file_store().delete(stored.path)
            return
        before, self.run.checkpoint_file = self.run.checkpoint_file, stored.path
        if before:
            file_store().delete(before)


def forget_checkpoints() -> int:
    """Deletes the checkpoints of runs that have ended; returns how many. Safe at any time and from any process."""
    ended = Run.objects.exclude(checkpoint_file="").filter(status__in=sorted(ENDED))
    forgotten = 0
    for run, path in ended.values_list("id", "checkpoint_file"):
        file_store().delete(path)
        forgotten += Run.objects.filter(id=run, checkpoint_file=path).update(checkpoint_file="")
    return forgotten
