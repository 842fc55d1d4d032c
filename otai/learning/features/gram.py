"""The Gram matrix: the inner products of all pairs of tickets, from a sparse matrix, fast.

A sparse product pays for every pair of tickets that share a feature, so the few features that half of all tickets have
cost the most; a dense product pays the same for every column. Frequent columns are therefore multiplied dense (BLAS, a
hundred times as many products a second), the long tail sparse. Measured on 4 404 tickets: 1.0 s, against 5 s sparse
alone.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import blas

from otai.learning.arrays import Matrix

# A column that more than this share of the tickets have is cheaper dense; measured, and flat around the best value.
DENSE_ABOVE_SHARE = 0.02

# Dense columns are multiplied in slices of this many, to bound the memory of their copy.
DENSE_SLICE = 4_096


def gram(matrix: sparse.csr_matrix) -> Matrix:
    """`matrix @ matrix.T` as a dense float32 array, shape (rows, rows)."""
    by_column = matrix.tocsc()
    tickets_with = np.diff(by_column.indptr)
    frequent = np.flatnonzero(tickets_with > max(20, DENSE_ABOVE_SHARE * matrix.shape[0]))
    rare = np.flatnonzero((tickets_with > 0) & (tickets_with <= max(20, DENSE_ABOVE_SHARE * matrix.shape[0])))

    # BLAS adds each slice in place, to one triangle: half the work of a general product, and no second matrix of this
    # size.
    products = np.zeros((matrix.shape[0], matrix.shape[0]), np.float32, order="F")
    for start in range(0, len(frequent), DENSE_SLICE):
        dense = by_column[:, frequent[start : start + DENSE_SLICE]].toarray(order="C")
        products = blas.ssyrk(1.0, dense.T, beta=1.0, c=products, trans=1, lower=1, overwrite_c=1)
    _mirror(products)
    if len(rare):
        tail = by_column[:, rare].tocsr()
        _add_sparse(products, tail)
    return products.T


def _mirror(products: Matrix) -> None:
    """Copies the lower triangle into the upper one, a block at a time."""
    for start in range(0, len(products), 512):
        end = start + 512
        block = products[start:end, start:end]
        block[:] = np.tril(block) + np.tril(block, -1).T
        products[start:end, end:] = products[end:, start:end].T


def _add_sparse(products: Matrix, tail: sparse.csr_matrix) -> None:
    transposed = tail.T.tocsr()
    for start in range(0, tail.shape[0], 1_024):
        part = (tail[start : start + 1_024] @ transposed).tocsr()
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr)) + start
        products[rows, part.indices] += part.data
