"""Quality at several sizes, and the honest forecast of what more tickets would bring."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.targets import AttributeTarget, attribute_target, clean_labels
from otai.learning.evidence.learning_curve import fit_laws, learning_curve
from otai.learning.evidence.report_card import LearningCurve
from otai.learning.linear.subset_models import SubsetDecision
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets

pytestmark = pytest.mark.pure

SIZES = (500, 1_000, 2_000, 4_000)


def target(holdout: int = 2_000) -> AttributeTarget:
    labels = [f"queue {number % 10}" for number in range(holdout)]
    return attribute_target(AttributeSpec("queue"), clean_labels(labels), np.arange(holdout), fewest_tickets=1)


def decisions(of: AttributeTarget, tickets: int, accuracy: float, *, seed: int) -> SubsetDecision:
    """A model of so many tickets that is right so often; the harder tickets are the same ones for all models."""
    chance = np.random.default_rng(7)
    rows = len(of.y)
    wrong = chance.random(rows) + 0.02 * np.random.default_rng(seed).standard_normal(rows) > accuracy
    decided = of.y > 0
    decided[wrong] = np.roll(decided[wrong], 1, axis=1)
    return SubsetDecision(tickets, decided)


def curve_of(law: tuple[float, float, float], *, holdout: int = 2_000, seed: int = 0) -> LearningCurve:
    a, b, c = law
    of = target(holdout)
    parts = [
        decisions(of, size, a - b * (size / 4_000) ** -c, seed=seed * 100 + size + again)
        for size in SIZES
        for again in range(1 if size == SIZES[-1] else 2)
    ]
    return learning_curve(of, np.arange(holdout), parts, seed=seed)


def test_a_power_law_is_found_again() -> None:
    sizes = np.array(SIZES, float)
    values = 0.95 - 0.1 * (sizes / 4_000) ** -0.5
    laws = fit_laws(sizes, values[None, :], np.ones(4))
    assert (laws.a[0], laws.b[0], laws.c[0]) == pytest.approx((0.95, 0.1, 0.5), abs=1e-6)
    assert laws.at(8_000)[0] == pytest.approx(0.95 - 0.1 * 2**-0.5)


def test_a_law_never_promises_more_than_everything_right_nor_a_loss() -> None:
    sizes = np.array(SIZES, float)
    steep, falling = np.array([0.2, 0.5, 0.8, 0.99]), np.array([0.9, 0.89, 0.88, 0.87])
    laws = fit_laws(sizes, np.stack([steep, falling]), np.ones(4))
    assert np.all(laws.a <= 1) and np.all(laws.b >= 0)
    assert laws.at(100_000)[0] <= 1
    assert laws.at(8_000)[1] == pytest.approx(laws.at(4_000)[1])


@pytest.mark.parametrize("law", [(0.95, 0.1, 0.5), (0.85, 0.05, 0.3), (0.75, 0.0, 0.5)])
def test_the_interval_holds_the_truth_in_nearly_all_stories(law: tuple[float, float, float]) -> None:
    held = []
    for seed in range(12):
        forecast = curve_of(law, seed=seed).forecasts[0]
        assert forecast.more_tickets == 500
        truth = law[1] * (1 - (4_500 / 4_000) ** -law[2])
        # A tenth of a point is below what 2 000 tickets can show.
        held.append(forecast.accuracy.low - 0.001 <= truth <= forecast.accuracy.high + 0.001)
    assert np.mean(held) >= 0.8


def test_few_measured_tickets_give_no_forecast_but_a_reason() -> None:
    curve = curve_of((0.95, 0.1, 0.5), holdout=40)
    assert not curve.forecasts and curve.unknown == {"code": "curve_tickets_few", "values": {"tickets": 40}}


def test_a_wide_interval_is_called_unknown() -> None:
    of = target(60)
    parts = [
        decisions(of, size, accuracy, seed=size) for size, accuracy in ((40, 0.2), (41, 0.4), (80, 0.5), (160, 0.6))
    ]
    curve = learning_curve(of, np.arange(60), parts, seed=0)
    assert not curve.forecasts and isinstance(curve.unknown, dict)
    assert curve.unknown["code"] == "curve_laws_differ" and curve.unknown["values"]["sizes"] == 3
    assert len(curve.points) == 3


def test_without_a_second_model_of_any_size_nobody_knows_how_much_is_chance() -> None:
    of = target(60)
    parts = [decisions(of, size, accuracy, seed=size) for size, accuracy in ((40, 0.2), (80, 0.5), (160, 0.6))]
    curve = learning_curve(of, np.arange(60), parts, seed=0)
    assert not curve.forecasts and curve.unknown == {"code": "curve_models_few", "values": {}}


def test_a_training_measures_all_attributes_at_four_sizes() -> None:
    card = train(made_up_tickets(400), [QUEUE, PRIORITY, TAGS], recipe_for("basic")).report_card
    for report in card.attributes:
        curve = report.learning_curve
        assert curve is not None and [point.models for point in curve.points] == [3, 2, 2, 1]
        assert all(2 * few.tickets == pytest.approx(many.tickets, rel=0.15) for few, many in pairwise(curve.points))
        whole = curve.points[-1]
        assert whole.tickets == report.train_tickets
        assert whole.accuracy.value == pytest.approx(report.accuracy.value)
        assert whole.macro_f1.value == pytest.approx(report.macro_f1.value)
        assert curve.points[0].accuracy.value <= whole.accuracy.value + 0.03


def test_tickets_without_a_label_do_not_count_as_learnt() -> None:
    card = train(made_up_tickets(800, unlabelled=0.5), [QUEUE, PRIORITY], recipe_for("basic")).report_card
    queue, priority = (card.attribute(name).learning_curve for name in ("queue", "priority"))
    assert queue is not None and priority is not None
    assert queue.points[-1].tickets < 0.7 * priority.points[-1].tickets


def test_too_few_tickets_to_part_have_no_curve() -> None:
    curve = train(made_up_tickets(60), [PRIORITY], recipe_for("basic")).report_card.attributes[0].learning_curve
    assert curve is None or not curve.forecasts
