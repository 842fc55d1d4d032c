from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from otai.api.access import Caller, CallerRequest
from otai.api.endpoints import Noun
from otai.api.v1.shapes import MoneyOut, Name, Whole
from otai.billing import queries
from otai.billing.models import CreditWatch
from otai.billing.operations import topups
from otai.db import utc_now
from otai.orgs.permissions import Action
from otai.units import MAX_CREDITS, Money

noun = Noun()


class TopUpOut(Schema):
    """What happens when credits run low. `below` 0 means that nothing is bought, `notice_below` 0 that nobody is
    told."""

    notice_below: int
    below: int
    package: str
    monthly_limit: MoneyOut | None
    gateway: str
    stopped_at: datetime | None
    stopped_why: str


class TopUpIn(Schema):
    below: Whole = Field(ge=1, le=MAX_CREDITS, description="Below so many available credits the package is bought.")
    package: Name
    monthly_limit_cents: Whole = Field(ge=1, le=10**12, description="Net, in a calendar month.")
    gateway: Name
    payment_method: Name = Field(description="The provider's name for the method; it is kept there, not here.")


class NoticeIn(Schema):
    below: Whole = Field(ge=0, le=MAX_CREDITS, description="0 turns it off.")


TOP_UP = {
    "notice_below": 10,
    "below": 20,
    "package": "50",
    "monthly_limit": {"cents": 90000, "currency": "EUR"},
    "gateway": "stripe",
    "stopped_at": None,
    "stopped_why": "",
}


@noun.get("/top-up", Action.BUY, TopUpOut, example=TOP_UP)
def get_top_up(request: CallerRequest) -> Any:
    """What happens when credits run low"""
    return _top_up(request.auth)


@noun.put(
    "/top-up",
    Action.BUY,
    TopUpOut,
    example=TOP_UP,
    body_example={
        "below": 20,
        "package": "50",
        "monthly_limit_cents": 90000,
        "gateway": "stripe",
        "payment_method": "pm_card_visa",
    },
    errors=[404, 409, 503],
)
def set_top_up(request: CallerRequest, asked: TopUpIn) -> Any:
    """Buy automatically when credits run low

    Each purchase is announced by mail before it is charged, one at a time, within the monthly limit.
    """
    caller = request.auth
    topups.set_top_up(
        organisation=caller.organisation,
        below=asked.below,
        package=asked.package,
        monthly_limit=Money(asked.monthly_limit_cents, queries.currency()),
        gateway=asked.gateway,
        payment_method=asked.payment_method,
        who=caller.who,
        now=utc_now(),
    )
    return _top_up(caller)


@noun.delete("/top-up", Action.BUY, lessens=True)
def turn_off_top_up(request: CallerRequest) -> HttpResponse:
    """Buy nothing automatically any more

    One that was announced and not charged yet is dropped.
    """
    topups.turn_off_top_up(organisation=request.auth.organisation, who=request.auth.who, now=utc_now())
    return HttpResponse(status=204)


@noun.put("/low-balance-notice", Action.BUY, TopUpOut, example=TOP_UP, body_example={"below": 10})
def set_low_balance_notice(request: CallerRequest, asked: NoticeIn) -> Any:
    """Be told when credits run low

    A mail to the billing address, and a webhook `credits.low`, once for each time that they fall below.
    """
    caller = request.auth
    topups.set_low_balance_notice(organisation=caller.organisation, below=asked.below, who=caller.who, now=utc_now())
    return _top_up(caller)


def _top_up(caller: Caller) -> dict[str, Any]:
    watch = CreditWatch.objects.filter(organisation=caller.organisation).first() or CreditWatch()
    limit = {"cents": watch.monthly_limit_cents, "currency": queries.currency()}
    return {
        "notice_below": watch.notice_below,
        "below": watch.top_up_below,
        "package": watch.top_up_package,
        "monthly_limit": limit if watch.top_up_below else None,
        "gateway": watch.gateway,
        "stopped_at": watch.stopped_at,
        "stopped_why": watch.why_stopped,
    }
