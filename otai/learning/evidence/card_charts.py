"""The charts of a report card, drawn here as SVG: no script, nothing fetched, readable in any browser and on paper.

Each function gives one `<svg>` as text. Colours and fonts come from `CHART_CSS` (or a page's own rules for the same
classes), so that a chart follows the page from light to dark. Whatever a point says when it is pointed at stands in its
`<title>`; the figures themselves stand in a table of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from otai.learning.evidence.report_card import AttributeReport, Forecast, SizePoint

CHART_CSS = """
.chart{display:block;width:100%;height:auto;font:12px/1.3 inherit;font-family:inherit}
.chart text{fill:var(--muted);font-size:12px}
.chart .axis{stroke:var(--line);stroke-width:1}
.chart .grid{stroke:var(--line);stroke-width:1;opacity:.6}
.chart .ideal{stroke:var(--muted);stroke-width:1;stroke-dasharray:4 4;fill:none}
.chart .curve{stroke:var(--accent);stroke-width:2.5;fill:none;stroke-linejoin:round}
.chart .second{stroke:var(--amber);stroke-width:2;fill:none;stroke-linejoin:round}
.chart .band{fill:var(--accent);opacity:.14}
.chart .bar{fill:var(--accent);opacity:.28}
.chart .dot{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}
.chart .dot2{fill:var(--amber);stroke:var(--paper);stroke-width:1.5}
.chart .whisker{stroke:var(--accent);stroke-width:1.5}
.chart .whisker2{stroke:var(--amber);stroke-width:1.5}
.chart .hit{fill:transparent}
.chart .mark{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3}
.chart text.said{fill:var(--ink);font-weight:600}
.chart text.second-said{fill:var(--amber-ink);font-weight:600}
.chart text.curve-said{fill:var(--accent-ink);font-weight:600}
.chart .cell{stroke:var(--paper);stroke-width:1}
.chart .right{fill:var(--accent)}
.chart .wrong{fill:var(--red)}
.chart text.on{fill:#fff;font-size:11px}
.chart text.off{fill:var(--ink);font-size:11px}
"""

# A confusion matrix of more labels than this is no longer read; the most confused ones are shown.
MOST_MATRIX_LABELS = 20
LABEL_CHARACTERS = 22


def percent(share: float, digits: int = 0) -> str:
    """A share in per cent, with so many decimals."""
    return f"{100 * share:.{digits}f}\u00a0%"


def short(label: str, characters: int = LABEL_CHARACTERS) -> str:
    """A name that fits beside a chart, its end cut where it is longer."""
    return label if len(label) <= characters else label[: characters - 1] + "…"


@dataclass
class _Plot:
    """A drawing area with axes. `x` and `y` are what its edges mean."""

    x: tuple[float, float]
    y: tuple[float, float]
    said: str
    width: int = 380
    height: int = 260
    left: int = 52
    right: int = 24
    top: int = 30
    bottom: int = 44
    parts: list[str] = field(default_factory=list)

    def at_x(self, value: float) -> float:
        low, high = self.x
        return round(self.left + (self.width - self.left - self.right) * (value - low) / ((high - low) or 1), 1)

    def at_y(self, value: float) -> float:
        low, high = self.y
        return round(
            self.height - self.bottom - (self.height - self.top - self.bottom) * (value - low) / ((high - low) or 1), 1
        )

    def axes(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        x_name: str,
        y_name: str,
        show_x: Callable[[float], str] = percent,
        show_y: Callable[[float], str] = percent,
    ) -> None:
        for value in ys:
            y = self.at_y(value)
            self.parts.append(f'<line class="grid" x1="{self.left}" x2="{self.width - self.right}" y1="{y}" y2="{y}"/>')
            self.text(self.left - 8, y + 4, show_y(value), anchor="end")
        base = self.at_y(self.y[0])
        self.parts.append(
            f'<line class="axis" x1="{self.left}" x2="{self.width - self.right}" y1="{base}" y2="{base}"/>'
        )
        for value in xs:
            self.text(self.at_x(value), base + 17, show_x(value), anchor="middle")
        self.text((self.left + self.width - self.right) / 2, self.height - 8, x_name, anchor="middle")
        self.text(6, 12, y_name)

    def text(self, x: float, y: float, said: str, *, anchor: str = "start", kind: str = "") -> None:
        css = f' class="{kind}"' if kind else ""
        self.parts.append(
            f'<text x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"{css}>{escape(said)}</text>'
        )

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        path = " ".join(f"{self.at_x(x)},{self.at_y(y)}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{path}"/>')

    def point(self, x: float, y: float, said: str, kind: str = "dot", radius: float = 4) -> None:
        at = f'cx="{self.at_x(x)}" cy="{self.at_y(y)}"'
        # The invisible circle is what a finger or a mouse can hit.
        self.parts.append(
            f'<g><title>{escape(said)}</title><circle class="{kind}" {at} r="{radius}"/><circle class="hit" {at} r="11"/></g>'
        )

    def upright(self, x: float, low: float, high: float, kind: str) -> None:
        at = self.at_x(x)
        self.parts.append(f'<line class="{kind}" x1="{at}" x2="{at}" y1="{self.at_y(low)}" y2="{self.at_y(high)}"/>')

    def svg(self) -> str:
        return _svg(self.width, self.height, self.said, self.parts)


def _svg(width: int, height: int, said: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(said, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def precision_curve(report: AttributeReport) -> str:
    """How right it is on the share of tickets that it is surest of: the headline of automation."""
    if not report.curve:
        return ""
    lowest = min([point.precision for point in report.curve] + [0.9])
    floor = max(0.0, (int(lowest * 20) - 1) / 20)
    plot = _Plot((0, 1), (floor, 1), f"Precision against the share of tickets decided alone, {report.name}")
    plot.axes(
        [0, 0.25, 0.5, 0.75, 1],
        _round_ticks(floor, 1),
        "share of tickets that it decides alone, the surest first",
        "right",
    )
    plot.line([(point.coverage, point.precision) for point in report.curve], "curve")
    for point in report.curve[::2]:
        said = (
            f"{percent(point.coverage)} of tickets, confidence {point.threshold:.2f} and above: "
            f"{percent(point.precision, 1)} right"
        )
        plot.point(point.coverage, point.precision, said, radius=2)
    last, level = -1_000.0, 0
    for coverage in sorted(report.coverage, key=lambda one: one.coverage):
        if coverage.threshold is None or coverage.precision is None:
            continue
        plot.upright(coverage.coverage, floor, coverage.precision, "mark")
        said = (
            f"Asked for {percent(coverage.target_precision)}: threshold {coverage.threshold:.3f}, "
            f"{percent(coverage.coverage, 1)} of tickets, {percent(coverage.precision, 1)} right on the holdout"
        )
        plot.point(coverage.coverage, coverage.precision, said, radius=5)
        # Two that stand close have their words one above the other.
        level = level + 1 if plot.at_x(coverage.coverage) - last < 100 else 0
        last = plot.at_x(coverage.coverage)
        end = coverage.coverage > 0.75
        plot.text(
            plot.at_x(coverage.coverage) + (-6 if end else 6),
            plot.at_y(floor) - 8 - 16 * level,
            f"{percent(coverage.target_precision)}: {percent(coverage.coverage)}",
            anchor="end" if end else "start",
            kind="said",
        )
    return plot.svg()


def reliability_chart(report: AttributeReport) -> str:
    """What confidences mean: on the dotted line a confidence of 80 % is right 80 times in 100."""
    if not report.reliability:
        return ""
    plot = _Plot((0, 1), (0, 1), f"How often predictions of each confidence are right, {report.name}")
    most = max(bin.tickets for bin in report.reliability)
    for bin in report.reliability:
        left, right = plot.at_x(bin.low), plot.at_x(bin.high)
        top = plot.at_y(0.22 * bin.tickets / most)
        plot.parts.append(
            f'<rect class="bar" x="{left + 1}" width="{round(right - left - 2, 1)}" y="{top}" height="{round(plot.at_y(0) - top, 1)}"/>'
        )
    plot.axes([0, 0.25, 0.5, 0.75, 1], [0, 0.25, 0.5, 0.75, 1], "confidence (bars: how many tickets have it)", "right")
    plot.line([(0, 0), (1, 1)], "ideal")
    plot.line([(bin.mean_confidence, bin.accuracy) for bin in report.reliability], "curve")
    for bin in report.reliability:
        said = (
            f"{bin.tickets} tickets with a confidence of {percent(bin.mean_confidence)} on average: "
            f"{percent(bin.accuracy)} right"
        )
        plot.point(bin.mean_confidence, bin.accuracy, said)
    return plot.svg()


def learning_chart(report: AttributeReport) -> str:
    """Quality at several numbers of tickets, with 95 % intervals, and where more of them would lead."""
    curve = report.learning_curve
    if curve is None or len(curve.points) < 2:
        return ""
    points, last = curve.points, curve.points[-1]
    shown_forecasts = [forecast for forecast in curve.forecasts if forecast.more_tickets <= 2 * last.tickets]
    most = last.tickets + max([forecast.more_tickets for forecast in shown_forecasts], default=0)
    lows = [min(point.accuracy.low, point.macro_f1.low) for point in points]
    highs = [max(point.accuracy.high, point.macro_f1.high) for point in points]
    for forecast in shown_forecasts:
        for base, gain in ((last.accuracy, forecast.accuracy), (last.macro_f1, forecast.macro_f1)):
            if gain is not None:
                lows.append(base.value + gain.low)
                highs.append(base.value + gain.high)
    floor, ceiling = max(0.0, int(min(lows) * 20 - 0.5) / 20), min(1.0, (int(max(highs) * 20) + 1) / 20)
    plot = _Plot((0, most * 1.04), (floor, ceiling), f"Quality against training tickets, {report.name}", right=70)
    ticks = [0, *_round_numbers(most)]
    plot.axes(
        ticks, _round_ticks(floor, ceiling), "training tickets", "right, macro F1", show_x=lambda value: f"{value:,.0f}"
    )
    beside: float | None = None
    for series in (_Series("macro F1", "macro_f1", "2"), _Series("right", "accuracy", "")):
        end = series.draw(plot, points, shown_forecasts)
        place = plot.at_y(end) + 4
        if beside is not None and abs(place - beside) < 15:
            place = beside + (15 if place >= beside else -15)
        beside = place
        plot.text(plot.at_x(most) + 10, place, series.name, kind=series.said_kind)
    return plot.svg()


@dataclass(frozen=True)
class _Series:
    """One figure of merit on the learning chart: `figure` names it in points and forecasts, `style` ends the names of
    its marks."""

    name: str
    figure: str
    style: str

    @property
    def said_kind(self) -> str:
        return "second-said" if self.style else "curve-said"

    def draw(self, plot: _Plot, points: Sequence[SizePoint], forecasts: Sequence[Forecast]) -> float:
        """Line, intervals and forecasts; returns the height at which it ends."""
        values = [getattr(point, self.figure) for point in points]
        line = [(point.tickets, value.value) for point, value in zip(points, values, strict=True)]
        plot.line(line, "second" if self.style else "curve")
        for point, value in zip(points, values, strict=True):
            plot.upright(point.tickets, value.low, value.high, f"whisker{self.style}")
            models = f", mean of {point.models} models" if point.models > 1 else ""
            share = f"{percent(value.value, 1)} ({percent(value.low, 1)} to {percent(value.high, 1)})"
            said = f"{point.tickets:,} tickets{models}: {self.name} {share}"
            plot.point(point.tickets, value.value, said, f"dot{self.style}")
        end = base = values[-1].value
        for forecast in forecasts:
            gain = getattr(forecast, self.figure)
            if gain is None:
                continue
            x, end = points[-1].tickets + forecast.more_tickets, _share(base + gain.value)
            plot.line([(points[-1].tickets, base), (x, end)], "ideal")
            plot.upright(x, _share(base + gain.low), _share(base + gain.high), f"whisker{self.style}")
            said = f"{forecast.more_tickets:,} more tickets: {self.name} {_points(gain.value, gain.low, gain.high)}"
            plot.point(x, end, said, f"dot{self.style}")
        return float(end)


def _share(value: float) -> float:
    """A forecast may lead beyond what a share can be; its picture does not."""
    return min(max(value, 0.0), 1.0)


def _points(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"


@dataclass(frozen=True)
class _Matrix:
    labels: list[int]
    cells: dict[tuple[int, int], int]
    totals: dict[int, int]


def confusion_chart(report: AttributeReport) -> str:
    """Actual labels down, predicted ones across; the shade is the share of the actual label's tickets."""
    if not report.confusion:
        return ""
    matrix = _matrix(report)
    size = max(16, min(34, 460 // max(len(matrix.labels), 1)))
    left, top = 170, 24
    width, height = left + size * len(matrix.labels) + 16, top + size * len(matrix.labels) + 134
    parts: list[str] = [f'<text x="{left}" y="14">predicted, across; actual, down; counts of tickets</text>']
    for row, actual in enumerate(matrix.labels):
        y = top + size * row
        name = report.labels[actual]
        parts.append(
            f'<text x="{left - 8}" y="{y + size / 2 + 4}" text-anchor="end">{escape(short(name))}<title>{escape(name)}</title></text>'
        )
        for column, predicted in enumerate(matrix.labels):
            tickets = matrix.cells.get((actual, predicted), 0)
            if not tickets:
                continue
            share = tickets / max(matrix.totals.get(actual, 0), 1)
            x = left + size * column
            kind = "right" if actual == predicted else "wrong"
            said = (
                f"{tickets} of {matrix.totals[actual]} tickets of {name} were predicted as {report.labels[predicted]}"
            )
            strong = share > 0.45
            parts.append(
                f'<g><title>{escape(said)}</title><rect class="cell {kind}" x="{x}" y="{y}" width="{size}" height="{size}" '
                f'fill-opacity="{0.12 + 0.88 * share:.2f}"/>'
                + (
                    f'<text class="{"on" if strong else "off"}" x="{x + size / 2}" y="{y + size / 2 + 4}" text-anchor="middle">{tickets}</text>'
                    if size >= 20 or tickets < 100
                    else ""
                )
                + "</g>"
            )
    for column, predicted in enumerate(matrix.labels):
        across, below = left + size * column + size / 2 + 4, top + size * len(matrix.labels) + 10
        name = report.labels[predicted]
        parts.append(
            f'<text x="{across}" y="{below}" text-anchor="end" transform="rotate(-55 {across} {below})">{escape(short(name, 18))}<title>{escape(name)}</title></text>'
        )
    drawn = _svg(max(width, 460), height, f"Which labels are taken for which, {report.name}", parts)
    return drawn.replace('class="chart"', f'class="chart" style="max-width:{max(width, 460)}px"', 1)


def _matrix(report: AttributeReport) -> _Matrix:
    cells = {(actual, predicted): tickets for actual, predicted, tickets in report.confusion}
    totals: dict[int, int] = {}
    wrong: dict[int, int] = {}
    for (actual, predicted), tickets in cells.items():
        totals[actual] = totals.get(actual, 0) + tickets
        if actual != predicted:
            for label in (actual, predicted):
                wrong[label] = wrong.get(label, 0) + tickets
    there = sorted(set(totals) | {predicted for _, predicted in cells})
    if len(there) > MOST_MATRIX_LABELS:
        there = sorted(sorted(there, key=lambda label: -wrong.get(label, 0))[:MOST_MATRIX_LABELS])
    return _Matrix(there, cells, totals)


def share_bar(share: float | None, *, kind: str = "curve") -> str:
    """A small bar for a table's cell."""
    if share is None:
        return ""
    return (
        f'<svg class="chart" style="width:90px" viewBox="0 0 90 10" aria-hidden="true"><rect class="bar" x="0" y="2" width="90" height="6" rx="3"/>'
        f'<rect class="{"right" if kind == "curve" else "wrong"}" x="0" y="2" width="{90 * min(max(share, 0), 1):.1f}" height="6" rx="3"/></svg>'
    )


def _round_ticks(low: float, high: float) -> list[float]:
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if (high - low) / step <= 5.5)
    first = -(-round(low / step, 6) // 1)
    return list(_steps(first * step, high, step))


def _steps(first: float, last: float, step: float) -> Iterator[float]:
    value = first
    while value <= last + 1e-9:
        yield round(value, 4)
        value += step


def _round_numbers(most: float) -> list[float]:
    size: float = 10 ** (len(str(int(max(most, 1)))) - 1)
    step: float = next(step for step in (size / 4, size / 2, size, 2 * size, 5 * size) if most / step <= 4.6)
    return list(_steps(step, most, step))
