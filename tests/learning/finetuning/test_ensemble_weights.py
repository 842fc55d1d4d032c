"""Who is listened to: a network only where tickets it had not seen say so."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.finetuning.ensemble_weights import combined

pytestmark = pytest.mark.pure

CHANCE = np.random.default_rng(1)
TICKETS, LABELS = 800, 5


def truth(*, multi: bool = False) -> np.ndarray:
    if multi:
        return (CHANCE.random((TICKETS, LABELS)) < 0.3).astype(np.float32)
    return np.eye(LABELS, dtype=np.float32)[CHANCE.integers(0, LABELS, TICKETS)]


def scores_of(hot: np.ndarray, *, signal: float) -> np.ndarray:
    return signal * (hot - 0.5) + CHANCE.normal(size=hot.shape)


@pytest.mark.parametrize("multi", [False, True])
def test_a_network_that_knows_what_business_does_not_is_listened_to(multi: bool) -> None:
    hot = truth(multi=multi)
    business, network = scores_of(hot, signal=2.0), scores_of(hot, signal=2.0)
    chosen = combined(business, [network], hot, multi=multi)
    assert chosen.networks[0] == pytest.approx(chosen.business, rel=0.3)
    assert chosen.gain > 0.03 and chosen.low > 0
    if not multi:
        together = chosen.scores(business, [network])
        assert (together.argmax(axis=1) == hot.argmax(axis=1)).mean() > (
            business.argmax(axis=1) == hot.argmax(axis=1)
        ).mean() + 0.03


@pytest.mark.parametrize("multi", [False, True])
def test_a_network_of_noise_is_not_listened_to_and_business_keeps_every_digit(multi: bool) -> None:
    hot = truth(multi=multi)
    business = scores_of(hot, signal=2.0)
    chosen = combined(business, [CHANCE.normal(size=hot.shape)], hot, multi=multi)
    assert chosen.is_business_alone
    assert chosen.scores(business, [CHANCE.normal(size=hot.shape)]) is business


def test_an_echo_of_business_is_not_worth_a_network() -> None:
    hot = truth()
    business = scores_of(hot, signal=2.0)
    assert combined(business, [1.5 * business], hot, multi=False).gain == pytest.approx(0.0, abs=0.002)


def test_of_two_networks_the_useless_one_is_left_behind() -> None:
    hot = truth()
    business, good = scores_of(hot, signal=2.0), scores_of(hot, signal=2.5)
    chosen = combined(business, [0.01 * CHANCE.normal(size=hot.shape), good], hot, multi=False)
    assert chosen.networks[0] == 0.0 and chosen.networks[1] > 0


def test_too_few_tickets_change_nothing() -> None:
    assert combined(np.zeros((1, 3)), [np.ones((1, 3))], np.eye(3, dtype=np.float32)[:1], multi=False).is_business_alone


def test_a_louder_network_gets_a_smaller_weight() -> None:
    hot = truth()
    business, network = scores_of(hot, signal=2.0), scores_of(hot, signal=2.0)
    quiet, loud = (combined(business, [factor * network], hot, multi=False) for factor in (1.0, 10.0))
    assert loud.networks[0] == pytest.approx(quiet.networks[0] / 10, rel=0.05)
