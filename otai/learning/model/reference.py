"""What tickets were like when a model was trained, kept in its bundle: so that later tickets can be compared with them
(`evidence/drift.py`).

They are the tickets kept aside, each as the model saw it that had not learnt it. No word of any is kept: the words of a
ticket are added up into 64 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from otai.learning.arrays import Arrays, Floats, Matrix
from otai.learning.features.sketches import sketch_matrix
from otai.learning.features.text import TextFeatures
from otai.learning.model.holdout import text_hashes

SKETCH_COLUMNS = 64
MOST_TICKETS = 2_000
"""As many as a check needs: the chance in them is then small beside that in some hundred new tickets."""


def sketch(matrix: sparse.csr_matrix, features: TextFeatures) -> Matrix:
    """The words of tickets added up into a few columns, shape (tickets, 64): means of many tickets differ where their
    words do."""
    return np.asarray((matrix @ sketch_matrix(features.hashes, SKETCH_COLUMNS)).toarray(), np.float32)


@dataclass(frozen=True)
class Reference:
    """Tickets that the model had not learnt, a random part of those kept aside.

    `confidence` has shape (tickets, attributes), in the model's order; `sketches` (tickets, 64); `known_words` is the
    share of each ticket's words that training knew. `language` is each ticket's, "" where nobody knows, and `languages`
    counts the tickets learnt by language.
    """

    known_words: Matrix
    sketches: Matrix
    confidence: Matrix
    language: tuple[str, ...]
    languages: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.known_words)

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        *,
        known_words: Floats,
        sketches: Matrix,
        confidence: Floats,
        language: Sequence[str | None],
        training_languages: Sequence[str | None],
    ) -> Reference:
        """From all tickets kept aside, in any order."""
        # In the order of their hashes, which is a random one that stays the same.
        chosen = np.argsort(text_hashes(texts), kind="stable")[:MOST_TICKETS]
        counts: dict[str, int] = {}
        for code in training_languages:
            counts[code or ""] = counts.get(code or "", 0) + 1
        return cls(
            known_words=known_words[chosen].astype(np.float32),
            sketches=sketches[chosen].astype(np.float32),
            confidence=confidence[chosen].astype(np.float32),
            language=tuple(language[row] or "" for row in chosen),
            languages=counts,
        )

    def arrays(self) -> Arrays:
        """Arrays by name in half precision, in the shapes of the fields: as a model stores them."""
        number = {code: at for at, code in enumerate(sorted(set(self.language)))}
        return {
            "known_words": self.known_words.astype(np.float16),
            "sketches": self.sketches.astype(np.float16),
            "confidence": self.confidence.astype(np.float16),
            "language": np.asarray([number[code] for code in self.language], np.int16),
        }

    def manifest(self) -> dict[str, Any]:
        """What of it is no array."""
        return {"language_codes": sorted(set(self.language)), "languages": dict(self.languages)}

    @classmethod
    def from_arrays(cls, arrays: Arrays, manifest: Mapping[str, Any]) -> Reference:
        """What `arrays` and `manifest` gave. Raises KeyError, TypeError, ValueError, IndexError where they do not fit
        together."""
        codes = manifest["language_codes"]
        return cls(
            known_words=arrays["known_words"].astype(np.float32),
            sketches=arrays["sketches"].astype(np.float32),
            confidence=arrays["confidence"].astype(np.float32),
            language=tuple(codes[at] for at in arrays["language"]),
            languages={str(code): int(count) for code, count in manifest["languages"].items()},
        )
