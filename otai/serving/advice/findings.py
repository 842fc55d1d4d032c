"""What labels that changed, new attributes and drift mean for a version: the evidence, a chart and the reason to train, by kind of advice.

Codes with values alone: the doors say them (`otai.words.advice`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from otai.learning.data.label_changes import LabelChanges, label_changes
from otai.runs.models import Reason
from otai.serving.advice.new_tickets import MOST_TICKETS, NewTickets
from otai.serving.models import AdviceKind, ModelVersion
from otai.tickets import queries as tickets
from otai.tickets.models import Attribute, DataSet

if TYPE_CHECKING:
    from otai.learning.model.bundle import Bundle


def of_labels(
    version: ModelVersion, newest: DataSet, bundle: Bundle, fresh: NewTickets
) -> dict[AdviceKind, dict[str, Any]]:
    """Labels that came, went or were renamed since the version was trained, by attribute: evidence, chart and what to
    do. Empty: none did."""
    evidence, mapping, only_names, points = [], {}, True, []
    moved = _moved(version.run.data_set, newest)
    for model in bundle.attributes:
        name = model.spec.name
        found = _changes_of(version, newest, bundle, name, fresh, moved.get(name, {}))
        # Whoever uses the new name already gets it.
        renamed = version.renamed.get(name, {})
        open_names = {old: new for old, new in found.renamed.items() if renamed.get(old) != new}
        if not found or (found.only_renamed and not open_names):
            continue
        only_names = only_names and found.only_renamed
        if found.renamed:
            mapping[name] = dict(found.renamed)
        evidence.append(
            {
                "kind": "labels",
                "attribute": name,
                "added": list(found.added),
                "removed": list(found.removed),
                "renamed": dict(found.renamed),
                "split": {old: list(parts) for old, parts in found.split.items()},
                "joined": {new: list(parts) for new, parts in found.joined.items()},
                "tickets": dict(found.tickets),
                "came_from": {new: dict(shares) for new, shares in found.evidence.items()},
            }
        )
        points += [
            {"attribute": name, "label": label, "before": 0, "now": count} for label, count in found.tickets.items()
        ]
    if not evidence:
        return {}
    kind = AdviceKind.LABELS_RENAMED if only_names else AdviceKind.LABELS_CHANGED
    return {
        kind: {
            "evidence": evidence,
            "mapping": mapping,
            "chart": {"code": "tickets_of_unknown_labels", "unit": "tickets", "points": points},
            "reason": Reason.LABELS_CHANGED,
        }
    }


def _counts(data_set: DataSet, name: str) -> dict[str, int]:
    attribute = data_set.attributes.filter(name=name).first()
    return dict(attribute.labels.values_list("name", "count")) if attribute else {}


def _learnt(version: ModelVersion, name: str) -> dict[str, int]:
    """The labels that the version was trained on, from its evidence where the tickets were deleted."""
    if version.run.data_set.deleted_at is None:
        return _counts(version.run.data_set, name)
    reports = [report for report in (version.run.report_card or {})["attributes"] if report["name"] == name]
    return {
        one["label"]: one["train_tickets"] + one["holdout_tickets"] for report in reports for one in report["per_label"]
    }


def _changes_of(
    version: ModelVersion,
    newest: DataSet,
    bundle: Bundle,
    name: str,
    fresh: NewTickets,
    moved: Mapping[str, Counter[str]],
) -> LabelChanges:
    model = next(one for one in bundle.attributes if one.spec.name == name)
    learnt = {label: count for label, count in _learnt(version, name).items() if label in model.labels}
    if not learnt or not newest.attributes.filter(name=name).exists():
        return LabelChanges()
    # What came since the training shows sooner what changed than all tickets taken together do.
    came: Counter[str] = Counter()
    for labels in fresh.labels:
        came.update(labels.get(name, []))
    everything = _counts(newest, name)
    now = dict(came) if sum(came.values()) >= 100 and not moved else everything
    unknown = {label for label in {*now, *everything} if label not in learnt}
    predicted: dict[str, Counter[str]] = {}
    texts = [
        (text, label)
        for text, labels in zip(fresh.texts, fresh.labels, strict=True)
        for label in labels.get(name, [])
        if label in unknown
    ][:MOST_TICKETS]
    if texts:
        for (_, label), said in zip(texts, bundle.predict([text for text, _ in texts]), strict=True):
            predicted.setdefault(label, Counter()).update(said[name].labels[:1])
    return label_changes(learnt=learnt, now=now, moved=moved, predicted=predicted)


def _moved(before: DataSet, newest: DataSet) -> dict[str, dict[str, Counter[str]]]:
    """For each attribute and label of today: what tickets with the same text were labelled before, where that was another label."""
    if before.deleted_at is not None:
        return {}
    single = {
        name
        for name in before.attributes.exclude(kind=Attribute.Kind.MULTI).values_list("name", flat=True)
        if newest.attributes.filter(name=name).exists()
    }
    was = dict(zip(tickets.text_keys(before), tickets.tickets(before), strict=True))
    moved: dict[str, dict[str, Counter[str]]] = {}
    for key, row in zip(tickets.text_keys(newest), tickets.tickets(newest), strict=True):
        if (old := was.get(key)) is None:
            continue
        for name in single:
            label, former = row.get(f"attribute:{name}"), old.get(f"attribute:{name}")
            if label and former and label != former:
                moved.setdefault(name, {}).setdefault(label, Counter())[former] += 1
    return moved


def of_attributes(version: ModelVersion, newest: DataSet) -> dict[AdviceKind, dict[str, Any]]:
    """Attributes of the newest data set that the version does not know and that could be learnt, with their numbers of
    tickets."""
    trained = {attribute["name"] for attribute in version.run.attributes}
    # From the profile: its attributes are named there after its tickets are gone, too.
    before = {attribute["name"] for attribute in version.run.data_set.profile["attributes"]}
    new = [one for one in tickets.usable_attributes(newest) if one.name not in trained and one.name not in before]
    if not new:
        return {}
    counts = {one.name: sum(label.count for label in one.labels.all()) for one in new}
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
    found: dict[AdviceKind, dict[str, Any]] = {}
    languages = [one for one in signals if one["kind"] == "language" and one["is_drift"]]
    if languages:
        found[AdviceKind.NEW_LANGUAGE] = {
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
        found[AdviceKind.DRIFT] = {
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
    return found


def _point(signal: Mapping[str, Any], **of: str | None) -> dict[str, Any]:
    now = signal["now"]
    return {**of, "before": signal["before"], "now": now["value"], "low": now["low"], "high": now["high"]}
