"""The events of a run as they happen, for both doors (otai.orgs.streams). Who may see the run is decided by the view
that calls this.

event: move      id: 17    data: {"move": "queued -> training", "at": ..., "why": ...}
event: progress            data: {"status": "training", "stage": "features", "steps_done": 3, "steps_total": 14, ...}
event: end                 data: {"status": "completed"}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from otai.orgs.standing import Standing
from otai.orgs.streams import StreamState, stream_response
from otai.runs import queries
from otai.runs.models import Event, Run


def run_events_response(request: HttpRequest, run: Run, *, standing: Standing, after: int = 0) -> HttpResponse:
    """The stream of `run`, from where the reader left it. Raises TooManyStreams."""
    return stream_response(request, look_at, run.pk, standing=standing, after=after)


def look(run: Run, after: int) -> tuple[list[tuple[int, dict[str, Any]]], dict[str, Any]]:
    """The moves after the event `after` with their numbers, and how far the run is now: for a door that polls."""
    # The run first: an ending is told only after the move that brought it.
    run.refresh_from_db()
    return [(event.id, _move(event)) for event in queries.events(run).filter(id__gt=after)], _progress(run)


def look_at(last_known: Mapping[UUID, int]) -> dict[UUID, StreamState]:
    """All these runs, each with the moves after the event that is known of it, in two queries. A run that is gone is
    missing."""
    # The runs first: an ending is told only after the move that brought it.
    left_out = ("report_card", "attributes")
    runs = {run.pk: run for run in Run.objects.filter(pk__in=list(last_known)).defer(*left_out)}
    moves: dict[UUID, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for event in Event.objects.filter(run__in=list(runs), id__gt=min(last_known.values(), default=0)).order_by("id"):
        if event.id > last_known[event.run_id]:
            moves[event.run_id].append((event.id, _move(event)))
    return {id: StreamState(moves[id], _progress(run)) for id, run in runs.items()}


def _move(event: Event) -> dict[str, Any]:
    return {"move": event.what, "at": event.at.isoformat(), **event.explained()}


def _progress(run: Run) -> dict[str, Any]:
    return {
        "status": run.status,
        "stage": run.stage,
        "steps_done": run.steps_done,
        "steps_total": run.steps_total,
        "expected_start_at": run.expected_start_at.isoformat() if run.expected_start_at else None,
        "expected_finish_at": run.expected_finish_at.isoformat() if run.expected_finish_at else None,
        "ended": run.has_ended,
    }
