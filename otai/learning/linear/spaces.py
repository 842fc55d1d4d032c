"""Where linear models are fitted: the tickets' features, in a form in which many models cost little more than one.

Both spaces offer the same two operations on a batch of models (one column each): the scores that models give to all
tickets, and a Newton-like step with one curvature for all models, factorised once. What the columns mean is none of
their business.

- `ProductSpace` works with the products of all pairs of tickets. It is exact, and grows with tickets squared.
- `SketchSpace` adds all features up, with random signs, into a few thousand dense columns (Charikar, Chen and
  Farach-Colton 2002; Weinberger et al. 2009). It grows with the tickets. Measured loss against the exact space:
  docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.linalg import blas, lapack

from otai.learning.arrays import Floats, Matrix, Rows
from otai.learning.features.gram import gram
from otai.learning.features.kernel import add_kernel, kernel
from otai.learning.recipes import Candidate

# Up to this many tickets the exact space is used: at most 1 GB. A recipe with several candidates keeps the products
# beside the factorisation, which is twice the memory, and so ends earlier.
MOST_TICKETS_EXACT = 16_000
MOST_TICKETS_EXACT_BLENDED = 11_000

SKETCH_COLUMNS = 4_096

# Above some 30 000 tickets the sketch gets fewer columns, so that it stays near 500 MB, but never fewer than the second
# figure.
MOST_SKETCH_ENTRIES = 125_000_000
FEWEST_SKETCH_COLUMNS = 2_048

ROWS_AT_ONCE = 4_096

# The value of a feature that every ticket has, so that each label has its own base level.
INTERCEPT = 1.0


@dataclass(frozen=True)
class Weights:
    """Models as weights: of features, shape (columns, models), of the encoders' vectors, shape (d, models), and
    intercepts (models,).

    Where the kernel counts, `vectors` are weights of its value at each ticket of the space, shape (tickets, models).
    """

    words: Matrix
    vectors: Matrix
    intercepts: Matrix

    def times(self, factor: float) -> Weights:
        """The same models with every weight and intercept multiplied by `factor`."""
        by = np.float32(factor)
        return Weights(self.words * by, self.vectors * by, self.intercepts * by) if factor != 1 else self

    def plus(self, other: Weights) -> Weights:
        """The sum of two, shapes equal."""
        return Weights(self.words + other.words, self.vectors + other.vectors, self.intercepts + other.intercepts)

    @classmethod
    def beside(cls, parts: Sequence[Weights]) -> Weights:
        """Models side by side, in their order."""
        return cls(
            np.concatenate([one.words for one in parts], axis=1),
            np.concatenate([one.vectors for one in parts], axis=1),
            np.concatenate([one.intercepts for one in parts]),
        )


class Space(Protocol):
    """`models` is a batch of models in the space's own form, shape (`size`, models); they start as zeros."""

    penalty: float

    @property
    def tickets(self) -> int:
        """How many tickets the space holds."""
        ...

    @property
    def size(self) -> int:
        """The number of parameters of one model in the space's own form."""
        ...

    def step(self, residuals: Matrix, models: Matrix) -> tuple[Matrix, Matrix]:
        """Newton's step with the shared curvature, to be subtracted: (of the models, of their scores on all tickets).

        `residuals` are the loss's slopes at each ticket's scores, shape (tickets, models).
        """
        ...

    def scores(self, models: Matrix) -> Matrix:
        """What each model gives each ticket, shape (tickets, models)."""
        ...

    def lengths(self, models: Matrix, scores: Matrix) -> Floats:
        """The squared length of each model's weights, shape (models,)."""
        ...

    def weights(self, models: Matrix) -> Weights:
        """The models as weights of columns."""
        ...

    def columns_of(self, vectors: Matrix) -> Matrix:
        """What `Weights.vectors` are weights of, for any tickets: their vectors, or the kernel between them and the
        tickets of the space. Shape (tickets, columns)."""
        ...


class ProductBase:
    """What the exact spaces of all candidates have in common. `spaces` 1: only one will be asked for, so it takes the
    memory over.

    `words` are the products of all pairs of rows, where they are known already; they are taken over too."""

    def __init__(
        self, matrix: sparse.csr_matrix, vectors: Matrix, *, spaces: int = 2, words: Matrix | None = None
    ) -> None:
        self._matrix, self._vectors, self._spaces = matrix, vectors, spaces
        self._words: Matrix | None = gram(matrix) if words is None else words

    def products(self, rows: Rows) -> Matrix:
        """A copy of the products of these rows with each other; only before the single space has taken the memory over.
        Shape (rows, rows)."""
        assert self._words is not None
        return self._words[np.ix_(rows, rows)]

    def space(self, candidate: Candidate, *, curvature: float) -> Space:
        """The space of a candidate. With `spaces` 1 it can be asked for once: it takes the memory over."""
        assert self._words is not None
        words = self._words if self._spaces == 1 else self._words.copy()
        if self._spaces == 1:
            self._words = None
        return ProductSpace(self._matrix, words, self._vectors, curvature=curvature, candidate=candidate)


class SketchBase:
    """What the sketched spaces of all candidates have in common: the columns, of which so many are vectors, and their
    products.

    Few tickets are fitted over the products of their pairs, which gives the same models: a step costs 2 n^2 there, and
    4 n D + 2 D^2 over D columns. The model is a weight for each column all the same.
    """

    def __init__(self, dense: Matrix, vectors: int) -> None:
        self._dense, self._vectors = dense, vectors
        self._by_tickets = len(dense) <= min(MOST_TICKETS_EXACT, 2 * dense.shape[1])
        # numpy makes a product with the own transpose half as dear as a general one.
        columns = self._columns
        self._squares = columns @ columns.T if self._by_tickets else dense.T @ dense

    @property
    def _columns(self) -> Matrix:
        """The sketch's own columns, without those of the vectors and the intercept."""
        return self._dense[:, : self._dense.shape[1] - 1 - self._vectors]

    def space(self, candidate: Candidate, *, curvature: float) -> Space:
        """The space in which models of a candidate are fitted, with its penalty; one factorisation of its system.
        `curvature` is that of the loss."""
        if self._by_tickets:
            vectors = self._dense[:, self._columns.shape[1] : -1]
            # The kernel, where it is asked for, has become columns already.
            linear = replace(candidate, length_scale=None)
            return ProductSpace(self._columns, self._squares.copy(), vectors, curvature=curvature, candidate=linear)
        return SketchSpace(self._dense, self._squares, vectors=self._vectors, curvature=curvature, candidate=candidate)


class ProductSpace:
    """A model is one number for each ticket: how much that ticket pulls (kernel form).

    `words` are the products of all pairs of tickets by their features, and are overwritten; `vectors` (tickets, d)
    counts `candidate.vectors` times.
    """

    def __init__(
        self, matrix: sparse.csr_matrix, words: Matrix, vectors: Matrix, *, curvature: float, candidate: Candidate
    ) -> None:
        self.penalty, self._curvature = candidate.penalty, curvature
        self._matrix, self._vectors, self._weight = matrix, vectors, np.float32(candidate.vectors)
        self._length_scale = candidate.length_scale
        system = words
        system += np.float32(INTERCEPT**2)
        if vectors.size and candidate.vectors:
            if candidate.length_scale is None:
                system += self._weight * (vectors @ vectors.T)
            else:
                add_kernel(system, vectors, weight=candidate.vectors, length_scale=candidate.length_scale)
        system *= np.float32(curvature)
        system[np.diag_indices(len(system))] += np.float32(candidate.penalty)
        self._factor = _cholesky(system)

    @property
    def tickets(self) -> int:
        """As in Space."""
        return len(self._factor)

    @property
    def size(self) -> int:
        """One number a ticket."""
        return len(self._factor)

    def step(self, residuals: Matrix, models: Matrix) -> tuple[Matrix, Matrix]:
        """As in Space; two triangular solves of tickets squared."""
        penalty = np.float32(self.penalty)
        right = residuals + penalty * models
        step = _solved(self._factor, right)
        # (curvature K + penalty) step = right, so K step is known without a second product with K.
        return step, (right - penalty * step) / np.float32(self._curvature)

    def scores(self, models: Matrix) -> Matrix:
        """As in Space; from the factor, since the products themselves were overwritten."""
        # K itself is gone; what was factorised is curvature K + penalty.
        half = blas.strmm(1.0, self._factor, np.ascontiguousarray(models).T, side=1, lower=1)
        whole: Matrix = blas.strmm(1.0, self._factor, half, side=1, lower=1, trans_a=1, overwrite_b=1).T
        whole -= np.float32(self.penalty) * models
        whole /= np.float32(self._curvature)
        return whole

    def lengths(self, models: Matrix, scores: Matrix) -> Floats:
        """As in Space: alpha K alpha, and K alpha are the scores."""
        return np.einsum("ij,ij->j", models, scores, dtype=np.float64)

    @cached_property
    def _by_feature(self) -> sparse.csr_matrix | Matrix:
        return self._matrix.T.tocsr() if sparse.issparse(self._matrix) else self._matrix.T

    def weights(self, models: Matrix) -> Weights:
        """As in Space."""
        models = np.ascontiguousarray(models)
        words = self._by_feature @ models
        vectors = self._weight * (models if self._length_scale is not None else self._vectors.T @ models)
        return Weights(words, vectors, (INTERCEPT * models.sum(axis=0, dtype=np.float64)).astype(np.float32))

    def columns_of(self, vectors: Matrix) -> Matrix:
        """As in Space."""
        return vectors if self._length_scale is None else kernel(vectors, self._vectors, self._length_scale)


class SketchSpace:
    """A model is a weight for each dense column: of the sketch, of the vectors, and the intercept's."""

    def __init__(self, dense: Matrix, squares: Matrix, *, vectors: int, curvature: float, candidate: Candidate) -> None:
        self.penalty = candidate.penalty
        self._dense, self._words = dense, dense.shape[1] - 1 - vectors
        # Models are those of columns scaled by this, so the columns themselves are the same for all candidates.
        self._scales = np.ones((dense.shape[1], 1), np.float32)
        self._scales[self._words : -1] = np.sqrt(candidate.vectors)
        system = squares * (self._scales * np.float32(curvature))
        system *= self._scales.T
        system[np.diag_indices(len(system))] += np.float32(candidate.penalty)
        self._factor = _cholesky(system)

    @property
    def tickets(self) -> int:
        """As in Space."""
        return len(self._dense)

    @property
    def size(self) -> int:
        """One weight a column."""
        return self._dense.shape[1]

    def step(self, residuals: Matrix, models: Matrix) -> tuple[Matrix, Matrix]:
        """As in Space; two triangular solves of columns squared."""
        right = self._dense.T @ residuals
        right *= self._scales
        right += np.float32(self.penalty) * models
        step = _solved(self._factor, right)
        return step, self.scores(step)

    def scores(self, models: Matrix) -> Matrix:
        """As in Space."""
        return self._dense @ (models * self._scales)

    def lengths(self, models: Matrix, scores: Matrix) -> Floats:
        """As in Space."""
        return np.einsum("ij,ij->j", models, models, dtype=np.float64)

    def weights(self, models: Matrix) -> Weights:
        """As in Space, without the scale of the columns."""
        scaled = models * self._scales
        return Weights(np.ascontiguousarray(scaled[: self._words]), scaled[self._words : -1], INTERCEPT * scaled[-1])

    def columns_of(self, vectors: Matrix) -> Matrix:
        """As in Space."""
        return vectors


def sketched(parts: Sequence[sparse.csr_matrix], sketch: sparse.csr_matrix, vectors: Matrix) -> Matrix:
    """The rows of all parts, their features added up into the sketch's columns, then their vectors, and the intercept's
    column last. Shape (tickets, columns)."""
    columns = sketch.shape[1]
    dense = np.empty((len(vectors), columns + vectors.shape[1] + 1), np.float32)
    dense[:, columns:-1] = vectors
    dense[:, -1] = INTERCEPT
    row = 0
    for part in parts:
        for start in range(0, part.shape[0], ROWS_AT_ONCE):
            some = (part[start : start + ROWS_AT_ONCE] @ sketch).toarray()
            dense[row : row + len(some), :columns] = some
            row += len(some)
    return dense


def _cholesky(system: Matrix) -> Matrix:
    # The transpose of a symmetric C-ordered array is the same matrix in LAPACK's order: no copy.
    factor, info = lapack.spotrf(system.T, lower=1, clean=0, overwrite_a=1)
    assert info == 0, f"spotrf: {info}"  # products are positive semidefinite and the penalty is positive
    lower: Matrix = factor
    return lower


def _solved(factor: Matrix, right: Matrix) -> Matrix:
    solved, info = lapack.spotrs(factor, right, lower=1)
    assert info == 0, f"spotrs: {info}"
    return np.ascontiguousarray(solved, np.float32)
