from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Schema
from pydantic import Field

from otai.api.access import CallerRequest
from otai.api.endpoints import Noun
from otai.api.shown import Who
from otai.api.v1.shapes import Name, Whole
from otai.billing.months import Month
from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Action
from otai.runs import approval, spending

noun = Noun("Spending")


class SpenderOut(Schema):
    """What one member or API key ordered trainings for in the month: credits that are held or spent."""

    who: Who
    runs: int
    credits: int
    limit: int | None


class LimitOut(Schema):
    """`member` is empty where it is for everybody who has none of their own."""

    member: Who
    monthly_credits: int


class ApprovalRuleOut(Schema):
    """An order of more credits than `above_credits` waits for approval, for so many days."""

    above_credits: int
    days: int


class SpendingChangeOut(Schema):
    """Who changed a limit (`spend_limit_changed`, of `member`, of everybody where that is empty: credits) or what waits
    for approval (`approval_rule_changed`), from what to what; null: there was none."""

    at: datetime
    who: Who
    what: str
    member: Who
    before: int | ApprovalRuleOut | None
    after: int | ApprovalRuleOut | None


class SpendingOut(Schema):
    month: str
    items: list[SpenderOut]
    limits: list[LimitOut]
    approval: ApprovalRuleOut | None
    changes: list[SpendingChangeOut] = Field(description="The newest 50.")


class ApprovalRuleIn(Schema):
    above_credits: Whole | None = Field(description="Orders of more credits wait for approval; null: none does.")
    days: Whole = Field(7, description="For how many days an order may wait, 1 to 30; then it lapses.")


class LimitIn(Schema):
    member: Name | None = Field(None, description="A member's mail address; everybody, if left out.")
    monthly_credits: Whole | None = Field(description="Credits in a calendar month; null takes the limit away.")


SPENDING = {
    "month": "2026-11",
    "items": [{"who": "bob@acme.example", "runs": 4, "credits": 12, "limit": 20}],
    "limits": [{"member": "bob@acme.example", "monthly_credits": 20}],
    "approval": {"above_credits": 10, "days": 7},
    "changes": [
        {
            "at": "2026-11-02T09:30:00Z",
            "who": "alice@acme.example",
            "what": "spend_limit_changed",
            "member": "bob@acme.example",
            "before": None,
            "after": 20,
        }
    ],
}


@noun.get("/spending", Action.VIEW, SpendingOut, example=SPENDING)
def get_spending(
    request: CallerRequest,
    month: Annotated[Name | None, Query(description="As people write it: 2026-11. This month, if left out.")] = None,
) -> Any:
    """Who ordered what for how much

    In a calendar month where the organisation is, with what each may order for. What failed or was cancelled gave its
    credits back and is not counted.
    """
    organisation = request.auth.organisation
    return _spending(organisation, Month.parse(month) if month else _this_month(organisation))


@noun.put(
    "/spending/limits",
    Action.BUY,
    SpendingOut,
    example=SPENDING,
    body_example={"member": None, "monthly_credits": 20},
)
def set_spend_limit(request: CallerRequest, asked: LimitIn) -> Any:
    """Limit what a member may order for in a month

    An order beyond it is refused (`spend_limit_reached`) and holds nothing.
    """
    caller = request.auth
    spending.set_limit(
        organisation=caller.organisation,
        member=asked.member or "",
        monthly_credits=asked.monthly_credits,
        who=caller.who,
        now=utc_now(),
    )
    return _spending(caller.organisation, _this_month(caller.organisation))


@noun.put(
    "/spending/approval",
    Action.MANAGE_ORGANISATION,
    SpendingOut,
    example=SPENDING,
    body_example={"above_credits": 10, "days": 7},
)
def set_approval_rule(request: CallerRequest, asked: ApprovalRuleIn) -> Any:
    """Let large orders wait for approval

    For owners. An order of more credits than this waits for an owner or a member for billing, with its credits held.
    What waits already waits on.
    """
    caller = request.auth
    approval.set_rule(
        organisation=caller.organisation,
        above_credits=asked.above_credits,
        days=asked.days,
        who=caller.who,
        now=utc_now(),
    )
    return _spending(caller.organisation, _this_month(caller.organisation))


def _this_month(organisation: Organisation) -> Month:
    return Month.at(utc_now(), organisation.zone)


def _spending(organisation: Organisation, month: Month) -> dict[str, Any]:
    return {
        "month": str(month),
        "items": spending.ordered(organisation, month=month),
        "limits": list(spending.limits(organisation)),
        "approval": approval.rule(organisation),
        "changes": [
            {
                "at": event.at,
                "who": event.who,
                "what": event.what,
                "member": event.subject,
                "before": event.details["before"],
                "after": event.details["after"],
            }
            for event in spending.changes(organisation)[:50]
        ],
    }
