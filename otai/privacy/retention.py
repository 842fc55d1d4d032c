"""After how many days what an organisation keeps is deleted, set by its owners and done by housekeeping."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from otai.billing.operations.events import notify_people
from otai.db import one_transaction
from otai.errors import Invalid, OtaiError
from otai.orgs.actors import BY_HOUSEKEEPING
from otai.orgs.models import AccessEvent, Organisation, TeamEvent
from otai.orgs.operations.organisations import IMPORTED
from otai.outbound.models import Message
from otai.privacy.models import Erased, Erasure, Retention
from otai.privacy.organisations import owners
from otai.runs.approval import RULE_CHANGED
from otai.runs.models import Attempt
from otai.runs.spending import LIMIT_CHANGED
from otai.serving import deletion
from otai.serving.models import Feedback
from otai.tickets.arriving_uploads import forget_arriving, forget_expired
from otai.tickets.models import DataSet
from otai.tickets.waiting_uploads import forget_waiting

log = logging.getLogger(__name__)

most_days = 3650
most_hours = 24
"""Of files that wait: after a day they go in any case."""
SET, DELETED = "retention_set", "retention_deleted"


class InvalidRetention(Invalid):
    code = "invalid_retention"


@dataclass(frozen=True, slots=True)
class Periods:
    """Days after which each goes; None: it is kept until somebody deletes it."""

    tickets_days: int | None = None
    feedback_days: int | None = None
    logs_days: int | None = None
    uploads_hours: int | None = None
    """Files that wait for their columns; None: a day."""


def periods(organisation: Organisation) -> Periods:
    """What its owners set; by default everything is kept."""
    found = Retention.objects.filter(organisation=organisation).first()
    return Periods(**{name: getattr(found, name) for name in asdict(Periods())}) if found else Periods()


@one_transaction
def set_periods(*, organisation: Organisation, wanted: Periods, who: str, now: datetime) -> Periods:
    """From the next round of housekeeping on; all owners are written to where any of it is shorter than before. Raises
    InvalidRetention."""
    days = asdict(wanted)
    for field, value in days.items():
        if value is None:
            continue
        if field == "uploads_hours":
            if not 1 <= value <= most_hours:
                raise InvalidRetention("hours", field=field, most=most_hours)
        elif not 1 <= value <= most_days:
            raise InvalidRetention("days", field=field, most=most_days)
    if _is_shorter(wanted, periods(organisation)):
        notify_people(
            organisation=organisation,
            people=owners(organisation),
            template="retention_shorter",
            key=f"retention_shorter:{organisation.id}:{now.isoformat()}",
            context={},
            now=now,
        )
    Retention.objects.update_or_create(organisation=organisation, defaults={**days, "set_by": who[:200], "set_at": now})
    TeamEvent.objects.create(
        organisation=organisation, at=now, who=who[:200], what=SET, subject=organisation.slug, details=days
    )
    return wanted


def _is_shorter(wanted: Periods, before: Periods) -> bool:
    forever, was = most_days + 1, asdict(before)
    return any((days or forever) < (was[field] or forever) for field, days in asdict(wanted).items())


def sweep_retention(*, now: datetime) -> int:
    """Deletes what is older than its organisation wants it kept; returns how many organisations lost something. For
    housekeeping; safe from any number of processes."""
    found = 0
    for retention in Retention.objects.select_related("organisation").order_by("organisation"):
        organisation = retention.organisation
        if organisation.closed_at is not None:
            continue
        try:
            went = _delete_what_is_over(organisation, periods(organisation), now=now)
        except OtaiError as error:
            log.warning(
                "what is over could not be deleted in %s, and is tried again: %s", organisation.slug, error.code
            )
            continue
        if went:
            _told(organisation, went, now=now)
            found += 1
    return found


def sweep_uploads(*, now: datetime) -> int:
    """Deletes files that waited on this machine, or were on their way, for longer than their organisation wants, and
    says so; returns how many. For each machine's housekeeping or server."""
    found = forget_expired(now=now)
    for retention in Retention.objects.exclude(uploads_hours=None).select_related("organisation"):
        organisation = retention.organisation
        if organisation.closed_at is not None:
            continue
        before = now - timedelta(hours=retention.uploads_hours or most_hours)
        went = forget_waiting(organisation.id, before=before)
        went += forget_arriving(organisation.id, before=before, now=now)
        if went:
            _told(organisation, {"uploads": went}, now=now)
            found += went
    return found


def _delete_what_is_over(organisation: Organisation, wanted: Periods, *, now: datetime) -> dict[str, int]:
    went: dict[str, int] = {}
    if wanted.tickets_days is not None:
        before = now - timedelta(days=wanted.tickets_days)
        for data_set in DataSet.objects.filter(organisation=organisation, deleted_at=None, imported_at__lt=before):
            try:
                gone = deletion.delete_tickets(
                    organisation=organisation, data_sets=[data_set], who=BY_HOUSEKEEPING, now=now
                )
            except deletion.DataSetInUse:
                # A run waits or trains: the next round finds it.
                continue
            went["tickets"] = went.get("tickets", 0) + gone.tickets
    if wanted.feedback_days is not None:
        before = now - timedelta(days=wanted.feedback_days)
        went["feedback"], _ = Feedback.objects.filter(organisation=organisation, given_at__lt=before).delete()
    if wanted.logs_days is not None:
        before = now - timedelta(days=wanted.logs_days)
        ended = Attempt.objects.filter(run__organisation=organisation, ended_at__lt=before)
        went["logs"] = ended.exclude(log="").update(log="")
        access = AccessEvent.objects.filter(organisation=organisation, at__lt=before)
        went["access_events"], _ = access.delete()
        went["webhook_messages"], _ = Message.objects.filter(organisation=organisation, made_at__lt=before).delete()
        # The rules of spending are held against the events that set them.
        team = TeamEvent.objects.filter(organisation=organisation, at__lt=before)
        went["team_events"], _ = team.exclude(what__in=(LIMIT_CHANGED, RULE_CHANGED, IMPORTED)).delete()
    return {name: count for name, count in went.items() if count}


@one_transaction
def _told(organisation: Organisation, went: dict[str, int], *, now: datetime) -> None:
    TeamEvent.objects.create(
        organisation=organisation, at=now, who=BY_HOUSEKEEPING, what=DELETED, subject=organisation.slug, details=went
    )
    Erasure.objects.create(what=Erased.RETENTION, organisation=organisation, at=now, who=BY_HOUSEKEEPING, went=went)
