"""What the customer should know about their tickets or their model, beside the figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something the customer should know, in one sentence. `severity` is "note" or "warning"; `code` is stable."""

    code: str
    severity: str
    message: str
    attribute: str | None = None
