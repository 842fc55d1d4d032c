"""Labels under labels: found only where they are real, and predicted so that child and parent agree."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.targets import AttributeTarget
from otai.learning.finetuning.found_hierarchies import found_below
from otai.learning.finetuning.hierarchy import ChildAttribute, Hierarchy

pytestmark = pytest.mark.pure

PARENT_OF = (0, 0, 1, 1, 2)
CHANCE = np.random.default_rng(0)


def target(name: str, codes: np.ndarray, *, unknown: np.ndarray | None = None) -> AttributeTarget:
    labels = tuple(f"{name} {number}" for number in range(int(codes.max()) + 1))
    y = np.eye(len(labels), dtype=np.float32)[codes]
    known = np.ones(len(codes), np.bool_) if unknown is None else ~unknown
    return AttributeTarget(AttributeSpec(name), labels, y * known[:, None], known, {}, [])


def helpdesk(tickets: int = 400, *, mistakes: int = 0) -> tuple[AttributeTarget, AttributeTarget]:
    children = CHANCE.integers(0, len(PARENT_OF), tickets)
    parents = np.asarray(PARENT_OF)[children]
    parents[:mistakes] = (parents[:mistakes] + 1) % 3
    return target("category", parents), target("sub_category", children)


def found(*targets: AttributeTarget) -> tuple[ChildAttribute, ...]:
    return found_below(targets, np.arange(len(targets[0].known)))


def test_a_sub_category_is_found_below_its_category() -> None:
    [below] = found(*helpdesk())
    assert (below.child, below.parent, below.parent_of, below.purity) == (1, 0, PARENT_OF, 1.0)


def test_a_few_tickets_filed_wrongly_do_not_hide_a_hierarchy_and_many_do() -> None:
    assert [one.parent_of for one in found(*helpdesk(mistakes=5))] == [PARENT_OF]
    assert found(*helpdesk(mistakes=40)) == ()


def test_an_attribute_that_is_nearly_always_the_same_is_nobodys_parent() -> None:
    codes = CHANCE.integers(0, 6, 500)
    rare = (np.arange(500) % 100 == 0).astype(int)
    assert found(target("urgent", rare), target("queue", codes)) == ()


def test_independent_attributes_are_no_hierarchy() -> None:
    assert found(target("team", CHANCE.integers(0, 3, 500)), target("product", CHANCE.integers(0, 9, 500))) == ()


def test_of_two_levels_above_the_nearer_one_is_the_parent() -> None:
    leaves = CHANCE.integers(0, 12, 600)
    middle, top = leaves // 2, leaves // 6
    found_here = found(target("top", top), target("middle", middle), target("leaf", leaves))
    assert {(one.child, one.parent) for one in found_here} == {(1, 0), (2, 1)}


def test_tickets_of_which_one_level_is_unknown_do_not_count() -> None:
    category, sub = helpdesk()
    unknown = np.arange(400) % 2 == 0
    gaps = target("category", category.y.argmax(axis=1), unknown=unknown)
    assert [one.purity for one in found(gaps, sub)] == [1.0]


def test_predictions_of_two_levels_are_the_pair_with_the_largest_product() -> None:
    hierarchy = Hierarchy((ChildAttribute(1, 0, PARENT_OF, 1.0),), {0: 0.7, 1: 1.3})
    scores = [CHANCE.normal(size=(200, 3)) * 2, CHANCE.normal(size=(200, 5)) * 2]
    parents, children = hierarchy.scores(scores)
    logs = [
        one / t - np.log(np.exp(one / t).sum(axis=1, keepdims=True)) for one, t in zip(scores, (0.7, 1.3), strict=True)
    ]
    for ticket in range(200):
        best = max(range(5), key=lambda child: logs[1][ticket, child] + logs[0][ticket, PARENT_OF[child]])
        assert (parents[ticket].argmax(), children[ticket].argmax()) == (PARENT_OF[best], best)
        np.testing.assert_allclose(
            children[ticket], [logs[1][ticket, c] + logs[0][ticket, PARENT_OF[c]] for c in range(5)]
        )
    before = np.asarray(PARENT_OF)[scores[1].argmax(axis=1)] == scores[0].argmax(axis=1)
    assert before.mean() < 0.7


def test_three_levels_and_two_children_of_one_parent_agree_all_together() -> None:
    # 0: top (2), 1: middle (4) below top, 2: leaf (8) below middle, 3: another child (3) of top; 4 is outside.
    middle_of, leaf_of, other_of = (0, 0, 1, 1), (0, 0, 1, 1, 2, 2, 3, 3), (0, 1, 1)
    below = (
        ChildAttribute(1, 0, middle_of, 1.0),
        ChildAttribute(2, 1, leaf_of, 1.0),
        ChildAttribute(3, 0, other_of, 1.0),
    )
    hierarchy = Hierarchy(below, dict.fromkeys(range(4), 1.0))
    scores = [CHANCE.normal(size=(60, labels)) for labels in (2, 4, 8, 3, 5)]
    top, middle, leaf, other, outside = hierarchy.scores(scores)
    np.testing.assert_array_equal(outside, scores[4])
    logs = [one - np.log(np.exp(one).sum(axis=1, keepdims=True)) for one in scores[:4]]
    for ticket in range(60):
        pairs = [(a, b) for a, b in itertools.product(range(8), range(3)) if middle_of[leaf_of[a]] == other_of[b]]
        utilities = {
            (a, b): logs[2][ticket, a] + logs[1][ticket, leaf_of[a]] + logs[0][ticket, other_of[b]] + logs[3][ticket, b]
            for a, b in pairs
        }
        a, b = max(utilities, key=lambda pair: utilities[pair])
        assert (leaf[ticket].argmax(), other[ticket].argmax()) == (a, b)
        assert (middle[ticket].argmax(), top[ticket].argmax()) == (leaf_of[a], middle_of[leaf_of[a]])


def test_a_category_without_a_learnt_sub_category_can_still_be_predicted() -> None:
    hierarchy = Hierarchy((ChildAttribute(1, 0, (0, 0), 1.0),), {0: 1.0, 1: 1.0})
    parents, children = hierarchy.scores([np.array([[0.0, 9.0]]), np.array([[1.0, 0.0]])])
    assert parents.argmax() == 1 and children.argmax() == 0


def test_it_survives_the_bundles_manifest() -> None:
    hierarchy = Hierarchy((ChildAttribute(1, 0, PARENT_OF, 0.99),), {0: 0.7, 1: 1.3})
    assert Hierarchy.from_manifest(json.loads(json.dumps(hierarchy.manifest()))) == hierarchy
    assert Hierarchy.from_manifest(None) is None
