"""The claim on PostgreSQL as one statement: the head of the queue, its move, its event and its attempt in one round
trip.

The same that `queue.claim` does step by step on SQLite, and the same tests hold for both. Steps cost a round trip each
while the head of the queue is locked; with many workers that is most of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from otai.db import new_id
from otai.pricing.price_book import Delivery
from otai.runs.models import Attempt, Run
from otai.runs.operations.attempts import Claimed

HEAD = """head_{number} AS (
    SELECT id, lane, counts_as_due_at, queued_at FROM runs_run WHERE status = 'queued' AND delivery = '{delivery}'
    ORDER BY lane, counts_as_due_at, queued_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)"""

TAKE = """WITH {heads}, next AS (
    SELECT id FROM ({union}) AS heads ORDER BY lane, counts_as_due_at, queued_at, id LIMIT 1
), moved AS (
    UPDATE runs_run SET status = 'training', attempt = runs_run.attempt + 1, worker = %(worker)s, pool = %(pool)s,
        heartbeat_at = %(now)s, started_at = COALESCE(runs_run.started_at, %(now)s::timestamptz),
        expected_start_at = %(now)s,
        expected_finish_at = %(now)s::timestamptz + make_interval(secs => expected_seconds),
        stage = 'starting', steps_done = 0, steps_total = 0
    FROM next WHERE runs_run.id = next.id RETURNING runs_run.*
), told AS (
    INSERT INTO runs_event (run_id, organisation_id, at, move, who, why, details)
    SELECT id, organisation_id, %(now)s::timestamptz, 'queued -> training', %(worker)s::text, '',
        jsonb_build_object('attempt', attempt, 'from', 'queued', 'to', 'training', 'why', jsonb_build_object(
            'code', 'run.begun', 'values', jsonb_build_object('attempt', attempt, 'hardware', %(hardware)s::text)
        )) FROM moved
), begun AS (
    INSERT INTO runs_attempt (id, run_id, number, worker, pool, hardware, devices, started_at, outcome, log)
    SELECT %(attempt)s::uuid, id, attempt, %(worker)s::text, %(pool)s::text, %(hardware)s::text,
        '[]'::jsonb, %(now)s::timestamptz, '', '' FROM moved
)
SELECT * FROM moved"""


@cache
def statement(deliveries: tuple[Delivery, ...]) -> str:
    """Looks at the head of one index for each delivery. No text from outside is put into it."""
    heads = [HEAD.format(number=number, delivery=delivery.value) for number, delivery in enumerate(deliveries)]
    each = [f"(TABLE head_{number})" for number in range(len(heads))]
    return TAKE.format(heads=", ".join(heads), union=" UNION ALL ".join(each))


def claim_at_once(
    *, worker: str, hardware: str, pool: str, deliveries: Sequence[Delivery], now: datetime
) -> Claimed | None:
    """The waiting run that goes next, now `worker`'s. None: nothing waits."""
    attempt = new_id()
    said = {
        "worker": worker,
        "pool": pool,
        "hardware": hardware,
        "now": now,
        "attempt": attempt,
    }
    # The only texts put into the statement are our own words for the deliveries.
    claimed = list(Run.objects.raw(statement(tuple(deliveries)), said))
    if not claimed:
        return None
    [run] = claimed
    begun = Attempt(
        id=attempt, run=run, number=run.attempt, worker=worker, pool=pool, hardware=hardware, started_at=now
    )
    begun._state.adding = False
    return Claimed(run, begun)
