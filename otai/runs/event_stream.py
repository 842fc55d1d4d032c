"""The events of a run as they happen (server-sent events), for both doors. Who may see the run is decided by the view that calls this.

    event: move      id: 17    data: {"move": "queued -> training", "at": ..., "why": ...}
    event: progress            data: {"status": "training", "stage": "features", "steps_done": 3, "steps_total": 14, ...}
    event: end                 data: {"status": "completed"}

A reader that was cut off comes back with `Last-Event-ID` and misses no move. Needs an ASGI server: under WSGI the stream is buffered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse

from otai.runs import queries
from otai.runs.models import Run

seconds_between_looks = 1.0
seconds_of_silence = 15.0
"""A line now and then keeps proxies from closing a quiet stream."""


def run_events_response(request: HttpRequest, run: Run) -> StreamingHttpResponse:
    """The stream of `run`, from where the reader left it."""
    try:
        after = int(request.headers.get("Last-Event-ID", "0"))
    except ValueError:
        after = 0
    response = StreamingHttpResponse(run_events(run, after=after), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def run_events(run: Run, *, after: int = 0) -> AsyncIterator[bytes]:
    """Moves after the event `after`, and progress whenever it changes, until the run has ended."""
    told: dict[str, Any] = {}
    silent_for = 0.0
    while True:
        moves, now = await sync_to_async(_look)(run, after)
        for number, move in moves:
            after = number
            yield _message("move", move, number=number)
        if now != told:
            told = now
            yield _message("progress", now)
            silent_for = 0.0
        if now["ended"]:
            yield _message("end", {"status": now["status"]})
            return
        if silent_for >= seconds_of_silence:
            silent_for = 0.0
            yield b": still here\n\n"
        await asyncio.sleep(seconds_between_looks)
        silent_for += seconds_between_looks


def look(run: Run, after: int) -> tuple[list[tuple[int, dict[str, Any]]], dict[str, Any]]:
    """The moves after the event `after` with their numbers, and how far the run is now: also for a door that polls."""
    # The run first: an ending is told only after the move that brought it.
    run.refresh_from_db()
    moves = [
        (event.id, {"move": event.move, "at": event.at.isoformat(), "why": event.why})
        for event in queries.events(run).filter(id__gt=after)
    ]
    return moves, {
        "status": run.status,
        "stage": run.stage,
        "steps_done": run.steps_done,
        "steps_total": run.steps_total,
        "expected_start_at": run.expected_start_at.isoformat() if run.expected_start_at else None,
        "expected_finish_at": run.expected_finish_at.isoformat() if run.expected_finish_at else None,
        "ended": run.has_ended,
    }


def _look(run: Run, after: int) -> tuple[list[tuple[int, dict[str, Any]]], dict[str, Any]]:
    try:
        return look(run, after)
    finally:
        if not connection.in_atomic_block:
            # A stream may last for hours; between two looks it holds no connection.
            connection.close()


def _message(event: str, data: dict[str, Any], *, number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data)}\n\n".encode()
