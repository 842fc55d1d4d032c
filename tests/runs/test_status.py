from __future__ import annotations

import pytest

from otai.pricing.settlement import Ending
from otai.runs.status import ENDED, MOVES, OPEN, WORKING, RunStatus, status_after

pytestmark = pytest.mark.pure


def test_every_run_can_end_and_an_ended_run_stays_ended() -> None:
    assert {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED} == ENDED
    assert {RunStatus.AWAITING_APPROVAL, RunStatus.QUEUED, RunStatus.TRAINING, RunStatus.EVALUATING} == OPEN
    for status in OPEN:
        assert RunStatus.CANCELLED in MOVES[status]
    for status in ENDED:
        assert not MOVES[status]


def test_a_run_at_work_can_go_back_to_the_queue_and_fail() -> None:
    for status in WORKING:
        assert {RunStatus.QUEUED, RunStatus.FAILED} <= MOVES[status]


def test_only_an_evaluated_run_completes() -> None:
    assert [status for status in RunStatus if RunStatus.COMPLETED in MOVES[status]] == [RunStatus.EVALUATING]


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_is_an_ended_status(ending: Ending) -> None:
    assert status_after(ending) in ENDED
