"""An organisation is deleted: thirty days in which it only reads and can be taken back, and then its data is erased.

What the law asks to be kept stays: the ledger, orders, payments and invoices, in which numbers stand for persons
(decision 0641).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from otai.billing.models import Purchase
from otai.billing.operations import closings
from otai.billing.operations.events import notify_people
from otai.billing.operations.notices import send_notices
from otai.billing.status import AWAITING_PAYMENT
from otai.db import one_transaction
from otai.errors import NotFound, OtaiError, Refused
from otai.ledger import queries as ledger
from otai.orgs.actors import BY_HOUSEKEEPING
from otai.orgs.models import Member, Organisation, TeamEvent, User
from otai.orgs.permissions import Role
from otai.privacy import emptying
from otai.privacy.models import Erasure
from otai.runs import operations as runs
from otai.runs.models import Run
from otai.runs.status import OPEN
from otai.serving.models import TrainedModel
from otai.tickets.models import DataSet

log = logging.getLogger(__name__)

grace = timedelta(days=30)
reminded_before = timedelta(days=3)


class OrganisationErased(Refused):
    """Its data is gone; there is nothing to take back."""

    code = "organisation_erased"


@dataclass(frozen=True, slots=True)
class Closing:
    """What deleting the organisation stops at once and takes in the end: to be shown before anybody says yes."""

    data_sets: int
    models: int
    members: int
    open_runs: int
    open_orders: int
    credits: int
    """Available ones: they stay in the ledger, and nobody can spend them any more."""


def what_closes(organisation: Organisation) -> Closing:
    """Counts, of now."""
    return Closing(
        data_sets=DataSet.objects.filter(organisation=organisation, deleted_at=None).count(),
        models=TrainedModel.objects.filter(organisation=organisation).count(),
        members=Member.objects.filter(organisation=organisation).count(),
        open_runs=Run.objects.filter(organisation=organisation, status__in=sorted(OPEN)).count(),
        open_orders=Purchase.objects.filter(organisation=organisation, status__in=sorted(AWAITING_PAYMENT)).count(),
        credits=ledger.balance(organisation.id).available,
    )


def ask_to_delete(*, organisation: Organisation, who: str, now: datetime) -> Organisation:
    """From now on the organisation only reads; what was ordered is cancelled and its credits come back; in thirty days
    its data is erased. Asking again changes nothing."""
    found = _begin(organisation, who=who, now=now)
    stop_everything(found, who=who, now=now)
    return found


@one_transaction
def _begin(organisation: Organisation, *, who: str, now: datetime) -> Organisation:
    found = Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    if found.closing_at is not None:
        return found
    found.closing_at = now + grace
    found.save(update_fields=["closing_at"])
    _told(found, "closing_asked", who=who, now=now)
    _mail(found, "closing_asked", now=now)
    return found


def stop_everything(organisation: Organisation, *, who: str, now: datetime) -> None:
    """Open trainings, orders, the tier's renewal and automatic top-ups end. Safe at any time, and again: what a
    payment provider did not answer for is tried by the next sweep."""
    for number in Run.objects.filter(organisation=organisation, status__in=sorted(OPEN)).values_list(
        "number", flat=True
    ):
        try:
            runs.cancel_run(organisation=organisation, number=number, who=who, now=now)
        except Refused:
            continue
    closings.stop_billing(organisation=organisation, who=who, now=now)


@one_transaction
def take_back(*, organisation: Organisation, who: str, now: datetime) -> Organisation:
    """The organisation goes on; what was cancelled stays cancelled. Raises OrganisationErased."""
    found = Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    if found.closed_at is not None:
        raise OrganisationErased("erased", on=found.closed_at)
    if found.closing_at is None:
        return found
    since, found.closing_at = found.closing_at - grace, None
    found.save(update_fields=["closing_at"])
    _told(found, "closing_taken_back", who=who, now=now)
    closings.go_on(found, since=since, now=now)
    return found


def sweep_closings(*, now: datetime) -> int:
    """Reminds owners, stops what is still open, and erases what is due; returns how many were erased. For
    housekeeping."""
    erased = 0
    for organisation in Organisation.objects.filter(closing_at__isnull=False, closed_at__isnull=True).order_by("id"):
        assert organisation.closing_at is not None
        try:
            stop_everything(organisation, who=BY_HOUSEKEEPING, now=now)
            if organisation.closing_at <= now:
                erase_organisation(organisation, now=now)
                erased += 1
            elif organisation.closing_at - reminded_before <= now:
                _mail(organisation, "closing_soon", now=now)
        except OtaiError as error:
            log.warning("%s could not be closed, and is tried again: %s", organisation.slug, error.code)
    emptying.forget_mails(now=now)
    return erased


def erase_organisation(organisation: Organisation, *, now: datetime) -> Erasure:
    """Erases what is due. Raises NotFound for one that nobody asked to delete, or whose grace is not over."""
    found = Organisation.objects.get(id=organisation.id)
    if found.closing_at is None or found.closing_at > now or found.closed_at is not None:
        raise NotFound("organisation", slug=found.slug)
    _mail(found, "closing_done", now=now)
    send_notices(now=now)
    emptying.forget_at_providers(found, who=BY_HOUSEKEEPING, now=now)
    with transaction.atomic():
        erasure, traces = emptying.empty(found, who=BY_HOUSEKEEPING, now=now)
    emptying.remove_traces(found, traces, now=now)
    return erasure


def owners(organisation: Organisation) -> Iterable[User]:
    """Who owns it, who joined first first."""
    members = Member.objects.filter(organisation=organisation, role=Role.OWNER, user__is_active=True)
    return [member.user for member in members.select_related("user").order_by("joined_at")]


def _told(organisation: Organisation, what: str, *, who: str, now: datetime) -> None:
    details = {"until": organisation.closing_at.isoformat()} if organisation.closing_at else {}
    TeamEvent.objects.create(
        organisation=organisation, at=now, who=who[:200], what=what, subject=organisation.slug, details=details
    )


def _mail(organisation: Organisation, template: str, *, now: datetime) -> None:
    assert organisation.closing_at is not None
    until = organisation.closing_at.isoformat()
    notify_people(
        organisation=organisation,
        people=owners(organisation),
        template=template,
        key=f"{template}:{until}",
        context={"closing_at": until},
        now=now,
    )
