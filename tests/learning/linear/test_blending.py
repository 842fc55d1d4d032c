"""Which of the tried models an attribute takes."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.linear.blending import Blend, best_blend

pytestmark = pytest.mark.pure

INDICATOR = np.eye(3, dtype=np.float32)[np.tile([0, 0, 0, 0, 1, 2], 40)]
OFFSET = np.broadcast_to(np.log(INDICATOR.mean(axis=0)), INDICATOR.shape).astype(np.float32)


def noisy(strength: float, seed: int) -> np.ndarray:
    return (INDICATOR * strength + np.random.default_rng(seed).standard_normal(INDICATOR.shape)).astype(np.float32)


def test_the_mean_of_models_that_err_differently_is_taken() -> None:
    assert best_blend([noisy(2, 0), noisy(2, 1)], OFFSET, INDICATOR, (0.0,), multi=False).candidates == (0, 1)


def test_a_model_that_knows_nothing_is_left_out() -> None:
    assert best_blend([noisy(4, 0), noisy(0, 1) * 4], OFFSET, INDICATOR, (0.0,), multi=False).candidates == (0,)


def test_the_usual_candidates_are_taken_unless_others_are_clearly_better() -> None:
    alike = [noisy(3, 0), noisy(3, 1), noisy(3, 2)]
    assert best_blend(alike, OFFSET, INDICATOR, (0.0,), multi=False, usual=(1, 2)).candidates == (1, 2)
    first_knows = [INDICATOR * 9, noisy(1, 1), noisy(1, 2)]
    assert 0 in best_blend(first_knows, OFFSET, INDICATOR, (0.0,), multi=False, usual=(1, 2)).candidates


def test_a_share_that_one_rare_ticket_decides_is_not_chosen() -> None:
    y = np.eye(3, dtype=np.float32)[[0] * 300 + [1] * 100 + [2]]
    prior_offset = np.broadcast_to(np.array([2.0, 1.0, -4.0], np.float32), y.shape)
    scores = 4 * y
    scores[-1] = [0.0, 0.0, -0.5]  # wrong as it is, right once frequent labels are held back
    assert best_blend([scores], prior_offset, y, (0.0, -0.5), multi=False).prior_share == 0.0
    scores[300:400] = [1.0, 0.4, 0.0]  # a hundred of them are no chance
    assert best_blend([scores], prior_offset * [[2, -2, 0]], y, (0.0, -0.5), multi=False).prior_share == -0.5


def test_frequent_labels_get_back_what_they_are_owed_where_that_is_better() -> None:
    assert best_blend([noisy(1, 0)], OFFSET, INDICATOR, (0.0, 1.0), multi=False).prior_share == 1.0
    assert best_blend([INDICATOR * 9], OFFSET, INDICATOR, (0.0, 1.0), multi=False).prior_share == 0.0


def test_a_blend_is_the_mean_of_scores_and_a_share_of_the_offset() -> None:
    one, other = noisy(1, 0), noisy(1, 1)
    np.testing.assert_allclose(
        Blend((0, 1), 0.5).scores([one, other], OFFSET), (one + other) / 2 + OFFSET / 2, atol=1e-6
    )


def test_many_labels_a_ticket_are_chosen_by_their_thresholds() -> None:
    assert best_blend([noisy(4, 0), noisy(0, 1) * 4], OFFSET, INDICATOR, (0.0, 1.0), multi=True) == Blend((0,), 0.0)
