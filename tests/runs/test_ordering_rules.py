from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otai.pricing.price_book import Delivery
from otai.runs.ordering import RULES, Lane, Waiting, place
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact

pytestmark = pytest.mark.pure

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def waiting(
    delivery: str, *, due_in: float, queued_before: float = 0, own_ahead: int = 0, expected_minutes: float = 10
) -> Waiting:
    """Hours for times, minutes for the training."""
    return Waiting(
        delivery=Delivery(delivery),
        due_at=NOON + timedelta(hours=due_in),
        queued_at=NOON - timedelta(hours=queued_before),
        expected_seconds=expected_minutes * 60,
        own_ahead=own_ahead,
    )


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (waiting("fast", due_in=4), waiting("standard", due_in=3), "Fast before Standard"),
        (waiting("fast", due_in=1), waiting("fast", due_in=2), "the earliest due first"),
        (waiting("standard", due_in=9), waiting("standard", due_in=10), "the earliest due first"),
        (waiting("fast", due_in=1, queued_before=1), waiting("fast", due_in=1), "then the longest in the queue"),
        (waiting("standard", due_in=0.7), waiting("fast", due_in=1), "a Standard run that nears its due time rises"),
        (waiting("standard", due_in=-1), waiting("fast", due_in=0.2), "all the more when it is late"),
        (
            waiting("standard", due_in=6, expected_minutes=240),
            waiting("fast", due_in=7),
            "the sooner the longer it takes",
        ),
        (waiting("fast", due_in=1), waiting("fast", due_in=0.9, own_ahead=20), "one run before another's twentieth"),
        (waiting("fast", due_in=0.9, own_ahead=3), waiting("fast", due_in=1), "a few runs at once are no flood"),
        (waiting("fast", due_in=0.9, own_ahead=400), waiting("standard", due_in=9), "a flood of Fast is still Fast"),
    ],
)
def test_the_order_is_what_was_promised(first: Waiting, second: Waiting, why: str) -> None:
    assert place(first, now=NOON).key < place(second, now=NOON).key, why


@pytest.mark.parametrize(
    ("own_ahead", "minutes_later"), [(0, 0), (1, 0), (2, 0), (3, 0), (4, 5), (5, 10), (6, 15), (103, 500)]
)
def test_a_teams_first_four_runs_count_as_due_when_they_are_and_each_further_one_five_minutes_later(
    own_ahead: int, minutes_later: int
) -> None:
    for delivery in ("fast", "standard"):
        found = place(waiting(delivery, due_in=12, own_ahead=own_ahead), now=NOON)
        assert found.counts_as_due_at - (NOON + timedelta(hours=12)) == timedelta(minutes=minutes_later)
        said = [reason for reason in found.reasons if reason.code == "place.own_ahead"]
        later = Fact("place.own_ahead", {"ahead": own_ahead, "minutes": minutes_later})
        assert said == ([later] if minutes_later else [])


def test_of_a_teams_first_runs_the_earliest_due_goes_first_whatever_the_order_of_ordering() -> None:
    runs = [waiting("fast", due_in=4 - at, queued_before=4 - at, own_ahead=at) for at in range(4)]
    assert sorted(runs, key=lambda one: place(one, now=NOON).key) == runs[::-1]


def test_a_run_far_back_in_a_flood_has_its_time_before_what_is_ordered_later() -> None:
    last_of_flood = waiting("fast", due_in=1, own_ahead=100)
    ordered_tomorrow = waiting("fast", due_in=25)
    assert place(last_of_flood, now=NOON).key < place(ordered_tomorrow, now=NOON).key


def test_the_place_says_why() -> None:
    assert place(waiting("standard", due_in=12, own_ahead=6), now=NOON).reasons == (
        Fact("place.standard"),
        Fact("place.own_ahead", {"ahead": 6, "minutes": 15}),
        Fact("place.earliest_due"),
    )
    assert place(waiting("standard", due_in=0.5), now=NOON).reasons[0] == Fact("place.standard_due_soon")
    assert place(waiting("fast", due_in=0.5), now=NOON).reasons == (Fact("place.fast"), Fact("place.earliest_due"))
    told = say_fact(Fact("place.own_ahead", {"ahead": 6, "minutes": 15}))
    assert told.startswith("6 trainings of the same organisation waited before it")


def test_a_standard_run_rises_just_then_and_a_fast_one_never() -> None:
    standard = waiting("standard", due_in=12)
    rises_at = place(standard, now=NOON).rises_at
    assert rises_at == NOON + timedelta(hours=12) - timedelta(minutes=45)
    assert place(standard, now=rises_at - timedelta(seconds=1)).lane is Lane.BACKGROUND
    risen = place(standard, now=rises_at)
    assert (risen.lane, risen.rises_at) == (Lane.PRIORITY, None)
    assert place(waiting("fast", due_in=12), now=NOON).rises_at is None


ANY = st.builds(
    waiting,
    st.sampled_from(["fast", "standard"]),
    due_in=st.floats(-5, 48),
    queued_before=st.floats(0, 48),
    own_ahead=st.integers(0, 5000),
    expected_minutes=st.floats(0, 600),
)


@given(ANY, st.floats(0, 48))
def test_waiting_never_makes_a_place_worse(one: Waiting, hours: float) -> None:
    assert place(one, now=NOON + timedelta(hours=hours)).key <= place(one, now=NOON).key


@given(ANY)
def test_nobody_waits_for_ever(one: Waiting) -> None:
    """However far back, a run goes before every run of its lane that is due late enough."""
    found = place(one, now=NOON)
    bound = one.due_at + RULES.later_for_each_beyond * (one.own_ahead + 1)
    assert found.counts_as_due_at <= bound
