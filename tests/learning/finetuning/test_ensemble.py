"""Business's scores and the networks' made one: nothing changes where nothing is gained, and labels agree only where
that costs little."""

from __future__ import annotations

import numpy as np
import pytest

from otai.learning.data.targets import AttributeTarget
from otai.learning.features.embeddings import EncoderUsed
from otai.learning.finetuning.ensemble import Ensembled, ensembled
from otai.learning.finetuning.finetuned import FineTunedNetwork
from otai.learning.finetuning.learnt import FineTuned
from otai.learning.linear.cross_fitting import OutOfFold
from otai.learning.recipes import Tuning
from tests.learning.finetuning.test_hierarchy import PARENT_OF, helpdesk

pytestmark = pytest.mark.pure

TICKETS, HELD = 600, np.arange(300)
CHANCE = np.random.default_rng(2)


def scores_of(target: AttributeTarget, *, signal: float) -> np.ndarray:
    return (signal * target.y + CHANCE.normal(size=target.y.shape)).astype(np.float32)


def join(
    category_signal: float, sub_signal: float, *, network_signal: float | None = None
) -> tuple[list[AttributeTarget], Ensembled]:
    targets = list(helpdesk(TICKETS))
    scores = [scores_of(targets[0], signal=category_signal), scores_of(targets[1], signal=sub_signal)]
    fine_tuned = []
    if network_signal is not None:
        said = np.concatenate([scores_of(one, signal=network_signal) for one in targets], axis=1)
        arrays = {"head.weight": np.zeros((8, 4), np.float16), "head.bias": np.zeros(8, np.float16)}
        network = FineTunedNetwork(EncoderUsed("tiny", "1", "f", 4), 1, 32, arrays, ())
        configuration = Tuning(epochs=1, rate=1e-4)
        fine_tuned.append(
            FineTuned(network, HELD, said[HELD], said, configuration, [(configuration, 0.1), (configuration, 0.2)])
        )
    return targets, joined(targets, scores, fine_tuned)


def joined(targets: list[AttributeTarget], scores: list[np.ndarray], fine_tuned: list[FineTuned]) -> Ensembled:
    beside = [OutOfFold(HELD, one[HELD]) for one in scores]
    business = [(OutOfFold(np.arange(TICKETS), one), one) for one in scores]
    return ensembled(fine_tuned, targets, np.arange(TICKETS), business, beside, agrees=True)


def right(targets: list[AttributeTarget], scores: list[np.ndarray]) -> list[float]:
    rest = slice(len(HELD), None)
    return [
        float((one[rest].argmax(axis=1) == target.y[rest].argmax(axis=1)).mean())
        for target, one in zip(targets, scores, strict=True)
    ]


def test_two_levels_that_know_different_things_agree_and_are_right_more_often() -> None:
    targets, found = join(3.0, 3.0)
    assert found.hierarchy is not None and [one.code for one in found.findings] == ["hierarchy"]
    parents, children = (one.argmax(axis=1) for one in found.holdout)
    np.testing.assert_array_equal(np.asarray(PARENT_OF)[children], parents)
    alone = right(targets, [scores_of(one, signal=3.0) for one in targets])
    assert sum(right(targets, found.holdout)) > sum(alone) + 0.02


def test_where_agreeing_costs_too_much_each_level_goes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otai.learning.finetuning.ensemble.MOST_COST_OF_AGREEING", -1.0)
    _, found = join(3.0, 3.0)
    assert found.hierarchy is None and [one.code for one in found.findings] == ["hierarchy_left_free"]
    assert set(found.findings[0].values) == {"share", "parent", "cost"}


def test_a_network_that_knows_something_is_listened_to_and_the_card_says_by_how_much() -> None:
    targets, found = join(2.0, 2.0, network_signal=3.0)
    assert found.ensemble is not None and all(weight > 0 for weight in found.ensemble.networks[0].weights)
    codes = [one.code for one in found.findings]
    assert codes.count("fine_tuning_gained") == 2 and "way_of_learning" in codes
    before = right(targets, [scores_of(one, signal=2.0) for one in targets])
    assert all(now > then + 0.1 for now, then in zip(right(targets, found.holdout), before, strict=True))


def test_a_network_of_noise_is_left_out_of_the_model() -> None:
    _, found = join(3.0, 3.0, network_signal=0.0)
    assert found.ensemble is None
    assert [one.code for one in found.findings].count("business_is_enough") == 2


def test_only_tickets_in_which_an_attribute_is_known_calibrate_it() -> None:
    targets = list(helpdesk(TICKETS))
    targets[0].known[:100] = False
    scores = [scores_of(one, signal=3.0) for one in targets]
    found = joined(targets, scores, [])
    assert [len(one.rows) for one in found.out_of_fold] == [200, 300]
