from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.ledger.operations import AlreadyRefunded
from otai.pricing.price_book import Delivery
from otai.pricing.settlement import Ending
from otai.runs import operations, queries, queue
from otai.runs.executors import Failed
from otai.runs.models import Run
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker, is_gone, this_worker
from otai.serving import queries as serving
from otai.serving.operations import register_completed_runs
from otai.words.sentences import Fact
from tests import stories

pytestmark = pytest.mark.django_db(transaction=True)


def balance(organisation) -> tuple[int, int, int]:
    found = ledger.balance(organisation.id)
    return found.available, found.held, found.spent


@pytest.fixture
def acme(now: datetime):
    return stories.acme(now)


@pytest.fixture
def run(acme, tmp_path: Path, now: datetime) -> Run:
    return stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)


def worker(executor: FakeExecutor, now: datetime) -> Worker:
    return Worker(executor=executor, clock=lambda: now + timedelta(minutes=1))


def moves(run: Run) -> list[str]:
    return [event.move for event in queries.events(run)]


def test_a_completed_run_spends_its_hold_and_has_a_model(acme, run: Run, now: datetime) -> None:
    worker(FakeExecutor(model=b"a model"), now).work_once()
    run.refresh_from_db()
    assert (run.status, run.ending, run.attempt) == ("completed", "completed", 1)
    assert balance(acme) == (5, 0, 1)
    assert moves(run) == ["-> queued", "queued -> training", "training -> evaluating", "evaluating -> completed"]
    [version] = register_completed_runs(now=now)
    assert (str(version), version.run_id) == ("support v1", run.id)
    assert register_completed_runs(now=now) == []
    assert serving.version(acme, "support").bundle_sha256 == run.bundle_sha256
    assert audit().clean


def test_a_training_that_never_says_it_evaluates_still_passes_through_every_state(
    acme, run: Run, now: datetime
) -> None:
    worker(FakeExecutor(stages=("training",)), now).work_once()
    assert moves(run)[-2:] == ["training -> evaluating", "evaluating -> completed"]


def test_why_a_run_moved_is_kept_as_codes_and_said_in_the_language_of_whoever_reads(run: Run, now: datetime) -> None:
    worker(FakeExecutor(model=b"a model"), now).work_once()
    happened = list(queries.events(run))
    assert [event.why for event in happened] == [""] * 4, "no sentence is stored"
    assert [event.fact.code for event in happened] == ["run.ordered", "run.begun", "run.trained", "run.completed"]
    assert [event.said(language="fr") for event in happened][::2] == [
        "1 crédit réservé",
        "L\u2019entraînement est terminé.",
    ]
    assert happened[-1].said(language="de") == "1 Credit verbraucht"
    assert happened[-1].explained() == {
        "why": "1 credit spent",
        "fact": {"code": "run.completed", "values": {"credits": 1}},
    }


def test_what_went_wrong_with_the_tickets_is_said_in_german_and_forgotten_with_them(
    acme, run: Run, now: datetime
) -> None:
    rare = Fact("label_too_rare.single", {"attribute": "queue", "label": "Zoll"})
    worker(
        FakeExecutor(failure=Failed(True, "label_too_rare", "Zoll is rare.", "log", rare.as_dict())), now
    ).work_once()
    told = queries.events(run).last()
    assert "Zoll" in str(told.details)
    assert "Mit den Tickets lässt sich nicht trainieren: 1 Credit zurückgegeben" in told.said(language="de")
    with transaction.atomic():
        operations.forget_tickets(organisation=acme, data_sets=[run.data_set_id], who="alice", now=now)
    assert not [event for event in queries.events(run) if "Zoll" in f"{event.why} {event.details}"]
    assert queries.events(run).get(id=told.id).said().startswith("The tickets cannot be trained on: 1 credit")


def test_data_that_cannot_be_trained_on_costs_nothing_and_is_not_tried_again(acme, run: Run, now: datetime) -> None:
    failing = FakeExecutor(failure=Failed(True, "label_too_rare", "Queue has one label only.", "log"))
    working = worker(failing, now)
    working.work_once()
    assert working.work_once() is None
    run.refresh_from_db()
    assert (run.status, run.ending, run.attempt, run.failure_code) == ("failed", "failed_input", 1, "label_too_rare")
    assert balance(acme) == (6, 0, 0)
    assert audit().clean


def test_our_own_failure_is_tried_twice_more_and_then_gives_everything_back(acme, run: Run, now: datetime) -> None:
    failing = FakeExecutor(failure=Failed(False, "crash", "A bug.", "log"))
    working = worker(failing, now)
    for attempt in (1, 2):
        working.work_once()
        run.refresh_from_db()
        assert (run.status, run.attempt) == ("queued", attempt)
        assert balance(acme) == (5, 1, 0)
    working.work_once()
    run.refresh_from_db()
    assert (run.status, run.ending, run.attempt) == ("failed", "failed_system", 3)
    assert balance(acme) == (6, 0, 0)
    assert [a.outcome for a in run.attempts.order_by("number")] == ["crash", "crash", "crash"]
    assert len(failing.executed) == 3
    assert audit().clean


@pytest.mark.parametrize(("late", "seconds"), [(timedelta(hours=-3), 3 * 3600), (timedelta(minutes=5), 1800)])
def test_a_training_is_told_how_long_it_has_until_the_promised_time(
    run: Run, now: datetime, late: timedelta, seconds: int
) -> None:
    executor = FakeExecutor()
    worker(executor, run.due_at + late).work_once()
    told = executor.executed[0].seconds
    assert told == pytest.approx(seconds, abs=60), "and one that is late already half an hour all the same"


def test_a_crash_of_the_executor_itself_ends_the_attempt_and_not_the_worker(acme, run: Run, now: datetime) -> None:
    def explode(stage: str) -> None:
        raise RuntimeError("disk on fire")

    working = worker(FakeExecutor(before_stage=explode), now)
    working.work_once()
    run.refresh_from_db()
    assert run.status == "queued"
    assert "disk on fire" in moves_why(run)[-1]


def moves_why(run: Run) -> list[str]:
    return [event.said() for event in queries.events(run)]


def test_a_run_cancelled_while_it_waits_gives_its_credits_back(acme, run: Run, now: datetime) -> None:
    operations.cancel_run(organisation=acme, number=run.number, who="bob", now=now)
    assert balance(acme) == (6, 0, 0)
    assert worker(FakeExecutor(), now).work_once() is None
    with pytest.raises(operations.RunHasEnded):
        operations.cancel_run(organisation=acme, number=run.number, who="bob", now=now)
    assert audit().clean


@pytest.mark.parametrize("stage", ["training", "evaluating"])
def test_a_run_cancelled_at_work_stops_the_worker_and_gives_its_credits_back(
    acme, run: Run, now: datetime, stage
) -> None:
    def cancel(reached: str) -> None:
        if reached == "writing" if stage == "evaluating" else reached == "training":
            operations.cancel_run(organisation=acme, number=run.number, who="alice", now=now)

    working = worker(FakeExecutor(before_stage=cancel), now)
    working.work_once()
    run.refresh_from_db()
    assert (run.status, run.bundle_file) == ("cancelled", "")
    assert balance(acme) == (6, 0, 0)
    assert [a.outcome for a in run.attempts.all()] == ["cancelled"]
    assert audit().clean


def test_a_result_that_comes_after_the_cancellation_counts_for_nothing(acme, run: Run, now: datetime) -> None:
    claimed = queue.claim(worker="w1", hardware="h", now=now)
    operations.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    late = operations.AttemptOutcome(Ending.COMPLETED, bundle_file="m", bundle_sha256="s", report_card={})
    with pytest.raises(operations.RunMoved):
        operations.end_run(run=run.id, attempt=claimed.attempt.number, outcome=late, who="w1", log=None, now=now)
    assert balance(acme) == (6, 0, 0)
    assert audit().clean


def test_a_silent_worker_loses_its_run_and_its_late_result_is_dropped(acme, run: Run, now: datetime) -> None:
    first = queue.claim(worker="w1", hardware="h", now=now)
    assert first is not None
    assert queue.return_lost_runs(now=now + timedelta(seconds=29), worker_is_gone=lambda w: False, who="sweep") == []
    [returned] = queue.return_lost_runs(now=now + timedelta(seconds=31), worker_is_gone=lambda w: False, who="sweep")
    assert (returned.id, returned.status) == (run.id, "queued")
    second = queue.claim(worker="w2", hardware="h", now=now + timedelta(seconds=32))
    assert second is not None and second.attempt.number == 2
    # The first worker comes back from the dead.
    assert not operations.record_progress(
        run=run.id, attempt=1, stage="training", steps_done=1, steps_total=2, log=None, now=now
    )
    late = operations.AttemptOutcome(Ending.COMPLETED, bundle_file="m", bundle_sha256="s", report_card={})
    with pytest.raises(operations.RunMoved):
        operations.end_run(run=run.id, attempt=1, outcome=late, who="w1", log=None, now=now)
    assert balance(acme) == (5, 1, 0)
    operations.end_run(run=run.id, attempt=2, outcome=late, who="w2", log=None, now=now)
    assert balance(acme) == (5, 0, 1)
    assert audit().clean


def test_a_worker_known_to_be_gone_loses_its_run_at_once(acme, run: Run, now: datetime) -> None:
    queue.claim(worker="w1", hardware="h", now=now)
    [returned] = queue.return_lost_runs(now=now, worker_is_gone=lambda worker: worker == "w1", who="sweep")
    assert returned.status == "queued"


def test_a_run_lost_three_times_gives_everything_back(acme, run: Run, now: datetime) -> None:
    for _ in range(3):
        assert queue.claim(worker="w", hardware="h", now=now)
        queue.return_lost_runs(now=now + timedelta(minutes=1), worker_is_gone=lambda worker: False, who="sweep")
    run.refresh_from_db()
    assert (run.status, run.ending, run.failure_code) == ("failed", "failed_system", "worker_lost")
    assert balance(acme) == (6, 0, 0)
    assert audit().clean


def test_only_a_process_that_is_surely_gone_counts_as_gone() -> None:
    me = this_worker()
    assert not is_gone(me)
    host, machine, process = me.rsplit("/", 2)
    pid, started = process.split(".")
    assert is_gone(f"{host}/{machine}/{pid}.{int(started) - 100}")
    assert not is_gone(f"{host}/elsewhere.1/{pid}.{int(started) - 100}")
    assert not is_gone("nonsense")
    assert not is_gone("")


def test_fast_goes_before_standard_and_the_earlier_due_before_the_later(acme, tmp_path: Path, now: datetime) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    standard_early = stories.ordered(acme, data_set, now)
    standard_late = stories.ordered(acme, data_set, now + timedelta(days=1))
    fast_late = stories.ordered(acme, data_set, now + timedelta(days=1), delivery=Delivery.FAST)
    fast_early = stories.ordered(acme, data_set, now, delivery=Delivery.FAST)
    order = []
    while claimed := queue.claim(worker="w", hardware="h", now=now):
        order.append(claimed.run.number)
    assert order == [r.number for r in (fast_early, fast_late, standard_early, standard_late)]


def test_a_faulty_model_is_refunded_once_and_to_the_lots_it_came_from(acme, run: Run, now: datetime) -> None:
    with pytest.raises(operations.RunNotCharged):
        operations.refund_run(organisation=acme, number=run.number, why="faulty", who="operator", now=now)
    worker(FakeExecutor(), now).work_once()
    operations.refund_run(organisation=acme, number=run.number, why="labels were swapped", who="operator", now=now)
    assert balance(acme) == (6, 0, 0)
    with pytest.raises(AlreadyRefunded):
        operations.refund_run(organisation=acme, number=run.number, why="again", who="operator", now=now)
    assert balance(acme) == (6, 0, 0)
    assert audit().clean


def test_the_sweep_of_holds_leaves_a_run_that_still_works_alone(acme, run: Run, now: datetime) -> None:
    reference = operations.hold_reference(run.id)
    gone = "run:00000000-0000-0000-0000-000000000000"
    not_ours = {"other:1", "run:nonsense"}
    assert queries.still_working([reference, gone, *not_ours]) == {reference, *not_ours}
    operations.cancel_run(organisation=acme, number=run.number, who="alice", now=now)
    assert queries.still_working([reference]) == set()


def test_a_run_whose_credits_were_given_back_by_hand_ends_and_charges_nothing(acme, run: Run, now: datetime) -> None:
    from otai.ledger import operations as ledger_operations

    ledger_operations.release(organisation=acme.id, hold=run.hold, key="by hand", reason="a mistake", now=now)
    worker(FakeExecutor(model=b"a model"), now).work_once()
    run.refresh_from_db()
    assert (run.status, run.failure_code, run.bundle_file) == ("failed", "hold_released", "")
    assert balance(acme) == (6, 0, 0)
    assert [late.hold_id for late in ledger.late_captures()] == [run.hold]
    assert audit().clean
