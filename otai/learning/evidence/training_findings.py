"""What a training tells the customer beside the figures: codes with values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otai.learning.data.privacy import personal_labels
from otai.learning.data.splitting import Split
from otai.learning.data.targets import AttributeTarget
from otai.learning.data.tickets import LabelledTickets
from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import AttributeReport, NewestPart
from otai.learning.finding import Finding
from otai.learning.recipes import LEAST_GAIN_OF_A_DEARER_MODE, Recipe

FEW_HOLDOUT_TICKETS = 100
MOST_LISTED = 50
FEWEST_SUSPECTS = 5

# Of attributes that no text tells, 19 of 20 are found.
LIKELY_CHANCE = 0.05
FEWEST_TO_TEST_FOR_SIGNAL = 30


# A difference between new tickets and others that chance alone gives in one of twenty.
SURE_OF_DRIFT = 1.96
LEAST_DRIFT = 0.01


def newest_part(tickets: LabelledTickets, split: Split) -> NewestPart | None:
    """What the card says of the newest tickets; None where nobody knows which they are."""
    if split.newest is None or tickets.created_at is None:
        return None
    times = [time for row in split.newest if (time := tickets.created_at[row]) is not None]
    return NewestPart(len(split.newest), min(times).date().isoformat(), len(split.holdout) - len(split.newest))


def newest_finding(newest: NewestPart) -> Finding:
    """Which tickets the figures are of."""
    values = {"newest": newest.tickets, "since": newest.since, "others": newest.others}
    return Finding("newest_measured", "note", values=values)


def data_findings(
    tickets: LabelledTickets, usable: int, split: Split, targets: Sequence[AttributeTarget], recipe: Recipe
) -> list[Finding]:
    """What was done with the data before anything was learnt."""
    findings = []
    if empty := len(tickets) - usable:
        findings.append(Finding("empty_tickets", values={"tickets": empty}))
    if split.duplicates_moved:
        findings.append(Finding("duplicates_across_split", "warning", values={"tickets": split.duplicates_moved}))
    if not len(split.holdout):
        findings.append(Finding("no_holdout", "warning", values={"tickets": len(split.train)}))
    elif len(split.holdout) < FEW_HOLDOUT_TICKETS:
        findings.append(Finding("small_holdout", values={"tickets": len(split.holdout)}))
    if newest := newest_part(tickets, split):
        findings.append(newest_finding(newest))
    for target in targets:
        findings += _label_findings(target, split, recipe)
    return findings


def _label_findings(target: AttributeTarget, split: Split, recipe: Recipe) -> list[Finding]:
    name = target.spec.name
    findings = []
    if target.left_out:
        values = {
            "labels": len(target.left_out),
            "fewest": recipe.fewest_tickets,
            "named": listed(list(target.left_out)),
            "tickets": sum(target.left_out.values()),
        }
        findings.append(Finding("labels_left_out", "warning", name, values))
    if target.merged:
        merged = listed([f"{spelling} → {label}" for spelling, label in target.merged])
        findings.append(Finding("labels_merged", "warning", name, {"merged": merged}))
    if personal := personal_labels.of_labels(name, target.labels):
        findings.append(personal)
    missing = int((~target.known[split.train]).sum())
    if missing * 2 > len(split.train):
        findings.append(Finding("mostly_unlabelled", "note", name, {"missing": missing, "all": len(split.train)}))
    return findings


def vector_findings(targets: Sequence[AttributeTarget], gains: Sequence[Estimate]) -> list[Finding]:
    """What sentence vectors gained over words and characters, where that is little, or may well be chance: the cheaper
    mode would do."""
    return [
        Finding(
            "words_were_enough",
            "note",
            target.spec.name,
            {"gain": gain.value, "low": gain.low, "high": gain.high},
        )
        for target, gain in zip(targets, gains, strict=True)
        if gain.low <= 0 or gain.value < LEAST_GAIN_OF_A_DEARER_MODE
    ]


def is_guessed(report: AttributeReport) -> bool:
    """Whether the model is no better at it than guessing, as far as the tickets measured can tell."""
    return has_no_signal(report.chance_of_no_signal, report.holdout_tickets) or _is_like_the_majority(report)


def _is_like_the_majority(report: AttributeReport) -> bool:
    """Whether always giving the same answer is as good, within the intervals."""
    beside = report.majority
    return report.accuracy.low <= beside.accuracy and report.macro_f1.low <= beside.macro_f1 + 0.02


def evidence_findings(reports: Sequence[AttributeReport]) -> list[Finding]:
    """What the figures mean, where they mean something to act upon."""
    return [finding for report in reports for finding in _evidence_of(report)]


def _evidence_of(report: AttributeReport) -> Iterator[Finding]:
    if not report.holdout_tickets:
        yield Finding("not_measured", "warning", report.name)
        return
    if has_no_signal(report.chance_of_no_signal, report.holdout_tickets):
        shares = {"right": report.accuracy.value, "share": guessing_by_frequency(report)}
        yield Finding("no_signal", "warning", report.name, shares)
        # What such a model confuses, and which labels it suspects, says nothing about the labels.
        return
    yield from _drift_of(report)
    if _is_like_the_majority(report):
        label, share = report.majority.label, report.majority.accuracy
        if label is None:
            yield Finding("no_better_than_nothing", "warning", report.name, {"share": share})
        else:
            yield Finding("no_better_than_majority", "warning", report.name, {"label": label, "share": share})
    never = [
        label.label for label in report.per_label if label.holdout_tickets and label.recall == 0 and not label.predicted
    ]
    if never:
        yield Finding("labels_never_predicted", "note", report.name, {"labels": listed(never)})
    pair = report.confused_pairs[0] if report.confused_pairs else None
    if pair is not None and pair.share_of_actual > 0.3 and pair.tickets >= 5:
        confused = {"tickets": pair.tickets, "actual": pair.actual, "predicted": pair.predicted}
        yield Finding("labels_confused", "note", report.name, confused)
    wrong = report.wrong_labels
    if wrong is not None and wrong.total >= FEWEST_SUSPECTS:
        issues = {"wrong": wrong.total, "examined": wrong.examined, "listed": len(wrong.suspects)}
        yield Finding("labels_suspected", "note", report.name, issues)


def _drift_of(report: AttributeReport) -> Iterator[Finding]:
    """Where new tickets are answered surely worse, or better, than tickets of all times."""
    beside = report.at_random
    if beside is None or not beside.tickets:
        return
    new, old = report.accuracy.value, beside.accuracy.value
    spread = (new * (1 - new) / report.holdout_tickets + old * (1 - old) / beside.tickets) ** 0.5
    if abs(new - old) <= max(SURE_OF_DRIFT * spread, LEAST_DRIFT):
        return
    shares = {"newest": new, "others": old}
    if new < old:
        yield Finding("newest_harder", "warning", report.name, shares)
    else:
        yield Finding("newest_easier", "note", report.name, shares)


def has_no_signal(chance: float | None, tickets: int) -> bool:
    """Whether the answers could as well have been dealt out. Fewer tickets than `FEWEST_TO_TEST_FOR_SIGNAL` decide
    nothing."""
    return chance is not None and chance > LIKELY_CHANCE and tickets >= FEWEST_TO_TEST_FOR_SIGNAL


def guessing_by_frequency(report: AttributeReport) -> float | None:
    """How often an answer is right that is given as often as its label is there; None where a ticket has several."""
    if report.majority.label is None:
        return None
    there = [label.holdout_tickets for label in report.per_label]
    return sum(count * count for count in there) / max(sum(there), 1) ** 2


def listed(names: Sequence[str]) -> list[str]:
    """Enough for a sentence, which says how many more there are; the rest stands in the report."""
    return list(names[:MOST_LISTED])
