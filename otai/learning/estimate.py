"""A measured figure with its interval. Apart from `metrics.py`, so that whoever only reads a report card loads no
numerical library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A measured share (0 to 1, or an error in steps) with the ends of its 95 % interval."""

    value: float
    low: float
    high: float
