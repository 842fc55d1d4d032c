"""The desk's page of what waits for a second operator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from otai.billing.desk import Desk, DeskAction, cents_shown, counted_credits
from otai.billing.models import OperatorRequest, OperatorRequestKind, OperatorRequestState
from otai.billing.operations import second_operator


def _approve(row: OperatorRequest, *, who: str, now: datetime, why: str) -> str:
    second_operator.approve(request=row.id, who=who, why=why, now=now)
    return gettext("Approved, and done.")


def _decline(row: OperatorRequest, *, who: str, now: datetime, why: str) -> str:
    second_operator.decline(request=row.id, who=who, why=why, now=now)
    return gettext("Declined.")


def _waits(row: OperatorRequest) -> bool:
    return row.state == OperatorRequestState.WAITING


def _coupon_shown(facts: dict[str, Any]) -> str:
    off = f"{facts['percent']} %" if facts["percent"] else cents_shown(facts["cents"], facts["currency"])
    asked = {"coupon": facts["code"], "off": off, "most": facts["most_uses"]}
    if facts["most_uses"] is None:
        return gettext("%(coupon)s: %(off)s, any number of times") % asked
    return gettext("%(coupon)s: %(off)s, most uses: %(most)s") % asked


THINGS = {
    "credit": _("a credit"),
    "run": _("a run of %(of)s in credits"),
    "run_in_money": _("a run of %(of)s in money"),
    "month": _("a month of %(of)s"),
    "year": _("a year of %(of)s"),
    "monthly_credit": _("a monthly credit of %(of)s"),
    "initial": _("initial credits of %(of)s"),
    "monthly": _("monthly credits of %(of)s"),
}
MOST_NAMED = 6


def _price_book_shown(facts: dict[str, Any]) -> str:
    cheap = [THINGS[kind] % {"of": of.title()} for kind, of in facts["nearly_free"]]
    named = ", ".join(cheap[:MOST_NAMED]) + (", ..." if len(cheap) > MOST_NAMED else "")
    asked = {"version": facts["version"], "day": facts["effective_on"], "things": named}
    return gettext("%(version)s from %(day)s on; below half: %(things)s") % asked


@admin.register(OperatorRequest)
class OperatorRequestDesk(Desk):
    """Goodwill, packages, payments, coupons and price books above what one operator may do or make alone."""

    list_display = ("asked_at", "organisation", "kind", "amount", "why", "asked_by", "state", "decided_by")
    list_filter = ("state", "kind")
    search_fields = ("organisation__slug", "asked_by", "key")
    list_select_related = ("organisation",)
    ordering = ("-asked_at",)
    said_columns = ("why",)
    event_subject = "operator request"
    desk_actions = (
        DeskAction(
            "approve",
            _("Approve and do it"),
            _approve,
            applies=_waits,
            explanation=_("Another operator asked for it. Whoever asked cannot approve."),
        ),
        DeskAction("decline", _("Decline"), _decline, applies=_waits),
    )

    @admin.display(description=_("how much"))
    def amount(self, row: OperatorRequest) -> str:
        """Credits, money with its currency, or both."""
        if row.kind == OperatorRequestKind.GOODWILL:
            return counted_credits(row.facts["credits"])
        if row.kind == OperatorRequestKind.COUPON:
            return _coupon_shown(row.facts)
        if row.kind == OperatorRequestKind.PRICE_BOOK:
            return _price_book_shown(row.facts)
        price = cents_shown(row.facts["cents"], row.facts["currency"])
        if row.kind == OperatorRequestKind.PACKAGE:
            asked = {"package": row.facts["code"], "credits": counted_credits(row.facts["credits"]), "price": price}
            return gettext("%(package)s: %(credits)s for %(price)s") % asked
        return gettext("%(amount)s for %(reference)s") % {"amount": price, "reference": row.facts["reference"]}
