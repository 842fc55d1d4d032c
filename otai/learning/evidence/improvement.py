"""What would most likely raise an attribute that is not good enough: read from the evidence of its training. Pure.

A gain is a difference (0.02 being two points of accuracy) with its 95 % interval, and None where nobody knows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import AttributeReport
from otai.learning.metrics import wilson
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact

THIN_TICKETS = 20
"""A label with fewer training tickets than this is learnt badly more often than not (docs/report-card.md)."""

FEW_OF_A_LANGUAGE = 0.05
LEAST_SHARE_SAID = 0.005
MOST_MERGES = 5
MODES = ("basic", "business", "maximum")


class ImprovementKind(StrEnum):
    """What may raise an attribute."""

    WRONG_LABELS = "wrong_labels"
    MERGE_LABELS = "merge_labels"
    THIN_LABELS = "thin_labels"
    MORE_TICKETS = "more_tickets"
    DUPLICATES = "duplicates"
    LANGUAGE = "language"
    STRONGER_MODE = "stronger_mode"


@dataclass(frozen=True)
class Improvement:
    """One thing to do about an attribute: `fact` says it in any language (`otai.words.tables.improvements`), `details`
    has what a page or a program needs to do it."""

    kind: ImprovementKind
    attribute: str
    fact: Fact
    gain: Estimate | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """In English."""
        return say_fact(self.fact)


def improvements(
    report: AttributeReport,
    *,
    mode: str,
    contradicting_duplicates: int = 0,
    languages: Mapping[str, float] | None = None,
    gains_of_modes: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    modes_allowed: Sequence[str] = MODES,
) -> list[Improvement]:
    """The likeliest first: what is known to gain most, then what is worth trying without a forecast.

    `languages` are the shares of the training tickets by language. `gains_of_modes` holds (accuracy, macro F1) over
    Basic as measured elsewhere.
    """
    candidates = [
        *_wrong_labels(report),
        *_merges(report),
        *_more_tickets(report),
        *_thin_labels(report),
        *_duplicates(report, contradicting_duplicates),
        *_languages(report, languages or {}),
        *_modes(report, mode, gains_of_modes or {}, modes_allowed),
    ]

    def rank(improvement: Improvement) -> tuple[int, float]:
        # Wrong labels come first: as long as they stand, nothing else can be measured well.
        first = 0 if improvement.kind is ImprovementKind.WRONG_LABELS else 1
        return first, -(improvement.gain.value if improvement.gain else 0.0)

    return sorted(candidates, key=rank)


def _wrong_labels(report: AttributeReport) -> list[Improvement]:
    wrong = report.wrong_labels
    if wrong is None or not wrong.total:
        return []
    listed = wrong.suspects
    return [
        Improvement(
            ImprovementKind.WRONG_LABELS,
            report.name,
            Fact(
                "improvement.wrong_labels",
                {"wrong": wrong.total, "examined": wrong.examined, "listed": len(listed)},
            ),
            None,
            {
                "total": wrong.total,
                "examined": wrong.examined,
                "suspects": [
                    {
                        "ticket": suspect.ticket_id,
                        "given": suspect.given,
                        "suggested": suspect.suggested,
                        "confidence": suspect.confidence,
                        "excerpt": suspect.excerpt,
                    }
                    for suspect in listed
                ],
            },
        )
    ]


def _merges(report: AttributeReport) -> list[Improvement]:
    confused: dict[tuple[int, int], list[int]] = {}
    for actual, predicted, tickets in report.confusion:
        if actual != predicted:
            pair = (min(actual, predicted), max(actual, predicted))
            confused.setdefault(pair, [0, 0])[actual > predicted] += tickets
    merges = []
    for (first, other), (there, back) in confused.items():
        # Confused one way only, a label is too broad; both ways, the tickets do not tell the two apart.
        if min(there, back) < 1 or (there + back) < LEAST_SHARE_SAID * report.holdout_tickets or there + back < 3:
            continue
        gain = wilson(there + back, report.holdout_tickets)
        names = [report.labels[first], report.labels[other]]
        learnt = {label.label: label.train_tickets for label in report.per_label}
        thin = [name for name in names if learnt.get(name, THIN_TICKETS) < THIN_TICKETS]
        values = {"names": names, "wrong": there + back, "tickets": report.holdout_tickets}
        few = {"thin": thin[0], "learnt": learnt[thin[0]]} if thin else {}
        merges.append(
            Improvement(
                ImprovementKind.MERGE_LABELS,
                report.name,
                Fact("improvement.merge_labels", values | few),
                gain,
                {"labels": names, "confused": [there, back], "tickets": [learnt.get(name, 0) for name in names]},
            )
        )
    return sorted(merges, key=lambda one: -(one.gain.value if one.gain else 0))[:MOST_MERGES]


def _more_tickets(report: AttributeReport) -> list[Improvement]:
    curve = report.learning_curve
    if curve is None or not curve.forecasts:
        return []
    best = max(curve.forecasts, key=lambda one: one.more_tickets)
    gain = best.accuracy
    if gain.high < LEAST_SHARE_SAID:
        return []
    return [
        Improvement(
            ImprovementKind.MORE_TICKETS,
            report.name,
            Fact(
                "improvement.more_tickets",
                {"tickets": best.more_tickets, "low": gain.low, "high": gain.high},
            ),
            gain,
            {
                "forecasts": [
                    {"more_tickets": one.more_tickets, "accuracy": vars(one.accuracy)} for one in curve.forecasts
                ]
            },
        )
    ]


def tickets_needed(report: AttributeReport, missing: float) -> int | None:
    """How many more tickets would close a gap of `missing` accuracy, from the forecasts; None where they do not reach
    so far."""
    curve = report.learning_curve
    for one in sorted(curve.forecasts, key=lambda found: found.more_tickets) if curve else []:
        if one.accuracy.value >= missing > 0:
            return math.ceil(one.more_tickets * missing / one.accuracy.value)
    return None


def _thin_labels(report: AttributeReport) -> list[Improvement]:
    thin = [
        one
        for one in report.per_label
        if one.train_tickets < THIN_TICKETS and one.holdout_tickets and (one.f1 is None or one.f1 < 0.6)
    ]
    if not thin:
        return []
    thin.sort(key=lambda one: one.train_tickets)
    missing = sum(THIN_TICKETS - one.train_tickets for one in thin)
    return [
        Improvement(
            ImprovementKind.THIN_LABELS,
            report.name,
            Fact(
                "improvement.thin_labels",
                {
                    "labels": len(thin),
                    "fewest": THIN_TICKETS,
                    "named": [f"{one.label} ({one.train_tickets})" for one in thin],
                    "missing": missing,
                },
            ),
            None,
            {
                "labels": {one.label: THIN_TICKETS - one.train_tickets for one in thin},
                "missing_tickets": missing,
            },
        )
    ]


def _duplicates(report: AttributeReport, contradicting: int) -> list[Improvement]:
    if not contradicting:
        return []
    return [
        Improvement(
            ImprovementKind.DUPLICATES,
            report.name,
            Fact("improvement.duplicates", {"tickets": contradicting}),
            None,
            {"tickets": contradicting},
        )
    ]


def _languages(report: AttributeReport, languages: Mapping[str, float]) -> list[Improvement]:
    few = {code: share for code, share in languages.items() if 0.005 <= share < FEW_OF_A_LANGUAGE and len(code) == 2}
    return [
        Improvement(
            ImprovementKind.LANGUAGE,
            report.name,
            Fact("improvement.language", {"share": share, "language": code}),
            None,
            {"language": code, "share": share},
        )
        for code, share in sorted(few.items(), key=lambda one: -one[1])
    ]


def _modes(
    report: AttributeReport, mode: str, gains: Mapping[str, Sequence[tuple[float, float]]], allowed: Sequence[str]
) -> list[Improvement]:
    proposed = []
    for stronger in MODES[MODES.index(mode) + 1 :] if mode in MODES else []:
        if stronger not in allowed:
            continue
        measured, own = gains.get(stronger), gains.get(mode)
        if not measured or not own:
            proposed.append(
                Improvement(
                    ImprovementKind.STRONGER_MODE,
                    report.name,
                    Fact("improvement.stronger_mode", {"mode": stronger}),
                    None,
                    {"mode": stronger},
                )
            )
            continue
        # Paired where both modes were measured on the same attributes; Basic is the zero of all of them.
        own_of = own if len(own) == len(measured) else [(0.0, 0.0)] * len(measured)
        differences = [measured_gain[0] - other[0] for measured_gain, other in zip(measured, own_of, strict=True)]
        mean = sum(differences) / len(differences)
        spread = math.sqrt(sum((difference - mean) ** 2 for difference in differences) / max(len(differences) - 1, 1))
        gain = Estimate(mean, mean - 1.96 * spread, mean + 1.96 * spread)
        proposed.append(
            Improvement(
                ImprovementKind.STRONGER_MODE,
                report.name,
                Fact(
                    "improvement.stronger_mode",
                    {
                        "mode": stronger,
                        "mean": mean,
                        "attributes": len(differences),
                        "low": gain.low,
                        "high": gain.high,
                    },
                ),
                gain,
                {"mode": stronger, "measured_on": len(differences)},
            )
        )
    return proposed
