"""What the customer should know about their tickets or their model, beside the figures: a code with values, no
sentence.

The doors say it, in the reader's language (`otai.words.findings`), which holds a sentence for each code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something the customer should know. `severity` is "note" or "warning"; `code` is stable; `values` are
    JSON-serialisable.

    `written` is the sentence of evidence that was made before findings had values; of nothing else.
    """

    code: str
    severity: str = "note"
    attribute: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    written: str = ""

    def __post_init__(self) -> None:
        assert isinstance(self.values, Mapping), "values have names"
