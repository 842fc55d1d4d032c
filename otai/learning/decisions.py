"""Which label a row of scores decides for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otai.learning.arrays import Codes, Mask, Scores


def argmax_codes(scores: NDArray[Any]) -> Codes:
    """The number of the label with the highest score of each ticket, shape (tickets,); of equal ones the first. Of a
    0/1 truth with one label a ticket: which it is. `scores` has shape (tickets, labels)."""
    return np.asarray(scores.argmax(axis=1), np.int64)


def argmax_decision(scores: Scores) -> Mask:
    """The label with the highest score of each ticket, as 0/1 of the shape (tickets, labels) of `scores`; of equal ones
    the first."""
    decided = np.zeros(scores.shape, np.bool_)
    decided[np.arange(len(scores)), argmax_codes(scores)] = True
    return decided
