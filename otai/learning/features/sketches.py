"""Features added up into fewer columns, with random signs (Charikar, Chen and Farach-Colton 2002; Weinberger et al.
2009)."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from otai.learning.arrays import Hashes


def sketch_matrix(hashes: Hashes, columns: int) -> sparse.csr_matrix:
    """Which column each feature is added to, and with which sign: shape (features, columns), decided by the feature's
    hash."""
    into = (hashes >> np.uint64(1)) % np.uint64(columns)
    signs = np.where(hashes & np.uint64(1), 1, -1).astype(np.float32)
    rows = np.arange(len(hashes) + 1)
    return sparse.csr_matrix((signs, into.astype(np.int32), rows), shape=(len(hashes), columns))
