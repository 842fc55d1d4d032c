"""A report card made ready to be looked at: rows, curves and matrices with their words, nothing that was not
measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import (
    AttributeReport,
    ConfusedPair,
    Coverage,
    CurvePoint,
    LabelIssue,
    LabelsFound,
    ReportCard,
)
from otai.orgs.models import Member
from otai.orgs.permissions import Action
from otai.runs.models import Run

labels_in_matrix = 12
"""The most frequent ones; the others together make one more row and column."""

points_to_choose = 24
wanted_precision = 0.95


def card_of(run: Run) -> ReportCard | None:
    """The report card; None for a run without one, or with one of a newer format than this version reads."""
    if run.report_card is None:
        return None
    try:
        return ReportCard.from_values(run.report_card)
    except ValueError:
        return None


def card_for(member: Member, run: Run) -> ReportCard | None:
    """The report card as the member may see it: without the words of tickets, for whoever may not read tickets."""
    card = card_of(run)
    return card if card is None or member.may(Action.READ_TICKETS) else card.without_texts()


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """An estimate with its interval and the baseline as a picture, in percent of its width."""

    value: float
    low: float
    width: float
    baseline: float


@dataclass(frozen=True, slots=True)
class Spark:
    """The figure over the versions: points of a polyline in a box of 96 x 28, and the last of them."""

    points: str
    last_x: float
    last_y: float
    values: list[float]


@dataclass(frozen=True, slots=True)
class Summary:
    """One attribute in one row."""

    position: int
    report: AttributeReport
    bar: IntervalBar
    alone: Coverage | None
    not_yet: int | None
    """About how many more labelled tickets would let it decide alone."""
    spark: Spark | None
    change: float | None
    labels: LabelsFound | None
    """Of an attribute with several labels a ticket: a whole set of them is hardly ever right."""


def summaries(card: ReportCard, *, earlier: list[dict[str, Any]]) -> list[Summary]:
    """A row for each attribute, with what earlier runs reached; accuracies are shares."""
    rows = []
    for position, report in enumerate(card.attributes):
        before = [
            one["accuracy"]["value"] for old in earlier for one in old["attributes"] if one["name"] == report.name
        ]
        values = [*before, report.accuracy.value]
        rows.append(
            Summary(
                position,
                report,
                bar_of(report.accuracy, report.majority.accuracy),
                coverage_at(report, wanted_precision),
                more_tickets_at(report, wanted_precision),
                spark_of(values) if before else None,
                report.accuracy.value - before[-1] if before else None,
                LabelsFound.of(report) if report.kind == "multi" else None,
            )
        )
    return rows


def suspected(rows: list[Summary]) -> list[Summary]:
    """Those with labels that look wrong, as long as the tickets are there that carry them."""
    return [row for row in rows if row.report.wrong_labels is not None and row.report.wrong_labels.suspects]


def bar_of(estimate: Estimate, baseline: float) -> IntervalBar:
    """The estimate and the baseline as widths in percent."""

    def share(value: float) -> float:
        return round(100 * min(max(value, 0.0), 1.0), 2)

    return IntervalBar(share(estimate.value), share(estimate.low), share(estimate.high - estimate.low), share(baseline))


def spark_of(values: list[float]) -> Spark:
    """The values as a line of 96 by 28 units."""
    low, high = min(values), max(values)
    spread = max(high - low, 0.02)
    step = 88 / max(len(values) - 1, 1)
    points = [(round(4 + at * step, 1), round(24 - 20 * (value - low) / spread, 1)) for at, value in enumerate(values)]
    return Spark(" ".join(f"{x},{y}" for x, y in points), *points[-1], values)


def coverage_at(report: AttributeReport, precision: float) -> Coverage | None:
    """What could be left to the model at that precision; None where no confidence reaches it."""
    for found in report.coverage:
        if abs(found.target_precision - precision) < 1e-9:
            return found if found.threshold is not None and found.precision is not None else None
    return None


def more_tickets_at(report: AttributeReport, precision: float) -> int | None:
    """About how many more labelled tickets would let that precision be promised; None where it is, or where none
    would."""
    for found in report.coverage:
        if abs(found.target_precision - precision) < 1e-9:
            return found.more_tickets
    return None


@dataclass(frozen=True, slots=True)
class MatrixCell:
    tickets: int
    actual: str
    predicted: str
    tone: str
    share: float
    is_of_others: bool = False
    """Its row or column stands for several labels."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: str
    tickets: int
    cells: list[MatrixCell]
    is_of_others: bool = False


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    labels: list[str]
    rows: list[MatrixRow]
    folded: int
    """How many labels stand together in the last row and column."""


def matrix_of(report: AttributeReport, *, others: str) -> ConfusionMatrix | None:
    """The confusion matrix of the most frequent labels; the rest of them as one. None for attributes with several
    labels a ticket."""
    if not report.confusion:
        return None
    totals = [0] * len(report.labels)
    for actual, _predicted, tickets in report.confusion:
        totals[actual] += tickets
    involved = {number for actual, predicted, _tickets in report.confusion for number in (actual, predicted)}
    kept = sorted(involved, key=lambda number: (-totals[number], number))[:labels_in_matrix]
    if report.kind == "ordered":
        kept.sort()
    folded = len(involved) - len(kept)
    place = {number: at for at, number in enumerate(kept)}
    names = [report.labels[number] for number in kept] + ([others] if folded else [])
    size = len(names)
    table = [[0] * size for _ in range(size)]
    for actual, predicted, tickets in report.confusion:
        table[place.get(actual, size - 1)][place.get(predicted, size - 1)] += tickets
    rows = [_matrix_row(at, counted, names, folded=bool(folded)) for at, counted in enumerate(table)]
    return ConfusionMatrix(names, rows, folded)


def _matrix_row(at: int, counted: list[int], names: list[str], *, folded: bool) -> MatrixRow:
    total = sum(counted)
    others = len(names) - 1
    cells = [
        MatrixCell(
            tickets,
            names[at],
            names[column],
            # Among the others, right and wrong are not told apart.
            "" if folded and at == column == others else tone_of(tickets, total, right=at == column),
            tickets / max(total, 1),
            folded and others in (at, column),
        )
        for column, tickets in enumerate(counted)
    ]
    return MatrixRow(names[at], total, cells, folded and at == others)


def tone_of(tickets: int, total: int, *, right: bool) -> str:
    """Five steps for what is right, five for what is not; nothing has no colour."""
    if not tickets:
        return "none"
    share = tickets / max(total, 1)
    bounds = (0.2, 0.4, 0.6, 0.8) if right else (0.04, 0.1, 0.2, 0.4)
    return f"{'right' if right else 'wrong'}-{1 + sum(share >= bound for bound in bounds)}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A point of the curve that a person may choose: from this confidence on, the model decides alone."""

    number: int
    threshold: float
    coverage: float
    precision: float


@dataclass(frozen=True, slots=True)
class AttributeCard:
    """One attribute, opened."""

    position: int
    report: AttributeReport
    bar: IntervalBar
    curve: list[CurvePoint]
    curve_floor: int
    choices: list[Choice]
    chosen: Choice | None
    """None where nothing was promised and nobody asked for a point: what was right beyond is luck as well."""
    is_promised: bool
    not_yet: int | None
    """About how many more labelled tickets would let 95 of 100 be promised."""
    promises: list[Coverage]
    """Those that hold, and those that so many more tickets would make hold."""
    assurance: float | None
    matrix: ConfusionMatrix | None
    pairs: list[tuple[ConfusedPair, list[tuple[str, str]]]]
    suspects: list[LabelIssue]
    suspects_total: int
    suspects_examined: int


def attribute_page(card: ReportCard, position: int, *, chosen: str = "") -> AttributeCard:
    """All that a report card says of the attribute at that position; `chosen` is a threshold's choice."""
    report = card.attributes[position]
    choices = choices_of(report)
    # The first few tickets make the beginning of a curve jump without saying anything.
    curve = thinned([point for point in report.curve if point.coverage * report.holdout_tickets >= 10], most=60)
    wrong = report.wrong_labels
    return AttributeCard(
        position,
        report,
        bar_of(report.accuracy, report.majority.accuracy),
        curve,
        max(0, int(min((point.precision for point in curve), default=0) * 10) * 10 - 10),
        choices,
        chosen_of(choices, chosen, promised(report)),
        promised(report) is not None,
        more_tickets_at(report, wanted_precision),
        [found for found in report.coverage if found.more_tickets or found.precision is not None],
        next((found.assurance for found in report.coverage), None),
        matrix_of(report, others=_("others")),
        [
            (pair, list(zip(pair.ticket_ids, pair.excerpts or [""] * len(pair.ticket_ids), strict=False)))
            for pair in report.confused_pairs
        ],
        wrong.suspects if wrong else [],
        wrong.total if wrong else 0,
        wrong.examined if wrong else 0,
    )


def thinned(curve: list[CurvePoint], *, most: int) -> list[CurvePoint]:
    """Evenly spread points of the curve, its ends among them."""
    if len(curve) <= most:
        return curve
    step = (len(curve) - 1) / (most - 1)
    return [curve[round(at * step)] for at in range(most)]


def choices_of(report: AttributeReport) -> list[Choice]:
    """From deciding nearly nothing to deciding all. Points of fewer than a few tickets say nothing and are left out."""
    solid = [point for point in report.curve if point.coverage * report.holdout_tickets >= 10]
    points = [(point.threshold, point.coverage, point.precision) for point in thinned(solid, most=points_to_choose)]
    points += [
        (found.threshold, found.coverage, found.precision)
        for found in report.coverage
        if found.threshold is not None and found.precision is not None and found.tickets
    ]
    ordered = sorted(set(points), key=lambda point: (point[1], -point[0]))
    return [Choice(number, *point) for number, point in enumerate(ordered)]


def promised(report: AttributeReport) -> Coverage | None:
    """What was promised before it was measured: 95 of 100, else the highest below that; None where nothing was."""
    held = [one for one in report.coverage if one.threshold is not None and one.precision is not None]
    upto = [one for one in held if one.target_precision <= wanted_precision + 1e-9]
    return max(upto, key=lambda one: one.target_precision, default=None)


def chosen_of(choices: list[Choice], asked: str, promise: Coverage | None) -> Choice | None:
    """The one asked for; else the one that was promised before it was measured. None where nothing was promised: the
    best point of a curve is luck, and no headline."""
    if asked.isdecimal() and len(asked) < 4 and int(asked) < len(choices):
        return choices[int(asked)]
    if promise is not None and (found := [one for one in choices if one.threshold == promise.threshold]):
        return found[-1]
    return None
