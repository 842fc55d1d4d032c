from __future__ import annotations

import numpy as np
import pytest

from otai.learning.data.growing_arrays import FIRST_ROWS, GrowingArray

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("width", [0, 3])
def test_rows_that_are_appended_are_there_in_their_order(width: int) -> None:
    made = GrowingArray(np.uint16, width=width)
    pieces = [np.full((size, width) if width else size, size % 7) for size in (1, FIRST_ROWS, 5, 3 * FIRST_ROWS)]
    for piece in pieces:
        made.extend(piece)
    assert len(made) == 4 * FIRST_ROWS + 6
    assert np.array_equal(made.numbers, np.concatenate(pieces))


def test_what_is_appended_is_copied() -> None:
    made = GrowingArray(np.int64)
    batch = np.arange(3)
    made.extend(batch)
    batch[:] = 9
    assert made.numbers.tolist() == [0, 1, 2]
