"""A worker: claims a run, has it trained, settles it; and again. Between the transactions, never inside one, lies the
work."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import close_old_connections, transaction

from otai.billing import queries as billing
from otai.db import utc_now
from otai.jobs.identity import is_gone, this_worker
from otai.learning.encoders import default_store
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.settlement import Ending
from otai.runs import expectations, operations, queue, scratch
from otai.runs.checkpoints import Checkpoints, forget_checkpoints
from otai.runs.database_outages import DATABASE_AWAY, forget_connection, once_it_answers, pause_seconds
from otai.runs.executors import Executor, Failed, Stopped, TrainedFiles, TrainingResult, TrainingSpec, Watch
from otai.runs.models import Pool, Run
from otai.runs.operations import AttemptOutcome, Claimed, PoolIsFull, RunMoved, end_run, hand_back, record_progress
from otai.tickets.files import file_store, kept_vectors

__all__ = ["Worker", "is_gone", "this_worker"]

log = logging.getLogger(__name__)

fewest_seconds_to_train = 1_800.0
"""What a run that is late already gets all the same: a model cut short would be late and poor."""

time_limit_seconds = {Mode.BASIC: 2 * 3600.0, Mode.BUSINESS: 6 * 3600.0, Mode.MAXIMUM: 24 * 3600.0}
"""A training that takes longer than this hangs: several times the longest promise."""

idle_seconds = 0.5
full_pool_seconds = 2.0
beat_every = timedelta(seconds=5)

step_back_seconds = 3.0
"""After a failure of ours this worker waits, so that another one, elsewhere, goes first if there is one."""


@dataclass
class Worker:
    """Trains one run at a time. With a `pool` it takes one of the pool's slots and claims what the pool serves; without
    one it takes whatever it is given (`otai train` trains the run that was just ordered)."""

    executor: Executor
    pool: Pool | None = None
    name: str = field(default_factory=this_worker)
    clock: Callable[[], datetime] = utc_now
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    memory_limit_bytes: int | None = field(default_factory=lambda: scratch.memory_for_one_of(1))
    on_progress: Callable[[Run, Watch], None] = lambda run, watch: None
    on_end: Callable[[Run], None] = lambda run: None
    """Told after a run was settled or queued again: how the rooms above hear of it in this process."""
    on_wait: Callable[[str], None] = lambda why: None
    hand_back_now: Callable[[], bool] = lambda: False
    """Asked all the time: True ends the training at hand and gives the run back to the queue."""

    _registered: bool = False
    _beat_at: datetime | None = None
    _unsure: bool = False
    """The database went away while we claimed: a run may be ours without our knowing."""
    _sweep_again_at: datetime | None = None

    def work(self, *, until: Callable[[], bool], run: UUID | None = None) -> None:
        """Claims and trains until `until()`; with `run`, that run alone. Returns between runs, never within one."""
        scratch.clear_scratch()
        failed = 0
        while not until():
            try:
                if not self.is_registered():
                    time.sleep(full_pool_seconds)
                    continue
                worked_on = self.work_once(run=run)
                failed = 0
            except DATABASE_AWAY as error:
                self._database_went_away(error)
                time.sleep(pause_seconds(failed))
                failed += 1
                continue
            if worked_on is None:
                time.sleep(idle_seconds)
            elif not worked_on.has_ended and not until():
                time.sleep(step_back_seconds)
            close_old_connections()
        self.sign_off()

    def is_registered(self) -> bool:
        """Takes a slot of the pool, or keeps it. False: the pool is full."""
        if self.pool is None:
            return True
        if self._registered:
            self._beat()
        if not self._registered:
            try:
                operations.register_worker(
                    name=self.name,
                    pool=self.pool.name,
                    hardware=self.executor.hardware,
                    now=self.clock(),
                    is_gone=is_gone,
                )
            except PoolIsFull as full:
                self.on_wait(full.message)
                return False
            self._registered, self._beat_at = True, self.clock()
        return True

    def sign_off(self) -> None:
        """Says goodbye, once; nothing is raised, since a worker that says nothing is taken for lost all the same."""
        if self._registered:
            self._registered = False
            try:
                operations.stop_worker(name=self.name, now=self.clock())
            except DATABASE_AWAY as error:
                # It will be taken for lost, which does no harm.
                log.warning("could not say goodbye: %s", error)

    def _beat(self) -> None:
        now = self.clock()
        if self.pool is None or (self._beat_at is not None and now - self._beat_at < beat_every):
            return
        self._beat_at = now
        self._registered = operations.beat(name=self.name, now=now)

    def _database_went_away(self, error: Exception) -> None:
        log.warning("the database is away: %s", str(error).strip())
        forget_connection()
        self._unsure = True
        # Whoever could not reach it could not beat either: give everybody the time to be heard of again.
        self._sweep_again_at = self.clock() + queue.lost_after

    def work_once(self, *, run: UUID | None = None) -> Run | None:
        """One attempt at the next run that waits (or at `run`), to its end. None: nothing waits, or there is no room to
        train."""
        self._sweep()
        if (free := scratch.free_bytes()) < scratch.least_free_bytes:
            self.on_wait(f"Only {free // 2**20} MiB are free in {scratch.scratch_folder()}: nothing is trained here.")
            return None
        if (why := self.executor.why_no_room()) is not None:
            self.on_wait(why)
            return None
        claimed = queue.claimed_by(self.name) if self._unsure else None
        self._unsure = False
        if claimed is None:
            claimed = queue.claim(
                worker=self.name,
                hardware=self.executor.hardware,
                now=self.clock(),
                run=run,
                pool=self.pool.name if self.pool else "",
                deliveries=self.pool.deliveries if self.pool else tuple(Delivery),
            )
        if claimed is None:
            return None
        return self._attempt(claimed)

    def _sweep(self) -> None:
        now = self.clock()
        if self._sweep_again_at is not None:
            if now < self._sweep_again_at:
                return
            self._sweep_again_at = None
        for returned in queue.return_lost_runs(now=now, worker_is_gone=is_gone, who=self.name):
            log.warning("run %s was lost and is now %s", returned.number, returned.status, extra=_about(returned))
            self.on_end(returned)
        operations.lose_silent_workers(now=now, is_gone=is_gone)
        expectations.refresh_when_due(now=now)

    def _attempt(self, claimed: Claimed) -> Run:
        run, number = claimed.run, claimed.attempt.number
        log.info("attempt %s begins", number, extra=_about(run))
        result, outcome = self._trained_and_stored(claimed)
        if outcome is None:
            return self._stopped(run, number, result)

        def settle() -> Run:
            return end_run(run=run.id, attempt=number, outcome=outcome, who=self.name, log=result.log, now=self.clock())

        try:
            ended = once_it_answers(settle, what=f"the end of run {run.id}", give_up=self.hand_back_now)
        except RunMoved as moved:
            # Cancelled or taken over in the last moment: our result counts for nothing. Or it was written just now, and
            # only the answer was lost: then it counts, once.
            log.info("%s", moved.message, extra=_about(run))
            once_it_answers(run.refresh_from_db, what="a look at the run")
            ended = run
        self.on_end(ended)
        forget_checkpoints()
        return ended

    def _stopped(self, run: Run, number: int, result: TrainingResult) -> Run:
        """The training was ended by us before it ended itself: to hand it back, or because it is no longer ours."""
        if self.hand_back_now():
            try:
                hand_back(
                    run=run.id,
                    attempt=number,
                    who=self.name,
                    log=result.log,
                    now=self.clock(),
                )
                log.info("handed back", extra=_about(run))
            except RunMoved as moved:
                log.info("%s", moved.message, extra=_about(run))
        else:
            log.info("stopped: the attempt is no longer ours", extra=_about(run))
        run.refresh_from_db()
        return run

    def _trained_and_stored(self, claimed: Claimed) -> tuple[TrainingResult, AttemptOutcome | None]:
        """What came of the training, and how the run ends by it; None: it was stopped, and does not end by it."""
        run, number = claimed.run, claimed.attempt.number
        try:
            with scratch.working_folder(self.name) as folder:
                checkpoints = Checkpoints(
                    run=run, attempt=number, folder=folder / "checkpoint", packed=folder / "checkpoint.tar"
                )
                try:
                    # Training runs outside any transaction: it takes minutes and would hold the row all that time.
                    result = self._execute(claimed, folder, checkpoints)
                    if not isinstance(result, TrainedFiles):
                        once_it_answers(checkpoints.save_now, what="a checkpoint", give_up=self.hand_back_now)
                    return result, None if isinstance(result, Stopped) else self._outcome(run, result)
                finally:
                    checkpoints.close()
        except OSError as error:
            # No room even for the working folder.
            result = _failed_by(error, log="")
            return result, _failure(result)

    def _execute(self, claimed: Claimed, folder: Path, checkpoints: Checkpoints) -> TrainingResult:
        assert not transaction.get_connection().in_atomic_block, "no training inside a transaction"
        run = claimed.run
        try:
            checkpoints.restore()
            spec = TrainingSpec(
                tickets=file_store().local_path(run.training_file),
                attributes=run.attributes,
                mode=run.mode,
                seed=run.seed,
                assurance=float(billing.price_book().promised_assurance),
                seconds=max((run.due_at - self.clock()).total_seconds(), fewest_seconds_to_train),
                output_dir=folder,
                threads=self.threads,
                time_limit_seconds=time_limit_seconds[Mode(run.mode)],
                attempt_id=str(claimed.attempt.id),
                # Elsewhere nobody has the key: a cluster is sent what is in it, for as long as it trains.
                tickets_in_store="" if file_store().is_encrypted(run.training_file) else run.training_file,
                memory_limit_bytes=self.memory_limit_bytes,
                checkpoint_dir=checkpoints.folder,
                encoders_dir=default_store(),
                vectors_dir=kept_vectors(run.organisation_id),
            )
            return self.executor.execute(
                spec, watch=self._watching(claimed, checkpoints), watch_every_seconds=queue.heartbeat_seconds
            )
        except Exception as error:
            log.exception("the attempt failed on our side", extra=_about(run))
            return _failed_by(error, log="")

    def _watching(self, claimed: Claimed, checkpoints: Checkpoints) -> Callable[[Watch], bool]:
        run, number = claimed.run, claimed.attempt.number

        def watch(seen: Watch) -> bool:
            if self.hand_back_now():
                return False
            try:
                still_ours = record_progress(
                    run=run.id,
                    attempt=number,
                    stage=seen.stage,
                    steps_done=seen.steps_done,
                    steps_total=seen.steps_total,
                    log=seen.log,
                    hardware=seen.hardware,
                    devices=seen.devices,
                    now=self.clock(),
                )
                self._beat()
                checkpoints.save_when_due(monotonic=time.monotonic())
            except DATABASE_AWAY as error:
                # The training goes on: whether it is still ours shows when the database answers again.
                self._database_went_away(error)
                return True
            if still_ours:
                self.on_progress(run, seen)
            return still_ours

        return watch

    def _outcome(self, run: Run, result: TrainedFiles | Failed) -> AttemptOutcome:
        if isinstance(result, Failed):
            return _failure(result)
        try:
            return _stored(run, result)
        except Exception as error:
            log.exception("the model could not be stored", extra=_about(run))
            failed = _failed_by(error, log=result.log)
            code = failed.code if failed.code == "disk_full" else "storage"
            return _failure(Failed(False, code, f"The model could not be stored: {error}", result.log))


def _about(run: Run) -> dict[str, str]:
    """What every line of the log about a run carries."""
    return {"run": str(run.id), "organisation": str(run.organisation_id)}


def _failure(failed: Failed) -> AttemptOutcome:
    ending = Ending.FAILED_INPUT if failed.is_input else Ending.FAILED_SYSTEM
    said = "" if failed.fact else failed.message
    return AttemptOutcome(ending, failure_code=failed.code, failure_message=said, failure=failed.fact)


def _failed_by(error: Exception, *, log: str) -> Failed:
    """Which failure of ours an exception is. A full disk is told apart, since an operator can do something about it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return Failed(False, "disk_full", f"There was no room left on the worker's disk: {cause}.", log)
        cause = cause.__cause__
    return Failed(False, "crash", f"{type(error).__name__}: {error}", log)


def _stored(run: Run, trained: TrainedFiles) -> AttemptOutcome:
    stored = file_store().put(trained.bundle, folder=f"models/{run.organisation_id}", suffix=".otai")
    if stored.sha256 != trained.bundle_sha256:
        raise OSError("the model file changed between training and storing")
    return AttemptOutcome(
        Ending.COMPLETED,
        bundle_file=stored.path,
        bundle_sha256=stored.sha256,
        bundle_bytes=stored.bytes,
        report_card=trained.report_card,
    )
