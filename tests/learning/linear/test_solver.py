from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from otai.learning.data.targets import clean_labels
from otai.learning.features.gram import gram
from otai.learning.features.kernel import kernel, nystroem_normalisation, project
from otai.learning.features.sketches import sketch_matrix
from otai.learning.features.text import TextFeatures
from otai.learning.linear import solver
from otai.learning.linear.solver import CURVATURE, FitTarget, fit
from otai.learning.linear.spaces import ProductBase, SketchBase, Space, sketched
from otai.learning.recipes import WORDS_ALONE, Candidate
from tests.learning.made_up import made_up_tickets

pytestmark = pytest.mark.pure


@pytest.fixture(scope="module")
def matrix() -> sparse.csr_matrix:
    return TextFeatures.fit(made_up_tickets(200).texts, min_tickets=1)[1]


def indicator_of(name: str) -> np.ndarray:
    column = clean_labels(made_up_tickets(200).attributes[name]).rows
    labels = sorted({label for row in column if row for label in row})
    return np.array([[label in (row or ()) for label in labels] for row in column], np.float32)


ALL = np.ones(200, np.bool_)


def no_vectors(matrix: sparse.csr_matrix) -> NDArray[np.float32]:
    return np.zeros((matrix.shape[0], 0), np.float32)


def product_space(matrix: sparse.csr_matrix) -> Space:
    return ProductBase(matrix, no_vectors(matrix)).space(WORDS_ALONE, curvature=CURVATURE)


def test_products_of_all_pairs_are_those_of_the_sparse_product(matrix: sparse.csr_matrix) -> None:
    np.testing.assert_allclose(gram(matrix), (matrix @ matrix.T).toarray(), atol=1e-4)


def test_products_of_many_columns_are_added_up_slice_by_slice(
    matrix: sparse.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.learning.features.gram.DENSE_SLICE", 7)
    np.testing.assert_allclose(gram(matrix), (matrix @ matrix.T).toarray(), atol=1e-4)


def test_enough_steps_reach_the_optimum_that_scikit_learn_finds(
    matrix: sparse.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver, "HINGE_SHARE", 0.0)
    monkeypatch.setattr(solver, "PRIOR_TRUST", 0.0)
    monkeypatch.setattr(solver, "LEAST_GAIN", 0.0)
    monkeypatch.setattr(solver, "MOST_STEPS", 400)
    y = indicator_of("queue")
    space = product_space(matrix)
    scores = fit(space, [FitTarget(y, ALL, is_multi=False)]).scores
    with_intercept = sparse.hstack([matrix, np.ones((200, 1))], format="csr")
    theirs = LogisticRegression(C=1 / WORDS_ALONE.penalty, fit_intercept=False, tol=1e-8, max_iter=2_000)
    theirs.fit(with_intercept, y.argmax(axis=1))
    ours = scores - scores.mean(axis=1, keepdims=True)
    their_scores = theirs.decision_function(with_intercept)
    np.testing.assert_allclose(ours, their_scores - their_scores.mean(axis=1, keepdims=True), atol=0.02)


def test_the_hinge_alone_reaches_the_optimum_of_a_support_vector_machine(
    matrix: sparse.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver, "HINGE_SHARE", 1.0)
    monkeypatch.setattr(solver, "PRIOR_TRUST", 0.0)
    monkeypatch.setattr(solver, "LEAST_GAIN", 0.0)
    monkeypatch.setattr(solver, "MOST_STEPS", 400)
    y = indicator_of("queue")
    scores = fit(product_space(matrix), [FitTarget(y, ALL, is_multi=False)]).scores
    with_intercept = sparse.hstack([matrix, np.ones((200, 1))], format="csr")
    theirs = LinearSVC(C=CURVATURE / (2 * WORDS_ALONE.penalty), fit_intercept=False, tol=1e-8, max_iter=20_000)
    theirs.fit(with_intercept, y.argmax(axis=1))
    np.testing.assert_allclose(scores / solver.HINGE_MARGIN, theirs.decision_function(with_intercept), atol=0.01)


def test_both_spaces_fit_nearly_the_same_model(matrix: sparse.csr_matrix) -> None:
    y = indicator_of("queue")
    exact = product_space(matrix)
    identity = sparse.identity(matrix.shape[1], dtype=np.float32, format="csr")
    wide = SketchBase(sketched([matrix], identity, no_vectors(matrix)), 0).space(WORDS_ALONE, curvature=CURVATURE)
    goal = FitTarget(y, ALL, is_multi=False)
    np.testing.assert_allclose(fit(wide, [goal]).scores, fit(exact, [goal]).scores, atol=2e-2)


def test_weights_score_as_the_models_they_come_from(matrix: sparse.csr_matrix) -> None:
    space = product_space(matrix)
    fitted = fit(space, [FitTarget(indicator_of("queue"), ALL, is_multi=False)])
    weights = space.weights(fitted.models)
    np.testing.assert_allclose(matrix @ weights.words + weights.intercepts, fitted.scores, atol=1e-3)
    np.testing.assert_allclose(space.scores(fitted.models), fitted.scores, atol=1e-3)


@pytest.mark.parametrize("candidate", [Candidate(0.0, 0.2), Candidate(4.0, 0.1)])
def test_words_and_vectors_are_weighed_alike_in_both_spaces(matrix: sparse.csr_matrix, candidate: Candidate) -> None:
    vectors = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32) / 3
    goal = FitTarget(indicator_of("queue"), ALL, is_multi=False)
    identity = sparse.identity(matrix.shape[1], dtype=np.float32, format="csr")
    found = []
    for base in (ProductBase(matrix, vectors), SketchBase(sketched([matrix], identity, vectors), 6)):
        space = base.space(candidate, curvature=CURVATURE)
        fitted = fit(space, [goal])
        weights = space.weights(fitted.models)
        by_weights = matrix @ weights.words + vectors @ weights.vectors + weights.intercepts
        np.testing.assert_allclose(by_weights, fitted.scores, atol=1e-3)
        assert bool(weights.vectors.any()) == (candidate.vectors > 0)
        found.append(by_weights)
    np.testing.assert_allclose(found[0], found[1], atol=2e-2)


def test_kernel_values_of_landmarks_give_what_those_of_all_tickets_give(matrix: sparse.csr_matrix) -> None:
    """All tickets as landmarks: the sketch's columns stand for the same products as the exact space's."""
    vectors = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
    places = project(vectors, np.eye(6, dtype=np.float32))
    goal = FitTarget(indicator_of("queue"), ALL, is_multi=False)
    identity = sparse.identity(matrix.shape[1], dtype=np.float32, format="csr")
    candidate = Candidate(4.0, 0.2, length_scale=0.6)
    exact = ProductBase(matrix, places).space(candidate, curvature=CURVATURE)
    columns = kernel(places, places, 0.6) @ nystroem_normalisation(places, 0.6)
    wide = SketchBase(sketched([matrix], identity, columns), columns.shape[1]).space(candidate, curvature=CURVATURE)
    found = []
    for space, vectors_of in ((exact, places), (wide, columns)):
        fitted = fit(space, [goal])
        weights = space.weights(fitted.models)
        by_weights = matrix @ weights.words + space.columns_of(vectors_of) @ weights.vectors + weights.intercepts
        np.testing.assert_allclose(by_weights, fitted.scores, atol=2e-3)
        found.append(by_weights)
    np.testing.assert_allclose(found[0], found[1], atol=3e-2)


def test_goals_do_not_disturb_each_other(matrix: sparse.csr_matrix) -> None:
    space = product_space(matrix)
    queue = FitTarget(indicator_of("queue"), ALL, is_multi=False)
    tags = FitTarget(indicator_of("tags"), ALL, is_multi=True)
    priority = FitTarget(indicator_of("priority"), ALL, is_multi=False)
    together = fit(space, [tags, queue, priority]).models
    alone = fit(space, [queue]).models
    start = tags.y.shape[1]
    np.testing.assert_allclose(together[:, start : start + alone.shape[1]], alone, atol=1e-3)


class CountingSpace:
    """Counts the steps of a space."""

    def __init__(self, space: Space) -> None:
        self.space, self.steps = space, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.space, name)

    def step(self, residuals: Any, models: Any) -> Any:
        self.steps += 1
        return self.space.step(residuals, models)


def test_models_that_begin_where_others_like_them_ended_need_fewer_steps(matrix: sparse.csr_matrix) -> None:
    space = CountingSpace(product_space(matrix))
    y = indicator_of("queue")
    fold = fit(cast(Space, space), [FitTarget(y, np.arange(200) % 5 > 0, is_multi=False)])
    goal = FitTarget(y, ALL, is_multi=False)
    space.steps = 0
    cold = fit(cast(Space, space), [goal])
    taken, space.steps = space.steps, 0
    warm = fit(cast(Space, space), [goal], begin_from=[fold])
    assert space.steps < taken
    agree = (cold.scores.argmax(axis=1) == warm.scores.argmax(axis=1)).mean()
    assert agree > 0.99 and np.abs(cold.scores - warm.scores).mean() < 0.1 * np.abs(cold.scores).mean()


def test_a_ticket_that_takes_no_part_changes_nothing(matrix: sparse.csr_matrix) -> None:
    space = product_space(matrix)
    y = indicator_of("queue")
    some = np.arange(200) % 3 > 0
    scrambled = y.copy()
    scrambled[~some] = np.roll(y[~some], 1, axis=1)
    first = fit(space, [FitTarget(y, some, is_multi=False)])
    second = fit(space, [FitTarget(scrambled, some, is_multi=False)])
    assert np.array_equal(first.models, second.models)


def test_every_step_is_counted_even_when_fewer_are_taken(matrix: sparse.csr_matrix) -> None:
    counted = []
    fit(
        product_space(matrix),
        [FitTarget(indicator_of("queue"), ALL, is_multi=False)],
        step_done=lambda: counted.append(1),
    )
    assert len(counted) == solver.MOST_STEPS


def test_the_sketch_of_a_feature_depends_on_its_hash_alone() -> None:
    hashes = np.array([5, 2**63 + 1, 77], np.uint64)
    together, alone = sketch_matrix(hashes, 64), sketch_matrix(hashes[1:2], 64)
    assert (together[1] != alone[0]).nnz == 0
    assert abs(together).sum() == 3
