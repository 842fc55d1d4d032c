"""What a training tells the customer in words, beside the figures."""

from __future__ import annotations

from collections.abc import Sequence

from otai.learning.data.splitting import Split
from otai.learning.data.targets import AttributeTarget
from otai.learning.data.tickets import LabelledTickets
from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import AttributeReport
from otai.learning.finding import Finding
from otai.learning.recipes import Recipe

FEW_HOLDOUT_TICKETS = 100
LISTED = 5
FEWEST_SUSPECTS_TO_TELL = 5

# A gain below this cannot be told from chance on a thousand or two of tickets.
WORTH_THE_DEARER_MODE = 0.01


def data_findings(
    tickets: LabelledTickets, usable: int, split: Split, targets: Sequence[AttributeTarget], recipe: Recipe
) -> list[Finding]:
    """What was done with the data before anything was learnt."""
    findings = []
    if empty := len(tickets) - usable:
        findings.append(Finding("empty_tickets", "note", f"{empty} tickets have no text and were not learnt from."))
    if split.duplicates_moved:
        findings.append(
            Finding(
                "duplicates_across_split",
                "warning",
                f"{split.duplicates_moved} training tickets have the same text as a test ticket and were not learnt from.",
            )
        )
    if not len(split.holdout):
        findings.append(
            Finding(
                "no_holdout",
                "warning",
                f"{len(split.train)} tickets are too few to keep any aside. Each was measured by a model that had not seen it, "
                "which flatters a little.",
            )
        )
    elif len(split.holdout) < FEW_HOLDOUT_TICKETS:
        findings.append(
            Finding(
                "small_holdout",
                "note",
                f"Measured on {len(split.holdout)} tickets only: mind the width of the intervals.",
            )
        )
    for target in targets:
        findings += _label_findings(target, split, recipe)
    return findings


def _label_findings(target: AttributeTarget, split: Split, recipe: Recipe) -> list[Finding]:
    name = target.spec.name
    findings = []
    if target.left_out:
        tickets = sum(target.left_out.values())
        findings.append(
            Finding(
                "labels_left_out",
                "warning",
                f"{name}: {len(target.left_out)} labels were left out, with fewer than {recipe.fewest_tickets} training tickets "
                f"each ({_listed(list(target.left_out))}; {tickets} tickets). The model never predicts them.",
                name,
            )
        )
    if target.merged:
        pairs = _listed([f"{spelling!r} as {label!r}" for spelling, label in target.merged])
        findings.append(
            Finding(
                "labels_merged", "warning", f"{name}: spellings that differ only in case were joined: {pairs}.", name
            )
        )
    missing = int((~target.known[split.train]).sum())
    if missing * 2 > len(split.train):
        findings.append(
            Finding(
                "mostly_unlabelled",
                "note",
                f"{name}: {missing} of {len(split.train)} training tickets have no label to learn from.",
                name,
            )
        )
    return findings


def vector_findings(targets: Sequence[AttributeTarget], gains: Sequence[Estimate]) -> list[Finding]:
    """What sentence vectors gained over words and characters, where that is little, or may well be chance: the cheaper mode would do."""
    return [
        Finding(
            "words_were_enough",
            "note",
            f"{target.spec.name}: sentence vectors changed the mean of accuracy and macro F1 by {100 * gain.value:+.1f} points ({100 * gain.low:+.1f} to "
            f"{100 * gain.high:+.1f}) on tickets kept back from training. Basic, the cheaper mode, is enough for this attribute.",
            target.spec.name,
        )
        for target, gain in zip(targets, gains, strict=True)
        if gain.low <= 0 or gain.value < WORTH_THE_DEARER_MODE
    ]


def evidence_findings(reports: Sequence[AttributeReport]) -> list[Finding]:
    """What the figures mean, where they mean something to act upon."""
    findings = []
    for report in reports:
        if not report.holdout_tickets:
            findings.append(
                Finding(
                    "not_measured",
                    "warning",
                    f"{report.name}: no holdout ticket has a label that was learnt, so nothing could be measured.",
                    report.name,
                )
            )
            continue
        if report.accuracy.low <= report.majority.accuracy and report.macro_f1.low <= report.majority.macro_f1 + 0.02:
            findings.append(
                Finding(
                    "no_better_than_majority",
                    "warning",
                    f"{report.name}: the model is not measurably better than always answering "
                    f"{report.majority.label or 'nothing'!r} ({report.majority.accuracy:.1%} right). "
                    "The texts may not say what decides this attribute.",
                    report.name,
                )
            )
        never = [
            label.label
            for label in report.per_label
            if label.holdout_tickets and label.recall == 0 and not label.predicted
        ]
        if never:
            findings.append(
                Finding(
                    "labels_never_predicted",
                    "note",
                    f"{report.name}: never predicted on the holdout: {_listed(never)}. More tickets of these would help.",
                    report.name,
                )
            )
        if (
            report.confused_pairs
            and report.confused_pairs[0].share_of_actual > 0.3
            and report.confused_pairs[0].tickets >= 5
        ):
            pair = report.confused_pairs[0]
            findings.append(
                Finding(
                    "labels_confused",
                    "note",
                    f"{report.name}: {pair.tickets} tickets of {pair.actual!r} were taken for {pair.predicted!r}. Do people tell "
                    "the two apart?",
                    report.name,
                )
            )
        wrong = report.wrong_labels
        if wrong is not None and wrong.total >= FEWEST_SUSPECTS_TO_TELL:
            findings.append(
                Finding(
                    "labels_suspected",
                    "note",
                    f"{report.name}: {wrong.total} of {wrong.examined} tickets examined look wrongly labelled. Look at the {len(wrong.suspects)} likeliest "
                    "in the report card before adding tickets.",
                    report.name,
                )
            )
    return findings


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {len(names) - LISTED} more" if len(names) > LISTED else shown
