"""What a report card answers before its evidence: what is told best and worst, what may be left to the model, and what
not to use it for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otai.learning.evidence.report_card import AttributeReport, Coverage, LabelsFound, ReportCard
from otai.learning.evidence.training_findings import is_guessed, listed
from otai.learning.finding import Finding
from otai.words.card_findings import HEADLINES

ANSWERED_AT = 0.95
"""The precision at which something may be left to the model."""


def answer_of(card: ReportCard) -> list[Finding]:
    """The answer of a card, of cards from before as well, and what else it was given to say first."""
    said = answer_findings(card.attributes)
    codes = {one.code for one in said}
    return [*said, *(one for one in card.findings if one.code in HEADLINES and one.code not in codes)]


def answer_findings(reports: Sequence[AttributeReport]) -> list[Finding]:
    """From the figures of the tickets measured; nothing where none was."""
    measured = [one for one in reports if one.holdout_tickets]
    guessed = [one for one in measured if is_guessed(one)]
    return [*_told(measured), *_left(measured, guessed), *_not_for(guessed)] if measured else []


def _told(measured: Sequence[AttributeReport]) -> Iterator[Finding]:
    """Several labels a ticket are hardly ever all right: such attributes are told by labels, and not compared."""
    compared = sorted((one for one in measured if one.kind != "multi"), key=_right)
    if len(compared) > 1:
        worst, best = compared[0], compared[-1]
        values = {"best": best.name, "best_right": _right(best), "worst": worst.name, "worst_right": _right(worst)}
        yield Finding("best_and_worst", "note", values=values)
    elif compared:
        yield Finding("right_in", "note", values={"best": compared[0].name, "right": _right(compared[0])})
    elif len(measured) == 1:
        found = LabelsFound.of(measured[0])
        values = {"best": measured[0].name, "right": found.right, "found": found.found}
        yield Finding("labels_right_in", "note", values=values)


def _right(report: AttributeReport) -> float:
    return report.accuracy.value


def _left(measured: Sequence[AttributeReport], guessed: Sequence[AttributeReport]) -> Iterator[Finding]:
    """What it may decide alone, most of it first: by what was promised before it was measured."""
    held = [(one, found) for one in measured if one not in guessed and (found := promised_at(one, ANSWERED_AT))]
    held.sort(key=lambda pair: (pair[0].kind == "multi", -pair[1].coverage))
    if not held:
        more = [one for report in measured if (one := _more_tickets(report)) is not None]
        yield Finding("nothing_left_to_it", "note", values={"more": min(more)} if more else {})
        return
    most, found = held[0]
    code = "labels_left_to_it" if most.kind == "multi" else "left_to_it"
    values = {"most": most.name, "coverage": found.coverage, "right": found.precision}
    also = {"also": listed([report.name for report, _found in held[1:]])} if len(held) > 1 else {}
    yield Finding(code, "note", values={**values, **also})


def promised_at(report: AttributeReport, precision: float) -> Coverage | None:
    """What could be left to the model at that precision; None where no confidence promises it."""
    for found in report.coverage:
        if abs(found.target_precision - precision) < 1e-9:
            return found if found.threshold is not None and found.precision is not None else None
    return None


def _more_tickets(report: AttributeReport) -> int | None:
    at = [one.more_tickets for one in report.coverage if abs(one.target_precision - ANSWERED_AT) < 1e-9]
    return at[0] if at else None


def _not_for(guessed: Sequence[AttributeReport]) -> Iterator[Finding]:
    if guessed:
        yield Finding(
            "no_better_than_guessing", "warning", values={"attributes": listed([one.name for one in guessed])}
        )
