"""When a run begins and is ready: the queue walked over the slots, kept with each run, and flagged before it is
late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from otai.pricing.price_book import Delivery
from otai.runs import expectations, operations, queries, queue
from otai.runs.forecast import PoolSlots, WaitingRun, forecast, free_again_at, will_be_late
from otai.runs.models import Run
from otai.runs.ordering import Waiting, place
from otai.runs.status import RunOccurrence
from tests import stories

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
BOTH = (Delivery.FAST, Delivery.STANDARD)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def waits(name: str, delivery: str, *, due_in: float, takes: float = 10, queued_before: float = 0) -> WaitingRun:
    """Hours for due, minutes for the rest; in the place that the order gives it."""
    due_at, queued_at = NOON + timedelta(hours=due_in), NOON - minutes(queued_before)
    found = place(Waiting(Delivery(delivery), due_at, queued_at, takes * 60, own_ahead=0), now=NOON)
    return WaitingRun(
        name, Delivery(delivery), found.lane, found.counts_as_due_at, queued_at, found.rises_at, takes * 60, due_at
    )


def slots(*free_in: float, pool: str = "local", deliveries: tuple[Delivery, ...] = BOTH) -> PoolSlots:
    return PoolSlots(pool, deliveries, tuple(NOON + minutes(at) for at in free_in))


def starts(waiting: list[WaitingRun], *pools: PoolSlots) -> dict[str, float]:
    """Minutes from now until each begins."""
    return {
        str(run.id): (expected.starts_at - NOON).total_seconds() / 60
        for run, expected in forecast(waiting, pools, now=NOON)
    }


@pytest.mark.pure
def test_runs_begin_one_after_the_other_in_their_order() -> None:
    found = starts(
        [waits("b", "standard", due_in=9), waits("a", "fast", due_in=9), waits("c", "standard", due_in=10)], slots(5)
    )
    assert found == {"a": 5, "b": 15, "c": 25}


@pytest.mark.pure
def test_two_slots_take_the_next_run_each_and_the_first_to_be_free_the_third() -> None:
    waiting = [
        waits("a", "fast", due_in=1, takes=30),
        waits("b", "fast", due_in=2, takes=5),
        waits("c", "fast", due_in=3),
    ]
    assert starts(waiting, slots(0, 0)) == {"a": 0, "b": 0, "c": 5}


@pytest.mark.pure
def test_a_run_waits_for_a_pool_that_serves_it_and_for_no_other() -> None:
    waiting = [waits("f", "fast", due_in=1), waits("s", "standard", due_in=9)]
    l4 = slots(0, pool="l4", deliveries=(Delivery.STANDARD,))
    assert starts(waiting, l4) == {"s": 0}
    assert starts(waiting, l4, slots(20, pool="h100", deliveries=(Delivery.FAST,))) == {"s": 0, "f": 20}
    assert starts(waiting) == {}


@pytest.mark.pure
def test_a_standard_run_that_rises_while_it_waits_goes_with_the_fast_ones() -> None:
    fast = [waits(f"f{n}", "fast", due_in=3 + n / 10, takes=30) for n in range(8)]
    found = starts([*fast, waits("s", "standard", due_in=2)], slots(0))
    # It rises 45 minutes before it is due, at 75; the run that begins at 60 is the last before it.
    assert found["s"] == 90


@pytest.mark.pure
@given(
    st.lists(st.tuples(st.sampled_from(["fast", "standard"]), st.floats(0.1, 30), st.floats(1, 300)), max_size=40),
    st.integers(1, 5),
)
def test_the_forecast_is_what_claiming_one_by_one_would_give(runs: list[tuple[str, float, float]], count: int) -> None:
    """The reference asks `place` anew whenever a slot is free, as a worker does."""
    waiting = [waits(f"{n:03}", d, due_in=due, takes=takes) for n, (d, due, takes) in enumerate(runs)]
    expected = {}
    left, free = list(waiting), [NOON] * count
    while left:
        at = min(free)

        def key(run: WaitingRun, at: datetime = at) -> tuple:
            found = place(Waiting(run.delivery, run.due_at, run.queued_at, run.expected_seconds, 0), now=at)
            return (*found.key, run.id)

        first = min(left, key=key)
        left.remove(first)
        free.remove(at)
        free.append(at + timedelta(seconds=first.expected_seconds))
        expected[first.id] = at
    found = {run.id: e.starts_at for run, e in forecast(waiting, [slots(*[0] * count)], now=NOON)}
    assert found == expected


@pytest.mark.pure
@pytest.mark.parametrize(
    ("starts_in", "takes", "due_in", "late"),
    [(0, 60, 61, True), (0, 60, 91, False), (0, 60, 90, False), (40, 60, 120, True), (0, 1, -1, True)],
)
def test_a_run_is_flagged_when_a_longer_training_than_expected_would_break_the_promise(
    starts_in: float, takes: float, due_in: float, late: bool
) -> None:
    found = will_be_late(
        starts_at=NOON + minutes(starts_in), expected_seconds=takes * 60, due_at=NOON + minutes(due_in), now=NOON
    )
    assert found is late


@pytest.mark.pure
def test_a_training_that_takes_longer_than_expected_is_expected_a_little_later_each_time() -> None:
    assert free_again_at(started_at=NOON, expected_seconds=600, now=NOON + minutes(4)) == NOON + minutes(10)
    assert free_again_at(started_at=NOON, expected_seconds=600, now=NOON + minutes(30)) == NOON + minutes(31)


def a_worker(now: datetime, *, slots: int = 1) -> None:
    operations.local_pool(hardware="here", now=now)
    operations.set_pool(name="local", slots=slots, now=now)
    for number in range(slots):
        operations.register_worker(name=f"w{number}", pool="local", hardware="here", now=now)


@pytest.fixture
def acme(now: datetime):
    return stories.acme(now)


@pytest.mark.django_db
def test_the_quote_says_when_the_run_would_begin_and_the_order_keeps_it(acme, tmp_path: Path, now: datetime) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    offered = stories.quote_for(acme, data_set, now)
    # Nobody is there who could train it.
    assert expectations.for_quote(offered, now=now) is None
    a_worker(now)
    first = expectations.for_quote(offered, now=now)
    assert first is not None and first.starts_at == now
    run = operations.order_run(organisation=acme, quote=offered.id, who="alice", now=now)
    assert (run.expected_start_at, run.expected_finish_at) == (first.starts_at, first.finishes_at)
    second = expectations.for_quote(stories.quote_for(acme, data_set, now), now=now)
    assert second is not None and second.starts_at == first.finishes_at
    fast = expectations.for_quote(stories.quote_for(acme, data_set, now, delivery=Delivery.FAST), now=now)
    assert fast is not None and fast.starts_at == now


@pytest.mark.django_db
def test_expectations_follow_what_happens(acme, tmp_path: Path, now: datetime) -> None:
    a_worker(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    runs = [stories.ordered(acme, data_set, now) for _ in range(3)]
    Run.objects.update(expected_seconds=600)
    claimed = queue.claim(worker="w0", hardware="h", now=now)
    assert expectations.refresh(now=now) == 2
    assert expectations.refresh(now=now + timedelta(seconds=30)) == 0
    expected = list(Run.objects.order_by("number").values_list("expected_start_at", flat=True))
    assert expected == [now, now + minutes(10), now + minutes(20)]
    # The first one takes twice as long; the others are expected later, and no row is written for nothing.
    later = now + minutes(20)
    expectations.refresh(now=later)
    runs[1].refresh_from_db()
    assert runs[1].expected_start_at == later + minutes(1)
    # It is lost: nobody knows any more, until the next look.
    queue.return_lost_runs(now=later, worker_is_gone=lambda w: w == "w0", who="sweep")
    claimed.run.refresh_from_db()
    assert (claimed.run.expected_start_at, claimed.run.expected_finish_at) == (None, None)


@pytest.mark.django_db
def test_a_run_that_will_be_late_is_flagged_before_it_is_late_and_once(acme, tmp_path: Path, now: datetime) -> None:
    a_worker(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    first = stories.ordered(acme, data_set, now, delivery=Delivery.FAST)
    second = stories.ordered(acme, data_set, now, delivery=Delivery.FAST)
    Run.objects.update(expected_seconds=35 * 60)
    expectations.refresh(now=now)
    expectations.refresh(now=now + minutes(1))
    assert RunOccurrence.EXPECTED_LATE not in [event.move for event in queries.events(first)]
    [flagged] = [event for event in queries.events(second) if event.move == RunOccurrence.EXPECTED_LATE]
    assert flagged.at == now < second.due_at
    assert "due at 2 Nov 2026 10:30 UTC; it is expected to be ready at 2 Nov 2026 10:40 UTC" in flagged.said()


@pytest.mark.django_db
def test_a_training_that_takes_too_long_is_flagged_as_well(acme, tmp_path: Path, now: datetime) -> None:
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now, delivery=Delivery.FAST)
    Run.objects.update(expected_seconds=50 * 60)
    queue.claim(worker="w0", hardware="h", now=now)
    expectations.refresh(now=now + minutes(54))
    assert RunOccurrence.EXPECTED_LATE not in [event.move for event in queries.events(run)]
    expectations.refresh(now=now + minutes(56))
    assert RunOccurrence.EXPECTED_LATE in [event.move for event in queries.events(run)]


@pytest.mark.django_db
def test_a_run_that_nobody_is_there_to_train_is_flagged(acme, tmp_path: Path, now: datetime) -> None:
    run = stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now, delivery=Delivery.FAST)
    expectations.refresh(now=now)
    run.refresh_from_db()
    assert run.expected_late_at is None
    expectations.refresh(now=now + minutes(59.9))
    [flagged] = [event for event in queries.events(run) if event.move == RunOccurrence.EXPECTED_LATE]
    assert flagged.said().endswith("no worker is there for it")


@pytest.mark.django_db
def test_one_of_many_workers_keeps_the_expectations_up_to_date(now: datetime) -> None:
    assert expectations.refresh_when_due(now=now) == 0
    assert expectations.refresh_when_due(now=now + timedelta(seconds=19)) is None
    assert expectations.refresh_when_due(now=now + timedelta(seconds=21)) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE runs_run SET expected_start_at = ordered_at, expected_finish_at = '2000-01-01 00:00:00+00:00'",
        "UPDATE runs_run SET expected_start_at = ordered_at, expected_finish_at = NULL",
        "UPDATE runs_run SET expected_start_at = NULL, expected_finish_at = ordered_at",
    ],
)
def test_the_database_refuses_an_expectation_that_cannot_be(acme, tmp_path: Path, now: datetime, sql: str) -> None:
    stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now)
    name = "runs_run_is_expected_to_finish_after_it_starts"
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
