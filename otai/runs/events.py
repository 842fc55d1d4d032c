"""The one way in which an event of a run is written: in the transaction of what it tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from otai.runs.models import Event, Run
from otai.runs.status import RunOccurrence
from otai.words.explained import Arrow, kept
from otai.words.sentences import Fact


def record(
    run: Run, *, move: Arrow | RunOccurrence, who: str, now: datetime, why: str | Fact = "", **details: Any
) -> None:
    """Writes a line of the run's history, in the caller's transaction.

    `why`: a person's own words, or a fact that each reader is told in their language."""
    Event.objects.create(run=run, organisation_id=run.organisation_id, at=now, move=move, who=who, **kept(why, details))
