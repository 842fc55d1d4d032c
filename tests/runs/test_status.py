from __future__ import annotations

import pytest

from otai.pricing.settlement import Ending
from otai.runs.status import ENDED, MOVES, OPEN, WORKING, Status, status_after

pytestmark = pytest.mark.pure


def test_every_run_can_end_and_an_ended_run_stays_ended() -> None:
    assert {Status.COMPLETED, Status.FAILED, Status.CANCELLED} == ENDED
    assert {Status.QUEUED, Status.TRAINING, Status.EVALUATING} == OPEN
    for status in OPEN:
        assert Status.CANCELLED in MOVES[status]
    for status in ENDED:
        assert not MOVES[status]


def test_a_run_at_work_can_go_back_to_the_queue_and_fail() -> None:
    for status in WORKING:
        assert {Status.QUEUED, Status.FAILED} <= MOVES[status]


def test_only_an_evaluated_run_completes() -> None:
    assert [status for status in Status if Status.COMPLETED in MOVES[status]] == [Status.EVALUATING]


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_is_an_ended_status(ending: Ending) -> None:
    assert status_after(ending) in ENDED
