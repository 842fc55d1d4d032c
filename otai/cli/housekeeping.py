"""What is due by the clock, beside the trainings: grants, renewals, lost webhooks, notices, stranded holds, new model versions."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from django.db import DatabaseError, connection

from otai.billing.operations.sweep import sweep
from otai.db import utc_now
from otai.ledger import operations as ledger
from otai.runs import queries as runs
from otai.serving.operations import register_completed_runs

log = logging.getLogger(__name__)

seconds_between = 60.0


def tidy(*, now: datetime) -> None:
    """One round. Safe to run at any time and from any number of processes: each thing that is due is done once."""
    sweep(now=now)
    ledger.sweep_stranded_holds(now=now, still_working=runs.still_working)
    register_completed_runs(now=now)


class Housekeeping:
    """Rounds in a thread of their own, with a connection of their own, since a training keeps the worker for hours."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="housekeeping", daemon=True)

    def __enter__(self) -> Housekeeping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _rounds(self) -> None:
        try:
            while not self._stop.wait(seconds_between):
                try:
                    tidy(now=utc_now())
                except DatabaseError:
                    # The database is away: the next round finds it, and whatever was due is due still.
                    log.warning("housekeeping waits for the database", exc_info=True)
                finally:
                    connection.close()
        finally:
            connection.close()
