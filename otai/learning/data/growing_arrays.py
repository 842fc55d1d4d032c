"""Numbers that become more and more, in one piece of memory."""

from __future__ import annotations

import numpy as np

FIRST_ROWS = 8_192
GROWTH = 1.25


class GrowingArray:
    """An array of `width` numbers a row (0: a plain array of numbers) that rows are appended to.

    A list of small arrays, one for each batch, would lie between the batches that come and go, and keep the memory
    around them from being given back: of three million tickets a hundred megabytes.
    """

    def __init__(self, dtype: type[np.generic], *, width: int = 0) -> None:
        self.width = width
        self._numbers = np.empty((FIRST_ROWS, width) if width else FIRST_ROWS, dtype=dtype)
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def extend(self, numbers: np.ndarray) -> None:
        """Appends rows, which are copied."""
        needed = self._rows + len(numbers)
        if needed > len(self._numbers):
            rows = max(needed, int(len(self._numbers) * GROWTH))
            # In place, so that both sizes are never there at once; nobody else holds the array.
            self._numbers.resize((rows, self.width) if self.width else rows, refcheck=False)
        self._numbers[self._rows : needed] = numbers
        self._rows = needed

    @property
    def numbers(self) -> np.ndarray:
        """What was appended, not copied: nothing may be appended afterwards."""
        return self._numbers[: self._rows]
