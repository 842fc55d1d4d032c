"""When to train again, from the customer's own data: labels that changed, drift, a new language, a new attribute. And what would raise a model.

`check` looks at one model; `look_at_all` at all of an installation. New tickets are those that the model was asked about (where they are kept), those
that feedback spoke of, and those that newer versions of its data set brought. Drift is tested once a week on the last two weeks, so that a check
of an unchanged helpdesk advises a training at most once in a hundred. Nothing is trained by itself: `follow` orders, at the quoted price.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from otai.billing import queries as billing
from otai.errors import NotFound, OtaiError, Refused
from otai.learning.label_changes import LabelChanges, label_changes
from otai.learning.report_card import ReportCard
from otai.orgs.models import Organisation
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.runs.models import Housekeeping, Reason, Run
from otai.runs.operations import make_quote, order_run
from otai.serving import feedback, queries
from otai.serving.models import (
    Advice,
    AdviceCheck,
    AdviceKind,
    AdviceStatus,
    Feedback,
    ModelVersion,
    ObservedTicket,
    TrainedModel,
)
from otai.tickets import queries as tickets
from otai.tickets.models import Attribute, DataSet
from otai.tickets.versions import ChangeInvalid, NextVersion

if TYPE_CHECKING:
    from otai.learning.bundle import Bundle
    from otai.learning.drift import Judged, Seen, Signal
    from otai.learning.improvement import Improvement

log = logging.getLogger(__name__)

SYSTEM = "advice"
WINDOW = timedelta(days=14)
HISTORY = timedelta(days=84)
"""Before the window: what the version was like in its own time, once there was enough of it."""

MOST_TICKETS = 2_000
"""The newest of a window: more would show differences that are too small to matter."""


class AdviceDecided(Refused):
    code = "advice_decided"


@dataclass(frozen=True)
class NewTickets:
    """Tickets that came after a training: texts, languages, and what people say their labels are where it is known (by attribute)."""

    texts: list[str] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    labels: list[dict[str, list[str]]] = field(default_factory=list)
    is_complete: list[bool] = field(default_factory=list)
    """People spoke of this ticket whether the model was right or not; else they may speak only where it was wrong."""

    def __len__(self) -> int:
        return len(self.texts)


# --- looking


LOOK = "advice"
look_every = timedelta(hours=24)


def look_when_due(*, now: datetime) -> int | None:
    """Checks the live version of every model once a day, and forgets tickets that were kept long enough; returns how many models were looked at.

    None: it is not due, or another process is at it. Safe at any time and from any process.
    """
    task, _ = Housekeeping.objects.get_or_create(name=LOOK, defaults={"next_at": now})
    # Whoever moves the time forward does the work; if that one dies, the next day comes all the same.
    if task.next_at > now or not Housekeeping.objects.filter(name=LOOK, next_at=task.next_at).update(
        next_at=now + look_every
    ):
        return None
    feedback.forget_expired(now=now)
    return look_at_all(now=now)


def look_at_all(*, now: datetime) -> int:
    """Checks the live version of every model of the installation; returns how many there are."""
    live = TrainedModel.objects.filter(live__isnull=False).select_related("organisation").order_by("id")
    count = 0
    for model in live.iterator(chunk_size=200):
        try:
            check(organisation=model.organisation, name=model.name, now=now)
        except OtaiError as error:
            # One model whose file is gone must not keep the others from being looked at.
            log.warning("%s of %s could not be checked: %s", model.name, model.organisation_id, error.message)
        count += 1
    return count


def check(*, organisation: Organisation, name: str, now: datetime) -> list[Advice]:
    """Looks at the live version of a model and its newest tickets; returns the open advice, most urgent first.

    Advice that holds no more is marked outdated. Safe to call at any time: drift is tested once in a week. Raises NotFound, BundleInvalid.
    """
    version = queries.version(organisation, name)
    newest = _newest(organisation, version)
    if not _anything_new(version, newest, now=now):
        return []
    bundle = queries.bundle(version)
    holding: dict[AdviceKind, dict[str, Any]] = {}
    fresh = _fresh_tickets(version, newest)
    if newest is not None and newest.id != version.run.data_set_id:
        holding |= _of_labels(version, newest, bundle, fresh)
        holding |= _of_attributes(version, newest)
    signals = _weekly_signals(version, bundle, fresh, now=now)
    holding |= _of_drift(version, signals, newest)
    return _settle(version, holding, newest, now=now)


def _anything_new(version: ModelVersion, newest: DataSet | None, *, now: datetime) -> bool:
    """Cheap to ask: most models on most days have seen nothing, and their files need not be read."""
    return (
        (newest is not None and newest.id != version.run.data_set_id)
        or Advice.objects.filter(version=version, status=AdviceStatus.OPEN).exists()
        or ObservedTicket.objects.filter(version=version, seen_at__gt=now - WINDOW).exists()
        or Feedback.objects.filter(version=version, given_at__gt=now - WINDOW).exists()
    )


def _newest(organisation: Organisation, version: ModelVersion) -> DataSet | None:
    try:
        return tickets.data_set(organisation, version.run.data_set.name)
    except NotFound:
        return None


def _fresh_tickets(version: ModelVersion, newest: DataSet | None) -> NewTickets:
    """Tickets of the newest data set that the one trained on did not have, the newest last."""
    if newest is None or newest.id == version.run.data_set_id:
        return NewTickets()
    known = set(tickets.text_keys(version.run.data_set))
    names = [attribute["name"] for attribute in version.run.attributes]
    found = NewTickets()
    rows = [
        row
        for row, key in zip(tickets.tickets(newest), tickets.text_keys(newest), strict=True)
        if key not in known and (row["subject"] or row["body"])
    ]
    # By time where it is known; else the source's order is all there is.
    if all(row.get("created_at") for row in rows):
        rows.sort(key=lambda row: row["created_at"])
    for row in rows:
        labels: dict[str, list[str]] = {}
        for name in names:
            value = row.get(f"attribute:{name}")
            if value is not None:
                labels[name] = list(value) if isinstance(value, list) else [value]
        subject, body = row["subject"], row["body"]
        found.texts.append(f"{subject or ''}\n{body}" if body is not None else subject)
        found.languages.append(row.get("language"))
        found.labels.append(labels)
        found.is_complete.append(True)
    return found


def _weekly_signals(version: ModelVersion, bundle: Bundle, fresh: NewTickets, *, now: datetime) -> list[dict[str, Any]]:
    """This week's tests: those that were made, or new ones, once there are enough tickets."""
    from otai.learning import drift

    monday = (now - timedelta(days=now.weekday())).date()
    made = AdviceCheck.objects.filter(version=version, week=monday).first()
    if made is not None:
        return list(made.signals)
    if bundle.reference is None:
        return []
    lately = _seen(version, since=now - WINDOW, until=now)
    latest = _joined(_with_known_labels(bundle, fresh), lately)
    if len(latest) < drift.FEWEST_TICKETS:
        return []
    earlier = _seen(version, since=now - WINDOW - HISTORY, until=now - WINDOW) if latest is lately else NewTickets()
    signals = _signals(version, bundle, latest, earlier)
    try:
        with transaction.atomic():
            AdviceCheck.objects.create(
                version=version,
                week=monday,
                checked_at=now,
                tickets=len(latest),
                signals=[signal.as_dict() for signal in signals],
            )
    except IntegrityError:
        # Another process was quicker: its tests are this week's.
        return list(AdviceCheck.objects.get(version=version, week=monday).signals)
    return [signal.as_dict() for signal in signals]


def _seen(version: ModelVersion, *, since: datetime, until: datetime) -> NewTickets:
    """Tickets of that time that the model was asked about or that feedback spoke of."""
    found: dict[str, tuple[str | None, dict[str, list[str]], bool]] = {}
    asked = ObservedTicket.objects.filter(version=version, seen_at__gt=since, seen_at__lte=until)
    for text, language in asked.order_by("seen_at", "id").values_list("text", "language"):
        found[text] = (language or None, {}, False)
    said = Feedback.objects.filter(version=version, given_at__gt=since, given_at__lte=until)
    for one in said.order_by("given_at", "row"):
        _, labels, complete = found.get(one.text, (None, {}, False))
        # Only corrections, and nobody kept what was asked: the wrong ones alone would say nothing about all.
        if not one.is_complete and one.text not in found:
            continue
        labels = {**labels, one.attribute: list(one.corrected)}
        found[one.text] = (one.language or None, labels, complete or one.is_complete)
    texts = list(found)[-MOST_TICKETS:]
    return NewTickets(
        texts,
        [found[text][0] for text in texts],
        [found[text][1] for text in texts],
        [found[text][2] for text in texts],
    )


def _with_known_labels(bundle: Bundle, fresh: NewTickets) -> NewTickets:
    """Tickets of labels that the model does not have are another finding: labels changed. They would look like drift as well."""
    known = {one.spec.name: {label.casefold() for label in one.labels} for one in bundle.attributes}
    rows = [
        row
        for row, labels in enumerate(fresh.labels)
        if all({label.casefold() for label in found} <= known[name] for name, found in labels.items())
    ]
    return NewTickets(
        [fresh.texts[row] for row in rows],
        [fresh.languages[row] for row in rows],
        [fresh.labels[row] for row in rows],
        [fresh.is_complete[row] for row in rows],
    )


def _joined(fresh: NewTickets, lately: NewTickets) -> NewTickets:
    """Those of the last two weeks; of a newer data set, whose tickets may be older, only as far as they are needed to say anything."""
    if len(lately) >= len(fresh):
        return lately
    part = slice(-MOST_TICKETS, None)
    return NewTickets(fresh.texts[part], fresh.languages[part], fresh.labels[part], fresh.is_complete[part])


def _signals(version: ModelVersion, bundle: Bundle, latest: NewTickets, earlier: NewTickets) -> list[Signal]:
    from otai.learning import drift

    assert bundle.reference is not None
    card = {one["name"]: one for one in (version.run.report_card or {}).get("attributes", [])}
    names = [model.spec.name for model in bundle.attributes]
    accuracy = {
        name: (float(card[name]["accuracy"]["value"]), int(card[name]["holdout_tickets"]))
        for name in names
        if name in card
    }
    seen, judged = _looked_at(bundle, latest)
    before, judged_before = _looked_at(bundle, earlier) if len(earlier) >= drift.FEWEST_OF_HISTORY else (None, {})
    return drift.check(
        bundle.reference,
        seen,
        names,
        accuracy=accuracy,
        judged=judged,
        history=before,
        judged_before=judged_before,
        seed=version.number,
    )


def _looked_at(bundle: Bundle, found: NewTickets) -> tuple[Seen, dict[str, Judged]]:
    from otai.learning import drift
    from otai.learning.language import detect_languages

    # One detector for all: what a data set says of its languages is not what the reference was measured with.
    languages = [
        detected or given for detected, given in zip(detect_languages(found.texts), found.languages, strict=True)
    ]
    seen = drift.look(bundle, found.texts, languages)
    said = bundle.predict(found.texts)
    judged = {}
    for at, model in enumerate(bundle.attributes):
        name = model.spec.name
        one = _judged(bundle, at, name, found, [each[name].labels for each in said], seen.confidence[:, at])
        if one is not None:
            judged[name] = one
    return seen, judged


def _judged(
    bundle: Bundle,
    at: int,
    name: str,
    latest: NewTickets,
    said: Sequence[tuple[str, ...]],
    confidence: Any,
) -> Judged | None:
    import numpy as np

    from otai.learning.drift import FEWEST_TICKETS, Judged

    known = {label.casefold() for label in bundle.attributes[at].labels}
    spoken_of = [
        row
        for row in range(len(latest))
        if latest.is_complete[row]
        and name in latest.labels[row]
        # A label that the model does not have is another matter: labels changed.
        and {label.casefold() for label in latest.labels[row][name]} <= known
    ]
    if len(spoken_of) >= FEWEST_TICKETS:
        rows = spoken_of
    elif any(name in labels for labels in latest.labels) and not any(latest.is_complete):
        # People correct what is wrong and pass over the rest: counting those as right, accuracy is overestimated, never underestimated.
        rows = list(range(len(latest)))
    else:
        return None
    right = [
        float(
            name not in latest.labels[row]
            or {label.casefold() for label in latest.labels[row][name]} == {label.casefold() for label in said[row]}
        )
        for row in rows
    ]
    return Judged(np.asarray(right), np.asarray(confidence, np.float64)[rows])


# --- what it means


def _of_labels(
    version: ModelVersion, newest: DataSet, bundle: Bundle, fresh: NewTickets
) -> dict[AdviceKind, dict[str, Any]]:
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
                "sentence": f"{name}: {found.in_words}.",
                "added": list(found.added),
                "removed": list(found.removed),
                "renamed": dict(found.renamed),
                "split": {old: list(parts) for old, parts in found.split.items()},
                "joined": {new: list(parts) for new, parts in found.joined.items()},
                "tickets": dict(found.tickets),
                "came_from": {new: dict(shares) for new, shares in found.evidence.items()},
            }
        )
        points += [{"label": f"{name}: {label}", "before": 0, "now": count} for label, count in found.tickets.items()]
    if not evidence:
        return {}
    said = " ".join(str(one["sentence"]) for one in evidence)
    kind = AdviceKind.LABELS_RENAMED if only_names else AdviceKind.LABELS_CHANGED
    return {
        kind: {
            "title": said[:300],
            "evidence": evidence,
            "mapping": mapping,
            "chart": {"title": "Tickets of labels that the model does not know", "unit": "tickets", "points": points},
            "reason": Reason.LABELS_CHANGED,
        }
    }


def _counts(data_set: DataSet, name: str) -> dict[str, int]:
    attribute = data_set.attributes.filter(name=name).first()
    return dict(attribute.labels.values_list("name", "count")) if attribute else {}


def _changes_of(
    version: ModelVersion,
    newest: DataSet,
    bundle: Bundle,
    name: str,
    fresh: NewTickets,
    moved: Mapping[str, Counter[str]],
) -> LabelChanges:
    model = next(one for one in bundle.attributes if one.spec.name == name)
    learnt = {label: count for label, count in _counts(version.run.data_set, name).items() if label in model.labels}
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


def _of_attributes(version: ModelVersion, newest: DataSet) -> dict[AdviceKind, dict[str, Any]]:
    trained = {attribute["name"] for attribute in version.run.attributes}
    before = set(version.run.data_set.attributes.values_list("name", flat=True))
    new = [one for one in tickets.usable_attributes(newest) if one.name not in trained and one.name not in before]
    if not new:
        return {}
    names = ", ".join(repr(one.name) for one in new)
    counts = {one.name: sum(label.count for label in one.labels.all()) for one in new}
    return {
        AdviceKind.NEW_ATTRIBUTE: {
            "title": f"{newest} has {names}, which the model does not predict."[:300],
            "evidence": [
                {
                    "kind": "attribute",
                    "attribute": one.name,
                    "sentence": f"{counts[one.name]} tickets say their {one.name!r}, with {one.labels.count()} labels.",
                }
                for one in new
            ],
            "chart": {
                "title": "Tickets that carry the new attribute",
                "unit": "tickets",
                "points": [{"label": name, "before": 0, "now": count} for name, count in counts.items()],
            },
            "reason": Reason.LABELS_CHANGED,
            "attributes": sorted(trained) + [one.name for one in new],
        }
    }


def _of_drift(
    version: ModelVersion, signals: Sequence[Mapping[str, Any]], newest: DataSet | None
) -> dict[AdviceKind, dict[str, Any]]:
    found: dict[AdviceKind, dict[str, Any]] = {}
    languages = [one for one in signals if one["kind"] == "language" and one["is_drift"]]
    if languages:
        largest = max(languages, key=lambda one: one["now"]["value"])
        found[AdviceKind.NEW_LANGUAGE] = {
            "title": f"{largest['now']['value']:.0%} of the new tickets are in a language that the model did not learn: {largest['language']!r}.",
            "evidence": [dict(one) for one in languages],
            "chart": {
                "title": "Share of tickets by language",
                "unit": "share",
                "points": [_point(str(one["language"]), one) for one in signals if one["kind"] == "language"],
            },
            "reason": Reason.NEW_LANGUAGE,
        }
    drifted = [one for one in signals if one["is_drift"] and one["kind"] != "language"]
    # Tickets in a new language are unsure and unfamiliar as well: that is one finding, not two.
    if drifted and not (languages and all(one["kind"] != "accuracy" for one in drifted)):
        changed = any(one["kind"] == "words" and one.get("changed") for one in signals)
        why = " The words of the tickets have changed as well." if changed else ""
        found[AdviceKind.DRIFT] = {
            "title": (str(drifted[0]["sentence"]) + why)[:300],
            "evidence": [dict(one) for one in drifted] + [dict(one) for one in signals if one["kind"] == "words"],
            "chart": {
                "title": "At the training and in the last two weeks",
                "unit": "share",
                "points": [
                    _point(f"{one['attribute']}: {one['kind']}" if one["attribute"] else "known words", one)
                    for one in signals
                    if one["kind"] in ("confidence", "accuracy", "unfamiliar")
                ],
            },
            "reason": Reason.DRIFT,
        }
    return found


def _point(label: str, signal: Mapping[str, Any]) -> dict[str, Any]:
    now = signal["now"]
    return {"label": label, "before": signal["before"], "now": now["value"], "low": now["low"], "high": now["high"]}


def _settle(
    version: ModelVersion, holding: Mapping[AdviceKind, Mapping[str, Any]], newest: DataSet | None, *, now: datetime
) -> list[Advice]:
    """Writes what holds as open advice, and closes what holds no more. Dismissed advice is not given again for the same finding."""
    with transaction.atomic():
        for one in Advice.objects.select_for_update().filter(version=version, status=AdviceStatus.OPEN):
            if AdviceKind(one.kind) not in holding:
                _close(one, AdviceStatus.OUTDATED, by=SYSTEM, why="it holds no more", now=now)
        for kind, found in holding.items():
            names = found.get("attributes") or [attribute["name"] for attribute in version.run.attributes]
            free = kind is AdviceKind.LABELS_RENAMED
            written = {
                "checked_at": now,
                "title": found["title"],
                "evidence": found["evidence"],
                "chart": found["chart"],
                "mapping": found.get("mapping", {}),
                "reason": found["reason"],
                "data_set": newest,
                "attributes": names,
                "credits": 0 if free else _price(version, len(names)),
            }
            if Advice.objects.filter(version=version, kind=kind, status=AdviceStatus.OPEN).update(**written):
                continue
            last = Advice.objects.filter(version=version, kind=kind).order_by("-found_at", "-id").first()
            was_dismissed = last is not None and last.status == AdviceStatus.DISMISSED
            if was_dismissed and last is not None and last.evidence == found["evidence"]:
                continue
            Advice.objects.create(version=version, kind=kind, found_at=now, **written)
    return list(open_advice(version))


def _price(version: ModelVersion, attributes: int) -> int:
    book = billing.price_book()
    return pricing.price(
        book, mode=Mode(version.run.mode), delivery=Delivery(version.run.delivery), attributes=attributes
    ).credits


_URGENCY = {
    AdviceKind.LABELS_CHANGED: 0,
    AdviceKind.NEW_LANGUAGE: 1,
    AdviceKind.DRIFT: 2,
    AdviceKind.LABELS_RENAMED: 3,
    AdviceKind.NEW_ATTRIBUTE: 4,
}


# --- reading


def open_advice(version: ModelVersion) -> list[Advice]:
    """What is advised for the version now, most urgent first; empty when nothing is wrong."""
    found = Advice.objects.filter(version=version, status=AdviceStatus.OPEN).select_related(
        "version__model", "data_set"
    )
    return sorted(found, key=lambda one: _URGENCY[AdviceKind(one.kind)])


def all_advice(organisation: Organisation) -> QuerySet[Advice]:
    """Everything that was ever advised, newest first."""
    found = Advice.objects.filter(version__model__organisation=organisation)
    return found.select_related("version__model", "data_set", "run").order_by("-found_at", "-id")


def advice(organisation: Organisation, id: UUID) -> Advice:
    """Raises NotFound, also for another organisation's."""
    found = all_advice(organisation).filter(id=id).first()
    if found is None:
        raise NotFound("There is no such advice.")
    return found


def checks(version: ModelVersion) -> QuerySet[AdviceCheck]:
    """The weekly looks at the version's tickets, newest first."""
    return AdviceCheck.objects.filter(version=version).order_by("-week")


def improvements(organisation: Organisation, name: str, number: int | None = None) -> dict[str, list[Improvement]]:
    """For each attribute what would most likely raise it, from the evidence of the version's training. Raises NotFound."""
    from otai.learning.expected_quality import GAINS_OVER_BASIC
    from otai.learning.improvement import improvements as from_evidence

    version = queries.version(organisation, name, number)
    card = ReportCard.from_json(json.dumps(version.run.report_card))
    profile = version.run.data_set.profile
    tier = billing.tier_of(organisation)
    allowed = [mode.value for mode in Mode if mode in billing.price_book().tiers[tier].modes]
    return {
        report.name: from_evidence(
            report,
            mode=version.run.mode,
            contradicting_duplicates=int(profile.get("contradicting_duplicates") or 0),
            languages=profile.get("languages") or {},
            gains_of_modes=GAINS_OVER_BASIC,
            modes_allowed=allowed,
        )
        for report in card.attributes
    }


# --- deciding


def follow(
    *,
    organisation: Organisation,
    id: UUID,
    who: str,
    now: datetime,
    mode: Mode | None = None,
    delivery: Delivery | None = None,
    with_feedback: bool = False,
) -> Run | None:
    """One step from advice to order: quotes and orders the training that it proposes, with its reason on the run. `with_feedback` merges the waiting
    feedback first. Advice to rename labels costs nothing: the version goes on with the new names, and None is returned.

    Raises NotFound, AdviceDecided and what `make_quote` and `order_run` raise.
    """
    found = advice(organisation, id)
    _require_open(found)
    version = queries.version(organisation, found.version.model.name, found.version.number)
    if found.kind == AdviceKind.LABELS_RENAMED:
        with transaction.atomic():
            locked = _locked_open(found)
            renamed = {name: dict(names) for name, names in version.renamed.items()}
            for name, names in locked.mapping.items():
                renamed.setdefault(name, {}).update(names)
            ModelVersion.objects.filter(id=version.id).update(renamed=renamed)
            _close(locked, AdviceStatus.FOLLOWED, by=who, why="labels are called by their new names", now=now)
        return None
    data_set = tickets.data_set(organisation, version.run.data_set.name)
    if with_feedback and feedback.offer(organisation, version.model.name).statements:
        why = f"for a training because of {found.kind.replace('_', ' ')}"
        data_set = feedback.merge(organisation=organisation, name=version.model.name, by=who, now=now, why=why).data_set
    offered = make_quote(
        organisation=organisation,
        data_set=data_set,
        attributes=found.attributes,
        mode=mode or Mode(version.run.mode),
        delivery=delivery or Delivery(version.run.delivery),
        model_name=version.model.name,
        reason=Reason(found.reason),
        now=now,
    )
    with transaction.atomic():
        locked = _locked_open(found)
        run = order_run(organisation=organisation, quote=offered.id, who=who, now=now)
        Advice.objects.filter(id=locked.id).update(run=run)
        _close(locked, AdviceStatus.FOLLOWED, by=who, why=f"run {run.number} is ordered", now=now)
    return run


def dismiss(*, organisation: Organisation, id: UUID, who: str, why: str, now: datetime) -> Advice:
    """A person does not want it. It is not given again while nothing else is found. Raises NotFound and AdviceDecided."""
    found = advice(organisation, id)
    with transaction.atomic():
        locked = _locked_open(found)
        _close(locked, AdviceStatus.DISMISSED, by=who, why=why or "dismissed", now=now)
    return locked


def accept_suspects(
    *,
    organisation: Organisation,
    name: str,
    attribute: str,
    who: str,
    now: datetime,
    ticket_ids: Sequence[str] | None = None,
    number: int | None = None,
) -> NextVersion:
    """Fixes the labels that the version's training suspected to be wrong, as it suggested: those of `ticket_ids`, or all that are listed.

    Makes a new version of the data set, from its newest. Raises NotFound and ChangeInvalid (also where nothing was suspected).
    """
    version = queries.version(organisation, name, number)
    listed = next(
        (
            one
            for one in improvements(organisation, name, version.number).get(attribute, [])
            if one.kind == "wrong_labels"
        ),
        None,
    )
    suspects = {one["ticket"]: tuple(one["suggested"]) for one in listed.details["suspects"]} if listed else {}
    wanted = list(suspects) if ticket_ids is None else list(ticket_ids)
    if unknown := [ticket for ticket in wanted if ticket not in suspects]:
        raise ChangeInvalid(f"The label of {unknown[0]!r} was not suspected to be wrong.", tickets=unknown)
    if not wanted:
        raise ChangeInvalid(f"No label of {attribute!r} was suspected to be wrong.", attribute=attribute)
    return feedback.correct_labels(
        data_set=tickets.data_set(organisation, version.run.data_set.name),
        labels=[(ticket, attribute, suspects[ticket]) for ticket in wanted],
        by=who,
        why=f"{len(wanted)} labels that run {version.run.number} found wrong",
        now=now,
    )


def _require_open(found: Advice) -> None:
    if found.status != AdviceStatus.OPEN:
        raise AdviceDecided(f"This advice was decided before: {found.status}.", status=found.status)


def _locked_open(found: Advice) -> Advice:
    locked = Advice.objects.select_for_update().get(id=found.id)
    _require_open(locked)
    return locked


def _close(one: Advice, status: AdviceStatus, *, by: str, why: str, now: datetime) -> None:
    Advice.objects.filter(id=one.id).update(status=status, decided_at=now, decided_by=by, decided_why=why[:500])
    one.status, one.decided_at, one.decided_by, one.decided_why = status, now, by, why[:500]
