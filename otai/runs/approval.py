"""Orders above what an organisation lets pass unasked: from where on, who may decide, and who is told.

The rule is an owner's; without one no order waits. Whoever ordered never approves, in person or with a key of theirs,
unless they are the only owner: then nobody else could.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from otai.billing.operations.events import notify_people
from otai.db import one_transaction
from otai.errors import Invalid, NotAllowed
from otai.orgs.models import ApiKey, Member, Organisation, User
from otai.orgs.operations.members import record
from otai.orgs.permissions import ROLE_ACTIONS, Action, Role
from otai.orgs.persons import addresses_of
from otai.orgs.queries import person_behind
from otai.runs.models import ApprovalRule, Run
from otai.units import MAX_CREDITS

DAYS = range(1, 31)
"""How long an order may wait, with its credits held."""

usual_days = 7


class InvalidApprovalRule(Invalid):
    code = "invalid_approval_rule"


class OwnOrder(NotAllowed):
    """Somebody else has to look at it: that is what the approval is for."""

    code = "own_order"


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides, as written beside it: a member, an API key, or with neither an operator at the command line."""

    who: str
    member: UUID | None = None
    key: UUID | None = None


def rule(organisation: Organisation) -> ApprovalRule | None:
    """From where on orders wait; None where none does."""
    return ApprovalRule.objects.filter(organisation=organisation).first()


def needed_until(organisation: Organisation, *, credits: int, now: datetime) -> datetime | None:
    """Until when an order of so many credits would wait for approval; None where it need not."""
    found = rule(organisation)
    return now + timedelta(days=found.days) if found is not None and credits > found.above_credits else None


@one_transaction
def set_rule(
    *, organisation: Organisation, above_credits: int | None, who: str, now: datetime, days: int = usual_days
) -> None:
    """From now on orders of more than `above_credits` wait for approval, at most so many days; None: none does. What
    waits already waits on. Raises InvalidApprovalRule."""
    if above_credits is not None and not 0 <= above_credits <= MAX_CREDITS:
        raise InvalidApprovalRule("credits", most=MAX_CREDITS, field="above_credits")
    if days not in DAYS:
        raise InvalidApprovalRule("days", least=DAYS[0], most=DAYS[-1], field="days")
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    before = _as_event(rule(organisation))
    if above_credits is None:
        ApprovalRule.objects.filter(organisation=organisation).delete()
    else:
        ApprovalRule.objects.update_or_create(
            organisation=organisation,
            defaults={"above_credits": above_credits, "days": days, "set_by": who, "set_at": now},
        )
    after = _as_event(rule(organisation))
    if before != after:
        record(organisation, who=who, what=RULE_CHANGED, subject="", now=now, before=before, after=after)


RULE_CHANGED = "approval_rule_changed"


def _as_event(found: ApprovalRule | None) -> dict[str, int] | None:
    return None if found is None else {"above_credits": found.above_credits, "days": found.days}


def require_may_decide(run: Run, by: Approver, *, approving: bool) -> None:
    """Under the organisation's lock, as whoever changes members and keys: who is removed in the same moment decides no
    more. Raises NotAllowed, and OwnOrder for an approval by whoever ordered."""
    person = by.who
    if by.member is not None:
        member = Member.objects.select_related("user").filter(id=by.member, organisation=run.organisation_id).first()
        if member is None or not member.may(Action.APPROVE):
            raise NotAllowed("approver")
        person = member.user.email
    elif by.key is not None:
        key = ApiKey.objects.filter(id=by.key, organisation=run.organisation_id, revoked_at__isnull=True).first()
        if key is None or not key.may(Action.APPROVE):
            raise NotAllowed("approver")
        person = key.created_by
    owners = Member.objects.filter(organisation=run.organisation_id, role=Role.OWNER)
    own = addresses_of(person)
    others = {email.casefold() for email in owners.values_list("user__email", flat=True)} - {*own}
    if approving and others and orderer(run).casefold() in own:
        raise OwnOrder("approve", number=run.number)


def may_approve(run: Run, by: Approver) -> bool:
    """Whether a page offers it."""
    try:
        require_may_decide(run, by, approving=True)
    except NotAllowed:
        return False
    return True


def orderer(run: Run) -> str:
    """The mail address of whoever ordered, in person or by a program with a key that they made."""
    return person_behind(run.organisation_id, run.ordered_by)


def tell_approvers(run: Run, *, now: datetime) -> None:
    """A mail to each who may decide, but for whoever ordered; in the order's transaction."""
    roles = [role for role, actions in ROLE_ACTIONS.items() if Action.APPROVE in actions]
    members = Member.objects.select_related("user").filter(organisation=run.organisation_id, role__in=roles)
    own = addresses_of(orderer(run))
    asked = [member.user for member in members.order_by("joined_at") if member.user.email.casefold() not in own]
    assert run.approval_until is not None
    _tell(run, asked, "approval_asked", now=now, approval_until=run.approval_until.isoformat())


def tell_orderer(run: Run, *, now: datetime) -> None:
    """A mail to whoever ordered, if they are still a member: what was decided, and by whom; in its transaction."""
    members = Member.objects.select_related("user").filter(organisation=run.organisation_id)
    who = members.filter(user__email__iexact=addresses_of(orderer(run))[0]).first()
    decided = {"outcome": run.approval, "decided_by": run.approval_by, "why": run.approval_why}
    _tell(run, [who.user] if who else [], f"approval_{run.approval}", now=now, **decided)


def _tell(run: Run, people: Iterable[User], template: str, *, now: datetime, **more: Any) -> None:
    notify_people(
        organisation=run.organisation,
        people=people,
        template=template,
        key=f"{template}:{run.id}",
        context={"run": str(run.number), "model": run.model_name, "credits": run.credits, "by": run.ordered_by, **more},
        now=now,
    )
