"""What a server's process does for its machine beside its answers: files that nobody comes back for go, and what was
deleted elsewhere goes here too. A machine with a worker has housekeeping as well; one that only answers has this."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connection

from otai.db import utc_now
from otai.jobs.operations import sweep_files
from otai.privacy.retention import sweep_uploads
from otai.tickets.erasing import finish_deletions

log = logging.getLogger(__name__)

seconds_between = 120.0


def keep_machine() -> None:
    """One round. Safe from any number of processes."""
    now = utc_now()
    sweep_files()
    sweep_uploads(now=now)
    finish_deletions(now=now)


class Upkeep:
    """Rounds in a thread of their own, until `stop`."""

    def __init__(self, *, seconds: float = seconds_between) -> None:
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="upkeep", daemon=True)

    def start(self) -> Upkeep:
        """The first round comes after the first pause."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """No further round begins."""
        self._stop.set()

    def _rounds(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                keep_machine()
            except DatabaseError:
                log.warning("the upkeep of this machine waits for the database", exc_info=True)
            except Exception:
                # One thing that is broken must not keep all others from ever being done again.
                log.exception("a round of upkeep failed")
            finally:
                connection.close()
