"""An operator looks at an organisation as one of its members: with a reason, for a while, and changing nothing. Its
owners are told when it begins and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from otai.db import one_transaction
from otai.errors import Invalid, NotAllowed
from otai.orgs.access_events import AccessKind, note
from otai.orgs.models import Impersonation, Member, User
from otai.orgs.permissions import Action
from otai.words.sentences import Fact

lasts = timedelta(minutes=30)
NEVER = frozenset({Action.BUY, Action.MANAGE_KEYS, Action.DOWNLOAD_MODELS, Action.EXPORT_DATA, Action.OWN_ACCOUNT})
"""Not even looked at: pages of payments go on by being opened, and models and keys are the customer's alone."""


class InvalidImpersonation(Invalid):
    code = "invalid_impersonation"


class LooksOnly(NotAllowed):
    code = "looks_only"


@one_transaction
def begin(*, operator: User, member: Member, why: str, now: datetime, address: str = "") -> Impersonation:
    """From now on, and for `lasts` at most. Raises InvalidImpersonation without a reason."""
    why = " ".join(why.split())
    if not why or len(why) > 150:
        raise InvalidImpersonation("why", most=150, field="why")
    made = Impersonation.objects.create(member=member, operator=operator, why=why, begun_at=now, until=now + lasts)
    note(
        member.organisation,
        AccessKind.IMPERSONATION_BEGUN,
        who=operator.get_username(),
        now=now,
        address=address,
        about=_as_whom(made),
    )
    return made


def going_on(id: UUID | str, *, operator: User, now: datetime) -> Impersonation | None:
    """The operator's own, with member and organisation, while it lasts."""
    rows = Impersonation.objects.select_related("member__organisation", "member__user")
    found = rows.filter(id=id, operator=operator, ended_at__isnull=True, until__gt=now).first()
    return found if found is not None and operator.is_active and operator.is_staff else None


def end(*, id: UUID | str, operator: User, now: datetime) -> None:
    """Ends the operator's own; over already, nothing changes."""
    for one in Impersonation.objects.filter(id=id, operator=operator):
        _end(one, at=now)


def end_overdue(*, now: datetime) -> None:
    """Tells the owners of those whose time is over."""
    for one in Impersonation.objects.filter(ended_at__isnull=True, until__lte=now):
        _end(one, at=one.until)


@one_transaction
def _end(one: Impersonation, *, at: datetime) -> None:
    if not Impersonation.objects.filter(id=one.id, ended_at__isnull=True).update(ended_at=at):
        return
    organisation = one.member.organisation
    note(organisation, AccessKind.IMPERSONATION_ENDED, who=one.operator.get_username(), now=at, about=_as_whom(one))


def _as_whom(one: Impersonation) -> Fact:
    return Fact("access.looks_as", {"member": one.member.user.email, "why": one.why})


def require_looking(action: Action, *, is_look: bool) -> None:
    """Raises LooksOnly for whatever changes something, and for what is never looked at so."""
    if not is_look or action in NEVER:
        raise LooksOnly("looks_only")


def members_to_look_as(organisation: UUID) -> QuerySet[Member]:
    """Whom an operator may choose, who came first first."""
    return Member.objects.select_related("user").filter(organisation=organisation).order_by("joined_at", "id")
