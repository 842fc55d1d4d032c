"""The one way in which an event of a run is written: in the transaction of what it tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from otai.runs.models import Event, Run


def record(run: Run, *, move: str, who: str, now: datetime, why: str = "", **details: Any) -> None:
    """Writes a line of the run's history, in the caller's transaction; `move` is an arrow, `queued -> training`."""
    Event.objects.create(
        run=run, organisation_id=run.organisation_id, at=now, move=move, who=who, why=why, details=details
    )
