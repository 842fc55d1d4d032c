"""A promise of precision holds on tickets that come later, and where too little is known none is made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from otai.learning.evidence.evaluation import more_tickets_for, thresholds_for
from otai.learning.evidence.risk_control import _chance_of_missing, _fewest, more_predictions, promise

pytestmark = pytest.mark.pure


def model_of(chance: np.random.Generator, tickets: int, *, shape: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """A calibrated model: right as often as its confidence says."""
    confidence = chance.beta(shape, 1.0, tickets)
    return confidence, chance.random(tickets) < confidence


@pytest.mark.parametrize("target", [0.9, 0.95])
@pytest.mark.parametrize("tickets", [300, 1_000, 3_000])
def test_what_is_promised_holds_on_as_many_tickets_again(target: float, tickets: int) -> None:
    """The loosest threshold that happened to be right missed it on every second set of tickets."""
    chance = np.random.default_rng(tickets)
    missed = rounds = 300
    for _ in range(rounds):
        confidence, right = model_of(chance, tickets)
        promised = promise(confidence, right, target=target, assurance=0.9)
        later, later_right = model_of(chance, tickets)
        above = later >= promised.confidence if promised.confidence is not None else np.zeros(tickets, bool)
        missed -= not above.any() or bool(later_right[above].mean() >= target)
    assert missed <= stats.binom.ppf(0.999, rounds, 0.1)


def test_a_promise_costs_little_where_there_are_many_tickets() -> None:
    confidence, right = model_of(np.random.default_rng(1), 50_000)
    taken = promise(confidence, right, target=0.9).taken / 50_000
    best = max(
        share
        for share in np.linspace(0, 1, 1_001)[1:]
        if right[confidence >= np.quantile(confidence, 1 - share)].mean() >= 0.9
    )
    assert best - 0.05 < taken < best


@pytest.mark.parametrize(
    ("target", "alpha", "fewest"),
    [(0.95, 0.10, 60), (0.95, 0.05, 80), (0.90, 0.10, 30), (0.90, 0.05, 40), (0.99, 0.05, 400)],
)
def test_so_many_right_predictions_it_takes_at_least(target: float, alpha: float, fewest: int) -> None:
    found = _fewest(target, alpha)
    assert fewest <= found <= fewest + 3
    assert _chance_of_missing(0, found, target) <= alpha < _chance_of_missing(0, fewest - 1, target)


def test_the_chance_of_missing_is_that_of_further_tickets() -> None:
    # One ticket, right: the next one is wrong half the time, under the prior that has no opinion.
    assert _chance_of_missing(0, 1, 0.95) == pytest.approx(0.5)
    assert _chance_of_missing(1, 1, 0.95) == 1.0
    # 100 right, 5 may be wrong: the chance that 6 or more of the next 100 are (each halves it, a little less).
    assert _chance_of_missing(0, 100, 0.95) == pytest.approx(float(stats.betabinom.sf(5, 100, 1, 100)))
    assert _chance_of_missing(5, 100, 0.95) == pytest.approx(0.5)


@pytest.mark.parametrize("right", [[], [True] * 10, [False] * 500])
def test_nothing_is_promised_where_nothing_can_be(right: list[bool]) -> None:
    confidence = np.linspace(0.2, 0.9, len(right))
    assert promise(confidence, np.array(right, bool), target=0.95).confidence is None


def test_a_threshold_takes_all_tickets_of_equal_confidence() -> None:
    confidence = np.array([0.9] * 100 + [0.5] * 100)
    right = np.array([True] * 100 + [False] * 100)
    assert promise(confidence, right, target=0.95).confidence == 0.9
    assert promise(confidence, right[::-1], target=0.95).confidence is None


def test_equal_confidence_of_all_is_all_or_nothing() -> None:
    confidence = np.full(200, 0.97)
    assert promise(confidence, np.ones(200, bool), target=0.95).taken == 200
    assert promise(confidence, np.arange(200) % 4 > 0, target=0.95).taken == 0


def test_what_is_not_promised_yet_says_how_many_more_tickets_it_takes() -> None:
    """97 of 100 right, but on 50 tickets only: luck could be that good."""
    right = np.ones(50, bool)
    confidence = np.linspace(0.6, 0.99, 50)
    assert promise(confidence, right, target=0.95).confidence is None
    more = more_predictions(confidence, right, target=0.95)
    assert more is not None
    again = np.concatenate([right] * 8)[: 50 + more]
    assert promise(np.linspace(0.6, 0.99, len(again)), again, target=0.95).confidence is not None
    # A model that guesses gets no better by more tickets.
    assert more_predictions(confidence, np.arange(50) % 2 == 0, target=0.95) is None


def test_the_forecast_comes_true() -> None:
    chance = np.random.default_rng(7)
    kept = forecasts = 0
    while forecasts < 40:
        confidence, right = model_of(chance, 120, shape=8.0)
        if promise(confidence, right, target=0.95).confidence is not None:
            continue
        more = more_predictions(confidence, right, target=0.95)
        if more is None:
            continue
        forecasts += 1
        kept += promise(*model_of(chance, 120 + more, shape=8.0), target=0.95).confidence is not None
    # It is about so many: with luck fewer do, and without more than that.
    assert kept >= 10


@pytest.mark.parametrize(
    ("times", "looked_at", "labelled", "wanted", "more"),
    [
        # All five folds are looked at, and will be.
        (2.0, 500, 500, 2_000, 500),
        (1.2, 2_000, 2_000, 2_000, 400),
        # Of 4,000, three of five folds are looked at, and of 4,800.
        (1.2, 2_400, 4_000, 2_000, 800),
        # One fold of five: each ticket more to look at is five to label.
        (1.5, 2_000, 10_000, 2_000, 5_000),
    ],
)
def test_tickets_to_label_for_tickets_to_look_at(
    times: float, looked_at: int, labelled: int, wanted: int, more: int
) -> None:
    assert more_tickets_for(times, looked_at=looked_at, labelled=labelled, wanted=wanted) == more


def test_thresholds_say_at_which_assurance_and_what_they_gave() -> None:
    confidence, right = model_of(np.random.default_rng(3), 2_000, shape=9.0)
    at_90, at_95, at_99 = thresholds_for(confidence, right, of=2_000)
    assert at_90.confidence < at_95.confidence
    assert at_90.coverage > at_95.coverage > 0
    assert (at_90.assurance, at_99.target_precision) == (0.9, 0.99)
    assert at_95.precision == pytest.approx(right[confidence >= at_95.confidence].mean())
    stricter = thresholds_for(confidence, right, of=2_000, assurance=0.99)[1]
    assert stricter.confidence is None or stricter.confidence > at_95.confidence
