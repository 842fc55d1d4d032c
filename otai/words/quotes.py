"""What evidence quotes of tickets, taken out of it: for whoever may read figures and no tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUOTING = frozenset(
    {
        *("example", "examples", "shown", "problems", "lines", "odd", "words", "written"),
        *("excerpt", "excerpts"),
    }
)
"""Under these names findings, report cards, advice and improvements keep what stands in single tickets.
`tests/words/test_quotes.py` asks of each new name whether it belongs here."""

LEFT_OUT = "…"


def without_quotes(evidence: Any) -> Any:
    """The same evidence, of JSON's kinds, with “…” wherever it quotes a ticket. Figures, columns, labels and ids
    stay."""
    if isinstance(evidence, Mapping):
        return {name: _left_out(one) if name in QUOTING else without_quotes(one) for name, one in evidence.items()}
    if isinstance(evidence, list | tuple):
        return [without_quotes(one) for one in evidence]
    return evidence


def _left_out(quoted: Any) -> Any:
    if isinstance(quoted, str):
        return LEFT_OUT if quoted else ""
    if isinstance(quoted, Mapping):
        return {name: _left_out(one) for name, one in quoted.items()}
    if isinstance(quoted, list | tuple):
        return [_left_out(one) for one in quoted]
    return quoted
