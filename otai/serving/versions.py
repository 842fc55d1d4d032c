"""Which version of a model answers: a new one goes live by itself if it is not worse than the one that is live, and one
step takes it back."""

from __future__ import annotations

import dataclasses
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from otai.db import one_transaction
from otai.errors import OtaiError, Refused
from otai.orgs.models import Organisation
from otai.serving import queries
from otai.serving.models import ARRIVALS, DataSetChange, ModelEvent, ModelVersion, Move, TrainedModel
from otai.words.catalogue import say_fact, say_stored
from otai.words.explained import kept
from otai.words.sentences import Fact

if TYPE_CHECKING:
    from otai.learning.evidence.comparison import AttributeComparison, Comparison

log = logging.getLogger(__name__)

SYSTEM = "comparison"


class AlreadyLive(Refused):
    code = "already_live"


class NothingToRollBack(Refused):
    code = "nothing_to_roll_back"


def compare_and_go_live(version: ModelVersion, *, now: datetime) -> None:
    """The first version of a model goes live at once. A later one is compared with the live one on tickets that neither
    had learnt, and goes live only if no attribute is worse beyond chance; what cannot be compared waits for a person.
    Safe to call again."""
    model = TrainedModel.objects.select_related("live__run").get(id=version.model_id)
    live = model.live
    if live is None:
        earlier = ModelVersion.objects.filter(model=model, number__lt=version.number).exists()
        if not earlier:
            _go_live(model, version, before=None, who=SYSTEM, why=Fact("version_first"), now=now)
            return
        live = ModelVersion.objects.filter(model=model).exclude(id=version.id).order_by("-number").first()
        assert live is not None
    if live.number >= version.number or version.comparison is not None:
        return
    try:
        comparison = compared(live, version)
    except (OtaiError, OSError, ValueError) as error:
        # A file that cannot be read keeps nobody from using the live version.
        log.warning("%s could not be compared with %s: %s", version, live, error)
        goes, why, evidence = False, Fact("versions_unread"), {"tickets": 0, "attributes": []}
    else:
        goes, why = not_worse(comparison)
        evidence = dataclasses.asdict(comparison)
    version.comparison = {"with": live.number, "goes_live": goes, "reason": why.as_dict(), **evidence}
    ModelVersion.objects.filter(id=version.id).update(comparison=version.comparison)
    if goes:
        _go_live(model, version, before=live, who=SYSTEM, why=why, now=now)
    else:
        _record(model, version, before=live, move=Move.WAITS, who=SYSTEM, why=why, now=now)


def comparison_told(version: ModelVersion) -> dict[str, Any]:
    """How it compared with the version before, for programs: `why` and `unknown` in English beside `reason`, the code
    with values. A release before kept the sentences alone. Empty where nothing was compared."""
    kept = version.comparison
    if not kept:
        return {}
    reason, unknown = kept.get("reason"), kept.get("unknown") or ""
    return {
        **kept,
        "why": say_fact(reason) if reason else kept.get("why", ""),
        "unknown": unknown if isinstance(unknown, str) else say_fact(unknown),
    }


def compare_what_waits(*, now: datetime) -> None:
    """Versions whose comparison was cut short, by a crash between their registration and it. Costs one query when there
    are none."""
    later = Q(model__live__isnull=True) | Q(number__gt=F("model__live__number"))
    for version in ModelVersion.objects.filter(later, comparison__isnull=True).select_related("model", "run"):
        compare_and_go_live(version, now=now)


def compared(older: ModelVersion, newer: ModelVersion) -> Comparison:
    """Loads both models; not for a web process, which has `jobs.ask_to_compare`."""
    from otai.learning.evidence.comparison import compare

    return compare(queries.bundle(older), queries.bundle(newer))


def not_worse(found: Comparison) -> tuple[bool, Fact]:
    """Whether the newer version may go live by itself, and why or why not."""
    if not found.attributes:
        assert found.unknown is not None
        return False, Fact("versions_not_compared", {"unknown": found.unknown.as_dict()})
    worse = [one for one in found.attributes if one.verdict == "worse"]
    code = "version_worse" if worse else "version_not_worse"
    return not worse, Fact(code, {"attributes": [_said_of(one) for one in worse or found.attributes]})


def _said_of(one: AttributeComparison) -> dict[str, Any]:
    values = {
        "attribute": one.name,
        "newer": one.newer_accuracy,
        "older": one.older_accuracy,
        "tickets": one.tickets,
        "chance": float(f"{one.p_value:.2g}"),
    }
    return Fact(f"attribute_{one.verdict}", values).as_dict()


@one_transaction
def go_live(
    *, organisation: Organisation, name: str, number: int, who: str, now: datetime, why: str = ""
) -> ModelVersion:
    """A person decides that this version answers from now on, whatever the comparison said. Raises NotFound and
    AlreadyLive."""
    version = queries.version(organisation, name, number)
    model = TrainedModel.objects.select_for_update(no_key=True).get(id=version.model_id)
    if model.live_id == version.id:
        raise AlreadyLive("version", version=version)
    before = ModelVersion.objects.filter(id=model.live_id).first() if model.live_id else None
    _go_live(model, version, before=before, who=who, why=why or Fact("version_decided"), now=now)
    return version


def roll_back(*, organisation: Organisation, name: str, who: str, now: datetime, why: str = "") -> ModelVersion:
    """The version that was live before is live again. Raises NotFound and NothingToRollBack."""
    version = queries.version(organisation, name)
    with transaction.atomic():
        model = TrainedModel.objects.select_for_update(no_key=True).get(id=version.model_id)
        last = _arrivals(model, model.live_id).select_related("before").order_by("-id").first()
        if last is None or last.before is None:
            raise NothingToRollBack("model", model=name)
        assert model.live is not None
        before, current = last.before, model.live
        TrainedModel.objects.filter(id=model.id).update(live=before)
        # Not an arrival: rolling back twice goes back twice, not to and fro.
        _record(
            model,
            before,
            before=current,
            move=Move.BACK,
            who=who,
            why=why or Fact("version_back", {"version": current.number}),
            now=now,
        )
    before.model = model
    return before


def may_roll_back(version: ModelVersion) -> bool:
    """Whether another version was live before this one came."""
    return _arrivals(version.model, version.id).exists()


def _arrivals(model: TrainedModel, version: UUID | None) -> QuerySet[ModelEvent]:
    return ModelEvent.objects.filter(model=model, version_id=version, before__isnull=False, move__in=ARRIVALS)


@one_transaction
def keep_tickets(*, organisation: Organisation, name: str, days: int, who: str, now: datetime) -> TrainedModel:
    """How long tickets that the model is asked about are kept, to see drift; 0: none is kept, and those that were are
    deleted. Raises Refused for a number of days that is not offered."""
    if not 0 <= days <= 90:
        raise Refused("days", days=days, code="days_out_of_range")
    version = queries.version(organisation, name)
    model = TrainedModel.objects.select_for_update(no_key=True).get(id=version.model_id)
    model.keeps_tickets_days = days
    model.save(update_fields=["keeps_tickets_days"])
    if days == 0:
        from otai.serving.models import ObservedTicket

        ObservedTicket.objects.filter(version__model=model).delete()
    _record(model, None, before=None, move=Move.KEEPS_TICKETS, who=who, why="", now=now, days=days)
    return model


def _go_live(
    model: TrainedModel, version: ModelVersion, *, before: ModelVersion | None, who: str, why: str | Fact, now: datetime
) -> None:
    TrainedModel.objects.filter(id=model.id).update(live=version)
    _record(model, version, before=before, move=Move.LIVE, who=who, why=why, now=now)


def _record(
    model: TrainedModel,
    version: ModelVersion | None,
    *,
    before: ModelVersion | None,
    move: Move,
    who: str,
    why: str | Fact,
    now: datetime,
    **details: Any,
) -> None:
    """`why`: a person's own words, or a fact that each reader is told in their language."""
    ModelEvent.objects.create(
        model=model, version=version, before=before, at=now, move=move, who=who, **kept(why, details)
    )


def events(model: TrainedModel) -> QuerySet[ModelEvent]:
    """What happened to the model in use, oldest first."""
    return ModelEvent.objects.filter(model=model).select_related("version", "before").order_by("id")


def is_live(version: ModelVersion) -> bool:
    """Whether predictions by the model's name come from this version."""
    return TrainedModel.objects.filter(id=version.model_id, live=version.id).exists()


def label_changes_of(version: ModelVersion) -> list[dict[str, Any]]:
    """What was corrected, mapped or added in the tickets between the version before and this one, oldest first."""
    before = ModelVersion.objects.filter(model=version.model_id, number__lt=version.number).order_by("-number").first()
    data_set = version.run.data_set
    after = before.run.data_set.version if before and before.run.data_set.name == data_set.name else 0
    changes = DataSetChange.objects.filter(
        data_set__organisation_id=data_set.organisation_id,
        data_set__name=data_set.name,
        data_set__version__gt=after,
        data_set__version__lte=data_set.version,
    )
    return [
        {
            "data_set": str(change.data_set),
            "kind": change.kind,
            "by": change.changed_by,
            "at": change.changed_at,
            "why": say_stored(change.why),
            "changed": change.changed,
            "added": change.added,
            "changes": change.changes,
        }
        for change in changes.select_related("data_set").order_by("data_set__version")
    ]
