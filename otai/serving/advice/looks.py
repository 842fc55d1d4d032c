"""Looks at models and their newest tickets: daily at all of an installation, or at one now. What holds is written as
open advice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from otai.billing import queries as billing
from otai.errors import NotFound, OtaiError
from otai.orgs.models import Organisation
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.runs.models import Housekeeping
from otai.serving import feedback, queries
from otai.serving.advice.decisions import close
from otai.serving.advice.findings import counts, learnable_now, learnt_counts, of_attributes, of_drift, of_labels
from otai.serving.advice.gains import with_gain
from otai.serving.advice.new_lessons import tickets_first
from otai.serving.advice.new_tickets import seen_rows
from otai.serving.advice.proposals import proposed_mode, trainable
from otai.serving.advice.queries import open_advice
from otai.serving.advice.signals import HISTORY, WINDOW, keep_signals, made_this_week
from otai.serving.looking import EARLIER, LATELY, Facts, LookResult, look
from otai.serving.models import (
    Advice,
    AdviceKind,
    AdviceStatus,
    Feedback,
    ModelVersion,
    ObservedTicket,
    TrainedModel,
)
from otai.tickets import queries as tickets
from otai.tickets.files import file_store
from otai.tickets.models import Attribute, DataSet
from otai.words.advice import facts_of as facts_in

log = logging.getLogger(__name__)


SYSTEM = "advice"
LOOK = "advice"
look_every = timedelta(hours=24)


def look_when_due(*, now: datetime) -> int | None:
    """Checks the live version of every model once a day, and forgets tickets that were kept long enough; returns how
    many models were looked at.

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

    Advice that holds no more is marked outdated. Safe to call at any time: drift is tested once in a week. Raises
    NotFound, BundleInvalid.
    """
    version = queries.version(organisation, name)
    newest = newest_of(organisation, version)
    if not anything_new(version, newest, now=now):
        return []
    found = look(facts_of(version, newest, now=now), queries.bundle(version), seen_of(version, now=now))
    return settle(version, newest, found, now=now)


def facts_of(version: ModelVersion, newest: DataSet | None, *, now: datetime) -> Facts:
    """What a look needs of the rows. Raises FileStoreUnavailable."""
    learnt = version.run.data_set
    names = [attribute["name"] for attribute in version.run.attributes]
    is_newer = newest is not None and newest.id != learnt.id
    there = set(newest.attributes.values_list("name", flat=True)) if newest is not None and is_newer else set()
    single = learnt.attributes.exclude(kind=Attribute.Kind.MULTI).values_list("name", flat=True)
    card = (version.run.report_card or {}).get("attributes", [])
    return Facts(
        attributes=names,
        newest=str(file_store().local_path(newest.file)) if newest is not None and is_newer else None,
        learnt=str(file_store().local_path(learnt.file)) if is_newer and learnt.deleted_at is None else None,
        learnt_at=learnt.imported_at.isoformat(),
        learnt_labels={name: learnt_counts(version, name) for name in names} if is_newer else {},
        newest_labels={name: counts(newest, name) for name in names if name in there} if newest is not None else {},
        single=[name for name in single if name in there] if learnt.deleted_at is None else [],
        renamed=version.renamed,
        measured={one["name"]: (float(one["accuracy"]["value"]), int(one["holdout_tickets"])) for one in card},
        learnable=_learnable(version, newest, names) if is_newer else None,
        seed=version.number,
        tests_drift=made_this_week(version, now=now) is None,
    )


def _learnable(version: ModelVersion, newest: DataSet | None, names: Sequence[str]) -> dict[str, list[str]]:
    return {name: learnable_now(version, newest, name) for name in names} if newest is not None else {}


def seen_of(version: ModelVersion, *, now: datetime) -> Iterator[list[Any]]:
    """The rows of what the version was asked lately and in the weeks before, as `seen_rows` hands them out."""
    windows = {LATELY: (now - WINDOW, now), EARLIER: (now - WINDOW - HISTORY, now - WINDOW)}
    return seen_rows(version, windows=windows)


def settle(version: ModelVersion, newest: DataSet | None, found: LookResult, *, now: datetime) -> list[Advice]:
    """Writes down what a look found; returns the open advice, most urgent first."""
    holding: dict[AdviceKind, dict[str, Any]] = {}
    if newest is not None and newest.id != version.run.data_set_id:
        holding |= of_labels(found.labels)
        holding |= of_attributes(version, newest)
    signals = made_this_week(version, now=now) or []
    if found.signals is not None:
        signals = keep_signals(version, found.signals, tickets=found.tickets, now=now)
    holding |= of_drift(version, signals, newest)
    worth_it = {
        kind: worth for kind, finding in holding.items() if (worth := _worth_it(version, kind, finding, newest))
    }
    return _settle(version, worth_it, newest, now=now)


def _worth_it(
    version: ModelVersion, kind: AdviceKind, finding: Mapping[str, Any], newest: DataSet | None
) -> dict[str, Any] | None:
    """The finding with the order that it proposes and what that is expected to gain; None where the order would be
    refused, or gains nothing. New names cost nothing, nor does what needs tickets before it is worth a training."""
    names = finding.get("attributes") or [attribute["name"] for attribute in version.run.attributes]
    if kind is AdviceKind.LABELS_RENAMED:
        return {**finding, "attributes": names, "credits": 0}
    names = trainable(newest, names)
    if newest is None or not names:
        return None
    if (lacking := tickets_first(version, kind, finding["evidence"], newest)) is not None:
        return {**finding, "evidence": [*finding["evidence"], lacking], "attributes": names, "credits": 0}
    mode = proposed_mode(version, newest, names)
    evidence = with_gain(version, kind, finding["evidence"], newest)
    if mode is None or evidence is None:
        return None
    return {**finding, "evidence": evidence, "attributes": names, "credits": _price(version, mode, len(names))}


def anything_new(version: ModelVersion, newest: DataSet | None, *, now: datetime) -> bool:
    """Cheap to ask: most models on most days have seen nothing, and their files need not be read."""
    return (
        (newest is not None and newest.id != version.run.data_set_id)
        or Advice.objects.filter(version=version, status=AdviceStatus.OPEN).exists()
        or ObservedTicket.objects.filter(version=version, seen_at__gt=now - WINDOW).exists()
        or Feedback.objects.filter(version=version, given_at__gt=now - WINDOW, withdrawn_at__isnull=True).exists()
    )


def newest_of(organisation: Organisation, version: ModelVersion) -> DataSet | None:
    """The newest version of the data set that the model was trained on; None where it was deleted."""
    try:
        return tickets.data_set(organisation, version.run.data_set.name)
    except NotFound:
        return None


def _settle(
    version: ModelVersion, holding: Mapping[AdviceKind, Mapping[str, Any]], newest: DataSet | None, *, now: datetime
) -> list[Advice]:
    """Writes what holds as open advice, and closes what holds no more. Dismissed advice is not given again for the same
    finding."""
    with transaction.atomic():
        for outdated in (
            Advice.objects.select_for_update(no_key=True)
            .filter(version=version, status=AdviceStatus.OPEN)
            .order_by("id")
        ):
            if AdviceKind(outdated.kind) not in holding:
                close(outdated, AdviceStatus.OUTDATED, by=SYSTEM, why="advice.holds_no_more", now=now)
        for kind, finding in holding.items():
            written = {
                "checked_at": now,
                "evidence": finding["evidence"],
                "chart": finding["chart"],
                "mapping": finding.get("mapping", {}),
                "reason": finding["reason"],
                "data_set": newest,
                "attributes": finding["attributes"],
                "credits": finding["credits"],
            }
            if Advice.objects.filter(version=version, kind=kind, status=AdviceStatus.OPEN).update(**written):
                continue
            last = Advice.objects.filter(version=version, kind=kind).order_by("-found_at", "-id").first()
            was_dismissed = last is not None and last.status == AdviceStatus.DISMISSED
            if was_dismissed and last is not None and facts_in(last.evidence) == facts_in(finding["evidence"]):
                continue
            Advice.objects.create(version=version, kind=kind, found_at=now, **written)
    return list(open_advice(version))


def _price(version: ModelVersion, mode: Mode, attributes: int) -> int:
    book = billing.price_book()
    return pricing.price(book, mode=mode, delivery=Delivery(version.run.delivery), attributes=attributes).credits
