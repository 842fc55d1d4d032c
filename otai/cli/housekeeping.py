"""What is due by the clock, beside the trainings: grants, renewals, lost webhooks, notices, stranded holds, new model
versions, abandoned uploads and jobs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connection

from otai.billing.operations.notices import send_notices
from otai.billing.operations.sweep import sweep
from otai.db import utc_now
from otai.jobs import operations as jobs
from otai.ledger import checkpoint, copies
from otai.ledger import operations as ledger
from otai.orgs import access_events, impersonation, rates
from otai.orgs.sessions import forget_ended
from otai.outbound import operations as outbound
from otai.privacy.exports import make_exports
from otai.privacy.leftovers import sweep_leftovers
from otai.privacy.organisations import sweep_closings
from otai.privacy.retention import sweep_retention, sweep_uploads
from otai.runs import operations as run_operations
from otai.runs import queries as runs
from otai.runs.operator_mails import tell_operators
from otai.serving.advice import look_when_due
from otai.serving.deletion import sweep_orphans
from otai.serving.operations import register_completed_runs
from otai.tickets.erasing import finish_deletions

log = logging.getLogger(__name__)

seconds_between = 60.0
seconds_between_webhooks = 2.0


def tidy(*, now: datetime) -> None:
    """One round. Safe to run at any time and from any number of processes: each thing that is due is done once."""
    sweep(now=now)
    run_operations.lapse_approvals(now=now)
    ledger.sweep_stranded_holds(now=now, still_working=runs.still_working)
    register_completed_runs(now=now)
    tell_operators(now=now)
    look_when_due(now=now)
    outbound.forget_old(now=now)
    jobs.sweep(now=now)
    sweep_closings(now=now)
    sweep_retention(now=now)
    sweep_uploads(now=now)
    finish_deletions(now=now)
    sweep_orphans(now=now)
    sweep_leftovers(now=now)
    forget_ended(now=now)
    access_events.forget_old(now=now)
    rates.forget_old(now=now)
    impersonation.end_overdue(now=now)
    checkpoint.keep_daily(now=now)
    copies.send_copies()
    # Last: it may take minutes.
    make_exports(now=now)


def tell(*, now: datetime) -> int:
    """One round of news: what happened becomes messages, what is due is sent to endpoints, and mails to members are
    written. Returns the tries made."""
    outbound.collect(now=now)
    if outbound.mail_due(now=now):
        send_notices(now=now)
    return outbound.deliver_due(now=now, clock=utc_now, parallel=True)


class HousekeepingThreads:
    """Rounds in threads of their own, with connections of their own, since a training keeps the worker for hours.

    Webhooks have their own thread: a receiver that lets us wait must not hold up a grant.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tidy, name="housekeeping", daemon=True)
        self._webhooks = threading.Thread(target=self._tell, name="webhooks", daemon=True)

    def __enter__(self) -> HousekeepingThreads:
        self._thread.start()
        self._webhooks.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._webhooks.join()

    def _tidy(self) -> None:
        self._rounds(tidy, lambda: seconds_between)

    def _tell(self) -> None:
        self._rounds(tell, lambda: seconds_between_webhooks)

    def _rounds(self, work: Callable[..., object], seconds: Callable[[], float]) -> None:
        try:
            while not self._stop.wait(seconds()):
                try:
                    work(now=utc_now())
                except DatabaseError:
                    # The database is away: the next round finds it, and whatever was due is due still.
                    log.warning("housekeeping waits for the database", exc_info=True)
                except Exception:
                    # One thing that is broken must not keep all others from ever being done again.
                    log.exception("a round of housekeeping failed")
                finally:
                    connection.close()
        finally:
            connection.close()
