"""Who is listened to: a network only where tickets it had not seen say so."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.finetuning.ensemble_weights import best_weights, surely_better

pytestmark = pytest.mark.pure

CHANCE = np.random.default_rng(1)
TICKETS, LABELS = 800, 5


def truth(*, multi: bool = False) -> np.ndarray:
    if multi:
        return (CHANCE.random((TICKETS, LABELS)) < 0.3).astype(np.float32)
    return np.eye(LABELS, dtype=np.float32)[CHANCE.integers(0, LABELS, TICKETS)]


def scores_of(y: np.ndarray, *, signal: float) -> np.ndarray:
    return signal * (y - 0.5) + CHANCE.normal(size=y.shape)


@pytest.mark.parametrize("multi", [False, True])
def test_a_network_that_knows_what_business_does_not_is_listened_to(multi: bool) -> None:
    y = truth(multi=multi)
    business, network = scores_of(y, signal=2.0), scores_of(y, signal=2.0)
    chosen = best_weights(business, [network], y, multi=multi)
    assert chosen.networks[0] == pytest.approx(chosen.business, rel=0.3)
    assert chosen.gain > 0.03 and chosen.low > 0
    if not multi:
        together = chosen.scores(business, [network])
        assert (together.argmax(axis=1) == y.argmax(axis=1)).mean() > (
            business.argmax(axis=1) == y.argmax(axis=1)
        ).mean() + 0.03


@pytest.mark.parametrize("multi", [False, True])
def test_a_network_of_noise_is_not_listened_to_and_business_keeps_every_digit(multi: bool) -> None:
    y = truth(multi=multi)
    business = scores_of(y, signal=2.0)
    chosen = best_weights(business, [CHANCE.normal(size=y.shape)], y, multi=multi)
    assert chosen.is_business_alone
    assert chosen.scores(business, [CHANCE.normal(size=y.shape)]) is business


def test_an_echo_of_business_is_not_worth_a_network() -> None:
    y = truth()
    business = scores_of(y, signal=2.0)
    assert best_weights(business, [1.5 * business], y, multi=False).gain == pytest.approx(0.0, abs=0.002)


def test_of_two_networks_the_useless_one_is_left_behind() -> None:
    y = truth()
    business, good = scores_of(y, signal=2.0), scores_of(y, signal=2.5)
    chosen = best_weights(business, [0.01 * CHANCE.normal(size=y.shape), good], y, multi=False)
    assert chosen.networks[0] == 0.0 and chosen.networks[1] > 0


def test_a_network_that_only_makes_right_answers_likelier_is_not_listened_to() -> None:
    y = truth()
    business = scores_of(y, signal=2.0)
    is_right = (business.argmax(axis=1) == y.argmax(axis=1))[:, None]
    assert best_weights(business, [2.0 * y * is_right], y, multi=False).is_business_alone


@pytest.mark.parametrize(
    ("accuracy", "macro_f1", "joins"),
    [(0.02, 0.02, True), (0.002, 0.002, False), (0.06, -0.01, False), (-0.002, 0.05, True)],
)
def test_answers_have_to_be_surely_better_and_neither_figure_pays_for_the_other(
    accuracy: float, macro_f1: float, joins: bool
) -> None:
    chance = np.random.default_rng(4).normal(scale=0.01, size=(2, 400))
    chance -= chance.mean(axis=1, keepdims=True)
    gains = np.array([[accuracy], [macro_f1]]) + np.hstack([np.zeros((2, 1)), chance])
    assert surely_better(gains) is joins


def test_too_few_tickets_change_nothing() -> None:
    assert best_weights(
        np.zeros((1, 3)), [np.ones((1, 3))], np.eye(3, dtype=np.float32)[:1], multi=False
    ).is_business_alone


def test_a_network_of_larger_scores_gets_a_smaller_weight() -> None:
    y = truth()
    business, network = scores_of(y, signal=2.0), scores_of(y, signal=2.0)
    quiet, effective = (best_weights(business, [factor * network], y, multi=False) for factor in (1.0, 10.0))
    assert effective.networks[0] == pytest.approx(quiet.networks[0] / 10, rel=0.05)
