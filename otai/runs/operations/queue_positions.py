"""Where a run stands in the queue: from its order on, or from its approval."""

from __future__ import annotations

from datetime import datetime

from otai.pricing.price_book import Delivery, Mode
from otai.runs import expectations
from otai.runs.estimates import expected_seconds
from otai.runs.models import Run
from otai.runs.ordering import Waiting, place
from otai.runs.status import RunStatus


def take_place(run: Run, *, now: datetime) -> None:
    """Sets where the run stands in the queue (ordering.py)."""
    run.expected_seconds = expected_seconds(
        mode=Mode(run.mode), tickets=run.data_set.tickets, attributes=len(run.attributes)
    )
    own_ahead = (
        Run.objects.filter(organisation_id=run.organisation_id, status=RunStatus.QUEUED).exclude(id=run.id).count()
    )
    taken = place(
        Waiting(
            delivery=Delivery(run.delivery),
            due_at=run.due_at,
            queued_at=run.queued_at,
            expected_seconds=run.expected_seconds,
            own_ahead=own_ahead,
        ),
        now=now,
    )
    run.lane, run.counts_as_due_at, run.rises_at = taken.lane, taken.counts_as_due_at, taken.rises_at
    run.place_reasons = [reason.as_dict() for reason in taken.reasons]
    expected = expectations.for_place(taken, delivery=Delivery(run.delivery), seconds=run.expected_seconds, now=now)
    if expected is not None:
        run.expected_start_at, run.expected_finish_at = expected.starts_at, expected.finishes_at
