"""What a model made of the tickets it was measured on, kept inside the bundle: so that a later version can be compared
on the very same tickets.

The delivered model may have learnt those tickets since, so asking it again would flatter it; what it said before it had
seen them is kept instead. A ticket is known by a hash of its text, its labels by number. No word of any ticket is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otai.learning.arrays import Arrays, Hashes, Mask, ShortCodes
from otai.learning.data.normalisation import same_text_key

NOT_KNOWN = -2
NO_LABEL = -1


@dataclass(frozen=True)
class HoldoutLabels:
    """Of one attribute, for each measured ticket a row of label numbers, filled up with -1; -2 in front where the label
    is not known."""

    actual: ShortCodes
    predicted: ShortCodes

    @classmethod
    def of(cls, known: Mask, actual: Mask, predicted: Mask) -> HoldoutLabels:
        """`known` has an entry for each measured ticket, the others a row for each known one, shape (known, labels)."""
        return cls(_numbers(known, actual), _numbers(known, predicted))


@dataclass(frozen=True)
class HoldoutRecord:
    """`texts` are hashes of the measured tickets' texts, `attributes` what was said of them, by the name of the
    attribute."""

    texts: Hashes
    attributes: Mapping[str, HoldoutLabels]

    def arrays(self, names: Sequence[str]) -> Arrays:
        """Arrays by name, each of shape (tickets, ...); attributes by their number among `names`."""
        arrays: dict[str, NDArray[Any]] = {"holdout.texts": self.texts}
        for number, name in enumerate(names):
            arrays[f"holdout.{number}.actual"] = self.attributes[name].actual
            arrays[f"holdout.{number}.predicted"] = self.attributes[name].predicted
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, names: Sequence[str]) -> HoldoutRecord | None:
        """None where nothing was kept. Raises ValueError where the parts do not fit together."""
        if "holdout.texts" not in arrays:
            return None
        texts = arrays["holdout.texts"].astype(np.uint64)
        attributes = {}
        for number, name in enumerate(names):
            parts = [arrays[f"holdout.{number}.{part}"].astype(np.int16) for part in ("actual", "predicted")]
            if any(part.ndim != 2 or len(part) != len(texts) for part in parts):
                raise ValueError(f"answers of shape {parts[0].shape} for {len(texts)} tickets")
            attributes[name] = HoldoutLabels(*parts)
        return cls(texts, attributes)


def text_hashes(texts: Sequence[str]) -> Hashes:
    """Equal for texts that differ only in case, blanks or Unicode form. Shape (texts,)."""
    return np.frombuffer(b"".join(same_text_key(text)[:8] for text in texts), np.uint64).copy()


def _numbers(known: Mask, y: Mask) -> ShortCodes:
    most = max(int(y.sum(axis=1).max(initial=0)), 1)
    numbers = np.full((len(known), most), NO_LABEL, np.int16)
    rows, labels = np.nonzero(y)
    # How many labels of its row stand before each.
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    numbers[np.flatnonzero(known)[rows], place] = labels
    numbers[~known] = NOT_KNOWN
    return numbers
