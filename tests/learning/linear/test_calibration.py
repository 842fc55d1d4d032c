from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from otai.learning.evidence.risk_control import promise
from otai.learning.linear.calibration import (
    ConfidenceMap,
    expected_calibration_error,
    fitted_temperature,
    label_shifts,
    logistic,
    reliability,
    shifted,
)
from otai.learning.linear.heads import ManyLabelsHead, OneLabelHead

pytestmark = pytest.mark.pure

SHARES = st.floats(0, 1, allow_nan=False)


def overconfident(tickets: int = 4_000, labels: int = 4, *, times: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores `times` as large as the truth behind them, and the labels."""
    chance = np.random.default_rng(0)
    true_scores = chance.normal(size=(tickets, labels)) * 1.5
    likely = softmax(true_scores, axis=1)
    codes = (likely.cumsum(axis=1) > chance.random((tickets, 1))).argmax(axis=1)
    return true_scores * times, codes


def test_perfect_confidence_has_no_error_and_boastful_confidence_a_large_one() -> None:
    right = np.array([True, False] * 500)
    assert expected_calibration_error(np.full(1_000, 0.5), right) == pytest.approx(0)
    assert expected_calibration_error(np.full(1_000, 1.0), right) == pytest.approx(0.5)


def test_reliability_bins_hold_every_ticket_once() -> None:
    confidence = np.array([0.0, 0.05, 0.55, 0.999, 1.0])
    bins = reliability(confidence, np.array([False, False, True, True, True]))
    assert [one.tickets for one in bins] == [2, 1, 2]


def test_temperature_undoes_scores_that_are_three_times_too_large() -> None:
    scores, codes = overconfident()
    assert fitted_temperature(scores, codes) == pytest.approx(3.0, rel=0.1)


def test_a_fitted_head_keeps_its_word_on_new_tickets() -> None:
    scores, codes = overconfident(8_000)
    head, _ = OneLabelHead.fit(scores[:4_000], codes[:4_000])
    raw, fitted = softmax(scores[4_000:], axis=1), head.probabilities(scores[4_000:])
    right = fitted.argmax(axis=1) == codes[4_000:]
    assert expected_calibration_error(raw.max(axis=1), right) > 0.1
    assert expected_calibration_error(fitted.max(axis=1), right) < 0.03


def one_boastful_label(tickets: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of four labels, the first of which is right in seven of ten tickets that are given to it and any other in
    98 of 100, though its scores are as high as theirs."""
    chance = np.random.default_rng(seed)
    predicted = chance.integers(0, 4, tickets)
    scores = chance.normal(size=(tickets, 4)) * 0.3
    scores[np.arange(tickets), predicted] += 4
    right = chance.random(tickets) < np.where(predicted == 0, 0.7, 0.98)
    return scores, np.where(right, predicted, (predicted + 1) % 4)


def test_a_label_that_is_wrong_more_often_is_left_to_people_and_the_others_are_not() -> None:
    scores, codes = one_boastful_label(2_000, seed=0)
    later, truth = one_boastful_label(2_000, seed=1)
    head, out_of_fold = OneLabelHead.fit(scores, codes)
    alike = dataclasses.replace(head, label_shifts=None)
    right = out_of_fold.argmax(axis=1) == codes
    threshold = promise(out_of_fold.max(axis=1), right, target=0.95).confidence
    assert threshold is not None
    assert promise(alike.probabilities(scores).max(axis=1), right, target=0.95).confidence is None
    said = head.probabilities(later)
    alone = said.max(axis=1) >= threshold
    assert alone.mean() > 0.7 and (said.argmax(axis=1) == truth)[alone].mean() >= 0.95
    assert alone[said.argmax(axis=1) == 0].mean() < 0.2
    assert np.array_equal(said.argmax(axis=1), alike.probabilities(later).argmax(axis=1))


def test_a_label_with_few_tickets_keeps_what_the_map_says() -> None:
    confidence, predicted = np.full(60, 0.9), np.repeat([0, 1], [40, 20])
    right = np.ones(60, np.bool_)
    right[:8] = False
    shifts = label_shifts(confidence, right, predicted, labels=3)
    assert shifts[0] < 0 < shifts[1] and shifts[2] == 0
    assert shifts[0] > np.log(0.8 / 0.2) - np.log(0.9 / 0.1)
    assert not label_shifts(confidence[:-1], right[:-1], predicted[:-1], labels=3)[1:].any()


def test_shifts_are_where_gain_and_penalty_are_level() -> None:
    """The condition of the best shift: what is right beyond what was said equals the penalty's slope, 2 times it."""
    chance = np.random.default_rng(0)
    confidence, predicted = chance.uniform(0.5, 0.999, 600), chance.integers(0, 3, 600)
    right = chance.random(600) < np.array([0.6, 0.9, 0.99])[predicted]
    shifts = label_shifts(confidence, right, predicted, labels=3)
    beyond = np.bincount(predicted, weights=right - shifted(confidence, shifts[predicted]))
    assert beyond == pytest.approx(2 * shifts, abs=1e-9)


def test_a_shift_moves_the_log_odds_and_none_leaves_the_last_digit() -> None:
    told = np.array([0.0, 0.123456, 1.0])
    assert np.array_equal(shifted(told, np.zeros(3)), told)
    # 1 / (1 + e^-(log-odds + 1)), with certainty taken as 1 in a million.
    assert shifted(told, np.ones(3)) == pytest.approx([2.7182772e-6, 0.2768577, 0.99999963], abs=1e-7)
    assert shifted(told, np.ones(3))[0] == pytest.approx(2.7182772e-6, rel=1e-4)
    assert 1 - shifted(told, -np.ones(3))[2] == pytest.approx(2.7182772e-6, rel=1e-4)


@settings(max_examples=50, deadline=None)
@given(arrays(float, st.integers(1, 200), elements=SHARES), st.integers(0, 2**32 - 1))
def test_a_confidence_map_rises_and_stays_between_zero_and_one(raw: np.ndarray, seed: int) -> None:
    right = np.random.default_rng(seed).random(len(raw)) < raw
    fitted = ConfidenceMap.fit(raw, right)(np.linspace(0, 1, 200))
    assert np.all(np.diff(fitted) >= 0) and fitted.min() >= 0 and fitted.max() <= 1


@settings(max_examples=50, deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 20), st.integers(2, 6)), elements=st.floats(-50, 50)), st.integers(0, 99))
def test_probabilities_add_up_to_one_and_keep_the_winner(scores: np.ndarray, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, scores.shape[1], len(scores))
    head, out_of_fold = OneLabelHead.fit(scores, codes)
    for probabilities in (head.probabilities(scores), out_of_fold):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)
        assert probabilities.min() >= 0
        best = probabilities[np.arange(len(scores)), softmax(scores / head.temperature, axis=1).argmax(axis=1)]
        assert np.all(best >= probabilities.max(axis=1) - 1e-9)


def test_each_tag_gets_the_threshold_that_suits_it() -> None:
    chance = np.random.default_rng(0)
    y = np.stack([chance.random(2_000) < 0.5, chance.random(2_000) < 0.05], axis=1).astype(np.float32)
    scores = y * 2.0 + chance.normal(size=y.shape)
    head, probabilities = ManyLabelsHead.fit(scores, y)
    assert probabilities.mean(axis=0) == pytest.approx(y.mean(axis=0), abs=0.02)
    given_labels = probabilities >= head.thresholds
    assert 0.02 < given_labels[:, 1].mean() < 0.12


def test_a_tag_that_scores_say_nothing_about_keeps_its_base_rate() -> None:
    y = (np.random.default_rng(0).random((1_000, 1)) < 0.2).astype(np.float32)
    head, probabilities = ManyLabelsHead.fit(-y.astype(float), y)
    assert probabilities == pytest.approx(0.2, abs=0.03)
    assert np.isfinite(head.thresholds).all()


def test_a_label_that_nothing_tells_is_not_given_to_every_ticket() -> None:
    chance = np.random.default_rng(0)
    applies = chance.random(2000) < 0.15
    told = chance.random(2000) < 0.3
    y = np.stack([applies, told], axis=1).astype(np.float32)
    # Scores of the first label are noise; those of the second say what is true.
    scores = np.stack([chance.normal(size=2000), told + 0.1 * chance.normal(size=2000)], axis=1)
    head, probabilities = ManyLabelsHead.fit(scores, y)
    given = probabilities >= head.thresholds
    assert given[:, 0].mean() < 0.05
    assert (given[:, 1] == told).mean() > 0.95


def confidences(*steps: tuple[float, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Tickets by steps of (confidence, tickets, of which right)."""
    raw = np.concatenate([np.full(tickets, confidence) for confidence, tickets, _ in steps])
    right = np.concatenate([np.arange(tickets) < hits for _, tickets, hits in steps])
    return raw, right


@pytest.mark.parametrize(
    ("steps", "raw", "calibrated"),
    [
        # 30 tickets and 4 imaginary ones in each step: (12 + 1.6) / 34 and (21 + 3.2) / 34; the end half-way to 1.
        ([(0.4, 30, 12), (0.8, 30, 21)], [0, 0.4, 0.8, 1], [0.4, 0.4, 0.711765, 0.855882]),
        # The order of the tickets counts for nothing.
        ([(0.8, 30, 21), (0.4, 30, 12)], [0, 0.4, 0.8, 1], [0.4, 0.4, 0.711765, 0.855882]),
        # What falls is pooled: (28.6 / 34 + 15.2 / 34) / 2.
        ([(0.4, 30, 27), (0.8, 30, 12)], [0, 0.4, 0.8, 1], [0.4, 0.644118, 0.644118, 0.822059]),
        # What is pooled counts by its tickets, 31 and 30: (31 * 28.6 / 35 + 30 * 15.2 / 34) / 61.
        ([(0.4, 31, 27), (0.8, 30, 12)], [0, 0.4, 0.8, 1], [0.4, 0.635135, 0.635135, 0.817567]),
        # 59 tickets are one step: (12 + 21 + 4 * 0.59661) / 63.
        ([(0.4, 30, 12), (0.8, 29, 21)], [0, 0.596610, 1], [0.561689, 0.561689, 0.780845]),
        # One ticket, always wrong or always right.
        ([(0.9, 1, 0)], [0, 0.9, 1], [0.72, 0.72, 0.86]),
        ([(0.1, 1, 1)], [0, 0.1, 1], [0.1, 0.28, 0.64]),
    ],
)
def test_the_corners_of_a_map_are_those_worked_out_by_hand(
    steps: list[tuple[float, int, int]], raw: list[float], calibrated: list[float]
) -> None:
    fitted = ConfidenceMap.fit(*confidences(*steps))
    assert fitted.raw == pytest.approx(raw, abs=1e-6)
    assert fitted.calibrated == pytest.approx(calibrated, abs=1e-6)


def test_a_map_of_no_ticket_changes_nothing_and_one_of_many_has_forty_steps() -> None:
    nothing = ConfidenceMap.fit(np.array([]), np.array([], bool))
    assert (nothing.raw.tolist(), nothing.calibrated.tolist()) == ([0.0, 1.0], [0.0, 1.0])
    many = ConfidenceMap.fit(np.linspace(0, 1, 3_000), np.arange(3_000) % 2 == 0)
    assert len(many.raw) == 42


def test_tickets_of_one_confidence_keep_their_order() -> None:
    """So that the same tickets give the same map: of 80 tickets of confidence 0.5 the last 30 were right."""
    raw = np.tile([0.5, 0.4, 0.5], 40)
    right = (raw == 0.5) & ((raw == 0.5).cumsum() > 50)
    fitted = ConfidenceMap.fit(raw, right)
    assert fitted.calibrated == pytest.approx([1.6 / 34, 1.6 / 34, 5.6 / 3 / 34, 2 / 34, 32 / 34, 33 / 34])


@pytest.mark.parametrize(("raw", "right"), [(1.0 + 1e-6, True), (-1e-6, False)])
def test_a_rounding_error_leads_no_confidence_beyond_its_bounds(raw: float, right: bool) -> None:
    fitted = ConfidenceMap.fit(np.full(60, raw), np.full(60, right))
    assert fitted.calibrated.min() >= 0 and fitted.calibrated.max() <= 1


def test_a_score_becomes_a_probability_between_bounds() -> None:
    """Beyond 30 nothing changes any more: no probability is 0 or 1, and nothing overflows."""
    assert logistic(np.array([0.0, np.log(3.0), -np.log(3.0)])) == pytest.approx([0.5, 0.75, 0.25], abs=1e-12)
    bounds = 1 / (1 + np.exp([30.0, -30.0]))
    assert logistic(np.array([-30.0, 30.0])).tolist() == bounds.tolist()
    assert logistic(np.array([-30.5, 30.5])).tolist() == bounds.tolist()
    assert logistic(np.array([-1e9, 1e9])).tolist() == bounds.tolist()


def test_a_confidence_is_read_off_the_line_and_keeps_a_hundredth_of_its_own() -> None:
    line = ConfidenceMap(np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.4, 0.9]))
    assert line(np.array([0.0, 0.25, 0.5, 1.0])) == pytest.approx([0.198, 0.2995, 0.401, 0.901])


def test_a_temperature_stays_between_its_bounds() -> None:
    scores = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    assert fitted_temperature(scores, np.array([0, 1] * 10)) == pytest.approx(0.05, rel=1e-3)
    assert fitted_temperature(scores, np.array([1, 0] * 10)) == pytest.approx(20.0, rel=1e-3)
    # Three of four right: the odds 3:1 are those of scores log(3) apart.
    assert fitted_temperature(scores, np.array([0, 1, 0, 0] * 5)) == pytest.approx(1 / np.log(3), rel=1e-3)


def test_a_bin_says_where_it_lies_and_what_came_true() -> None:
    raw, right = confidences((0.05, 2, 0), (0.55, 4, 3), (1.0, 1, 1))
    assert [vars(one) for one in reliability(raw, right)] == [
        {"low": 0.0, "high": 0.1, "tickets": 2, "mean_confidence": pytest.approx(0.05), "accuracy": 0.0},
        {"low": 0.5, "high": 0.6, "tickets": 4, "mean_confidence": pytest.approx(0.55), "accuracy": 0.75},
        {"low": 0.9, "high": 1.0, "tickets": 1, "mean_confidence": 1.0, "accuracy": 1.0},
    ]
    assert [(one.low, one.high) for one in reliability(raw, right, bins=2)] == [(0.0, 0.5), (0.5, 1.0)]


def test_the_error_of_calibration_is_over_fifteen_bins() -> None:
    # 0.61 and 0.65 lie in one of ten bins, and in two of fifteen: their errors do not cancel.
    raw, right = confidences((0.61, 10, 10), (0.68, 10, 2))
    assert expected_calibration_error(raw, right) == pytest.approx((0.39 + 0.48) / 2)
    assert expected_calibration_error(raw, right, bins=10) == pytest.approx(abs(0.645 - 0.6))
    # 8 / 15 lies between 0.53 and 0.54, and no sixteenth does.
    raw, right = confidences((0.53, 10, 10), (0.54, 10, 0))
    assert expected_calibration_error(raw, right) == pytest.approx((0.47 + 0.54) / 2)
    assert expected_calibration_error(np.array([]), np.array([], bool)) == 0.0
    assert expected_calibration_error(np.array([0.9]), np.array([False])) == pytest.approx(0.9)
