"""Two versions of a model beside each other, on tickets that both were measured on and neither had learnt by then.

A holdout's tickets are chosen by a hash of their text, so two trainings on growing data share most of them. On those
the versions are compared ticket by ticket: McNemar's exact test over the tickets that only one of them got right, and
an interval of the difference from redrawn tickets, the same ones for both.

What counts as right are the labels that the newer training was given: a corrected label counts as corrected for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from otai.learning.arrays import Codes, Mask, Rows, ShortCodes
from otai.learning.estimate import Estimate
from otai.learning.metrics import RESAMPLES, bootstrap_parts, percentile_interval, quality_under, sparse_of
from otai.learning.model.bundle import AttributeModel, Bundle
from otai.learning.model.holdout import NOT_KNOWN, HoldoutLabels
from otai.words.sentences import Fact

# With fewer tickets in common, a comparison says nothing.
FEWEST_TICKETS = 30

# A difference that chance makes more often than this is none.
SURE = 0.05


@dataclass(frozen=True)
class AttributeComparison:
    """One attribute on `tickets` common tickets. Differences are the newer less the older, with 95 % intervals.

    `only_older` and `only_newer` count the tickets that only that version got right, `p_value` is McNemar's. `verdict`
    is "better", "worse" or "same" (no difference that chance would not make): "better" holds for as many attributes as
    were compared (Holm), "worse" for each by itself, since it warns. `new_labels` are those that the older version did
    not know.
    """

    name: str
    tickets: int
    older_accuracy: float
    newer_accuracy: float
    accuracy: Estimate
    older_macro_f1: float
    newer_macro_f1: float
    macro_f1: Estimate
    only_older: int
    only_newer: int
    p_value: float
    verdict: str
    new_labels: list[str]


@dataclass(frozen=True)
class Comparison:
    """`tickets` were measured by both; `attributes` are those that both predict and could be compared. `unknown` says
    why nothing could."""

    tickets: int
    attributes: list[AttributeComparison]
    unknown: Fact | None = None

    def answer(self) -> Fact:
        """Whether the newer version is better, and how sure that is: one sentence."""
        if not self.attributes:
            return self.unknown or Fact("versions_share_no_attribute")
        by_chance = sorted(self.attributes, key=lambda one: one.p_value)
        better = [one for one in by_chance if one.verdict == "better"]
        worse = [one for one in by_chance if one.verdict == "worse"]
        if better and worse:
            names = {"better": [one.name for one in better], "worse": [one.name for one in worse]}
            chance = max(self._holm()[better[-1].name], worse[-1].p_value)
            return Fact("comparison_mixed", {**names, "chance": _shown(chance)})
        if not better and not worse:
            return Fact("comparison_same", {"tickets": self.tickets})
        first, *others = better or worse
        accuracy = first.accuracy
        values = {"attribute": first.name, "points": accuracy.value, "low": accuracy.low, "high": accuracy.high}
        values["chance"] = _shown(self._holm()[first.name] if better else first.p_value)
        also = {"also": [one.name for one in others]} if others else {}
        return Fact("comparison_better" if better else "comparison_worse", {**values, **also})

    def _holm(self) -> dict[str, float]:
        return holm({one.name: one.p_value for one in self.attributes})

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for a job. `from_dict` reads it."""
        attributes = [asdict(one) for one in self.attributes]
        unknown = None if self.unknown is None else self.unknown.as_dict()
        return {"tickets": self.tickets, "attributes": attributes, "unknown": unknown}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Comparison:
        """The value of `as_dict`."""
        attributes = [
            AttributeComparison(
                **one | {"accuracy": Estimate(**one["accuracy"]), "macro_f1": Estimate(**one["macro_f1"])}
            )
            for one in values["attributes"]
        ]
        unknown = None if values["unknown"] is None else Fact.from_dict(values["unknown"])
        return cls(values["tickets"], attributes, unknown)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p-value as the step-down of Holm (1979, "A simple sequentially rejective multiple test procedure") adjusts
    it: how often chance alone makes one difference so large among all that were looked at."""
    adjusted, most = {}, 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        most = max(most, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = most
    return adjusted


def _surely(compared: list[AttributeComparison]) -> list[AttributeComparison]:
    """Of seven attributes one is better by luck in every third comparison: what is called better is better all the
    same."""
    adjusted = holm({one.name: one.p_value for one in compared})
    return [
        replace(one, verdict="same") if one.verdict == "better" and adjusted[one.name] > SURE else one
        for one in compared
    ]


def _shown(chance: float) -> float:
    """No chance is said to be none."""
    return max(chance, 0.001)


def compare(older: Bundle, newer: Bundle, *, seed: int = 0) -> Comparison:
    """The newer version against the older, attribute by attribute."""
    before, after = older.holdout, newer.holdout
    if before is None or after is None:
        return Comparison(0, [], Fact("versions_unlike"))
    _, at_before, at_after = np.intersect1d(before.texts, after.texts, return_indices=True)
    if len(at_after) < FEWEST_TICKETS:
        return Comparison(
            len(at_after),
            [],
            Fact("versions_share_too_few_tickets", {"tickets": len(at_after), "needed": FEWEST_TICKETS}),
        )
    models = {model.spec.name: model for model in older.attributes}
    compared = []
    for model in newer.attributes:
        name = model.spec.name
        if name not in models or name not in before.attributes or models[name].spec.is_multi != model.spec.is_multi:
            continue
        old, new = _rows(before.attributes[name], at_before), _rows(after.attributes[name], at_after)
        known = (old.actual[:, 0] != NOT_KNOWN) & (new.actual[:, 0] != NOT_KNOWN)
        if known.sum() >= FEWEST_TICKETS:
            compared.append(_compared(models[name], model, _rows(old, known), _rows(new, known), seed=seed))
    unknown = None if compared else Fact("versions_share_no_attribute")
    return Comparison(len(at_after), _surely(compared), unknown)


def _rows(answers: HoldoutLabels, which: Mask | Rows) -> HoldoutLabels:
    return HoldoutLabels(answers.actual[which], answers.predicted[which])


def _compared(
    older: AttributeModel, newer: AttributeModel, old: HoldoutLabels, new: HoldoutLabels, *, seed: int
) -> AttributeComparison:
    place = {label.casefold(): number for number, label in enumerate(newer.labels)}
    width = len(newer.labels) + len(older.labels)
    # Labels that only the older version knows stand behind the newer one's: predicting them is wrong, but it is no
    # other label.
    translated = np.array(
        [place.get(label.casefold(), len(newer.labels) + number) for number, label in enumerate(older.labels)]
    )
    actual = _indicator(new.actual, np.arange(len(newer.labels)), width)
    guesses = (
        _indicator(old.predicted, translated, width),
        _indicator(new.predicted, np.arange(len(newer.labels)), width),
    )
    right_before, right_after = ((guess == actual).all(axis=1) for guess in guesses)
    only_older, only_newer = int((right_before & ~right_after).sum()), int((right_after & ~right_before).sum())
    p_value = float(stats.binomtest(only_newer, only_older + only_newer).pvalue) if only_older + only_newer else 1.0
    there = sparse_of(actual)
    drawn = [
        [quality_under(guess, actual, there, weights) for guess in guesses]
        for weights in bootstrap_parts(len(actual), RESAMPLES, np.random.default_rng(seed))
    ]
    before, after = (np.concatenate([part[which] for part in drawn], axis=1) for which in (0, 1))
    known_before = {label.casefold() for label in older.labels}
    return AttributeComparison(
        name=newer.spec.name,
        tickets=len(actual),
        older_accuracy=float(before[0, 0]),
        newer_accuracy=float(after[0, 0]),
        accuracy=percentile_interval(after[0, 0] - before[0, 0], after[0, 1:] - before[0, 1:]),
        older_macro_f1=float(before[1, 0]),
        newer_macro_f1=float(after[1, 0]),
        macro_f1=percentile_interval(after[1, 0] - before[1, 0], after[1, 1:] - before[1, 1:]),
        only_older=only_older,
        only_newer=only_newer,
        p_value=p_value,
        verdict="same" if p_value > SURE else "better" if only_newer > only_older else "worse",
        new_labels=[label for label in newer.labels if label.casefold() not in known_before],
    )


def _indicator(codes: ShortCodes, numbers: Codes, width: int) -> Mask:
    """Label numbers as 0/1, renumbered, shape (tickets, width)."""
    y = np.zeros((len(codes), width), np.bool_)
    rows, places = np.nonzero(codes >= 0)
    y[rows, numbers[codes[rows, places]]] = True
    return y
