"""The kernel: how like two tickets are by their vectors, in a measure that falls off quickly.

A linear model over vectors lets every ticket pull at every other. Here a ticket pulls at those that mean nearly the
same, and hardly at others: the product of two tickets is exp(-(1 - cosine) / length_scale^2), a Gaussian of the
distance of their unit vectors (a radial basis function kernel). A model is then one number for each *landmark*, a
ticket it has seen, and says of a new ticket what its neighbours say. Measured against linear:
docs/experiments-business.md.

Vectors are first turned to their principal directions and cut there, which loses nothing that could be measured and
makes models and predictions several times smaller. Of many tickets only some are landmarks (Nystroem's method; Williams
and Seeger 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otai.learning.arrays import Matrix

# As many principal directions as are kept; measured at 256 of 512 and of 896, without a loss.
MOST_DIRECTIONS = 256

# Kernel values are worked out for so many pairs at once: 32 MB.
PAIRS_AT_ONCE = 8_000_000

# Below this share of the largest, a direction between landmarks is noise of half precision.
LEAST_EIGENVALUE = 1e-5


def principal_directions(vectors: Matrix) -> Matrix:
    """The directions in which the vectors differ most, shape (d, r), r at most `MOST_DIRECTIONS`; in numbers that half
    precision can hold."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    kept = directions[:, ::-1][:, :MOST_DIRECTIONS]
    return kept.astype(np.float16).astype(np.float32)


def project(vectors: Matrix, directions: Matrix) -> Matrix:
    """Unit vectors projected onto these directions, shape (tickets, r), in numbers that half precision can hold;
    nothing read stays nothing.

    `vectors` are one or several unit vectors a ticket, side by side: their cosines are averaged.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    projected = (vectors / np.where(lengths > 0, lengths, 1)) @ directions
    return projected.astype(np.float16).astype(np.float32)


def kernel(projected: Matrix, landmarks: Matrix, length_scale: float) -> Matrix:
    """From 0 (unlike) to 1 (the same), shape (tickets, landmarks); both are projected onto the same directions."""
    cosines: Matrix = projected @ landmarks.T
    np.minimum(cosines, np.float32(1), out=cosines)
    cosines -= np.float32(1)
    cosines /= np.float32(length_scale**2)
    return np.exp(cosines, out=cosines)


def add_kernel(products: Matrix, projected: Matrix, *, weight: float, length_scale: float) -> None:
    """Adds `weight` times the kernel of all pairs to `products`, shape (tickets, tickets), a part at a time."""
    step = max(PAIRS_AT_ONCE // max(len(projected), 1), 1)
    for start in range(0, len(projected), step):
        part = kernel(projected[start : start + step], projected, length_scale)
        part *= np.float32(weight)
        products[start : start + step] += part


def nystroem_normalisation(landmarks: Matrix, length_scale: float) -> Matrix:
    """What turns kernel values of the landmarks into columns whose products are kernel values again (the inverse square
    root of theirs), shape (landmarks, landmarks).

    Between the landmarks themselves exactly, elsewhere as well as they can stand for the tickets there are.
    """
    values, directions = np.linalg.eigh(kernel(landmarks, landmarks, length_scale).astype(np.float64))
    kept = values > LEAST_EIGENVALUE * values[-1]
    roots = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)
    return (directions * roots).astype(np.float32)


@dataclass(frozen=True)
class LandmarkKernel:
    """What a model remembers to work out the kernel between a ticket and its landmarks: directions (d, r), landmarks
    (m, r), and the length scale.

    Directions and landmarks are numbers that half precision can hold.
    """

    directions: Matrix
    landmarks: Matrix
    length_scale: float

    def __call__(self, vectors: Matrix) -> Matrix:
        """Shape (tickets, landmarks)."""
        return kernel(project(vectors, self.directions), self.landmarks, self.length_scale)
