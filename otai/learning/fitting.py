"""Which models a training needs, on which tickets: for calibration, to be measured, and to be delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from otai.learning.features import TextFeatures
from otai.learning.heads import FOLDS, balanced_folds
from otai.learning.solving import CURVATURE, MOST_STEPS, PENALTY, Goal, fit
from otai.learning.spaces import (
    FEWEST_SKETCH_COLUMNS,
    MOST_SKETCH_ENTRIES,
    MOST_TICKETS_EXACT,
    SKETCH_COLUMNS,
    Matrix,
    ProductSpace,
    SketchSpace,
    Space,
    sketch_matrix,
    sketched,
)
from otai.learning.targets import AttributeTarget

Rows = NDArray[np.int64]

# A confidence map wants this many tickets that were not trained on. Each fold yields a fifth of the training part and costs as
# much as the model itself, so no more folds are fitted than it takes.
TICKETS_TO_CALIBRATE = 1_500

# More weights than this are kept as a sketch, however few the tickets: it bounds the size of the bundle.
MOST_EXACT_WEIGHTS = 25_000_000

# Models fitted side by side, times tickets: bounds the memory of their scores (four arrays of 4 bytes each).
MOST_SCORES_AT_ONCE = 16_000_000


@dataclass(frozen=True)
class Unseen:
    """Scores of training tickets by models that did not learn from them. `rows` are rows of the data set."""

    rows: Rows
    scores: Matrix


@dataclass(frozen=True)
class Linear:
    """Weights of columns, shape (columns, labels of all attributes), and intercepts. `sketch_columns` 0: columns are features."""

    weights: Matrix
    intercepts: Matrix
    sketch_columns: int


class Fitting:
    """The models of one training. `train` and `holdout` are rows of the data set, in the order of their matrices' rows.

    With `refit` the holdout's texts stand in the same space as the training part's, but no label of theirs is looked at before
    `final`. `same_text[ticket]` is equal for training tickets with the same text.
    """

    def __init__(
        self,
        features: TextFeatures,
        matrices: tuple[sparse.csr_matrix, sparse.csr_matrix],
        targets: Sequence[AttributeTarget],
        *,
        train: Rows,
        holdout: Rows,
        same_text: NDArray[np.int64],
        refit: bool,
    ) -> None:
        self._targets, self._same_text, self._refit = targets, same_text, refit
        self._train, self._holdout = train, holdout
        self._order = np.concatenate([train, holdout]) if refit else train
        train_matrix, self._holdout_matrix = matrices
        labels = sum(len(target.labels) for target in targets)
        exact = len(self._order) <= MOST_TICKETS_EXACT and train_matrix.shape[1] * labels <= MOST_EXACT_WEIGHTS
        self._columns = (
            0 if exact else min(SKETCH_COLUMNS, max(MOST_SKETCH_ENTRIES // len(self._order), FEWEST_SKETCH_COLUMNS))
        )
        parts = [train_matrix, self._holdout_matrix] if refit else [train_matrix]
        if exact:
            matrix = sparse.vstack(parts, format="csr") if refit else train_matrix
            self._space: Space = ProductSpace(matrix, curvature=CURVATURE, penalty=PENALTY)
        else:
            self._sketch = sketch_matrix(features.hashes, self._columns)
            self._space = SketchSpace(sketched(parts, self._sketch), curvature=CURVATURE, penalty=PENALTY)

    @staticmethod
    def fewest_tickets_of_a_feature(tickets: int) -> int:
        """What features are worth counting for so many tickets: all where fitting is exact; in a sketch a word that a single
        ticket has is only noise to the others."""
        return 1 if tickets <= MOST_TICKETS_EXACT else 2

    def steps(self) -> int:
        """How often `step_done` will be called by `measure`."""
        return MOST_STEPS * len(self._batches(self._measured_goals()))

    def measure(self, step_done: Callable[[], None]) -> tuple[list[Unseen], list[Matrix]]:
        """For each attribute: scores of unseen training tickets, and scores of all holdout tickets, by models of the training part."""
        goals = self._measured_goals()
        unseen: list[list[tuple[Rows, Matrix]]] = [[] for _ in self._targets]
        holdout: list[Matrix] = [np.zeros((0, 0), np.float32) for _ in self._targets]
        whole: list[Matrix] = [np.zeros((0, 0), np.float32) for _ in self._targets]
        for batch in self._batches(goals):
            models = fit(self._space, [goal for _, _, goal in batch], step_done=step_done)
            scores = self._space.scores(models)
            start = 0
            for number, held_back, goal in batch:
                columns = slice(start, start + goal.hot.shape[1])
                start = columns.stop
                if len(held_back):
                    unseen[number].append((held_back, scores[held_back, columns]))
                else:
                    whole[number] = models[:, columns]
                    holdout[number] = scores[len(self._train) :, columns]
        self._linear = None if self._refit else self._as_linear(whole)
        if self._linear is not None and len(self._holdout):
            matrix = self._holdout_matrix @ self._sketch if self._columns else self._holdout_matrix
            scores = matrix @ self._linear.weights + self._linear.intercepts
            holdout = np.split(scores, np.cumsum([len(target.labels) for target in self._targets])[:-1], axis=1)
        return [self._joined(parts) for parts in unseen], holdout

    def final(self) -> Linear:
        """The model to deliver; it learns from the holdout as well if it was asked to refit."""
        if self._linear is not None:
            return self._linear
        models = [
            (number, np.zeros(0, np.int64), self._goal(target, target.known[self._order]))
            for number, target in enumerate(self._targets)
        ]
        fitted = [fit(self._space, [goal for _, _, goal in batch]) for batch in self._batches(models)]
        return self._as_linear(fitted)

    def _measured_goals(self) -> list[tuple[int, Rows, Goal]]:
        """(attribute, rows of the space held back, what to fit): the folds of each attribute, and the one that is measured."""
        goals = []
        in_training = np.arange(len(self._order)) < len(self._train)
        for number, target in enumerate(self._targets):
            known = target.known[self._order] & in_training
            folds = self._folds(target, np.flatnonzero(known))
            wanted = -(-TICKETS_TO_CALIBRATE * FOLDS // max(int(known.sum()), 1)) if len(self._holdout) else FOLDS
            for fold in range(min(wanted, FOLDS)):
                held_back = np.flatnonzero(known & (folds == fold))
                if len(held_back):
                    goals.append((number, held_back, self._goal(target, known & (folds != fold))))
            goals.append((number, np.zeros(0, np.int64), self._goal(target, known)))
        return goals

    def _folds(self, target: AttributeTarget, rows: Rows) -> Rows:
        """A fold for each row of the space (-1: not one of `rows`), equal for equal texts, each label's texts dealt out evenly."""
        _, first, text = np.unique(self._same_text[rows], return_index=True, return_inverse=True)
        if target.spec.is_multi:
            of_text = np.arange(len(first)) % FOLDS
        else:
            of_text = balanced_folds(target.codes(self._order[rows[first]]))
        folds = np.full(len(self._order), -1)
        folds[rows] = of_text[text]
        return folds

    def _goal(self, target: AttributeTarget, rows: NDArray[np.bool_]) -> Goal:
        return Goal(hot=target.hot[self._order], rows=rows, is_multi=target.spec.is_multi)

    def _batches(self, goals: list[tuple[int, Rows, Goal]]) -> list[list[tuple[int, Rows, Goal]]]:
        batches: list[list[tuple[int, Rows, Goal]]] = []
        most = max(MOST_SCORES_AT_ONCE // len(self._order), 1)
        columns = most + 1
        for goal in goals:
            columns += goal[2].hot.shape[1]
            if columns > most:
                batches.append([])
                columns = goal[2].hot.shape[1]
            batches[-1].append(goal)
        return batches

    def _as_linear(self, models: list[Matrix]) -> Linear:
        weights, intercepts = self._space.weights(np.concatenate(models, axis=1))
        # Half precision is what the bundle keeps, so half precision is what is measured.
        return Linear(weights.astype(np.float16).astype(np.float32), intercepts, self._columns)

    def _joined(self, parts: list[tuple[Rows, Matrix]]) -> Unseen:
        rows = np.concatenate([rows for rows, _ in parts])
        return Unseen(self._order[rows], np.concatenate([scores for _, scores in parts]))
