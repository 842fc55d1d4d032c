"""Places are counted over all server processes: two of them are two `SharedPlaces` here, and real ones in
tests/front/test_attacks.py."""

from __future__ import annotations

import gc
import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otai.db import utc_now
from otai.orgs import concurrency_limits
from otai.orgs.concurrency_limits import MEMBER, ORGANISATION, SharedPlace, SharedPlaces, TakenUp, counts
from otai.orgs.models import PlaceKeeper, TakenPlace

pytestmark = pytest.mark.django_db

LIMITS = {MEMBER: 2, ORGANISATION: 3}


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture(autouse=True)
def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test looks after its places itself."""
    monkeypatch.setattr(SharedPlaces, "_keep", lambda self: None)


@pytest.fixture
def one() -> SharedPlaces:
    return SharedPlaces()


@pytest.fixture
def other() -> SharedPlaces:
    return SharedPlaces()


def take(process: SharedPlaces, who: str = "alice", of: str = "acme") -> SharedPlace:
    return process.take("stream", of=of, who=who, limits=LIMITS)


def taken(now: datetime, who: str = "alice") -> tuple[int, int]:
    found = counts("stream", "acme", who, now=now)
    return found[MEMBER], found[ORGANISATION]


def test_a_member_and_an_organisation_have_their_places_in_both_processes_together(
    one: SharedPlaces, other: SharedPlaces, now: datetime
) -> None:
    held = [take(one), take(other)]
    for process in (one, other):
        with pytest.raises(TakenUp) as refused:
            take(process)
        assert (refused.value.of, refused.value.limit) == (MEMBER, 2)
    held.append(take(other, "bob"))
    with pytest.raises(TakenUp) as refused:
        take(one, "carla")
    assert refused.value.of == ORGANISATION
    held.append(take(one, "carol", of="globex"))
    assert taken(now) == (2, 3), "a refusal leaves nothing"

    # A file on its way is something else than a stream.
    held.append(one.take("upload", of="acme", limits={ORGANISATION: 1}))
    held[1].give_back()
    held[1].give_back()
    other.settle()
    assert taken(now) == (1, 2)
    held.append(take(one))


def test_a_place_that_nobody_holds_any_more_is_free(one: SharedPlaces, other: SharedPlaces, now: datetime) -> None:
    held = [take(one), take(one)]
    held.pop()
    gc.collect()
    assert take(one) and taken(now)[0] == 2, "whoever takes one writes down first what was given back"


def test_the_places_of_a_process_that_died_are_free_after_a_while(
    one: SharedPlaces, other: SharedPlaces, now: datetime
) -> None:
    held = [take(one), take(one)]
    later = now + concurrency_limits.lease + timedelta(seconds=5)
    assert taken(now) == (2, 2) and taken(later) == (0, 0)
    # Nobody hears of it again: its rows go, too.
    other.renew(now=later + concurrency_limits.forgotten_after)
    assert (TakenPlace.objects.count(), PlaceKeeper.objects.count()) == (0, 1)

    # It was only slow: it says what it still holds.
    one.renew(now=later)
    assert taken(later) == (2, 2) and len(held) == 2
    one.close()
    assert taken(later) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_was_forgotten_takes_places_again(one: SharedPlaces, now: datetime) -> None:
    held = [take(one)]
    PlaceKeeper.objects.all().delete()
    held.append(take(one))
    assert taken(now)[0] == 2


def test_keeping_places_costs_no_query_and_renewing_costs_two(one: SharedPlaces, now: datetime) -> None:
    held = [take(one)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        held.append(take(one, "bob"))
    assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) == 2
    with CaptureQueriesContext(connection) as asked:
        one.renew(now=now)
    statements = [query for query in asked if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 2, "one row, however many places"
    with CaptureQueriesContext(connection) as asked:
        for place in held:
            place.give_back()
        assert len(asked) == 0, "giving back asks nobody"
        one.settle()
    assert len(asked) <= 2


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_have_more_than_there_are(one: SharedPlaces, other: SharedPlaces, now: datetime) -> None:
    held: list[SharedPlace] = []
    together = threading.Barrier(8)

    def begin(process: SharedPlaces) -> None:
        try:
            together.wait(timeout=20)
            for _ in range(3):
                try:
                    held.append(take(process))
                except TakenUp:
                    continue
        finally:
            connection.close()

    threads = [threading.Thread(target=begin, args=[process]) for process in (one, other) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(held) <= 2 and taken(now)[0] == len(held)
