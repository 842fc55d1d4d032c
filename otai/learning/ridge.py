"""One solve for every label of every attribute.

Ridge regression onto zeros and ones, through the inner products of tickets ("kernel ridge" with a linear kernel): the matrix
that has to be factorised knows the texts only, so one factorisation serves all labels of all attributes, and each
further label costs one back-substitution. It also gives, exactly and for nothing, what each ticket's scores would have
been had that ticket not been trained on: with A = (K + penalty I)^-1 and alpha = A y, the score left out is y_i - alpha_i / A_ii
(Allen 1974; Golub, Heath and Wahba 1979). Calibration rests on those scores, so no folds are trained.

With the training rows first and the holdout rows after them, the leading block of the Cholesky factor belongs to the training rows
alone. One factorisation therefore gives both the model that is measured and the final one that also learnt from the holdout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Matrix = NDArray[np.float32]
Known = NDArray[np.bool_]

# Added to every inner product: a feature that all tickets have, so that each label has its own base level.
INTERCEPT_PRODUCT = 1.0


@dataclass(frozen=True)
class Duals:
    """`weights[row, label]`: how much each row pulls at each label; `left_out[row, label]`: the row's score by the others."""

    weights: Matrix
    left_out: Matrix


class Factorised:
    """The products of some rows, factorised once. Takes over `products` (shape (rows, rows), float32) and destroys it.

    The lower triangle becomes the Cholesky factor; the upper one keeps the products, for attributes so incomplete that
    their own rows are better factorised anew.
    """

    def __init__(self, products: Matrix, *, penalty: float) -> None:
        products += np.float32(INTERCEPT_PRODUCT)
        self._diagonal = products.diagonal().copy() + np.float32(penalty)
        products[np.diag_indices(len(products))] = self._diagonal
        # The transpose of a symmetric C-ordered array is the same matrix in LAPACK's order: no copy.
        self._factor, info = lapack.spotrf(products.T, lower=1, clean=0, overwrite_a=1)
        assert info == 0, f"spotrf: {info}"  # K is positive semidefinite and the penalty positive
        self._inverses: dict[int, Matrix] = {}

    def __len__(self) -> int:
        return len(self._diagonal)

    def inverse_factor(self, rows: int) -> Matrix:
        """The inverse of the Cholesky factor of the first `rows` rows, lower triangular."""
        if rows not in self._inverses:
            block = np.asfortranarray(self._factor[:rows, :rows])
            inverse, info = lapack.strtri(block, lower=1, overwrite_c=int(block is not self._factor))
            assert info == 0, f"strtri: {info}"
            self._inverses = {rows: np.tril(inverse)}
        return self._inverses[rows]

    def products_between(self, some: NDArray[np.int64], others: NDArray[np.int64]) -> Matrix:
        """The products (with the intercept) of `others` against `some`, shape (others, some); every row of `some` stands
        before every row of `others`."""
        return np.ascontiguousarray(self._factor[np.ix_(some, others)].T)

    def solve(self, hots: Sequence[Matrix], knowns: Sequence[Known], rows: int, *, left_out: bool) -> list[Duals]:
        """Trains on the first `rows` rows; one answer for each attribute.

        `hots[attribute]` has shape (rows, labels), `knowns[attribute]` shape (rows,); rows of which nothing is known get
        weight zero. Without `left_out` the scores left out are zeros, and half of the work is saved.
        """
        groups: dict[bytes, list[int]] = {}
        for number, known in enumerate(knowns):
            groups.setdefault(np.packbits(known[:rows]).tobytes(), []).append(number)
        answers: dict[int, Duals] = {}
        for numbers in groups.values():
            known = knowns[numbers[0]][:rows]
            hot = np.concatenate([hots[number][:rows] for number in numbers], axis=1)
            solved = self._solve_known(np.where(known[:, None], hot, np.float32(0)), known, left_out=left_out)
            start = 0
            for number in numbers:
                columns = slice(start, start + hots[number].shape[1])
                answers[number] = Duals(solved.weights[:, columns], solved.left_out[:, columns])
                start = columns.stop
        return [answers[number] for number in range(len(hots))]

    def _solve_known(self, hot: Matrix, known: Known, *, left_out: bool) -> Duals:
        rows = len(known)
        missing = np.flatnonzero(~known)
        # Taking rows out of a solved system costs rows^2 x missing, solving the rest anew rest^3 x 2/3.
        if len(missing) * 3 * rows**2 > (rows - len(missing)) ** 3:
            return self._solve_anew(hot, np.flatnonzero(known), left_out=left_out)
        if not left_out:
            return self._solve_without_inverse(hot, missing)
        inverse = self.inverse_factor(rows)
        weights = inverse.T @ (inverse @ hot)
        diagonal = np.einsum("ij,ij->j", inverse, inverse)
        if len(missing):
            towards = inverse.T @ inverse[:, missing]
            among = _cholesky(towards[missing])
            half = _lower_solve(among, towards.T)
            weights = weights - half.T @ _lower_solve(among, weights[missing])
            diagonal = diagonal - np.einsum("ij,ij->j", half, half)
            weights[missing] = 0
            diagonal[missing] = 1
        return Duals(weights, hot - weights / diagonal[:, None])

    def _solve_without_inverse(self, hot: Matrix, missing: NDArray[np.int64]) -> Duals:
        unit = np.zeros((len(hot), len(missing)), np.float32)
        unit[missing, np.arange(len(missing))] = 1
        factor = self._factor[: len(hot), : len(hot)]
        solved, info = lapack.spotrs(factor, np.concatenate([hot, unit], axis=1), lower=1)
        assert info == 0, f"spotrs: {info}"
        weights, towards = solved[:, : hot.shape[1]], solved[:, hot.shape[1] :]
        if len(missing):
            among = _cholesky(towards[missing])
            half = _lower_solve(among, towards.T)
            weights = weights - half.T @ _lower_solve(among, weights[missing])
            weights[missing] = 0
        return Duals(weights, np.zeros_like(hot))

    def _solve_anew(self, hot: Matrix, known: NDArray[np.int64], *, left_out: bool) -> Duals:
        products = np.triu(self._factor[np.ix_(known, known)], 1)
        products += products.T
        products[np.diag_indices(len(known))] = self._diagonal[known]
        factor = _cholesky(products)
        weights, left = np.zeros_like(hot), np.zeros_like(hot)
        solved, info = lapack.spotrs(factor, hot[known], lower=1)
        assert info == 0, f"spotrs: {info}"
        weights[known] = solved
        if left_out:
            inverse = np.tril(lapack.strtri(factor, lower=1, overwrite_c=1)[0])
            left[known] = hot[known] - solved / np.einsum("ij,ij->j", inverse, inverse)[:, None]
        return Duals(weights, left)


def _cholesky(matrix: Matrix) -> Matrix:
    factor, info = lapack.spotrf(np.asfortranarray(matrix), lower=1, clean=1)
    assert info == 0, f"spotrf: {info}"
    lower: Matrix = factor
    return lower


def _lower_solve(factor: Matrix, right: Matrix) -> Matrix:
    solved, info = lapack.strtrs(factor, right, lower=1)
    assert info == 0, f"strtrs: {info}"
    answer: Matrix = solved
    return answer
