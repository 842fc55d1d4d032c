"""The arrays of this room by what they hold. Shapes stand where an array is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Probabilities, confidences, figures of merit: double precision, wherever a digit is reported."""

Matrix = NDArray[np.float32]
"""Scores, weights and features: single precision, wherever memory counts."""

Scores = NDArray[np.floating]
"""Scores of labels in either precision: (tickets, labels)."""

Vectors = NDArray[np.float32]
"""What encoders read: (tickets, width), a unit vector for each encoder side by side, zeros where nothing could be
read."""

Mask = NDArray[np.bool_]
"""Which tickets, or which labels, true or false."""

Rows = NDArray[np.int64]
"""Row numbers of a data set, or places among some of its rows."""

Codes = NDArray[np.int64]
"""Label numbers, one for each ticket."""

Counts = NDArray[np.int64]
"""How many: tickets, tokens, characters."""

Indices = NDArray[np.int64]
"""Places among tokens, features or columns."""

ShortCodes = NDArray[np.int16]
"""Label numbers as a model keeps them."""

Hashes = NDArray[np.uint64]
"""Hashes of texts, words or character n-grams."""

Arrays = Mapping[str, NDArray[Any]]
"""Arrays by name, as a file keeps them."""
