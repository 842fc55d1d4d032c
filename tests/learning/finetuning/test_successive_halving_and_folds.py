"""Configurations are halved by what they reach; folds are shared by all models of a training."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.targets import AttributeTarget
from otai.learning.finetuning.folds import shared_folds
from otai.learning.finetuning.successive_halving import HalvingRound, rounds, successive_halving
from otai.learning.recipes import Tuning

pytestmark = pytest.mark.pure

CONFIGURATIONS = tuple(Tuning(epochs=1, rate=rate) for rate in (1e-5, 1e-4, 1e-3, 1e-2))


def test_each_round_keeps_the_better_half_and_gives_it_more_tickets() -> None:
    asked = []

    def loss(configuration: Tuning, tickets: int, number: int) -> float:
        asked.append((configuration.rate, tickets, number))
        return abs(np.log10(configuration.rate) + 3.2)

    best, seen = successive_halving(CONFIGURATIONS, 10_000, loss)
    assert best.rate == 1e-3
    assert asked == [
        (1e-5, 1000, 0),
        (1e-4, 1000, 0),
        (1e-3, 1000, 0),
        (1e-2, 1000, 0),
        (1e-4, 2000, 1),
        (1e-3, 2000, 1),
    ]
    assert [configuration.rate for configuration, _ in seen] == [configuration.rate for configuration in CONFIGURATIONS]


def test_nothing_to_choose_costs_nothing() -> None:
    assert rounds(1, 10_000) == []
    assert rounds(4, 300) == [HalvingRound(4, 300), HalvingRound(2, 300)]
    assert successive_halving(CONFIGURATIONS[:1], 500, lambda *_: pytest.fail("tried"))[0] == CONFIGURATIONS[0]


def test_of_equal_configurations_the_first_of_the_recipe_wins() -> None:
    assert successive_halving(CONFIGURATIONS, 10_000, lambda *_: 1.0)[0] == CONFIGURATIONS[0]


def target(codes: np.ndarray, labels: int) -> AttributeTarget:
    y = np.eye(labels, dtype=np.float32)[codes]
    return AttributeTarget(
        AttributeSpec("queue"), tuple(map(str, range(labels))), y, np.ones(len(codes), np.bool_), {}, []
    )


def test_folds_hold_every_label_and_no_more_tickets_than_are_wanted() -> None:
    codes = np.repeat(np.arange(20), [200] * 5 + [10] * 15)
    train = np.arange(len(codes))
    folds = shared_folds([target(codes, 20)], train, train, tickets_wanted=200)
    assert set(folds) == {-1, 0} and abs((folds == 0).sum() - len(codes) / 5) < 5
    assert all(1 <= (folds[codes == label] == 0).sum() <= 0.3 * (codes == label).sum() for label in range(20))
    assert set(shared_folds([target(codes, 20)], train, train, tickets_wanted=len(codes))) == set(range(5))


def test_tickets_of_one_text_share_a_fold() -> None:
    codes = np.arange(300) % 4
    same_text = np.arange(300) // 3
    folds = shared_folds([target(codes, 4)], np.arange(300), same_text, tickets_wanted=300)
    assert all(len(set(folds[same_text == text])) == 1 for text in range(100))
