"""The tickets that acceptance is measured on: the same kind that a report card's figures are of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otai.learning.evidence.measuring import choose_holdout
from tests.learning.made_up import PRIORITY, QUEUE, tickets_that_moved

pytestmark = pytest.mark.pure


def test_a_guarantee_is_measured_on_the_newest_tickets() -> None:
    chosen = choose_holdout(tickets_that_moved(), [QUEUE], share=0.2)
    assert len(chosen) == 70 and chosen.min() >= 620


def test_too_few_new_tickets_of_an_attribute_are_measured_beside_older_ones() -> None:
    timed = tickets_that_moved()
    # Priorities were no longer given in the last weeks.
    priorities = ["high" if number % 2 else "low" for number in range(660)] + [None] * 40
    sparse = dataclasses.replace(timed, attributes={**timed.attributes, "priority": priorities})
    chosen = choose_holdout(sparse, [QUEUE, PRIORITY], share=0.2)
    assert 120 <= len(chosen) <= 160 and np.median(chosen) < 500


def test_without_times_a_fifth_is_chosen_by_the_texts() -> None:
    timed = tickets_that_moved()
    chosen = choose_holdout(dataclasses.replace(timed, created_at=None), [QUEUE], share=0.2)
    assert 120 <= len(chosen) <= 160 and np.median(chosen) < 500
