"""What a week's new tickets show beside the training: tests for drift, each made once a week and kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from otai.serving.advice.new_tickets import NewTickets, joined, tickets_seen, with_known_labels
from otai.serving.models import AdviceCheck, ModelVersion

if TYPE_CHECKING:
    from otai.learning.evidence.drift import Judged, Seen, Signal
    from otai.learning.model.bundle import Bundle


WINDOW = timedelta(days=14)
HISTORY = timedelta(days=84)
"""Before the window: what the version was like in its own time, once there was enough of it."""


def weekly_signals(version: ModelVersion, bundle: Bundle, fresh: NewTickets, *, now: datetime) -> list[dict[str, Any]]:
    """This week's tests: those that were made, or new ones, once there are enough tickets."""
    from otai.learning.evidence import drift

    monday = (now - timedelta(days=now.weekday())).date()
    made = AdviceCheck.objects.filter(version=version, week=monday).first()
    if made is not None:
        return list(made.signals)
    if bundle.reference is None:
        return []
    lately = tickets_seen(version, since=now - WINDOW, until=now)
    latest = joined(with_known_labels(bundle, fresh), lately)
    if len(latest) < drift.FEWEST_TICKETS:
        return []
    earlier = (
        tickets_seen(version, since=now - WINDOW - HISTORY, until=now - WINDOW) if latest is lately else NewTickets()
    )
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


def _signals(version: ModelVersion, bundle: Bundle, latest: NewTickets, earlier: NewTickets) -> list[Signal]:
    from otai.learning.evidence import drift

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
    from otai.learning.data.language import detect_languages
    from otai.learning.evidence import drift

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

    from otai.learning.evidence.drift import FEWEST_TICKETS, Judged

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
