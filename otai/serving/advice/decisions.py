"""What people decide on advice: to follow it, to set it aside, or to accept labels that a training suspected to be
wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from otai.db import one_transaction
from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.pricing.price_book import Delivery, Mode
from otai.runs.models import Reason, Run
from otai.runs.operations import make_quote, order_run
from otai.serving import feedback, queries
from otai.serving.advice.new_lessons import tickets_first
from otai.serving.advice.proposals import proposed_mode
from otai.serving.advice.queries import advice, improvements
from otai.serving.models import Advice, AdviceKind, AdviceStatus, ModelVersion
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.tickets.versions import ChangeInvalid, LabelNames, NextVersion


class AdviceDecided(Refused):
    code = "advice_decided"


class TicketsFirst(Refused):
    code = "tickets_first"


def follow(
    *,
    organisation: Organisation,
    id: UUID,
    who: str,
    now: datetime,
    mode: Mode | None = None,
    delivery: Delivery | None = None,
    with_feedback: bool = False,
    knows_no_gain: bool = False,
) -> Run | None:
    """One step from advice to order: quotes and orders the training that it proposes, with its reason on the run.

    `with_feedback` merges the waiting feedback first, once the order is sure to be taken: a refused one leaves the
    feedback waiting. Only credits spent elsewhere in between can still refuse it afterwards; the merged version is then
    there to be ordered. Advice to rename labels costs nothing: the version goes on with the new names, and None is
    returned.

    The mode is the one that the advice proposes, if left out. `knows_no_gain`: as for `order_run`.

    Raises NotFound, AdviceDecided, TicketsFirst (the tickets hold nothing new to learn from) and what `make_quote` and
    `order_run` raise.
    """
    followed = advice(organisation, id)
    require_open(followed)
    version = queries.version(organisation, followed.version.model.name, followed.version.number)
    if followed.kind == AdviceKind.LABELS_RENAMED:
        with transaction.atomic():
            locked = locked_open(followed)
            renamed = {name: dict(names) for name, names in version.renamed.items()}
            for name, names in locked.mapping.items():
                renamed.setdefault(name, {}).update(names)
            ModelVersion.objects.filter(id=version.id).update(renamed=renamed)
            close(locked, AdviceStatus.FOLLOWED, by=who, why="advice.names_used", now=now)
        return None
    data_set = tickets.data_set(organisation, version.run.data_set.name)
    require_new_lessons(followed, version, data_set)
    if with_feedback and feedback.offer(organisation, version.model.name).statements:
        require_order_would_be_taken(
            followed,
            version,
            data_set,
            mode=mode,
            delivery=delivery,
            who=who,
            now=now,
            knows_no_gain=knows_no_gain,
        )
        name = version.model.name
        data_set = feedback.merge(organisation=organisation, name=name, by=who, now=now, why=FOR_A_TRAINING).data_set
    offered = _quoted(followed, version, data_set, mode=mode, delivery=delivery, now=now)
    with transaction.atomic():
        # First what the order locks first (docs/ledger.md).
        Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
        locked = locked_open(followed)
        run = order_run(organisation=organisation, quote=offered, who=who, now=now, knows_no_gain=knows_no_gain)
        Advice.objects.filter(id=locked.id).update(run=run)
        close(locked, AdviceStatus.FOLLOWED, by=who, why="advice.run_ordered", now=now)
    return run


def _quoted(
    found: Advice,
    version: ModelVersion,
    data_set: DataSet,
    *,
    mode: Mode | None,
    delivery: Delivery | None,
    now: datetime,
) -> UUID:
    return make_quote(
        organisation=data_set.organisation,
        data_set=data_set,
        attributes=found.attributes,
        mode=mode or proposed_mode(version, data_set, found.attributes) or Mode(version.run.mode),
        delivery=delivery or Delivery(version.run.delivery),
        model_name=version.model.name,
        reason=Reason(found.reason),
        now=now,
    ).id


FOR_A_TRAINING = "change.feedback_for_training"
"""Why feedback is merged before an order."""


def require_order_would_be_taken(
    found: Advice,
    version: ModelVersion,
    data_set: DataSet,
    *,
    mode: Mode | None,
    delivery: Delivery | None,
    who: str,
    now: datetime,
    knows_no_gain: bool = False,
) -> None:
    """Raises what `make_quote` and `order_run` raise, and orders nothing. Before feedback is merged, which writes a
    file and cannot be undone: more tickets cost the same, so what would refuse the order refuses it here already."""
    with transaction.atomic():
        offered = _quoted(found, version, data_set, mode=mode, delivery=delivery, now=now)
        order_run(organisation=data_set.organisation, quote=offered, who=who, now=now, knows_no_gain=knows_no_gain)
        transaction.set_rollback(True)


def needs_merging_first(
    *,
    organisation: Organisation,
    id: UUID,
    who: str,
    now: datetime,
    mode: Mode | None = None,
    delivery: Delivery | None = None,
    knows_no_gain: bool = False,
) -> Advice | None:
    """The advice, where feedback waits that a training of it would be ordered with; None where nothing is to be merged.
    Raises what `follow` would: then nothing should be merged."""
    proposed = advice(organisation, id)
    require_open(proposed)
    version = queries.version(organisation, proposed.version.model.name, proposed.version.number)
    if proposed.kind == AdviceKind.LABELS_RENAMED or not feedback.offer(organisation, version.model.name).statements:
        return None
    data_set = tickets.data_set(organisation, version.run.data_set.name)
    require_new_lessons(proposed, version, data_set)
    require_order_would_be_taken(
        proposed, version, data_set, mode=mode, delivery=delivery, who=who, now=now, knows_no_gain=knows_no_gain
    )
    return proposed


@one_transaction
def dismiss(*, organisation: Organisation, id: UUID, who: str, why: str, now: datetime) -> Advice:
    """A person does not want it. It is not given again while nothing else is found. Raises NotFound and
    AdviceDecided."""
    found = advice(organisation, id)
    locked = locked_open(found)
    close(locked, AdviceStatus.DISMISSED, by=who, why=why or "dismissed", now=now)
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
    """Fixes the labels that the version's training suspected to be wrong, as it suggested: those of `ticket_ids`, or
    all that are listed.

    Makes a new version of the data set, from its newest. Raises NotFound and ChangeInvalid (also where nothing was
    suspected).
    """
    data_set, labels, why = suspects_as_labels(
        organisation=organisation, name=name, attribute=attribute, ticket_ids=ticket_ids, number=number
    )
    return feedback.correct_labels(data_set=data_set, labels=labels, by=who, why=why, now=now)


def suspects_as_labels(
    *,
    organisation: Organisation,
    name: str,
    attribute: str,
    ticket_ids: Sequence[str] | None = None,
    number: int | None = None,
) -> tuple[DataSet, list[tuple[str, str, LabelNames]], str]:
    """What `accept_suspects` would correct: the data set, (ticket, attribute, labels), and why. Raises NotFound and
    ChangeInvalid."""
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
        raise ChangeInvalid("not_suspected", ticket=unknown[0], tickets=unknown)
    if not wanted:
        raise ChangeInvalid("nothing_suspected", attribute=attribute)
    return (
        tickets.data_set(organisation, version.run.data_set.name),
        [(ticket, attribute, suspects[ticket]) for ticket in wanted],
        f"{len(wanted)} labels that run {version.run.number} found wrong",
    )


def require_new_lessons(found: Advice, version: ModelVersion, data_set: DataSet) -> None:
    """Raises TicketsFirst where a training of these tickets would learn what the version knows already."""
    lacking = tickets_first(version, found.kind, found.evidence, data_set)
    if lacking is None:
        return
    if "language" not in lacking:
        raise TicketsFirst("of_late", data_set=str(data_set))
    there, wanted = lacking["there"], lacking["wanted"]
    raise TicketsFirst(
        "of_a_language", data_set=str(data_set), language=lacking["language"], there=there, wanted=wanted
    )


def require_open(found: Advice) -> None:
    """Raises AdviceDecided where somebody decided before."""
    if found.status != AdviceStatus.OPEN:
        raise AdviceDecided("decided", status=found.status)


def locked_open(found: Advice) -> Advice:
    """The advice, locked until the transaction ends and still open. Raises AdviceDecided."""
    locked = Advice.objects.select_for_update(no_key=True).get(id=found.id)
    require_open(locked)
    return locked


def close(one: Advice, status: AdviceStatus, *, by: str, why: str, now: datetime) -> None:
    """Writes what was decided, by whom and why, to the row and to `one`; in the caller's transaction."""
    Advice.objects.filter(id=one.id).update(status=status, decided_at=now, decided_by=by, decided_why=why[:500])
    one.status, one.decided_at, one.decided_by, one.decided_why = status, now, by, why[:500]
