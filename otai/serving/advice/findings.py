"""What labels that changed, new attributes and drift mean for a version: the evidence, a chart and the reason to train,
by kind of advice.

Codes with values alone: the doors say them (`otai.words.advice`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

from otai.learning.recipes import RECIPES
from otai.runs.models import Reason
from otai.serving.advice.proposals import attributes_that_fit, trainable
from otai.serving.models import AdviceKind, ModelVersion
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet


def of_labels(found: Mapping[str, Any] | None) -> dict[AdviceKind, dict[str, Any]]:
    """`looking.of_labels` as advice."""
    if found is None:
        return {}
    kind = AdviceKind.LABELS_RENAMED if found["only_renamed"] else AdviceKind.LABELS_CHANGED
    return {
        kind: {
            "evidence": found["evidence"],
            "mapping": found["mapping"],
            "chart": {"code": "tickets_of_unknown_labels", "unit": "tickets", "points": found["points"]},
            "reason": Reason.LABELS_CHANGED,
        }
    }


def counts(data_set: DataSet, name: str) -> dict[str, int]:
    """How many tickets have each label of an attribute; empty where the data set has no such attribute."""
    attribute = data_set.attributes.filter(name=name).first()
    return dict(attribute.labels.values_list("name", "count")) if attribute else {}


def learnable_now(version: ModelVersion, newest: DataSet, name: str) -> list[str]:
    """The labels of an attribute that a training on the newest data set would learn, and that one on the version's had
    too few tickets of: counted alike, of the tickets that a training learns from, by the same minimum."""
    recipe = RECIPES[version.run.mode]
    attribute = newest.attributes.filter(name=name).first()
    if attribute is None:
        return []
    learnt = version.run.data_set.attributes.filter(name=name).first()
    before = dict(learnt.labels.values_list("name", "training_count")) if learnt else {}

    def is_enough(tickets: int) -> bool:
        # Those kept aside to measure on teach nothing.
        return tickets * (1 - recipe.holdout_share) >= recipe.fewest_tickets

    now = attribute.labels.values_list("name", "training_count")
    return [label for label, tickets in now if is_enough(tickets) and not is_enough(before.get(label, 0))]


def learnt_counts(version: ModelVersion, name: str) -> dict[str, int]:
    """The labels that the version was trained on, from its evidence where the tickets were deleted."""
    if version.run.data_set.deleted_at is None:
        return counts(version.run.data_set, name)
    reports = [report for report in (version.run.report_card or {})["attributes"] if report["name"] == name]
    return {
        one["label"]: one["train_tickets"] + one["holdout_tickets"] for report in reports for one in report["per_label"]
    }


def of_attributes(version: ModelVersion, newest: DataSet) -> dict[AdviceKind, dict[str, Any]]:
    """Attributes of the newest data set that the version does not know and that could be learnt, with their numbers of
    tickets."""
    trained = {attribute["name"] for attribute in version.run.attributes}
    # From the profile: its attributes are named there after its tickets are gone, too.
    before = {attribute["name"] for attribute in version.run.data_set.profile["attributes"]}
    proposed = set(tickets.proposed_attributes(newest))
    new = [
        one
        for one in tickets.usable_attributes(newest)
        if one.name not in trained and one.name not in before and one.name in proposed
    ]
    fit = set(attributes_that_fit(trainable(newest, sorted(trained)), [one.name for one in new]))
    new = [one for one in new if one.name in fit]
    if not new:
        return {}
    counts = {one.name: one.labels.aggregate(tickets=Sum("count"))["tickets"] for one in new}
    return {
        AdviceKind.NEW_ATTRIBUTE: {
            "evidence": [
                {
                    "kind": "attribute",
                    "attribute": one.name,
                    "tickets": counts[one.name],
                    "labels": one.labels.count(),
                }
                for one in new
            ],
            "chart": {
                "code": "tickets_with_attribute",
                "unit": "tickets",
                "points": [{"attribute": name, "before": 0, "now": count} for name, count in counts.items()],
            },
            "reason": Reason.LABELS_CHANGED,
            "attributes": sorted(trained) + [one.name for one in new],
        }
    }


def of_drift(
    version: ModelVersion, signals: Sequence[Mapping[str, Any]], newest: DataSet | None
) -> dict[AdviceKind, dict[str, Any]]:
    """What the tests of new tickets against the reference say, as advice: a new language, or drift. Empty: neither."""
    advice: dict[AdviceKind, dict[str, Any]] = {}
    languages = [one for one in signals if one["kind"] == "language" and one["is_drift"]]
    if languages:
        advice[AdviceKind.NEW_LANGUAGE] = {
            "evidence": [dict(one) for one in languages],
            "chart": {
                "code": "share_by_language",
                "unit": "share",
                "points": [_point(one, language=one["language"]) for one in signals if one["kind"] == "language"],
            },
            "reason": Reason.NEW_LANGUAGE,
        }
    drifted = [one for one in signals if one["is_drift"] and one["kind"] != "language"]
    # Tickets in a new language are unsure and unfamiliar as well: that is one finding, not two.
    if drifted and not (languages and all(one["kind"] != "accuracy" for one in drifted)):
        advice[AdviceKind.DRIFT] = {
            "evidence": [dict(one) for one in drifted] + [dict(one) for one in signals if one["kind"] == "words"],
            "chart": {
                "code": "training_and_now",
                "unit": "share",
                "points": [
                    _point(one, attribute=one["attribute"], measure=one["kind"])
                    for one in signals
                    if one["kind"] in ("confidence", "accuracy", "unfamiliar")
                ],
            },
            "reason": Reason.DRIFT,
        }
    return advice


def _point(signal: Mapping[str, Any], **of: str | None) -> dict[str, Any]:
    now = signal["now"]
    return {**of, "before": signal["before"], "now": now["value"], "low": now["low"], "high": now["high"]}
