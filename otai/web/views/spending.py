"""Who ordered what for how much in a month, what each may order for, and from where on an order waits for approval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from otai.billing.months import Month
from otai.db import utc_now
from otai.orgs import queries as orgs
from otai.orgs.permissions import Action
from otai.runs import approval, queries, spending
from otai.runs.spending import Ordered
from otai.web.access import MemberRequest, page
from otai.web.forms import ApprovalRuleForm, SpendLimitForm
from otai.web.lists import first_of
from otai.web.words import change_words

changes_shown = 20


@dataclass(frozen=True, slots=True)
class Spender:
    """A line of the page: what one person or key ordered for. `own_limit` is theirs alone; only members have one."""

    ordered: Ordered
    is_member: bool
    own_limit: int | None

    @property
    def left(self) -> int | None:
        """What they may still order for; None without a limit."""
        limit = self.ordered.limit
        return None if limit is None else max(0, limit - self.ordered.credits)


@require_safe
@page(Action.VIEW)
def page_of_month(request: MemberRequest) -> HttpResponse:
    """By person and order; limits and the approval of orders are changed in place by those who may."""
    organisation = request.organisation
    this = Month.at(utc_now(), organisation.zone)
    month = Month.parse(request.GET["month"]) if request.GET.get("month") else this
    ordered = spending.ordered(organisation, month=month)
    rule = approval.rule(organisation)
    changes, all_changes = first_of(spending.changes(organisation), changes_shown)
    context = {
        "month": month,
        "before": month.plus(-1),
        "after": month.next if month < this else None,
        "spenders": spenders(request, ordered),
        "total": sum(one.credits for one in ordered),
        "orders": spending.orders(organisation, month=month),
        "waiting": queries.awaiting_approval(organisation),
        "for_everybody": spending.limit_of(organisation, ""),
        "rule": rule,
        "usual_days": approval.usual_days,
        "most_days": approval.DAYS[-1],
        "changes": [(event, change_words(event)) for event in changes],
        "all_changes": all_changes,
        "may_limit": request.member.may(Action.BUY),
        "may_rule": request.member.may(Action.MANAGE_ORGANISATION),
    }
    return render(request, "web/credits/spending.html", context)


def spenders(request: MemberRequest, ordered: Sequence[Ordered]) -> list[Spender]:
    """Who ordered, the most first, and then the other members that may order."""
    organisation = request.organisation
    members = {one.user.email.casefold(): one for one in orgs.members(organisation)}
    own = dict(spending.limits(organisation).values_list("member", "monthly_credits"))
    found = {one.who.casefold() for one in ordered}
    idle = [
        Ordered(one.user.email, runs=0, credits=0, limit=spending.limit_of(organisation, email))
        for email, one in members.items()
        if email not in found and (one.may(Action.TRAIN) or email in own)
    ]
    return [Spender(one, one.who.casefold() in members, own.get(one.who.casefold())) for one in (*ordered, *idle)]


@require_POST
@page(Action.BUY)
def set_limit(request: MemberRequest) -> HttpResponse:
    """Sets or takes away what a member, or everybody, may order for in a month."""
    form = SpendLimitForm(request.POST)
    if form.is_valid():
        spending.set_limit(
            organisation=request.organisation,
            member=form.cleaned_data["member"],
            monthly_credits=form.cleaned_data["monthly_credits"],
            who=request.user.email,
            now=utc_now(),
        )
        messages.success(request, _("Saved."))
    else:
        _say_what_is_wrong(request, form)
    return redirect("web:spending", slug=request.organisation.slug)


@require_POST
@page(Action.MANAGE_ORGANISATION)
def set_approval(request: MemberRequest) -> HttpResponse:
    """From how many credits on an order waits for approval, and how long."""
    form = ApprovalRuleForm(request.POST)
    if form.is_valid():
        approval.set_rule(
            organisation=request.organisation,
            above_credits=form.cleaned_data["above_credits"],
            days=form.cleaned_data["days"] or approval.usual_days,
            who=request.user.email,
            now=utc_now(),
        )
        messages.success(request, _("Saved."))
    else:
        _say_what_is_wrong(request, form)
    return redirect("web:spending", slug=request.organisation.slug)


def _say_what_is_wrong(request: MemberRequest, form: Any) -> None:
    for name, wrong in form.errors.items():
        messages.error(request, f"{form.fields[name].label}: {wrong[0]}")


@require_GET
@page(Action.VIEW, downloads=True)
def as_csv(request: MemberRequest) -> HttpResponse:
    """The month's orders for a spreadsheet."""
    organisation = request.organisation
    month = Month.parse(request.GET.get("month") or str(Month.at(utc_now(), organisation.zone)))
    response = HttpResponse(spending.spreadsheet(organisation, month=month), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="spending-{organisation.slug}-{month}.csv"'
    return response
