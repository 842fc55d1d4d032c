"""An attempt at a run: begun, heard of, ended. One transaction each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from otai.billing import queries as billing
from otai.db import one_transaction
from otai.errors import NotFound
from otai.pricing.settlement import Ending, attempt_again
from otai.runs.models import Attempt, Run
from otai.runs.operations.moves import AttemptOutcome, RunMoved, move, require_moved, said_by, settle_run
from otai.runs.status import WORKING, RunStatus
from otai.words.sentences import Fact


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run and the attempt at it that the claiming worker now owns."""

    run: Run
    attempt: Attempt


def begin_attempt(run: Run, *, worker: str, pool: str, hardware: str, now: datetime) -> Claimed | None:
    """QUEUED -> TRAINING for `worker` of `pool`. None: another worker was first. Call inside a transaction."""
    number = run.attempt + 1
    began = move(
        run,
        to=RunStatus.TRAINING,
        who=worker,
        why=Fact("run.begun", {"attempt": number, "hardware": hardware}),
        now=now,
        attempt=number,
        worker=worker,
        pool=pool,
        heartbeat_at=now,
        started_at=run.started_at or now,
        expected_start_at=now,
        expected_finish_at=now + timedelta(seconds=run.expected_seconds),
        stage="starting",
        steps_done=0,
        steps_total=0,
    )
    if not began:
        return None
    attempt = Attempt.objects.create(
        run=run, number=number, worker=worker, pool=pool, hardware=hardware, started_at=now
    )
    return Claimed(run, attempt)


@one_transaction
def record_progress(
    *,
    run: UUID,
    attempt: int,
    stage: str,
    steps_done: int,
    steps_total: int,
    log: str | None,
    now: datetime,
    hardware: str = "",
    devices: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """A heartbeat with what has been done. False: the attempt is no longer the run's own (cancelled, or taken over), so
    stop.

    `log` replaces the attempt's log so far; None leaves it. `hardware` replaces what was said of the machine when it
    was claimed, and `devices` what was said of what it runs on.
    """
    at_work = Run.objects.filter(id=run, attempt=attempt, status__in=sorted(WORKING)).first()
    if at_work is None:
        return False
    if stage == "evaluating" and at_work.status == RunStatus.TRAINING:
        move(at_work, to=RunStatus.EVALUATING, who=at_work.worker, why=Fact("run.trained"), now=now)
    kept = Run.objects.filter(id=run, attempt=attempt, status__in=sorted(WORKING)).update(
        heartbeat_at=now, stage=stage, steps_done=steps_done, steps_total=steps_total
    )
    if log is not None:
        said: dict[str, Any] = {"log": log}
        if hardware:
            said["hardware"] = hardware[:200]
        if devices:
            said["devices"] = list(devices)
        Attempt.objects.filter(run=run, number=attempt).update(**said)
    return bool(kept)


@one_transaction
def end_run(*, run: UUID, attempt: int, outcome: AttemptOutcome, who: str, log: str | None, now: datetime) -> Run:
    """Ends the attempt and settles the run, or queues it again while attempts remain after a failure of ours.

    The hold is captured or released in the same transaction as the run's ending. Raises RunMoved when the attempt is no
    longer the run's own: it was cancelled, ended or taken over meanwhile, and this result counts for nothing.
    """
    at_work = _at_work(run, attempt)
    _close(at_work, outcome=outcome.failure_code or outcome.ending.value, log=log, now=now)
    if outcome.ending is Ending.FAILED_SYSTEM:
        # Failures are counted, not attempts: one that was handed back is nobody's fault.
        failures = at_work.failures + 1
        Run.objects.filter(id=at_work.id).update(failures=failures)
        at_work.failures = failures
    most_attempts = billing.price_book().system_failure_attempts
    if attempt_again(ending=outcome.ending, attempts=at_work.failures, most_attempts=most_attempts):
        known = {"what": outcome.failure_code, "failures": at_work.failures, "most": most_attempts}
        why = Fact("run.again", known | said_by(outcome))
        _queue_again(at_work, who=who, why=why, now=now)
        return at_work
    if outcome.ending is Ending.COMPLETED and at_work.status == RunStatus.TRAINING:
        require_moved(move(at_work, to=RunStatus.EVALUATING, who=who, why=Fact("run.trained"), now=now), at_work)
    settle_run(at_work, outcome=outcome, who=who, now=now)
    return at_work


HANDED_BACK = "handed_back"


@one_transaction
def hand_back(*, run: UUID, attempt: int, who: str, log: str | None, now: datetime) -> Run:
    """The worker stops and gives the run back to the queue, to its old place. No failure: it uses up none of the run's
    attempts.

    Raises RunMoved when the attempt is no longer the run's own.
    """
    found = _at_work(run, attempt)
    _close(found, outcome=HANDED_BACK, log=log, now=now)
    _queue_again(found, who=who, why=Fact("run.handed_back"), now=now)
    return found


def _at_work(run: UUID, attempt: int) -> Run:
    found = Run.objects.select_for_update(no_key=True).filter(id=run).first()
    if found is None:
        raise NotFound("no_run_here")
    if found.attempt != attempt or found.status not in WORKING:
        raise RunMoved("attempt", attempt=attempt, number=found.number, status=found.status)
    return found


def _close(run: Run, *, outcome: str, log: str | None, now: datetime) -> None:
    closing: dict[str, Any] = {"ended_at": now, "outcome": outcome}
    if log is not None:
        closing["log"] = log
    Attempt.objects.filter(run=run, number=run.attempt, ended_at__isnull=True).update(**closing)


def _queue_again(run: Run, *, who: str, why: Fact, now: datetime) -> None:
    moved = move(
        run,
        to=RunStatus.QUEUED,
        who=who,
        why=why,
        now=now,
        queued_at=now,
        worker="",
        pool="",
        stage="",
        expected_start_at=None,
        expected_finish_at=None,
    )
    require_moved(moved, run)
