"""Charts that the server draws: where columns and bars stand. Pure; templates write the SVG, a table stands behind
it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 200
COLUMN = 20
BAR = 14


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a series, in the units of the drawing."""

    series: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Stacked columns: what comes in above the axis, what goes out below."""

    width: int
    axis: float
    columns: list[tuple[int, list[Bar]]]
    most_up: int
    most_down: int


def stacked_columns(up: Sequence[Sequence[int]], down: Sequence[Sequence[int]]) -> Columns:
    """One column for each place; `up` and `down` give, for each place, the heights of its series. Series count on from
    up to down."""
    most_up = max((sum(values) for values in up), default=0)
    most_down = max((sum(values) for values in down), default=0)
    scale = HEIGHT / max(1, most_up + most_down)
    axis = most_up * scale
    columns = []
    for place, (above, below) in enumerate(zip(up, down, strict=True)):
        left = place * COLUMN
        bars = []
        top = axis
        for series, value in enumerate(above):
            top -= value * scale
            bars.append(Bar(series, left + (COLUMN - BAR) // 2, round(top, 2), round(value * scale, 2)))
        bottom = axis
        for series, value in enumerate(below, start=len(above)):
            bars.append(Bar(series, left + (COLUMN - BAR) // 2, round(bottom, 2), round(value * scale, 2)))
            bottom += value * scale
        columns.append((left, [bar for bar in bars if bar.height > 0]))
    return Columns(COLUMN * len(columns), round(axis, 2), columns, most_up, most_down)
