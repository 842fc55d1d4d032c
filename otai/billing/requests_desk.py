"""The desk's page of what waits for a second operator."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin

from otai.billing.desk import Desk, DeskAction, cents_shown
from otai.billing.models import OperatorRequest, OperatorRequestKind, OperatorRequestState
from otai.billing.operations import second_operator


def _approve(row: OperatorRequest, *, who: str, now: datetime, why: str) -> str:
    second_operator.approve(request=row.id, who=who, why=why, now=now)
    return "Approved, and done."


def _decline(row: OperatorRequest, *, who: str, now: datetime, why: str) -> str:
    second_operator.decline(request=row.id, who=who, why=why, now=now)
    return "Declined."


def _waits(row: OperatorRequest) -> bool:
    return row.state == OperatorRequestState.WAITING


@admin.register(OperatorRequest)
class OperatorRequestDesk(Desk):
    """Goodwill and payments above what one operator may do alone."""

    list_display = ("asked_at", "organisation", "kind", "amount", "why", "asked_by", "state", "decided_by")
    list_filter = ("state", "kind")
    search_fields = ("organisation__slug", "asked_by", "key")
    list_select_related = ("organisation",)
    ordering = ("-asked_at",)
    event_subject = "operator request"
    desk_actions = (
        DeskAction(
            "approve",
            "Approve and do it",
            _approve,
            applies=_waits,
            explanation="Another operator asked for it. Whoever asked cannot approve.",
        ),
        DeskAction("decline", "Decline", _decline, applies=_waits),
    )

    @admin.display(description="how much")
    def amount(self, row: OperatorRequest) -> str:
        """Credits, or money with its currency."""
        if row.kind == OperatorRequestKind.GOODWILL:
            return f"{row.facts['credits']} credits"
        return f"{cents_shown(row.facts['cents'], row.facts['currency'])} for {row.facts['reference']}"
