"""From a feature matrix and what is to be learnt to a linear model, by the way that suits the number of tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from otai.learning.gram import gram
from otai.learning.ridge import INTERCEPT_PRODUCT, Factorised, Known, Matrix

# Lower: fits the training tickets more closely. Chosen on left-out training scores (docs/experiments.md).
PENALTY = 2.0


@dataclass(frozen=True)
class Measured:
    """Scores of tickets that were not learnt from, one array of shape (tickets, labels) for each attribute."""

    left_out: list[Matrix]
    """of the training tickets, each scored without itself"""
    holdout: list[Matrix]


@dataclass(frozen=True)
class Linear:
    """`weights` has shape (features, labels of all attributes), `intercepts` (labels of all attributes,)."""

    weights: Matrix
    intercepts: Matrix


class ExactSolver:
    """Through the products of all pairs of tickets: exact, and its memory grows with the square of the tickets.

    Rows are the training tickets, then the holdout; `hots` and `knowns` cover both.
    """

    def __init__(self, train: sparse.csr_matrix, holdout: sparse.csr_matrix, *, refit: bool) -> None:
        self._train, self._holdout, self._refit = train, holdout, refit
        self._rows = train.shape[0]

    def prepare(self) -> None:
        """The products of all pairs, the costliest step that no attribute has a part in."""
        self._all = sparse.vstack([self._train, self._holdout], format="csr") if self._refit else self._train
        self._products = gram(self._all)

    def factorise(self) -> None:
        self._factorised = Factorised(self._products, penalty=PENALTY)
        del self._products
        self._factorised.inverse_factor(self._rows)

    def measure(self, hots: Sequence[Matrix], knowns: Sequence[Known]) -> Measured:
        self._duals = self._factorised.solve(hots, knowns, self._rows, left_out=True)
        weights = np.concatenate([duals.weights for duals in self._duals], axis=1)
        if self._refit:
            rows = np.arange(self._rows, self._all.shape[0])
            scores = self._factorised.products_between(np.arange(self._rows), rows) @ weights
            self._linear = None
        else:
            self._linear = self._primal(self._train, weights)
            scores = self._holdout @ self._linear.weights + self._linear.intercepts
        bounds = np.cumsum([duals.weights.shape[1] for duals in self._duals])[:-1]
        return Measured([duals.left_out for duals in self._duals], np.split(scores, bounds, axis=1))

    def final(self, hots: Sequence[Matrix], knowns: Sequence[Known]) -> Linear:
        """The model to deliver: trained on the holdout as well if it was asked to refit."""
        if self._linear is not None:
            return self._linear
        duals = self._factorised.solve(hots, knowns, self._all.shape[0], left_out=False)
        return self._primal(self._all, np.concatenate([one.weights for one in duals], axis=1))

    @staticmethod
    def _primal(matrix: sparse.csr_matrix, duals: Matrix) -> Linear:
        weights = matrix.T.tocsr() @ np.ascontiguousarray(duals)
        return Linear(weights, (INTERCEPT_PRODUCT * duals.sum(axis=0, dtype=np.float64)).astype(np.float32))
